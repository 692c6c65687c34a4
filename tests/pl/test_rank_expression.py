"""pl.rank_expression draws the expression by rank and the fitted line."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from scipy import sparse

import sc_duality as sd

N_GENES = 15


def counts(n_obs: int = 40) -> ad.AnnData:
    """Cells of 30 genes with counts of falling abundance, some of them zero."""
    rng = np.random.default_rng(1)
    X = rng.poisson(200 / np.arange(1, 31), (n_obs, 30)).astype(np.float32)
    names = [f"G{i}" for i in range(30)]
    return ad.AnnData(sparse.csr_matrix(X), var=pd.DataFrame(index=names))


def expression_by_rank(adata: ad.AnnData) -> np.ndarray:
    """log10(1 + counts per 10,000) at each rank, from the sorted values of each cell."""
    X = adata.X.toarray()
    return np.log10(1 + 1e4 * -np.sort(-X, axis=1)[:, :N_GENES] / X.sum(axis=1, keepdims=True))


def fitted(adata: ad.AnnData, **kwargs: object) -> ad.AnnData:
    sd.pp.cell_sentences(adata, N_GENES, **kwargs)
    sd.pp.fit_expression(adata)
    return adata


def line(ax: Axes, label: str) -> np.ndarray:
    return next(line for line in ax.lines if line.get_label().startswith(label)).get_xydata()


def test_line_is_the_expression_model() -> None:
    adata = fitted(counts())
    model = adata.uns["cell_sentence"]["expression_model"]
    ax = sd.pl.rank_expression(adata)
    rank, expression = line(ax, "fit").T
    slope, intercept = np.polyfit(np.log10(rank), expression, 1)
    np.testing.assert_allclose([slope, intercept], [model["slope"], model["intercept"]])
    label = next(text.get_text() for text in ax.get_legend().get_texts() if text.get_text().startswith("fit"))
    for number in (model["intercept"], abs(model["slope"]), model["r2"]):
        assert f"{number:.2f}" in label


def test_median_and_interquartile_range_are_those_of_the_sorted_values() -> None:
    adata = fitted(counts())
    ax = sd.pl.rank_expression(adata)
    low, median, high = np.percentile(expression_by_rank(adata), [25, 50, 75], axis=0)
    np.testing.assert_array_equal(line(ax, "median")[:, 0], np.arange(1, N_GENES + 1))
    np.testing.assert_allclose(line(ax, "median")[:, 1], median, rtol=1e-6)
    band = ax.collections[0].get_paths()[0].vertices
    for i in range(N_GENES):
        at_rank = band[band[:, 0] == i + 1, 1]
        np.testing.assert_allclose([at_rank.min(), at_rank.max()], [low[i], high[i]], rtol=1e-6)


def test_axes_have_units() -> None:
    ax = sd.pl.rank_expression(fitted(counts()))
    assert ax.get_xlabel() == "rank of the gene in its cell sentence"
    assert "counts per 10,000" in ax.get_ylabel()
    assert ax.get_xscale() == "log"
    assert ax.get_legend().get_texts()[0].get_text() == "interquartile range of 40 cells"


@pytest.mark.parametrize("base", [None, 2])
def test_log_normalised_expression_is_drawn_in_the_same_units(base: int | None) -> None:
    adata = counts()
    expected = np.median(expression_by_rank(adata), axis=0)
    X = adata.X.toarray()
    logged = np.log1p(1e4 * X / X.sum(axis=1, keepdims=True))
    adata.layers["logged"] = logged if base is None else logged / np.log(base)
    adata.uns["log1p"] = {} if base is None else {"base": base}
    ax = sd.pl.rank_expression(fitted(adata, layer="logged"))
    np.testing.assert_allclose(line(ax, "median")[:, 1], expected, rtol=1e-5)


def test_raw_is_drawn_if_raw_was_ranked() -> None:
    adata = counts()
    expected = np.median(expression_by_rank(adata), axis=0)
    adata.raw = adata.copy()
    adata.X = np.zeros(adata.shape, np.float32)
    ax = sd.pl.rank_expression(fitted(adata, use_raw=True))
    np.testing.assert_allclose(line(ax, "median")[:, 1], expected, rtol=1e-6)


def test_backed_objects_are_drawn(tmp_path: Path) -> None:
    adata = fitted(counts())
    adata.write_h5ad(tmp_path / "cells.h5ad")
    backed = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    expected = line(sd.pl.rank_expression(adata), "median")
    np.testing.assert_array_equal(line(sd.pl.rank_expression(backed), "median"), expected)


def test_short_sentences_count_only_at_their_ranks() -> None:
    adata = ad.AnnData(sparse.csr_matrix(np.array([[8, 4, 2], [6, 3, 0], [5, 0, 0]], np.float32)))
    sd.pp.cell_sentences(adata, 3)
    sd.pp.fit_expression(adata)
    per_10k = [[8 / 14, 6 / 9, 5 / 5], [4 / 14, 3 / 9], [2 / 14]]
    expected = [np.median(np.log10(1 + 1e4 * np.array(values))) for values in per_10k]
    np.testing.assert_allclose(line(sd.pl.rank_expression(adata), "median")[:, 1], expected)


def test_large_objects_are_subsampled_reproducibly() -> None:
    adata = fitted(counts(2_100))
    ax, again = sd.pl.rank_expression(adata), sd.pl.rank_expression(adata)
    assert ax.get_legend().get_texts()[0].get_text() == "interquartile range of 2,000 of 2,100 cells"
    np.testing.assert_array_equal(line(ax, "median"), line(again, "median"))
    np.testing.assert_allclose(line(ax, "median")[:, 1], np.median(expression_by_rank(adata), axis=0), atol=0.02)


def test_draws_on_the_axes_and_does_not_change_the_object() -> None:
    adata = fitted(counts())
    before = adata.copy()
    _, ax = plt.subplots()
    assert sd.pl.rank_expression(adata, ax=ax) is ax
    np.testing.assert_array_equal(adata.obsm["cell_sentence"], before.obsm["cell_sentence"])
    assert adata.uns["cell_sentence"].keys() == before.uns["cell_sentence"].keys()


def test_missing_sentences_and_fits_name_the_function_to_run() -> None:
    adata = counts()
    with pytest.raises(KeyError, match=r"run sd.pp.cell_sentences\(adata, key_added='cell_sentence'\) first"):
        sd.pl.rank_expression(adata)
    sd.pp.cell_sentences(adata, N_GENES)
    with pytest.raises(KeyError, match=r"run sd.pp.fit_expression\(adata"):
        sd.pl.rank_expression(adata)


def test_a_changed_matrix_raises() -> None:
    adata = fitted(counts())
    fewer_genes = adata[:, 5:].copy()
    adata.X = sparse.csr_matrix(adata.shape, dtype=np.float32)
    with pytest.raises(ValueError, match="the matrix has changed since"):
        sd.pl.rank_expression(adata)
    with pytest.raises(KeyError, match="5 genes of the vocabulary are gone from var"):
        sd.pl.rank_expression(fewer_genes)


def test_only_empty_sentences_raise() -> None:
    adata = counts()
    adata.X[0] = 0
    adata = fitted(adata)
    with pytest.raises(ValueError, match="nothing to draw: the sentences of all 1 cells are empty"):
        sd.pl.rank_expression(adata[:1].copy())
