"""Training examples agree with the cells that they are built from."""

from collections import Counter

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.examples import ModelCells, build, sample_examples
from sc_duality.tasks import (
    Annotation,
    GeneChangeResponse,
    Generation,
    JointAnnotation,
    Perturbation,
    Response,
    Sensitivity,
)

TYPES = ["alpha cell", "beta cell", "gamma cell"]
PERTURBATIONS = {"ctrl": ("control",), "stim": ("cytokine", "IFNB1"), "ko": ("knockdown", "STAT1")}
TASKS = {
    "annotation": Annotation(truth="cell_type"),
    "generation": Generation(truth="cell_type"),
    "sensitivity": Sensitivity(truth="response", drug="dexamethasone"),
    "response": Response(perturbation="treatment", perturbations=PERTURBATIONS, match=["donor"]),
    "joint_annotation": JointAnnotation(truth="cell_type", groupby=["donor"]),
}
ALL = np.ones(40, bool)


def sampled(cells, task, n, rows=ALL):
    """Training examples, and the pool that they are sampled from."""
    pool = build(TASKS[task] if isinstance(task, str) else task, cells).labelled(rows)
    return list(sample_examples(cells, pool, n, np.random.default_rng(0), augment=False)), pool


def unlabelled(cells, task, n, **settings):
    return build(TASKS[task], cells).unlabelled(n, np.random.default_rng(0), **settings)


def row_of(genes):
    return int(genes[0].removeprefix("G"))


@pytest.mark.parametrize(("task", "column"), [("annotation", "cell_type"), ("sensitivity", "response")])
def test_labels(toy_cells, task, column):
    found, pool = sampled(toy_cells, task, 200)
    assert (0 in pool.rows) == (column == "response")  # its type is missing
    alone = 0
    for one in found:
        example = one.example
        genes = {*example.genes, *example.hidden_genes}
        row = next(i for i in range(40) if genes == set(toy_cells.genes([i])[0]))
        assert example.truth == toy_cells.adata.obs[column].iloc[row]
        assert example.context == {"donor": f"d{row % 3}"}
        assert example.truth not in one.wrong
        assert set(one.wrong) <= set(example.options)
        assert example.hidden_genes
        assert len(one.contrast_texts()) == 1 + len(one.wrong) == min(3, len(example.options))
        assert one.contrast_texts()[0] == one.texts()[1]
        assert example.observed in ((), example.genes)
        shown = set(example.genes) & set(example.hidden_genes)
        assert shown == (set(example.hidden_genes) if not example.observed else set())
        alone += not example.observed
    assert 0.35 < alone / len(found) < 0.65


def test_rare_types_are_sampled_more_often(toy_cells):
    found, _ = sampled(toy_cells, "annotation", 600)
    n = Counter(one.example.truth for one in found)
    cells = toy_cells.adata.obs["cell_type"].value_counts()
    assert cells["gamma cell"] / cells["beta cell"] > 5
    assert 1.8 < n["gamma cell"] / n["beta cell"] < 3.2  # the square root of 6
    assert set(n) == set(TYPES)


def test_generation(toy_cells):
    found, _ = sampled(toy_cells, "generation", 50)
    for one in found:
        assert one.example.cell_type == toy_cells.adata.obs["cell_type"].iloc[row_of(one.example.truth)]
        assert one.example.n_genes == len(one.example.truth) == 6
        assert not one.contrast_texts()


def test_response_pairs_cells_of_one_donor_and_half_are_controls(toy_cells):
    found, pool = sampled(toy_cells, "response", 400)
    obs = toy_cells.adata.obs
    assert set(obs["treatment"].iloc[pool.rows]) == {"ctrl"}
    assert "d2" not in set(obs["donor"].iloc[pool.rows])  # it has no treated cell
    n_controls = 0
    for one in found:
        before, after = (obs.iloc[row_of(genes)] for genes in (one.example.genes, one.example.truth))
        assert before["treatment"] == "ctrl"
        assert before["donor"] == after["donor"]
        assert one.example.perturbation == Perturbation(*PERTURBATIONS[after["treatment"]])
        n_controls += one.example.perturbation.is_control
    assert 0.4 < n_controls / len(found) < 0.6
    assert found[0].example.options == (
        Perturbation("control"),
        Perturbation("cytokine", "IFNB1"),
        Perturbation("knockdown", "STAT1"),
    )


def check_batch(cells, one):
    """Cells of one donor, each of another type, each type once among the options."""
    rows = [row_of([*found]) for found in one.example.cells]
    obs = cells.adata.obs.iloc[rows]
    types = list(obs["cell_type"])
    assert obs["donor"].nunique() == 1
    assert len(set(types)) == len(types) > 1
    assert sorted(one.example.options) == sorted(types)
    assert one.example.context == {"donor": obs["donor"].iloc[0]}
    return types


def test_joint_annotation_batches_hold_each_type_of_a_donor_once(toy_cells):
    found, pool = sampled(toy_cells, "joint_annotation", 60)
    assert 0 not in pool.rows
    orders = set()
    for one in found:
        types = check_batch(toy_cells, one)
        assert one.example.truth == tuple(types)
        for cell, observed, hidden in zip(
            one.example.cells, one.example.observed, one.example.hidden_genes, strict=True
        ):
            assert sorted((*observed, *hidden)) == sorted(cell)
            assert len(hidden) == 3
        orders.add((one.example.truth, one.example.options))
        assert [prompt for prompt, _ in one.texts()] == [question.prompt for question in one.questions()]
        assert not one.contrast_texts()
    assert len(orders) > 10


@pytest.mark.parametrize("with_truth", [False, True])
def test_joint_annotation_without_labels_keeps_its_batches(toy_cells, with_truth):
    for one in unlabelled(toy_cells, "joint_annotation", 20, with_truth=with_truth):
        types = check_batch(toy_cells, one)
        assert one.example.truth == (tuple(types) if with_truth else None)
        assert one.example.observed == ((),) * len(types)
        assert one.example.hidden_genes == one.example.cells


def test_batches_have_at_most_n_cells(toy_cells):
    found, _ = sampled(toy_cells, JointAnnotation(truth="cell_type", n_cells=2), 30)
    assert {len(one.example.cells) for one in found} == {2}


@pytest.mark.parametrize(("fraction", "n_hidden", "n_texts"), [(0, 0, 1), (0.5, 3, 2), (1, 6, 2)])
def test_the_dual_of_joint_annotation_hides_a_fraction_of_each_cell(toy_cells, fraction, n_hidden, n_texts):
    task = JointAnnotation(truth="cell_type", groupby=["donor"], hidden_fraction=fraction)
    found, _ = sampled(toy_cells, task, 10)
    for one in found:
        assert {len(hidden) for hidden in one.example.hidden_genes} == {n_hidden}
        assert len(one.texts()) == n_texts


def test_a_group_of_one_type_makes_no_batch(toy_cells):
    one_type = (toy_cells.adata.obs["cell_type"] == "gamma cell").to_numpy()
    with pytest.raises(ValueError, match=r"no group of groupby=\['donor'\] has cells of two types"):
        sampled(toy_cells, "joint_annotation", 1, one_type)


def test_only_chosen_rows_are_used(toy_cells):
    rows = np.arange(40) % 2 == 0
    for task in ("annotation", "generation", "sensitivity", "joint_annotation"):
        _, pool = sampled(toy_cells, task, 1, rows)
        assert not np.any(pool.rows % 2)
    found, _ = sampled(toy_cells, "response", 60, rows)
    assert not any(row_of(one.example.truth) % 2 for one in found)
    found, _ = sampled(toy_cells, "joint_annotation", 30, rows)
    assert not any(row_of(cell) % 2 for one in found for cell in one.example.cells)


@pytest.mark.parametrize("task", ["annotation", "sensitivity", "generation", "response"])
def test_examples_without_labels_have_no_truth(toy_cells, task):
    found = unlabelled(toy_cells, task, 12)
    assert all(one.example.truth is None for one in found)
    assert not any(one.texts() for one in found)


def test_the_truth_is_read_with_truth(toy_cells):
    obs = toy_cells.adata.obs
    for one in unlabelled(toy_cells, "annotation", 40, with_truth=True):
        row = row_of(one.example.genes)
        assert one.example.truth == (obs["cell_type"].iloc[row] if row else None)
    for one in unlabelled(toy_cells, "generation", 12, with_truth=True):
        assert obs["cell_type"].iloc[row_of(one.example.truth)] == one.example.cell_type
    response = Response(perturbation="treatment", perturbations=PERTURBATIONS)
    for one in build(response, toy_cells).unlabelled(12, np.random.default_rng(0), with_truth=True):
        assert (
            Perturbation(*PERTURBATIONS[obs["treatment"].iloc[row_of(one.example.truth)]]) == one.example.perturbation
        )


def test_a_control_cell_without_a_treated_one_has_no_truth(toy_cells):
    with pytest.raises(ValueError, match="no cell that agrees with 'cell[0-9]+' in match= has 'cytokine IFNB1'"):
        unlabelled(toy_cells, "response", 12, with_truth=True)


def test_every_cell_is_used_once_and_then_again(toy_cells):
    found = unlabelled(toy_cells, "annotation", 80)
    rows = [row_of(one.example.genes) for one in found]
    assert sorted(rows[:40]) == sorted(rows[40:]) == list(range(40))
    assert rows[:40] != rows[40:]


def test_every_type_is_generated_equally_often(toy_cells):
    found = unlabelled(toy_cells, "generation", 30)
    assert Counter(one.example.cell_type for one in found) == dict.fromkeys(TYPES, 10)


@pytest.mark.parametrize("task", list(TASKS))
def test_the_same_seed_gives_the_same_examples(toy_cells, task):
    first, again = (sampled(toy_cells, task, 10)[0] for _ in range(2))
    assert [one.identity() for one in first] == [one.identity() for one in again]
    first, again = (unlabelled(toy_cells, task, 10) for _ in range(2))
    assert [one.identity() for one in first] == [one.identity() for one in again]


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [
        (Annotation(), ValueError, "the task 'annotation' needs the obs column with the true labels"),
        (Generation(), ValueError, "the task 'generation' needs the obs column with the cell types"),
        (JointAnnotation(), ValueError, "the task 'joint_annotation' needs the obs column with the true labels"),
        (Annotation(truth="kind"), KeyError, "truth='kind' is not an obs column"),
        (Sensitivity(drug="x"), ValueError, "the task 'sensitivity' needs the obs column with the true labels"),
        (Response(), ValueError, "the task 'response' needs the obs column with perturbations"),
        (
            Response(perturbation="treatment", perturbations={"stim": ("cytokine", "IFNB1")}),
            ValueError,
            r"none of perturbations= is \('control',\)",
        ),
        (
            Response(perturbation="treatment", perturbations={"ctrl": ("control",)}),
            ValueError,
            "no control and treated cells that agree",
        ),
        (
            Response(perturbation="treatment", control="ctrl", match=["batch"]),
            KeyError,
            "match='batch' is not an obs column",
        ),
        (JointAnnotation(truth="cell_type", groupby=["batch"]), KeyError, "groupby='batch' is not an obs column"),
        (
            Response(perturbation="treatment", control="Ctrl"),
            ValueError,
            r"control='Ctrl' is not a value of obs\['treatment'\]: pass one of 'ctrl', 'ko', 'stim'",
        ),
        (Sensitivity(drug="x", truth="response", labels=[]), ValueError, "at least two labels are needed"),
        (
            Annotation(truth="cell_type", labels=["B cell", "T cell"]),
            ValueError,
            r"none of the labels in obs\['cell_type'\] \(alpha cell, .*\) is one of .* \(B cell, T cell\)",
        ),
    ],
)
def test_invalid_columns_raise(toy_cells, task, error, message):
    with pytest.raises(error, match=message):
        sampled(toy_cells, task, 1)


def test_perturbations_are_the_values_of_the_column_by_default(toy_cells):
    task = Response(perturbation="treatment", control="ctrl")
    assert build(task, toy_cells).options == (
        Perturbation("control"),
        Perturbation("treatment", "ko"),
        Perturbation("treatment", "stim"),
    )


@pytest.mark.parametrize("pairs", ["groups", "cells"])
def test_gene_changes_for_a_reward_have_the_truth_only_where_it_is_wanted(toy_cells, pairs):
    task = GeneChangeResponse(
        perturbation="treatment", perturbations=PERTURBATIONS, n_changed=4, pairs=pairs, prompt_format="plain"
    )
    builder = build(task, toy_cells)
    for one in builder.unlabelled(6, np.random.default_rng(0)):
        assert one.example.truth is None
        assert one.question().answer_type.n_genes == one.example.n_changed == 4
    expression = toy_cells.expression().toarray()
    values = toy_cells.adata.obs["treatment"].to_numpy()
    for one in builder.unlabelled(6, np.random.default_rng(0), with_truth=True):
        up, down = one.example.truth
        assert 1 <= len(up) <= 4
        assert not {*up} & {*down}
        if pairs == "cells":  # the largest changes are those from this cell to one of the treated cells
            name = {value: key for key, value in PERTURBATIONS.items()}[
                (one.example.perturbation.operation, one.example.perturbation.target)
            ]
            control = expression[toy_cells.names.tolist().index(one.unit)]
            changes = [row - control for row in expression[values == name]]
            tops = {toy_cells.gene_names[change.argmax()] for change in changes}
            assert up[0] in tops


def test_gene_changes_of_a_group_without_treated_cells_have_no_truth(toy_cells):
    task = GeneChangeResponse(perturbation="treatment", perturbations=PERTURBATIONS, match=["donor"])
    with pytest.raises(ValueError, match="no cell that agrees with 'cell.*' in match= has"):
        build(task, toy_cells).unlabelled(20, np.random.default_rng(0), with_truth=True)


@pytest.mark.parametrize("task", [Annotation, Generation])
def test_labels_may_be_spelled_otherwise(toy_cells, caplog, task):
    _, pool = sampled(toy_cells, task(truth="cell_type", labels=["Alpha_cells", "BETA CELL"]), 1)
    assert pool.rows.tolist() == [row for row in range(1, 40) if row % 8 < 2]
    assert "30 of 39 labelled cells have none of the labels to choose from" in caplog.text
    assert "obs['cell_type'] is gamma cell" in caplog.text


def test_the_cells_of_a_label_set_are_trained_on():
    cells = ModelCells(sd.datasets.pbmc3k()[::20].copy(), sd.models.resolve("embedded"))
    examples = build(Annotation(truth="cell_type", labels="blood"), cells)
    assert None not in set(examples.reference_truth())
    assert set(examples.reference_truth()) <= set(cells.spec.known("annotation", "label_sets")["blood"])


def test_labels_may_be_an_array(toy_cells):
    labels = np.array(["Sensitive", "resistant"])
    found, pool = sampled(toy_cells, Sensitivity(truth="response", drug="x", labels=labels), 20)
    assert len(pool.rows) == 40
    assert {one.example.truth for one in found} == set(labels)


@pytest.mark.parametrize("context", [["cell_type", "donor"], {"cell_type": "beta cell", "donor": "d1"}])
def test_the_truth_of_a_task_is_not_a_fact(toy_adata, toy_spec, context):
    cells = ModelCells(toy_adata, toy_spec, context=context)
    for task in ("annotation", "generation", "joint_annotation"):
        assert all(set(one.example.context) == {"donor"} for one in sampled(cells, task, 5)[0])
    found, _ = sampled(cells, "sensitivity", 20)
    assert {"cell_type", "donor"} in [set(one.example.context) for one in found]


@pytest.mark.parametrize(
    "task",
    [
        Response(perturbation="treatment", perturbations=PERTURBATIONS, match="donor"),
        JointAnnotation(truth="cell_type", groupby="donor"),
    ],
    ids=lambda task: task.name,
)
def test_cells_without_a_donor_are_of_no_donor(toy_adata, toy_spec, task):
    assert (
        sampled(ModelCells(toy_adata, toy_spec), task, 1)[1].rows.tolist()
        == sampled(ModelCells(toy_adata, toy_spec), TASKS[task.name], 1)[1].rows.tolist()
    )
    adata = toy_adata.copy()
    adata.obs.loc[adata.obs_names[::4], "donor"] = None
    _, pool = sampled(ModelCells(adata, toy_spec), task, 1)
    assert len(pool.rows) > 0
    assert adata.obs["donor"].iloc[pool.rows].notna().all()


def test_controls_without_a_donor_have_no_true_response(toy_adata, toy_spec):
    adata = toy_adata.copy()
    adata.obs.loc[adata.obs["donor"] == "d2", "donor"] = None  # those without treated cells
    task = Response(perturbation="treatment", perturbations=PERTURBATIONS, match=["donor"])
    found = build(task, ModelCells(adata, toy_spec)).unlabelled(30, np.random.default_rng(0), with_truth=True)
    donors = adata.obs["donor"]
    assert all(donors[one.unit] == donors.iloc[row_of(one.example.truth)] for one in found)


def test_a_control_may_be_a_number(toy_adata, toy_spec):
    adata = toy_adata.copy()
    adata.obs["dose"] = np.arange(40) % 2
    found = build(Response(perturbation="dose", control=0), ModelCells(adata, toy_spec))
    assert found.options == (Perturbation("control"), Perturbation("treatment", "1"))
