"""Cells of whose genes the model knows too few, and genes that were not measured."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import sc_duality as sd
from sc_duality.examples import ModelCells

SPEC = sd.models.resolve("embedded")


@pytest.fixture(scope="module")
def human():
    return sd.datasets.pbmc3k()[::4].copy()


@pytest.fixture(scope="module")
def mixed(human):
    """The cells as human ones, and as mouse ones with a twentieth of their counts from ambient human RNA."""
    rng = np.random.default_rng(0)
    X = human.X.toarray()
    ambient = X.sum(0) / X.sum()
    soup = np.array([rng.multinomial(int(0.05 * row.sum()), ambient) for row in X])
    var = pd.DataFrame(index=[*human.var_names, *("mouse " + human.var_names)])
    parts = {"": np.hstack([X, 0 * X]), "mouse ": np.hstack([soup, X])}
    return ad.concat(
        [
            ad.AnnData(sparse.csr_matrix(part.astype(np.float32)), pd.DataFrame(index=name + human.obs_names), var)
            for name, part in parts.items()
        ]
    )


def test_mouse_cells_get_no_human_label(human, mixed, caplog):
    sd.tl.annotate(mixed, labels="blood")
    mouse = mixed.obs_names.str.startswith("mouse ")
    status = mixed.obs["annotation_status"].astype(str)
    assert status[mouse].isin(["few known genes", "no genes"]).all()
    assert mixed.obs["annotation"][mouse].isna().all()
    assert np.isnan(mixed.obsm["annotation_probabilities"].to_numpy()[mouse]).all()
    assert "80 of 160 cells have fewer than 5 genes" in caplog.text
    alone = sd.tl.annotate(human, labels="blood", copy=True)
    assert mixed.obs["annotation"][~mouse].astype(str).tolist() == alone.obs["annotation"].astype(str).tolist()


@pytest.mark.parametrize("tool", ["embed", "perturb"])
def test_other_tools_leave_them_out(mixed, tool):
    few = mixed[[0, 80]].copy()
    if tool == "embed":
        sd.tl.embed(few)
        assert np.isnan(few.obsm["X_cell_sentence"]).any(axis=1).tolist() == [False, True]
    else:
        found = sd.tl.perturb(few, ("cytokine", "IFNB1"), sampling=sd.Sampling(max_tokens=24))
        assert found.obs["perturbation_status"].astype(str).tolist() == ["ok", "few known genes"]


def test_only_such_cells_are_refused(mixed):
    with pytest.raises(ValueError, match="knows .* of the .* genes in the sentences"):
        sd.tl.annotate(mixed[80:].copy())


def test_droplets_with_less_than_five_known_genes(human):
    droplets = human[:6].copy()
    X = droplets.X.toarray()
    for i in range(5):
        expressed = np.flatnonzero(np.isin(droplets.var_names, list(SPEC.genes)) & (X[i] > 0))
        X[i] = np.isin(np.arange(droplets.n_vars), expressed[: i + 1])
    droplets.X = sparse.csr_matrix(X)
    sd.tl.annotate(droplets, labels="blood", unknown=0)
    assert droplets.obs["annotation_status"].astype(str).tolist() == ["few known genes"] * 4 + ["ok"] * 2


def test_short_sentences_are_no_droplets(human):
    short = human[:3].copy()
    sd.pp.cell_sentences(short, 3, genes=[gene for gene in short.var_names if gene in SPEC.genes])
    assert (ModelCells(short, SPEC).status == "ok").all()


def panel_and_padded(human, genes):
    """Cells with these genes only, and with all others as zeros, annotated."""
    measured = human.var_names.isin(genes)
    panel, padded = human[:, measured].copy(), human.copy()
    padded.X = sparse.csr_matrix(padded.X.multiply(measured))
    for adata in (panel, padded):
        sd.tl.annotate(adata, labels="blood", unknown=0)
    assert sd.get.cell_sentences(panel).tolist() == sd.get.cell_sentences(padded).tolist()
    return panel, padded


def test_padded_genes_do_not_change_answers(human, caplog):
    """A panel, and the same panel joined with the genes of another study."""
    expressed = human.var_names[human.X.getnnz(axis=0) > 0]
    panel, padded = panel_and_padded(human, np.random.default_rng(0).choice(expressed, 1500, replace=False))
    assert "are 0 in all cells" in caplog.text
    np.testing.assert_allclose(
        panel.obsm["annotation_probabilities"], padded.obsm["annotation_probabilities"], atol=1e-6
    )


def test_panel_genes_that_no_cell_expresses_hardly_change_answers(human):
    """Joined with other genes, they count as not measured, so the reference classifier is fitted without them."""
    genes = np.random.default_rng(0).choice(human.var_names, 1500, replace=False)
    assert (human[:, genes].X.getnnz(axis=0) == 0).any()
    panel, padded = panel_and_padded(human, genes)
    change = panel.obsm["annotation_probabilities"] - padded.obsm["annotation_probabilities"]
    assert change.abs().sum(axis=1).mean() / 2 < 0.02  # share of the probability that moves to another label
    assert change.abs().to_numpy().max() < 0.1
    assert (panel.obs["annotation"].astype(str) == padded.obs["annotation"].astype(str)).mean() > 0.98


def test_few_cells_and_common_genes_count_as_measured(human):
    for cells in (human[:20].copy(), human):
        read = ModelCells(cells, SPEC)
        assert read.measured_genes() is read.gene_names


def test_an_empty_cell_among_them_changes_nothing(mixed):
    mouse = mixed[80:].copy()
    X = mouse.X.toarray()
    X[0] = 0
    mouse.X = sparse.csr_matrix(X)
    with pytest.raises(ValueError, match="knows .* of the .* genes in the sentences"):
        ModelCells(mouse, SPEC)
