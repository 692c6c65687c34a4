"""Results of tools are written into a store, and the rest of the store does not change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import mudata as md
import numpy as np
import pandas as pd
import pytest
import zarr

import sc_duality as sd
from sc_duality.io import _write_results

STORES = ["h5ad", "zarr"]


@pytest.fixture(scope="module")
def all_results() -> ad.AnnData:
    """Real cells with results of every kind."""
    adata = sd.datasets.pbmc3k()[::16].copy()
    adata.obs["annotation_by_hand"] = np.arange(adata.n_obs)
    sd.tl.annotate(adata, labels="blood")
    sd.tl.duality(adata)
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
    sd.io.write_results(annotated, path)
    assert list(read(path).obs) == list(found.obs), "the second result replaces the first"


@pytest.mark.parametrize("store", STORES)
def test_selected_results_replace_earlier_ones(annotated: ad.AnnData, store: str, tmp_path: Path) -> None:
    path = stored(annotated, tmp_path / f"cells.{store}")
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
    sd.tl.duality(adata)
    sd.io.write_results(adata, path)
    assert_has_results(read(path), annotated, ["annotation", "cell_sentence"])
    rows = adata.X[:3].compute() if mode == "lazy" else adata.X[:3]
    assert (rows != plain.X[:3]).nnz == 0, "expression can still be read"
    adata.file.close()
    again = ad.read_h5ad(path, backed="r+") if mode == "backed" else ad.experimental.read_lazy(path)
    sd.tl.embed(again)
    sd.tl.duality(again)
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
        written.extend(arguments[4])
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


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("at", ["obsm", "obs", "uns"])
def test_a_killed_process_leaves_a_readable_store(
    annotated: ad.AnnData, store: str, at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(annotated, tmp_path / f"cells.{store}")
    sd.tl.annotate(annotated, labels=["B cell", "NK cell"])
    write = _write_results.write_result.__globals__["write_elem"]

    def fail(group: h5py.Group | zarr.Group, name: str, values: object) -> None:
        if group.name == f"/{at}":
            raise RuntimeError("killed")
        write(group, name, values)

    monkeypatch.setitem(_write_results.write_result.__globals__, "write_elem", fail)
    monkeypatch.setattr(zarr, "consolidate_metadata", lambda _: None)  # a killed process does not get there
    with pytest.raises(RuntimeError, match="killed"):
        sd.io.write_results(annotated, path, ["annotation"])
    monkeypatch.undo()
    found = read(path)
    assert "annotation" not in found.uns
    assert ("annotation" in found.obs) == (at == "uns")
    with pytest.raises(KeyError):
        sd.tl.duality(found)
    sd.io.write_results(annotated, path, ["annotation"])
    assert_has_results(read(path), annotated, ["annotation"])


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


def test_a_lazy_h5ad_cannot_be_written_to(plain: ad.AnnData, tmp_path: Path) -> None:
    path = stored(plain, tmp_path / "cells.h5ad")
    adata = ad.experimental.read_lazy(path)
    sd.tl.annotate(adata, labels="blood")
    with pytest.raises(ValueError, match=r"reads it lazily.*read_h5ad\(path, backed='r'\)"):
        sd.io.write_results(adata, path)
    with h5py.File(path, "r") as file:
        opened = ad.experimental.read_lazy(file)
        sd.tl.annotate(opened, labels="blood")
        with pytest.raises(OSError, match="does not write to a file that is open for reading"):
            sd.io.write_results(opened, path)


def test_a_modality(plain: ad.AnnData, annotated: ad.AnnData, tmp_path: Path) -> None:
    path = tmp_path / "cells.h5mu"
    md.MuData({"rna": plain}).write(path)
    sd.io.write_results(md.MuData({"rna": annotated}), path)
    assert_has_results(md.read(path)["rna"], annotated, ALL)
