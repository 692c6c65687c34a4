"""Examples of gene changes: what training compares, shrinkage, and the lines from rank to fold change."""

from dataclasses import replace

import anndata as ad
import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression

import sc_duality as sd
from sc_duality.examples import ChangeLines, ModelCells, build, fit_change_lines, sample_examples
from sc_duality.examples._group_changes import GroupChanges, ranked_changes
from sc_duality.tasks import GeneChangeResponse, Perturbation

CONTROL, DRUG = Perturbation("control"), Perturbation("drug", "panobinostat", dose="0.2 µM")
RAISED = ("CD74", "LYZ", "B2M")


@pytest.fixture(scope="module")
def treated():
    """PBMC3k with a made drug that raises three genes, and never reaches the NK cells."""
    adata = sd.datasets.pbmc3k()
    sd.pp.cell_sentences(adata)
    is_treated = np.arange(adata.n_obs) % 2 == 0
    is_treated &= (adata.obs["cell_type"] != "NK cells").to_numpy()
    X = adata.X.tolil()
    for row in np.flatnonzero(is_treated):
        for gene in RAISED:
            X[row, adata.var_names.get_loc(gene)] = 80
    adata.X = X.tocsr()
    adata.obs["condition"] = np.where(is_treated, "drug", "ctrl")
    sd.pp.cell_sentences(adata)
    return adata


def builder(adata, **settings):
    task = GeneChangeResponse(
        perturbation="condition",
        control="ctrl",
        perturbations={"drug": DRUG, "ctrl": CONTROL},
        match=["cell_type"],
        n_changed=20,
        **settings,
    )
    return build(task, ModelCells(adata, sd.models.resolve("embedded"), n_genes=50))


def samples(found, n=60):
    pool = found.labelled(np.ones(len(found.cells), dtype=bool))
    return list(sample_examples(found.cells, pool, n, np.random.default_rng(0), augment=False))


@pytest.mark.parametrize("pairs", ["groups", "cells"])
def test_half_of_the_examples_are_untreated_and_change_nothing(treated, pairs):
    found = samples(builder(treated, pairs=pairs))
    control = [one for one in found if one.example.perturbation.is_control]
    assert 15 <= len(control) <= 45
    assert all(one.example.truth == ((), ()) for one in control)
    assert any(any(one.dual_answer) for one in control)
    for one in found:
        assert one.wrong == [DRUG if one.example.perturbation.is_control else CONTROL]
        assert len(one.example.truth[0]) <= 20
        assert len(one.texts()) == 2
        if not one.example.perturbation.is_control and pairs == "groups":
            assert set(RAISED) & set(one.example.truth[0][:3])


def test_transferred_examples_have_the_change_of_a_group_with_the_perturbation(treated):
    """Each drug reaches one half of the types: with ``transfer`` every type is seen with both, without it with one."""
    cells = treated[treated.obs["cell_type"] != "NK cells"].copy()
    first = cells.obs["cell_type"].isin(["B cells", "CD4 T cells", "CD8 T cells"])
    other = Perturbation("drug", "other")
    cells.obs["condition"] = np.where(cells.obs["condition"] == "ctrl", "ctrl", np.where(first, "drug", "other"))
    X = cells.X.tolil()
    for row in np.flatnonzero(cells.obs["condition"] == "other"):
        for gene in RAISED:
            X[row, cells.var_names.get_loc(gene)] = 0
        X[row, cells.var_names.get_loc("CD79A")] = 80
    cells.X = X.tocsr()
    raised = {DRUG: set(RAISED), other: {"CD79A"}}
    seen = {}
    for transfer in (0.0, 0.5):
        task = GeneChangeResponse(
            perturbation="condition", control="ctrl", match=["cell_type"], n_changed=20, transfer=transfer,
            perturbations={"drug": DRUG, "other": other, "ctrl": CONTROL},
        )  # fmt: skip
        found = samples(build(task, ModelCells(cells, sd.models.resolve("embedded"), n_genes=50)), n=150)
        changed = [one for one in found if not one.example.perturbation.is_control]
        assert all(raised[one.example.perturbation] & set(one.example.truth[0][:3]) for one in changed)
        b_cells = [one for one in changed if "CD79A" in one.example.genes[:30]]
        seen[transfer] = {one.example.perturbation for one in b_cells}
    assert seen == {0.0: {DRUG}, 0.5: {DRUG, other}}


@pytest.mark.parametrize("transfer", [-0.1, 1.5, float("nan")])
def test_a_transfer_that_is_no_share_is_refused(transfer):
    with pytest.raises(ValueError, match="transfer is a share from 0 to 1"):
        GeneChangeResponse(transfer=transfer)


def test_a_group_without_treated_cells_is_left_out(treated):
    found = builder(treated)
    rows = found.labelled(np.ones(treated.n_obs, dtype=bool)).rows
    assert "NK cells" not in set(treated.obs["cell_type"].iloc[rows])
    assert set(treated.obs["condition"].iloc[rows]) == {"ctrl"}


def test_lists_are_no_longer_than_a_third_of_the_genes(treated):
    few = treated[:, [*RAISED, "MALAT1", "TMSB4X", "ACTB", "FTL", "FTH1", "CD52", "CD3D"]].copy()
    del few.obsm["cell_sentence"], few.uns["cell_sentence"]
    assert builder(few).n_changed == 10 // 3


def test_lists_are_as_long_as_the_model_was_trained_on(treated):
    task = GeneChangeResponse(
        perturbation="condition", control="ctrl", perturbations={"drug": DRUG, "ctrl": CONTROL}, match=["cell_type"]
    )
    untrained = sd.models.resolve("embedded")
    trained = replace(untrained, knows={**untrained.knows, "gene_changes": {"n_changed": 7}})
    assert [build(task, ModelCells(treated, spec)).n_changed for spec in (untrained, trained)] == [200, 7]


def test_small_groups_are_shrunk_towards_the_mean_of_all():
    """Two groups with changes of 1 and 3 in 100 and 1 cells: the small one is drawn towards 1."""
    members = {
        "large": {CONTROL: list(range(100)), DRUG: list(range(100, 200))},
        "small": {CONTROL: [200], DRUG: [201]},
    }
    values = np.zeros((202, 1))
    values[100:200], values[201] = 1.0, 3.0
    changes = GroupChanges(sparse.csr_matrix(values), members)
    mean = changes.of_perturbation[DRUG][0]
    assert mean == pytest.approx((50 * 1 + 0.5 * 3) / 50.5)
    rng = np.random.default_rng(0)
    assert changes.resampled("large", DRUG, rng)[0] == pytest.approx((50 * 1 + 10 * mean) / 60)
    assert changes.resampled("small", DRUG, rng)[0] == pytest.approx((0.5 * 3 + 10 * mean) / 10.5)
    assert changes.noise("small", rng).tolist() == [0]
    assert changes.single("small", DRUG, 200, rng).tolist() == [3]


def test_ranked_changes_leave_out_what_does_not_change():
    genes = np.array(["A", "B", "C", "D", "E"], dtype=object)
    change = np.array([0.5, -2, 0, 1, -0.1])
    assert ranked_changes(change, genes, 3) == (("D", "A"), ("B", "E"))
    assert ranked_changes(change, genes, 1) == (("D",), ("B",))


def test_lines_are_fitted_to_each_perturbation(treated):
    found = builder(treated)
    known = found.knowledge()
    line = known["lines"][str(DRUG)]["up"]
    assert known["n_changed"] == 20
    assert line["slope"] < 0 < line["intercept"]
    assert 0 < line["r2"] <= 1
    spec = replace(found.cells.spec, knows={"gene_changes": known})
    lines = ChangeLines(spec, DRUG)
    up = lines.up(np.zeros(20))
    assert (np.diff(up) <= 0).all()
    assert (lines.down(np.zeros(20)) <= 0).all()
    assert up[0] == pytest.approx(line["intercept"], abs=1e-6)
    assert lines.up([0, 0.5])[1] - up[1] == pytest.approx(0.5 * line["level"], abs=1e-6)
    assert ChangeLines(spec, Perturbation("drug", "other")).up([0]) == pytest.approx(up[:1])


def test_lines_are_the_regression_of_the_change_on_rank_and_expression():
    rng = np.random.default_rng(0)
    control = rng.random((3, 40))
    rank = np.log10(np.arange(1, 21))
    changes = np.concatenate([2 - 0.5 * rank, -(3 - 0.4 * rank)[::-1]]) + 0.3 * np.where(np.arange(40) < 20, 1, -1) * (
        control - control.mean(0)
    )
    found = fit_change_lines(changes, control, 20)
    for side, listed, sign in (("up", slice(0, 20), 1), ("down", slice(39, 19, -1), -1)):
        terms = np.column_stack([np.tile(rank, 3), control[:, listed].ravel()])
        reference = LinearRegression().fit(terms, sign * changes[:, listed].ravel())
        expected = [*reference.coef_, reference.intercept_]
        assert [found[side][name] for name in ("slope", "level", "intercept")] == pytest.approx(expected, abs=1e-3)
        assert found[side]["r2"] == pytest.approx(reference.score(terms, sign * changes[:, listed].ravel()), abs=1e-3)


def test_lines_of_nothing_are_zero():
    found = fit_change_lines([[-0.3, 0.0]], [[1.0, 0.0]], 5)
    assert set(found["up"].values()) == {0.0}
    line = found["down"]
    assert line["intercept"] + line["level"] == pytest.approx(0.3, abs=1e-3)


def test_unknown_perturbations_are_trained_but_not_used_for_a_reward(treated):
    adata = ad.AnnData(treated.X, treated.obs, treated.var)
    sd.pp.cell_sentences(adata)
    task = GeneChangeResponse(perturbation="condition", control="ctrl", match=["cell_type"])
    found = build(task, ModelCells(adata, sd.models.resolve("embedded")))
    assert Perturbation("treatment", "drug") in found.options
    assert samples(found, 4)
    with pytest.raises(ValueError, match="'treatment drug' is not a perturbation of the model 'embedded'"):
        found.unlabelled(4, np.random.default_rng(0))
