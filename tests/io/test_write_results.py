"""Results of tools are written into a store, and the rest of the store does not change."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.io import _write_results
from sc_duality.io._store import n_bytes

STORES = ["h5ad", "zarr"]


@pytest.fixture(scope="module")
def all_results() -> ad.AnnData:
    """Real cells with results of every kind."""
    adata = sd.datasets.pbmc3k()[::16].copy()
    adata.obs["annotation_by_hand"] = np.arange(adata.n_obs)
    sd.tl.annotate(adata, labels="blood")
    sd.tl.duality(adata, n_genes=10)
    sampling = sd.Sampling(max_tokens=2)
    sd.tl.annotate(adata, labels="blood", method="generate", sampling=sampling, key_added="generated")
    sd.tl.embed(adata)
    return adata


@pytest.fixture
def annotated(all_results: ad.AnnData) -> ad.AnnData:
    return all_results.copy()


@pytest.fixture
def plain() -> ad.AnnData:
    adata = sd.datasets.pbmc3k()[::16].copy()
    adata.obs["annotation_by_hand"] = -1
    adata.layers["counts"] = adata.X.copy()
    return adata


@pytest.fixture(scope="module")
def result_stores(all_results: ad.AnnData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with stores of all results, to copy."""
    folder = tmp_path_factory.mktemp("stores")
    for store in STORES:
        stored(all_results.copy(), folder / f"cells.{store}")
    return folder


@pytest.fixture
def result_store(result_stores: Path, store: str, tmp_path: Path) -> Path:
    path, new = result_stores / f"cells.{store}", tmp_path / f"cells.{store}"
    return Path(shutil.copytree(path, new) if path.is_dir() else shutil.copyfile(path, new))


def stored(adata: ad.AnnData, path: Path) -> Path:
    adata.write_h5ad(path) if path.suffix == ".h5ad" else adata.write_zarr(path)
    return path


def read(path: Path) -> ad.AnnData:
    return ad.read_h5ad(path) if path.suffix == ".h5ad" else ad.read_zarr(path)


def assert_has_results(found: ad.AnnData, expected: ad.AnnData, keys: list[str]) -> None:
    named = [name for key in keys for name in expected.obs if name == key or name.startswith(f"{key}_")]
    for name in set(named) - {"annotation_by_hand"}:
        pd.testing.assert_series_equal(found.obs[name], expected.obs[name])
    for key in expected.obsm:
        if any(key.startswith(name) for name in keys):
            np.testing.assert_array_equal(np.asarray(found.obsm[key]), np.asarray(expected.obsm[key]))
    for key in keys:
        assert found.uns[key]["params"].keys() == expected.uns[key]["params"].keys()


ALL = ["annotation", "generated", "X_cell_sentence", "cell_sentence"]


@pytest.mark.parametrize("store", STORES)
def test_results_are_written_and_the_rest_does_not_change(
    plain: ad.AnnData, annotated: ad.AnnData, store: str, tmp_path: Path
) -> None:
    path = stored(plain, tmp_path / f"cells.{store}")
    sd.io.write_results(annotated, path)
    found = read(path)
    assert_has_results(found, annotated, ALL)
    assert found.obs["annotation_by_hand"].tolist() == [-1] * plain.n_obs
    assert list(found.obs)[:2] == ["cell_type", "annotation_by_hand"]
    for name in ("X", "counts"):
        in_store, original = (each.X if name == "X" else each.layers[name] for each in (found, plain))
        assert (in_store != original).nnz == 0
    assert sd.get.cell_sentences(found).tolist() == sd.get.cell_sentences(annotated).tolist()
    sd.tl.duality(found, n_genes=10)


def test_the_second_result_replaces_the_first(plain: ad.AnnData, annotated: ad.AnnData, tmp_path: Path) -> None:
    path = stored(plain, tmp_path / "cells.h5ad")
    sd.io.write_results(annotated, path)
    columns = list(read(path).obs)
    sd.io.write_results(annotated, path)
    assert list(read(path).obs) == columns


@pytest.mark.parametrize("store", STORES)
def test_selected_results_replace_earlier_ones(annotated: ad.AnnData, result_store: Path) -> None:
    path = result_store
    sd.tl.annotate(annotated, labels=["B cell", "NK cell"])
    sd.io.write_results(annotated, path, ["annotation"])
    found = read(path)
    assert_has_results(found, annotated, ["annotation"])
    assert "annotation_duality" not in found.obs, "the score of the earlier labels is deleted"
    assert list(found.obsm["annotation_probabilities"].columns) == ["B cell", "NK cell"]
    assert "generated" in found.obs


@pytest.mark.parametrize("form", ["backed h5ad", "lazy zarr"])
def test_results_are_written_into_the_store_of_a_backed_or_lazy_anndata(
    plain: ad.AnnData, annotated: ad.AnnData, form: str, tmp_path: Path
) -> None:
    mode, store = form.split()
    path = stored(plain, tmp_path / f"cells.{store}")
    adata = ad.read_h5ad(path, backed="r") if mode == "backed" else ad.experimental.read_lazy(path)
    sd.tl.annotate(adata, labels="blood")
    sd.tl.duality(adata, n_genes=10)
    sd.io.write_results(adata, path)
    assert_has_results(read(path), annotated, ["annotation", "cell_sentence"])
    rows = adata.X[:3].compute() if mode == "lazy" else adata.X[:3]
    assert (rows != plain.X[:3]).nnz == 0, "expression can still be read"
    adata.file.close()
    again = ad.read_h5ad(path, backed="r+") if mode == "backed" else ad.experimental.read_lazy(path)
    sd.tl.embed(again)
    sd.tl.duality(again, n_genes=10)
    sd.io.write_results(again, path)
    assert_has_results(read(path), annotated, ["annotation", "cell_sentence", "X_cell_sentence"])


def test_sentences_that_were_not_loaded_are_not_changed(
    plain: ad.AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(plain, tmp_path / "cells.zarr")
    sd.io.write_sentences(path)
    adata = ad.experimental.read_lazy(path)
    sd.tl.annotate(adata, labels="blood")
    written = []
    write_result = _write_results.write_result

    def recorded(*arguments: Any) -> None:
        written.extend(arguments[3])
        write_result(*arguments)

    monkeypatch.setattr(_write_results, "write_result", recorded)
    sd.io.write_results(adata, path)
    assert written == ["annotation_probabilities"]
    other = stored(plain, tmp_path / "other.zarr")
    sd.io.write_results(adata, other)
    assert {"cell_sentence", "cell_sentence_vocabulary"} <= set(written), "the other store has no sentences"
    assert sd.get.cell_sentences(read(other)).tolist() == sd.get.cell_sentences(read(path)).tolist()
    sd.io.write_results(adata, path, ["cell_sentence"])
    assert sd.get.cell_sentences(read(path)).tolist() == sd.get.cell_sentences(read(other)).tolist()


def test_other_cells_are_an_error(plain: ad.AnnData, annotated: ad.AnnData, tmp_path: Path) -> None:
    path = stored(plain, tmp_path / "cells.h5ad")
    with pytest.raises(ValueError, match="has 20 cells and adata has 5: pass the store of the same cells"):
        sd.io.write_results(annotated[:5].copy(), path)
    with pytest.raises(
        ValueError, match="20 names differ, the first is 'AAACATTGAGCTAC-1' in the store and .* in adata"
    ):
        sd.io.write_results(annotated[::-1].copy(), path)
    assert not read(path).obsm


def test_missing_results(plain: ad.AnnData, annotated: ad.AnnData, tmp_path: Path) -> None:
    path = stored(plain, tmp_path / "cells.h5ad")
    plain.uns["neighbors"] = {"params": {"n_neighbors": 15}}
    with pytest.raises(KeyError, match="uns has no results of sc_duality"):
        sd.io.write_results(plain, path)
    annotated.uns["neighbors"] = {"params": {"n_neighbors": 15}}
    with pytest.raises(KeyError, match=r"uns\['neighbors'\] is not a result of sc_duality"):
        sd.io.write_results(annotated, path, ["neighbors"])
    with pytest.raises(FileNotFoundError, match="there is no store"):
        sd.io.write_results(annotated, tmp_path / "missing.zarr")


def test_a_file_that_others_read(plain: ad.AnnData, annotated: ad.AnnData, tmp_path: Path) -> None:
    """Readers go on reading the old file, and a lazy AnnData keeps its expression."""
    path = stored(plain, tmp_path / "cells.h5ad")
    lazy = ad.experimental.read_lazy(path)
    sd.tl.annotate(lazy, labels="blood")
    with h5py.File(path, "r") as reader:
        sd.io.write_results(lazy, path)
        assert "annotation" not in reader["obs"]
    assert read(path).obs["annotation"].astype(str).tolist() == annotated.obs["annotation"].astype(str).tolist()
    assert (lazy.X[:3].compute() != plain.X[:3]).nnz == 0
    with h5py.File(path, "r+"), pytest.raises(OSError, match="is open for writing in this process: close it there"):
        sd.io.write_results(annotated, path)


def test_a_backed_anndata_reads_the_new_file(plain: ad.AnnData, tmp_path: Path) -> None:
    path = stored(plain, tmp_path / "cells.h5ad")
    adata = ad.read_h5ad(path, backed="r+")
    sd.pp.cell_sentences(adata)
    sd.io.write_results(adata, path)
    assert "cell_sentence" in adata.file._file["obsm"]
    assert (adata.X[:3] != plain.X[:3]).nnz == 0
    adata.file.close()


def test_columns_are_encoded_as_anndata_does(plain: ad.AnnData, annotated: ad.AnnData, tmp_path: Path) -> None:
    path = stored(plain, tmp_path / "cells.h5ad")
    edited = annotated.obs["annotation"].astype(object)
    edited.iloc[0] = None
    annotated.obs["annotation"] = edited
    sd.io.write_results(annotated, path, ["annotation"])
    annotated.write_h5ad(tmp_path / "whole.h5ad")
    expected = read(tmp_path / "whole.h5ad").obs["annotation"]
    pd.testing.assert_series_equal(read(path).obs["annotation"], expected)
    assert isinstance(expected.dtype, pd.CategoricalDtype)


@pytest.mark.parametrize("store", STORES)
def test_a_value_that_no_file_holds(annotated: ad.AnnData, result_store: Path, tmp_path: Path) -> None:
    path = result_store
    probabilities = annotated.obsm["annotation_probabilities"]
    probabilities.columns = ["same"] * probabilities.shape[1]
    with pytest.raises(ValueError, match=r"obsm\['annotation_probabilities'\] cannot be stored in a file.*repeated"):
        sd.io.write_results(annotated, path)
    assert "annotation_confidence" in read(path).obs
    assert list(tmp_path.iterdir()) == [path]


def test_a_modality(plain: ad.AnnData, annotated: ad.AnnData, tmp_path: Path) -> None:
    path = tmp_path / "cells.h5mu"
    md.MuData({"rna": plain}).write(path)
    sd.io.write_results(md.MuData({"rna": annotated}), path)
    assert_has_results(md.read(path)["rna"], annotated, ALL)


@pytest.mark.parametrize("store", STORES)
def test_reconstructed_layers(plain: ad.AnnData, store: str, tmp_path: Path) -> None:
    path = stored(plain, tmp_path / f"cells.{store}")
    sd.pp.cell_sentences(plain)
    sd.pp.fit_expression(plain)
    sd.pp.reconstruct_expression(plain)
    layer = plain.layers["reconstructed"]
    sd.io.write_results(plain, path)
    found = read(path)
    assert (found.layers["reconstructed"] != layer).nnz == 0
    sd.pp.reconstruct_expression(found)
    lazy = ad.experimental.read_lazy(path)
    sd.io.write_results(lazy, path)
    sd.io.write_results(lazy, path, ["cell_sentence"])
    sd.pp.cell_sentences(plain, 9)
    del plain.layers["reconstructed"]
    other = stored(plain, tmp_path / f"other.{store}")
    assert (read(path).layers["reconstructed"] != layer).nnz == 0
    sd.io.write_results(lazy, other)
    assert (read(other).layers["reconstructed"] != layer).nnz == 0
    sd.io.write_results(plain, path)
    assert set(read(path).layers) == {"counts"}, "earlier results are replaced"


def test_bytes_of_a_sparse_layer(plain: ad.AnnData) -> None:
    X = plain.X
    assert n_bytes({"X": X}) >= X.data.nbytes + X.indices.nbytes + X.indptr.nbytes


def test_keys_are_a_list_and_count_once(plain: ad.AnnData, annotated: ad.AnnData, tmp_path: Path) -> None:
    path = stored(plain, tmp_path / "cells.h5ad")
    with pytest.raises(TypeError, match=r"got the string 'annotation': pass keys=\['annotation'\]"):
        sd.io.write_results(annotated, path, "annotation")
    sd.io.write_results(annotated, path, ["annotation", "annotation"])
    assert read(path).obs.columns.is_unique
