"""Matrices that were scaled gene by gene are refused; everything that keeps the order within a cell is ranked."""

from __future__ import annotations

import logging
from collections.abc import Callable

import anndata as ad
import dask.array as da
import numpy as np
import pytest
import scanpy as sc
from scipy import sparse

import sc_duality as sd
from sc_duality.cells import plan_ranking

Change = Callable[[ad.AnnData], None]


@pytest.fixture(scope="module")
def counts_of_pbmc() -> ad.AnnData:
    adata = sd.datasets.pbmc3k()
    adata.X = adata.X.astype(np.float32)
    return adata


@pytest.fixture
def pbmc(counts_of_pbmc: ad.AnnData) -> ad.AnnData:
    return counts_of_pbmc.copy()


def logged(adata: ad.AnnData) -> None:
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)


def untied(adata: ad.AnnData) -> None:
    """Corrected counts with decimals, as of SoupX."""
    adata.X.data = adata.X.data * np.random.default_rng(0).uniform(0.8, 1, adata.X.nnz).astype(np.float32)


def divided(adata: ad.AnnData, axis: int) -> None:
    """Divide by the maximum of every gene (0) or cell (1)."""
    maximum = adata.X.max(axis).toarray()
    adata.X = sparse.csr_matrix(adata.X.multiply(1 / np.where(maximum > 0, maximum, 1)))


def variable(adata: ad.AnnData) -> None:
    logged(adata)
    squares = adata.X.copy()
    squares.data **= 2
    variance = np.asarray(squares.mean(0)).ravel() - np.asarray(adata.X.mean(0)).ravel() ** 2
    adata._inplace_subset_var(np.argsort(-variance)[:200])


UNSCALED: dict[str, list[Change]] = {
    "counts": [],
    "logarithms": [logged],
    "decimals": [untied],
    "logarithms of decimals": [untied, logged],
    "proportions": [lambda adata: sc.pp.normalize_total(adata, target_sum=1)],
    "variable genes": [variable],
    "variable genes of decimals": [untied, variable],
    "divided by the maximum of the cell": [untied, lambda adata: divided(adata, 1)],
    "binary": [lambda adata: adata.X.data.fill(1)],
}
SCALED: dict[str, list[Change]] = {
    "variance 1": [logged, lambda adata: sc.pp.scale(adata, zero_center=False)],
    "clipped": [logged, lambda adata: sc.pp.scale(adata, zero_center=False, max_value=10)],
    "variance 1 of counts": [lambda adata: sc.pp.scale(adata, zero_center=False)],
    "the maximum 1": [logged, lambda adata: divided(adata, 0)],
}


@pytest.mark.parametrize("name", UNSCALED)
def test_order_within_a_cell_is_ranked(pbmc: ad.AnnData, name: str, caplog: pytest.LogCaptureFixture) -> None:
    for change in UNSCALED[name]:
        change(pbmc)
    plan_ranking(pbmc)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, np.asarray, da.from_array])
def test_scaled_genes_are_refused(pbmc: ad.AnnData, name: str, form: type) -> None:
    pbmc.layers["counts"] = pbmc.X.copy()
    for change in SCALED[name]:
        change(pbmc)
    pbmc.X = form(pbmc.X) if form is sparse.csc_matrix or form is sparse.csr_matrix else form(pbmc.X.toarray())
    kind = "the maximum 1" if "maximum" in name else "variance 1"
    with pytest.raises(ValueError, match=rf"every gene of X has {kind} .*: pass layer='counts'$"):
        sd.pp.cell_sentences(pbmc, use_raw=False)
    assert "cell_sentence" not in pbmc.obsm
    sd.pp.cell_sentences(pbmc)
    assert pbmc.uns["cell_sentence"]["params"]["layer"] == "counts"


def test_a_scaled_matrix_is_not_advised(pbmc: ad.AnnData) -> None:
    logged(pbmc)
    scaled = sc.pp.scale(pbmc, zero_center=False, copy=True).X
    pbmc.layers["scaled"], pbmc.X = scaled, -scaled
    with pytest.raises(ValueError, match="negative values .*no other layer and no .raw has usable values"):
        sd.pp.cell_sentences(pbmc)


def test_few_cells_are_not_enough_to_tell(pbmc: ad.AnnData) -> None:
    logged(pbmc)
    sc.pp.scale(pbmc, zero_center=False)
    plan_ranking(pbmc[:40].copy())


def test_counts_divided_by_their_maximum_are_warned_of(pbmc: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    """In shallow cells they look like counts that were divided by the maximum of the cell."""
    divided(pbmc, 0)
    plan_ranking(pbmc, use_raw=False)
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.startswith("most genes of X have the maximum 1: if each gene was scaled by itself")


def test_part_of_scaled_cells_is_warned_of(pbmc: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    logged(pbmc)
    sc.pp.scale(pbmc, zero_center=False)
    plan_ranking(pbmc[pbmc.X[:, pbmc.var_names == "CD79A"].toarray().ravel() > 0].copy())
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.startswith("var has the columns 'mean' and 'std' of sc.pp.scale")
