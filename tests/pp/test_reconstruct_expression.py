"""Fit expression at rank, and reconstruct expression from sentences."""

from __future__ import annotations

import logging
from pathlib import Path

import anndata as ad
import mudata as md
import numpy as np
import pytest
from scipy import sparse, stats

import sc_duality as sd
from sc_duality.cells import _row_blocks

UNITS = "log10(1 + counts per 10,000)"


@pytest.fixture
def ranked(counts: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> ad.AnnData:
    monkeypatch.setattr(_row_blocks, "BLOCK_VALUES", 7 * counts.n_vars)
    sd.pp.cell_sentences(counts, 40)
    return counts


def model(adata: ad.AnnData) -> dict[str, object]:
    return adata.uns["cell_sentence"]["expression_model"]


def expected_line(adata: ad.AnnData, X: np.ndarray) -> tuple[float, float, float, int]:
    """The regression of scipy on all pairs of rank and log10(1 + counts per 10,000)."""
    logged = np.log10(1 + 1e4 * X / X.sum(1, keepdims=True))
    columns = adata.var_names.get_indexer(adata.uns["cell_sentence"]["genes"])
    cell, rank = np.nonzero(adata.obsm["cell_sentence"] >= 0)
    y = logged[cell, columns[adata.obsm["cell_sentence"][cell, rank]]]
    line = stats.linregress(np.log10(rank + 1), y)
    return line.slope, line.intercept, line.rvalue**2, len(y)


def check(adata: ad.AnnData, X: np.ndarray, scale: str, rel: float = 1e-9, **unit: float) -> None:
    fit = model(adata)
    slope, intercept, r2, n = expected_line(adata, X)
    assert fit == {
        "slope": pytest.approx(slope, rel=rel),
        "intercept": pytest.approx(intercept, rel=rel),
        "r2": pytest.approx(r2, rel=rel),
        "n": n,
        "scale": scale,
        "units": UNITS,
        **unit,
    }
    assert slope < 0 < r2


@pytest.mark.parametrize("form", ["csr", "csc", "dense"])
def test_fit_equals_scipys_regression(ranked: ad.AnnData, form: str) -> None:
    X = ranked.X.toarray().astype(float)
    ranked.X = {"csr": ranked.X, "csc": ranked.X.tocsc(), "dense": X}[form]
    assert sd.pp.fit_expression(ranked) is None
    check(ranked, X, "counts")


@pytest.mark.parametrize("base", [None, 2, 10])
def test_fit_of_logarithms(ranked: ad.AnnData, base: float | None) -> None:
    X = ranked.X.toarray().astype(float)
    ranked.X = np.log1p(1e4 * X / X.sum(1, keepdims=True)) / (1 if base is None else np.log(base))
    ranked.uns["log1p"] = {"base": base}
    sd.pp.fit_expression(ranked)
    unit = {"base": base or np.e, "target_sum": 1e4}
    check(ranked, X, "log1p", **unit)
    del ranked.uns["log1p"]
    sd.pp.fit_expression(ranked)
    check(ranked, X, "log1p", **unit)


def test_normalised_counts_have_the_scale_of_counts(ranked: ad.AnnData) -> None:
    X = ranked.X.toarray().astype(float)
    ranked.X = 1e6 * X / X.sum(1, keepdims=True)
    sd.pp.fit_expression(ranked)
    check(ranked, X, "counts")


def test_fit_reads_the_matrix_that_was_ranked(counts: ad.AnnData) -> None:
    X = counts.X.toarray().astype(float)
    counts.layers["counts"] = counts.X
    counts.raw = counts.copy()
    counts.X = sparse.csr_matrix(counts.shape)
    for arguments in ({"layer": "counts"}, {"use_raw": True}):
        sd.pp.cell_sentences(counts, **arguments)
        sd.pp.fit_expression(counts)
        check(counts, X, "counts")


def test_cells_without_expression_are_left_out(counts: ad.AnnData) -> None:
    X = counts.X.toarray().astype(float)
    X[:30] = 0
    counts.X = X
    sd.pp.cell_sentences(counts)
    sd.pp.fit_expression(counts)
    with np.errstate(invalid="ignore"):
        check(counts, X, "counts")


def test_reconstructed_expression(ranked: ad.AnnData) -> None:
    sd.pp.fit_expression(ranked)
    assert sd.pp.reconstruct_expression(ranked) is None
    rebuilt = ranked.layers["reconstructed"]
    assert (rebuilt.format, rebuilt.dtype, rebuilt.shape) == ("csr", np.float32, ranked.shape)
    assert rebuilt.has_canonical_format
    frame = ranked.to_df("reconstructed")
    for cell, genes in zip(ranked.obs_names, sd.get.gene_lists(ranked), strict=True):
        line = model(ranked)["intercept"] + model(ranked)["slope"] * np.log10(np.arange(1, len(genes) + 1))
        np.testing.assert_allclose(frame.loc[cell, genes], np.maximum(line, 0), atol=1e-6)
        assert (frame.loc[cell].drop(genes) == 0).all()
    correlation = stats.spearmanr(frame.to_numpy().ravel(), ranked.X.toarray().ravel()).statistic
    assert correlation > 0.8


def test_reconstructed_expression_gives_the_same_sentences(ranked: ad.AnnData) -> None:
    sd.pp.fit_expression(ranked)
    sd.pp.reconstruct_expression(ranked)
    again = sd.pp.cell_sentences(ranked, 40, layer="reconstructed", copy=True)
    assert (ranked.layers["reconstructed"].getnnz(1) == (ranked.obsm["cell_sentence"] >= 0).sum(1)).all()
    assert sd.get.cell_sentences(again).equals(sd.get.cell_sentences(ranked))


def test_genes_that_are_gone_from_var_are_left_out(ranked: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    sd.pp.fit_expression(ranked)
    full = sd.pp.reconstruct_expression(ranked, copy=True)
    assert "reconstructed" not in ranked.layers
    part = ranked[:, 30:].copy()
    with pytest.raises(KeyError, match=r"23 genes of the vocabulary are gone from var .*: fit first, then subset"):
        sd.pp.fit_expression(part)
    sd.pp.reconstruct_expression(part)
    np.testing.assert_array_equal(
        part.layers["reconstructed"].toarray(), full.layers["reconstructed"][:, 30:].toarray()
    )
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert messages == ["23 of 113 genes of the vocabulary are not in var and were left out"]


def test_by_gene_symbols(counts: ad.AnnData) -> None:
    sd.pp.cell_sentences(counts)
    sd.pp.fit_expression(counts)
    sd.pp.reconstruct_expression(counts)
    other = counts[:, ::-1].copy()
    other.var["symbol"] = other.var_names.to_numpy()
    other.var_names = [f"ENSG{i:011}" for i in range(other.n_vars)]
    sd.pp.cell_sentences(other, gene_symbols="symbol")
    sd.pp.fit_expression(other)
    sd.pp.reconstruct_expression(other)
    assert model(other)["slope"] == pytest.approx(model(counts)["slope"])
    np.testing.assert_allclose(
        other.layers["reconstructed"].toarray()[:, ::-1], counts.layers["reconstructed"].toarray(), rtol=1e-6
    )


@pytest.mark.filterwarnings("ignore::FutureWarning:mudata")
def test_mudata_and_copy(counts: ad.AnnData) -> None:
    mdata = md.MuData({"gex": counts})
    sd.pp.cell_sentences(mdata, mod="gex", key_added="sentences")
    fitted = sd.pp.fit_expression(mdata, sentence_key="sentences", mod="gex", copy=True)
    assert "expression_model" not in mdata["gex"].uns["sentences"]
    sd.pp.reconstruct_expression(fitted, sentence_key="sentences", mod="gex", key_added="rebuilt")
    assert "rebuilt" in fitted["gex"].layers


def test_fit_of_a_view(ranked: ad.AnnData) -> None:
    view = ranked[:30]
    with pytest.warns(ad.ImplicitModificationWarning):
        sd.pp.fit_expression(view)
    assert "expression_model" in view.uns["cell_sentence"]
    assert "expression_model" not in ranked.uns["cell_sentence"]


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_fit_and_layer_survive_a_file(ranked: ad.AnnData, suffix: str, tmp_path: Path) -> None:
    sd.pp.fit_expression(ranked)
    sd.pp.reconstruct_expression(ranked)
    path = tmp_path / f"cells.{suffix}"
    getattr(ranked, f"write_{suffix}")(path)
    loaded = getattr(ad, f"read_{suffix}")(path)
    assert model(loaded) == model(ranked)
    again = sd.pp.reconstruct_expression(loaded, key_added="again", copy=True)
    assert (again.layers["again"] != ranked.layers["reconstructed"]).nnz == 0


def test_fit_of_a_backed_object(ranked: ad.AnnData, tmp_path: Path) -> None:
    ranked.write_h5ad(tmp_path / "cells.h5ad")
    backed = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    sd.pp.fit_expression(backed)
    check(backed, ranked.X.toarray().astype(float), "counts")


def test_no_sentences(counts: ad.AnnData) -> None:
    for tool in (sd.pp.fit_expression, sd.pp.reconstruct_expression):
        with pytest.raises(KeyError, match=r"no cell sentences in obsm\['cell_sentence'\]: run sd.pp.cell_sentences"):
            tool(counts)


def test_no_fit(ranked: ad.AnnData) -> None:
    with pytest.raises(KeyError, match=r"holds no expression model: run sd.pp.fit_expression"):
        sd.pp.reconstruct_expression(ranked)


def test_a_matrix_that_has_changed(ranked: ad.AnnData) -> None:
    ranked.X = ranked.X.toarray() - 5
    with pytest.raises(ValueError, match="genes of the sentences are not expressed in their cell: the matrix has"):
        sd.pp.fit_expression(ranked)
    assert "expression_model" not in ranked.uns["cell_sentence"]


def test_renamed_genes(ranked: ad.AnnData) -> None:
    sd.pp.fit_expression(ranked)
    ranked.var_names = [f"GENE{i}" for i in range(ranked.n_vars)]
    with pytest.raises(KeyError, match=r"none of the 113 genes .* were the genes renamed"):
        sd.pp.reconstruct_expression(ranked)


def test_sentences_of_one_gene(counts: ad.AnnData) -> None:
    sd.pp.cell_sentences(counts, 1)
    with pytest.raises(ValueError, match="no sentence is longer than one gene"):
        sd.pp.fit_expression(counts)
