from __future__ import annotations

from pathlib import Path

import anndata as ad
import dask.array as da
import mudata as md
import numpy as np
import pytest
from scipy import sparse

from sc_duality import _data
from sc_duality._data import matrix, modality, row_blocks, row_bounds, seed


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_data, "BLOCK_VALUES", 7 * 120)


def joined(X: object) -> np.ndarray:
    blocks = list(row_blocks(X))
    assert all(rows.format == "csr" and rows.has_canonical_format for _, rows in blocks)
    starts = np.cumsum([0, *(rows.shape[0] for _, rows in blocks)])
    assert [start for start, _ in blocks] == starts[:-1].tolist()
    assert len(blocks) > 1
    return np.vstack([rows.toarray() for _, rows in blocks])


def in_many_forms(X: sparse.csr_matrix) -> dict[str, object]:
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


@pytest.mark.parametrize("form", in_many_forms(sparse.csr_matrix((1, 120))))
def test_blocks_of_any_matrix_are_its_rows(counts: ad.AnnData, form: str) -> None:
    expected = counts.X.toarray()
    np.testing.assert_array_equal(joined(in_many_forms(counts.X)[form]), expected > 0 if form == "bool" else expected)


@pytest.mark.parametrize("form", ["csr", "csc", "dense"])
def test_blocks_of_a_file_are_its_rows(counts: ad.AnnData, form: str, tmp_path: Path) -> None:
    expected = counts.X.toarray()
    counts.X = in_many_forms(counts.X)[form]
    counts.write_h5ad(tmp_path / "counts.h5ad")
    backed = ad.read_h5ad(tmp_path / "counts.h5ad", backed="r")
    np.testing.assert_array_equal(joined(backed.X), expected)


def test_csr_in_memory_is_not_copied(counts: ad.AnnData) -> None:
    for _, rows in row_blocks(counts.X):
        assert np.shares_memory(rows.data, counts.X.data)
        assert np.shares_memory(rows.indices, counts.X.indices)


def test_doubled_and_unsorted_entries_are_summed_without_touching_the_original() -> None:
    X = sparse.csr_matrix((np.array([1.0, 2, 4]), np.array([2, 0, 2]), np.array([0, 3, 3])), shape=(2, 120))
    (_, rows), *_ = row_blocks(X)
    assert rows.toarray()[0, :3].tolist() == [2, 0, 5]
    assert X.data.tolist() == [1, 2, 4]


def test_a_dask_chunk_is_never_split() -> None:
    X = da.zeros((60, 120), chunks=((2, 3, 20, 1, 34), (120,)))
    assert row_bounds(X) == [(0, 5), (5, 25), (25, 26), (26, 60)]


def test_a_block_has_at_least_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_data, "BLOCK_VALUES", 5)
    assert row_bounds(np.zeros((2, 10))) == [(0, 1), (1, 2)]


@pytest.mark.filterwarnings("ignore::FutureWarning:mudata", "ignore::UserWarning:mudata")
def test_modality(counts: ad.AnnData) -> None:
    mdata = md.MuData({"rna": counts, "atac": counts.copy()})
    assert modality(counts, "anything") is counts
    assert modality(mdata) is mdata.mod["rna"]
    with pytest.raises(KeyError, match=r"no modality 'protein'; it has \['atac', 'rna'\]"):
        modality(mdata, "protein")
    with pytest.raises(TypeError, match="got DataFrame"):
        modality(counts.obs)
    with pytest.raises(ValueError, match="0 cells × 120 genes"):
        modality(counts[:0])


def test_matrix(counts: ad.AnnData) -> None:
    counts.layers["counts"] = counts.X * 2
    counts.raw = counts[:, :50].copy()
    X, holder = matrix(counts)
    assert X is counts.X
    assert holder is counts
    X, holder = matrix(counts, layer="counts")
    assert X is counts.layers["counts"]
    X, holder = matrix(counts, use_raw=True)
    assert X.shape == (60, len(holder.var_names)) == (60, 50)


def test_seed() -> None:
    assert seed(3) == seed(np.int64(3)) == 3
    assert seed(np.random.default_rng(5)) == seed(np.random.default_rng(5)) != seed(np.random.default_rng(6))
    assert seed(None) != seed(None)
    for wrong in (-1, 1.5, True, "0"):
        with pytest.raises(ValueError, match="rng must be"):
            seed(wrong)  # type: ignore[arg-type]
