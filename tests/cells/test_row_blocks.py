from __future__ import annotations

from pathlib import Path

import anndata as ad
import dask.array as da
import numpy as np
import pytest
from scipy import sparse

import sc_duality as sd
from sc_duality.cells import _row_blocks
from sc_duality.cells._row_blocks import map_rows, row_blocks, row_bounds


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_row_blocks, "BLOCK_VALUES", 7 * 120)


def joined(X: object) -> np.ndarray:
    blocks = list(row_blocks(X))
    assert all(rows.format == "csr" and rows.has_canonical_format for _, rows in blocks)
    starts = np.cumsum([0, *(rows.shape[0] for _, rows in blocks)])
    assert [start for start, _ in blocks] == starts[:-1].tolist()
    assert len(blocks) > 1
    return np.vstack([rows.toarray() for _, rows in blocks])


def matrix_forms(X: sparse.csr_matrix) -> dict[str, object]:
    return {
        "csr": X,
        "csr array": sparse.csr_array(X),
        "csc": X.tocsc(),
        "dense": X.toarray(),
        "fortran": np.asfortranarray(X.toarray()),
        "half": X.toarray().astype(np.float16),
        "bool": X.astype(bool),
        "big-endian": X.toarray().astype(">f8"),
        "dask": da.from_array(X.toarray(), chunks=(11, 50)),
        "sparse dask": da.from_array(X.toarray(), chunks=(4, -1)).map_blocks(sparse.csr_matrix),
    }


@pytest.mark.parametrize("form", matrix_forms(sparse.csr_matrix((1, 120))))
def test_blocks_of_any_matrix_are_its_rows(counts: ad.AnnData, form: str) -> None:
    expected = counts.X.toarray()
    np.testing.assert_array_equal(joined(matrix_forms(counts.X)[form]), expected > 0 if form == "bool" else expected)


@pytest.mark.parametrize("form", ["csr", "csc", "dense"])
def test_blocks_of_a_file_are_its_rows(counts: ad.AnnData, form: str, tmp_path: Path) -> None:
    expected = counts.X.toarray()
    counts.X = matrix_forms(counts.X)[form]
    counts.write_h5ad(tmp_path / "counts.h5ad")
    backed = ad.read_h5ad(tmp_path / "counts.h5ad", backed="r")
    np.testing.assert_array_equal(joined(backed.X), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
def test_masked_values_are_zero(counts: ad.AnnData, dtype: type) -> None:
    values = counts.X.toarray().astype(dtype)
    mask = np.zeros(values.shape, bool)
    mask[::3, ::2] = True
    expected = np.where(mask, 0, values)
    masked = np.ma.masked_array(values, mask=mask)
    np.testing.assert_array_equal(joined(masked), expected)
    np.testing.assert_array_equal(joined(da.from_array(masked, chunks=(11, 50), asarray=False)), expected)
    assert masked.mask.sum() == mask.sum(), "the matrix is not changed"


def test_masked_values_do_not_enter_a_sentence(counts: ad.AnnData) -> None:
    measured = counts[:, 1:].copy()
    mask = np.zeros(counts.shape, bool)
    mask[:, 0] = True
    counts.layers["masked"] = np.ma.masked_array(np.where(mask, np.nan, counts.X.toarray()), mask=mask)
    sd.pp.cell_sentences(counts, layer="masked")
    sd.pp.cell_sentences(measured)
    assert sd.get.gene_lists(counts) == sd.get.gene_lists(measured)


def test_csr_in_memory_is_not_copied(counts: ad.AnnData) -> None:
    for _, rows in row_blocks(counts.X):
        assert np.shares_memory(rows.data, counts.X.data)
        assert np.shares_memory(rows.indices, counts.X.indices)


def test_duplicate_and_unsorted_entries_are_summed_in_a_copy() -> None:
    X = sparse.csr_matrix((np.array([1.0, 2, 4]), np.array([2, 0, 2]), np.array([0, 3, 3])), shape=(2, 120))
    (_, rows), *_ = row_blocks(X)
    assert rows.toarray()[0, :3].tolist() == [2, 0, 5]
    assert X.data.tolist() == [1, 2, 4]


def test_a_dask_chunk_is_never_split() -> None:
    X = da.zeros((60, 120), chunks=((2, 3, 20, 1, 34), (120,)))
    assert row_bounds(X) == [(0, 5), (5, 25), (25, 26), (26, 60)]


def test_a_block_has_at_least_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_row_blocks, "BLOCK_VALUES", 5)
    assert row_bounds(np.zeros((2, 10))) == [(0, 1), (1, 2)]


def test_map_rows_passes_the_rows_of_other_arrays(counts: ad.AnnData) -> None:
    results = list(map_rows(counts.X.toarray(), lambda rows, index: (rows.toarray(), index), np.arange(60)))
    assert len(results) > 1
    for part, (rows, index) in results:
        np.testing.assert_array_equal(rows, counts.X[index].toarray())
        assert index.tolist() == list(range(part.start, part.stop))


def test_indices_of_two_types_are_not_copied(counts: ad.AnnData) -> None:
    """As in a matrix from a file whose row pointers have 64 bits."""
    X = counts.X.copy()
    X.indptr = X.indptr.astype(np.int64)
    for start, rows in row_blocks(X):
        assert np.shares_memory(rows.indices, X.indices)
        assert rows.indptr.dtype == rows.indices.dtype
        np.testing.assert_array_equal(rows.toarray(), counts.X[start : start + rows.shape[0]].toarray())


def test_a_matrix_in_memory_is_not_changed() -> None:
    X = da.from_array(sparse.csr_matrix(np.eye(60, 120, dtype=bool)), asarray=False, chunks=-1)
    next(row_blocks(X))
    assert X.compute().dtype == bool


def test_a_sparse_file_is_read_in_few_blocks(counts: ad.AnnData, tmp_path: Path) -> None:
    """The size of a block depends on the stored values of a sparse file, not on its shape."""
    counts.write_h5ad(tmp_path / "counts.h5ad")
    backed = ad.read_h5ad(tmp_path / "counts.h5ad", backed="r")
    assert row_bounds(backed.X) == row_bounds(counts.X)
    assert row_bounds(counts.X)[0][1] > 7


def test_a_csc_file_is_loaded_into_memory(counts: ad.AnnData, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    counts.X = counts.X.tocsc()
    counts.write_h5ad(tmp_path / "counts.h5ad")
    next(row_blocks(ad.read_h5ad(tmp_path / "counts.h5ad", backed="r").X))
    assert "stored by columns (CSC) and is loaded into memory" in caplog.text
