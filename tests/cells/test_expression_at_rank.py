"""Expression at rank in memory: the fit, and expression rebuilt from ranks."""

from __future__ import annotations

import time

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

import sc_duality as sd
from sc_duality.cells import (
    default_sentences,
    expression_source,
    fit_rank_expression,
    ranked_expression,
    read_sentences,
    rebuild_expression,
)


def test_fit_is_that_of_the_tool_and_writes_nothing(counts: ad.AnnData) -> None:
    fit = fit_rank_expression(counts, default_sentences(counts))
    assert not counts.obsm
    assert not counts.uns
    sd.pp.cell_sentences(counts)
    sd.pp.fit_expression(counts)
    assert fit == counts.uns["cell_sentence"]["expression_model"]


def test_zeros_are_not_stored() -> None:
    ranks, columns = np.array([[2, 0, 1], [1, -1, -1], [-1, -1, -1]]), np.array([4, 3, -1])
    rebuilt = rebuild_expression(ranks, columns, 6, slope=-1, intercept=np.log10(3))
    assert rebuilt.indptr.tolist() == [0, 1, 2, 2], "gene 2 has no column, and the line is 0 at rank 3"
    assert rebuilt.indices.tolist() == [4, 3]
    np.testing.assert_allclose(rebuilt.data, [np.log10(1.5), np.log10(3)], rtol=1e-6)
    below = rebuild_expression(ranks, columns, 6, slope=-1, intercept=-1)
    assert below.nnz == 0


def test_rebuilding_is_fast() -> None:
    rng = np.random.default_rng(0)
    ranks = np.argsort(rng.random((4000, 400)), axis=1)[:, :200].astype(np.int32)
    columns = np.sort(rng.choice(20_000, 400, replace=False))
    rebuild_expression(ranks[:10], columns, 20_000, slope=-0.7, intercept=2.5)
    start = time.process_time()
    rebuild_expression(ranks, columns, 20_000, slope=-0.7, intercept=2.5)
    assert 4000 / (time.process_time() - start) > 20_000, "cells per second"


def test_the_unit_is_that_of_the_matrix_after_the_fit() -> None:
    """Counts that were log-transformed since the fit are read as logarithms, and the reverse."""
    cells = sd.datasets.pbmc3k()[:60].copy()
    counts = cells.X.copy()
    sd.pp.cell_sentences(cells)
    sd.pp.fit_expression(cells)
    expected = ranked_expression(cells, read_sentences(cells)).toarray()
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)
    np.testing.assert_allclose(ranked_expression(cells, read_sentences(cells)).toarray(), expected, atol=1e-5)
    sd.pp.fit_expression(cells)
    cells.X = counts
    np.testing.assert_allclose(ranked_expression(cells, read_sentences(cells)).toarray(), expected, atol=1e-5)


def test_the_unit_of_the_fit_holds_where_the_matrix_does_not_tell() -> None:
    cells = sd.datasets.pbmc3k()[:60].copy()
    sc.pp.normalize_total(cells, target_sum=5000)
    sc.pp.log1p(cells)
    part = cells[:, 1:].copy()
    sd.pp.cell_sentences(part)
    sd.pp.fit_expression(part, unit="log1p", target_sum=5000)
    few = part[:2].copy()
    assert expression_source(few, read_sentences(few)).unit.target_sum == 5000
    part.var_names = [f"gene {i}" for i in range(part.n_vars)]
    with pytest.raises(KeyError, match="are gone from var"):
        expression_source(part, read_sentences(part))
