"""Groups of cells as units, and training examples about them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sc_duality as sd
from sc_duality.duality import Duality
from sc_duality.examples import CellGroups, ModelCells, build, sample_examples
from sc_duality.examples._hidden_cells import hide_in_cells
from sc_duality.models import ModelSpec
from sc_duality.tasks import SampleCellTypes, SampleLabel, Tissue


@pytest.fixture(scope="module")
def cells():
    """Cells of six samples of two organs, one of them without a sample."""
    adata = sd.datasets.pbmc3k()
    adata.obs["sample"] = [f"s{i % 6}" for i in range(adata.n_obs)]
    adata.obs["organ"] = ["blood" if i % 6 < 3 else "spleen" for i in range(adata.n_obs)]
    adata.obs["batch"] = [f"b{i % 2}" for i in range(adata.n_obs)]
    adata.obs.loc[adata.obs_names[0], "sample"] = None
    return ModelCells(adata, ModelSpec("general", "general", n_genes=30), context=["organ", "batch"])


@given(n_cells=st.integers(1, 20), context=st.integers(700, 40000), tokens=st.integers(0, 300))
def test_cells_fit_into_the_context(n_cells, context, tokens):
    spec = ModelSpec("general", "general", n_genes=2000)
    spec.__dict__["context_length"] = context
    if context < 656 + tokens + 32 * n_cells:
        with pytest.raises(ValueError, match="pass a smaller n_cells="):
            spec.genes_per_cell(n_cells, tokens)
        return
    n_genes = spec.genes_per_cell(n_cells, tokens)
    assert 1 <= n_genes <= 2000
    assert tokens + spec.max_new_tokens(n_cells * n_genes) + n_cells * 24 <= context


def test_groups_of_several_columns(cells):
    groups = CellGroups(cells, ["organ", "batch"])
    assert list(groups.rows) == ["blood | b0", "blood | b1", "spleen | b0", "spleen | b1"]
    assert sorted(np.concatenate(list(groups.rows.values()))) == list(range(len(cells)))
    assert CellGroups(cells, "sample").unit_of_cell[:3].tolist() == [-1, 1, 2]


def test_sampled_cells_depend_on_the_seed_and_the_group_alone(cells):
    groups = CellGroups(cells, "sample", n_cells=7)
    found = groups.sample("s2", 0)
    assert len(set(found)) == 7
    assert set(found) <= set(groups.rows["s2"])
    part = cells.adata[cells.adata.obs["sample"].isin(["s2", "s3"])].copy()
    same = CellGroups(ModelCells(part, cells.spec), "sample", n_cells=7)
    assert [part.obs_names[row] for row in same.sample("s2", 0)] == [cells.names[row] for row in found]
    assert groups.sample("s2", 1) != found
    assert groups.sentences(found) == tuple(map(tuple, cells.genes(found, n_genes=groups.n_genes(7))))


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    fraction=st.floats(0.05, 1),
    part=st.sampled_from(["genes", "cells"]),
    alone=st.booleans(),
    seed=st.integers(0, 9),
)
def test_observed_and_hidden_genes_make_up_the_cells(lengths, fraction, part, alone, seed):
    sentences = tuple(tuple(f"G{i}_{j}" for j in range(n)) for i, n in enumerate(lengths))
    found = hide_in_cells(sentences, fraction, part, alone=alone, rng=np.random.default_rng(seed))
    everything = {gene for cell in sentences for gene in cell}
    hidden = {gene for cell in found.hidden_genes for gene in cell}
    assert len(found.observed) == len(found.hidden_genes)
    if alone:
        assert found.cells == sentences
        assert not any(found.observed)
    else:
        shown = {gene for cell in found.cells for gene in cell}
        assert (shown | hidden, shown & hidden) == (everything, set())
    if part == "cells":
        assert all(cell in sentences for cell in found.hidden_genes if cell)
        assert hidden


def test_examples_of_a_sample_have_its_cells_and_label_alone(cells):
    examples = build(Tissue(truth="organ", groupby="sample", n_cells=5, n_genes=12), cells)
    kept = np.arange(len(cells)) % 4 != 0
    pool = examples.labelled(kept)
    sample = cells.adata.obs["sample"].to_numpy()
    for row in pool.rows[:20]:
        one = pool.example(row, cells.genes([row])[0], np.random.default_rng(row))
        assert one.example.truth == cells.adata.obs["organ"].iloc[row]
        assert set(one.wrong) == {"blood", "spleen"} - {one.example.truth}
        allowed = {
            tuple(genes)[:n]
            for genes in cells.genes(np.flatnonzero(kept & (sample == sample[row])))
            for n in range(1, 13)
        }
        full = [g for g in one.example.cells if g in allowed]
        assert len(full) == len(one.example.cells) or any(one.example.observed)
        assert 1 <= len(one.example.cells) <= 5
        assert set(one.example.context) == {"batch"}  # the organ is the answer
    sizes = {
        (len(one.example.cells), max(map(len, one.example.hidden_genes)))
        for one in sample_examples(cells, pool, 60, np.random.default_rng(0), augment=False)
    }
    assert len({n for n, _ in sizes}) > 2
    assert 0 not in pool.rows


def test_facts_that_differ_between_the_cells_are_left_out(cells):
    groups = CellGroups(cells, "organ")
    assert groups.context([0, 1, 2]) == {"organ": "blood"}
    assert groups.context([0, 2]) == {"organ": "blood", "batch": "b0"}


def test_the_truth_is_the_set_of_types(cells):
    examples = build(SampleCellTypes(truth="cell_type", groupby="sample", n_cells=4), cells)
    pool = examples.labelled(np.ones(len(cells), dtype=bool))
    types = set(cells.adata.obs["cell_type"])
    for one in sample_examples(cells, pool, 20, np.random.default_rng(0), augment=False):
        truth = one.example.truth
        assert list(truth) == sorted(truth)
        assert set(truth) <= types
        assert 1 <= len(truth) <= 4
        assert all(wrong != truth and len(set(wrong) - set(truth)) == 1 for wrong in one.wrong)
        question = one.question()
        assert question.parse(question.completion(truth)).value == truth


def test_unlabelled_examples_hold_no_truth(cells):
    examples = build(Tissue(labels=["blood", "spleen"], groupby="sample", n_cells=3, hidden="cells"), cells, Duality())
    found = examples.unlabelled(10, np.random.default_rng(0))
    assert all(one.example.truth is None and one.example.has_hidden for one in found)
    assert {one.unit for one in found} <= {f"s{i}" for i in range(6)}
    with pytest.raises(ValueError, match=r"needs the obs column with the true labels"):
        examples.unlabelled(10, np.random.default_rng(0), with_truth=True)


def test_a_model_keeps_the_labels_of_every_fact(cells):
    spec = ModelSpec("own", "own", tasks=["tissue"], knows={"tissue": {"facts": {"tissue": ["lung", "gut"]}}})
    own = ModelCells(cells.adata, spec)
    assert list(build(Tissue(groupby="sample"), own).labels) == ["lung", "gut"]
    with pytest.raises(ValueError, match=r"does not know the labels \['skin'\]"):
        build(Tissue(groupby="sample", labels=["skin", "gut"]), own).labels  # noqa: B018


def test_cells_without_a_label_have_no_truth(cells):
    adata = cells.adata[::10].copy()
    adata.obs["disease"] = ["flu" if i % 3 else None for i in range(adata.n_obs)]
    adata.obs.loc[adata.obs["organ"] == "spleen", "disease"] = "normal"
    task = SampleLabel(fact="disease", truth="disease", groupby="organ", n_cells=3, n_genes=5)
    examples = build(task, ModelCells(adata, cells.spec), Duality())
    found = examples.unlabelled(60, np.random.default_rng(0), with_truth=True)
    assert {one.unit for one in found} == {"blood | flu", "spleen | normal"}
    assert all(one.example.truth == one.unit.split(" | ")[1] and one.texts() for one in found)
    without = examples.unlabelled(adata.n_obs, np.random.default_rng(0))
    assert {one.unit for one in without} == {"blood", "blood | flu", "spleen | normal"}
