"""Chunks of a dask array are ranked by dask, which returns only the sentences."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import anndata as ad
import dask.array as da
import numpy as np
import pytest
from distributed import Client, LocalCluster
from scipy import sparse

import sc_duality as sd
from sc_duality.cells import _row_blocks
from sc_duality.cells._row_blocks import map_rows


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster of two processes."""
    folder = tmp_path_factory.mktemp("dask")
    with LocalCluster(
        2, processes=True, threads_per_worker=1, dashboard_address=None, local_directory=folder
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    with Client(cluster) as client:
        yield client


@pytest.fixture
def cells() -> ad.AnnData:
    """Real cells of PBMC3k with sentences."""
    adata = sd.datasets.pbmc3k()
    sd.pp.cell_sentences(adata, 50)
    return adata


def in_chunks(X: sparse.csr_matrix, rows: int) -> da.Array:
    parts = [da.from_array(X[start : start + rows], asarray=False, chunks=-1) for start in range(0, X.shape[0], rows)]
    return da.concatenate(parts)


def assert_same(adata: ad.AnnData, expected: ad.AnnData) -> None:
    np.testing.assert_array_equal(adata.obsm["cell_sentence"], expected.obsm["cell_sentence"])
    assert adata.uns["cell_sentence"]["genes"].tolist() == expected.uns["cell_sentence"]["genes"].tolist()


def test_a_cluster_ranks_the_chunks(cells: ad.AnnData, client: Client) -> None:
    def process_and_rows(rows: sparse.csr_matrix, index: np.ndarray) -> tuple[int, list[int]]:
        assert rows.shape == (len(index), 12_611)
        return os.getpid(), index.tolist()

    results = list(map_rows(in_chunks(cells.X, 40), process_and_rows, np.arange(cells.n_obs)))
    assert {process for _, (process, _) in results} == set(client.run(os.getpid).values()) - {os.getpid()}
    assert [i for _, (_, index) in results for i in index] == list(range(cells.n_obs))
    assert [i for part, _ in results for i in range(part.start, part.stop)] == list(range(cells.n_obs))


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("store", ["zarr", "h5ad"])
def test_a_cluster_gives_the_same_sentences(cells: ad.AnnData, store: str, tmp_path: Path) -> None:
    sd.pp.fit_expression(cells)
    path = tmp_path / f"cells.{store}"
    getattr(sd.datasets.pbmc3k(), f"write_{store}")(path)
    adata = ad.experimental.read_lazy(path)
    sd.pp.cell_sentences(adata, 50)
    assert_same(adata, cells)
    sd.pp.fit_expression(adata)
    fits = (each.uns["cell_sentence"]["expression_model"] for each in (adata, cells))
    assert next(fits) == pytest.approx(next(fits))


@pytest.mark.parametrize("rows", [1, 40, 317])
def test_threads_give_the_same_sentences(cells: ad.AnnData, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_row_blocks, "DASK_ROWS", 100)
    adata = sd.datasets.pbmc3k()
    adata.X = in_chunks(adata.X, rows)
    sd.pp.cell_sentences(adata, 50)
    assert_same(adata, cells)


def test_chunks_of_columns_are_joined_in_blocks_of_rows(cells: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_row_blocks, "BLOCK_VALUES", 30 * cells.n_vars)
    largest = 0

    def recorded(block: object) -> sparse.csr_matrix:
        nonlocal largest
        rows = canonical_csr(block)
        largest = max(largest, rows.shape[0])
        return rows

    canonical_csr = _row_blocks._canonical_csr
    monkeypatch.setattr(_row_blocks, "_canonical_csr", recorded)
    adata = sd.datasets.pbmc3k()
    adata.X = da.from_array(adata.X.toarray(), chunks=(317, 1000))
    sd.pp.cell_sentences(adata, 50)
    assert_same(adata, cells)
    assert largest == 30


def test_unusable_values_in_any_chunk_are_counted() -> None:
    adata = sd.datasets.pbmc3k()
    adata.X.data = adata.X.data.astype(np.float32)
    adata.X.data[[0, -1]] = -1
    adata.X = in_chunks(adata.X, 40)
    with pytest.raises(ValueError, match="X holds 2 negative values"):
        sd.pp.cell_sentences(adata)
    assert "cell_sentence" not in adata.obsm


@pytest.mark.filterwarnings("ignore:Observation names are not unique:UserWarning")
def test_concatenated_lazy_files(cells: ad.AnnData, tmp_path: Path) -> None:
    parts = []
    for name, part in (("a.zarr", cells[:100]), ("b.zarr", cells[100:])):
        part.copy().write_zarr(tmp_path / name)
        parts.append(ad.experimental.read_lazy(tmp_path / name))
        del parts[-1].obsm["cell_sentence"], parts[-1].obsm["cell_sentence_vocabulary"]
    joined = ad.concat(parts)
    sd.pp.cell_sentences(joined, 50)
    assert_same(joined, cells)


def test_cell_names_that_were_not_loaded(cells: ad.AnnData, tmp_path: Path) -> None:
    sd.datasets.pbmc3k().write_zarr(tmp_path / "cells.zarr")
    adata = ad.experimental.read_lazy(tmp_path / "cells.zarr", load_annotation_index=False)
    sd.pp.cell_sentences(adata, 50)
    assert_same(adata, cells)
