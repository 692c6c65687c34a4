"""What a tool added to an object gets into the store that the object came from, and nothing else changes there."""

from __future__ import annotations

from pathlib import Path

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
def once() -> ad.AnnData:
    """Real cells with results of every kind."""
    adata = sd.datasets.pbmc3k()[::16].copy()
    adata.obs["annotation_of_mine"] = np.arange(adata.n_obs)
    sd.tl.annotate(adata, labels="blood", duality=True)
    sd.tl.annotate(adata, labels="blood", method="generate", max_tokens=2, key_added="written")
    sd.tl.embed(adata)
    return adata


@pytest.fixture
def answered(once: ad.AnnData) -> ad.AnnData:
    return once.copy()


@pytest.fixture
def plain() -> ad.AnnData:
    adata = sd.datasets.pbmc3k()[::16].copy()
    adata.obs["annotation_of_mine"] = -1
    adata.layers["counts"] = adata.X.copy()
    return adata


def stored(adata: ad.AnnData, path: Path) -> Path:
    adata.write_h5ad(path) if path.suffix == ".h5ad" else adata.write_zarr(path)
    return path


def read(path: Path) -> ad.AnnData:
    return ad.read_h5ad(path) if path.suffix == ".h5ad" else ad.read_zarr(path)


def assert_has_results(found: ad.AnnData, expected: ad.AnnData, keys: list[str]) -> None:
    named = [name for key in keys for name in expected.obs if name == key or name.startswith(f"{key}_")]
    for name in set(named) - {"annotation_of_mine"}:
        pd.testing.assert_series_equal(found.obs[name], expected.obs[name])
    for key in expected.obsm:
        if any(key.startswith(one) for one in keys):
            np.testing.assert_array_equal(np.asarray(found.obsm[key]), np.asarray(expected.obsm[key]))
    for key in keys:
        assert found.uns[key]["params"].keys() == expected.uns[key]["params"].keys()


ALL = ["annotation", "written", "X_cell_sentence", "cell_sentence"]


@pytest.mark.parametrize("store", STORES)
def test_results_get_there_and_the_rest_stays(
    plain: ad.AnnData, answered: ad.AnnData, store: str, tmp_path: Path
) -> None:
    path = stored(plain, tmp_path / f"cells.{store}")
    sd.io.write_results(answered, path)
    found = read(path)
    assert_has_results(found, answered, ALL)
    assert found.obs["annotation_of_mine"].tolist() == [-1] * plain.n_obs
    assert list(found.obs)[:2] == ["cell_type", "annotation_of_mine"]
    for name in ("X", "counts"):
        here, there = (one.X if name == "X" else one.layers[name] for one in (found, plain))
        assert (here != there).nnz == 0
    assert sd.get.cell_sentences(found).tolist() == sd.get.cell_sentences(answered).tolist()
    sd.tl.duality(found, n_genes=10)
    sd.io.write_results(answered, path)
    assert list(read(path).obs) == list(found.obs), "a second time it takes the place of the first"


@pytest.mark.parametrize("store", STORES)
def test_chosen_results_replace_what_was_there(answered: ad.AnnData, store: str, tmp_path: Path) -> None:
    path = stored(answered, tmp_path / f"cells.{store}")
    sd.tl.annotate(answered, labels=["B cell", "NK cell"])
    sd.io.write_results(answered, path, ["annotation"])
    found = read(path)
    assert_has_results(found, answered, ["annotation"])
    assert "annotation_duality" not in found.obs, "it judged the answers that are gone"
    assert list(found.obsm["annotation_probabilities"].columns) == ["B cell", "NK cell"]
    assert "written" in found.obs


@pytest.mark.parametrize("form", ["backed h5ad", "lazy zarr"])
def test_back_into_the_store_that_it_was_read_from(
    plain: ad.AnnData, answered: ad.AnnData, form: str, tmp_path: Path
) -> None:
    how, store = form.split()
    path = stored(plain, tmp_path / f"cells.{store}")
    adata = ad.read_h5ad(path, backed="r") if how == "backed" else ad.experimental.read_lazy(path)
    sd.tl.annotate(adata, labels="blood", duality=True)
    sd.io.write_results(adata, path)
    assert_has_results(read(path), answered, ["annotation", "cell_sentence"])
    rows = adata.X[:3].compute() if how == "lazy" else adata.X[:3]
    assert (rows != plain.X[:3]).nnz == 0, "expression can still be read"
    adata.file.close()
    again = ad.read_h5ad(path, backed="r+") if how == "backed" else ad.experimental.read_lazy(path)
    sd.tl.embed(again)
    sd.tl.duality(again)
    sd.io.write_results(again, path)
    assert_has_results(read(path), answered, ["annotation", "cell_sentence", "X_cell_sentence"])


def test_sentences_that_were_not_loaded_stay(
    plain: ad.AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(plain, tmp_path / "cells.zarr")
    sd.io.write_sentences(path)
    adata = ad.experimental.read_lazy(path)
    sd.tl.annotate(adata, labels="blood")
    written = []
    remember = _write_results.remember
    monkeypatch.setattr(_write_results, "remember", lambda *given: (written.extend(given[4]), remember(*given)))
    sd.io.write_results(adata, path)
    assert written == ["annotation_probabilities"]
    other = stored(plain, tmp_path / "other.zarr")
    sd.io.write_results(adata, other)
    assert {"cell_sentence", "cell_sentence_vocabulary"} <= set(written), "the other store has none"
    assert sd.get.cell_sentences(read(other)).tolist() == sd.get.cell_sentences(read(path)).tolist()
    sd.io.write_results(adata, path, ["cell_sentence"])
    assert sd.get.cell_sentences(read(path)).tolist() == sd.get.cell_sentences(read(other)).tolist()


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("at", ["obsm", "obs", "uns"])
def test_work_that_was_killed_leaves_a_store_that_can_be_read(
    answered: ad.AnnData, store: str, at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(answered, tmp_path / f"cells.{store}")
    sd.tl.annotate(answered, labels=["B cell", "NK cell"])
    write = _write_results.remember.__globals__["write_elem"]

    def dies(group: object, name: str, values: object) -> None:
        if name.startswith(f"{at}/"):
            raise RuntimeError("killed")
        write(group, name, values)

    monkeypatch.setitem(_write_results.remember.__globals__, "write_elem", dies)
    monkeypatch.setattr(zarr, "consolidate_metadata", lambda _: None)  # which a killed process does not reach
    with pytest.raises(RuntimeError, match="killed"):
        sd.io.write_results(answered, path, ["annotation"])
    monkeypatch.undo()
    found = read(path)
    assert "annotation" not in found.uns
    assert ("annotation" in found.obs) == (at == "uns")
    with pytest.raises(KeyError):
        sd.tl.duality(found)
    sd.io.write_results(answered, path, ["annotation"])
    assert_has_results(read(path), answered, ["annotation"])


def test_other_cells_are_refused(plain: ad.AnnData, answered: ad.AnnData, tmp_path: Path) -> None:
    path = stored(plain, tmp_path / "cells.h5ad")
    with pytest.raises(ValueError, match="holds 20 cells and adata 5: name the store that has these"):
        sd.io.write_results(answered[:5].copy(), path)
    with pytest.raises(ValueError, match="20 names differ, the first is 'AAACATTGAGCTAC-1' there and .* in adata"):
        sd.io.write_results(answered[::-1].copy(), path)
    assert not read(path).obsm


def test_there_must_be_results(plain: ad.AnnData, answered: ad.AnnData, tmp_path: Path) -> None:
    path = stored(plain, tmp_path / "cells.h5ad")
    plain.uns["neighbors"] = {"params": {"n_neighbors": 15}}
    with pytest.raises(KeyError, match="no results of this package in uns"):
        sd.io.write_results(plain, path)
    answered.uns["neighbors"] = {"params": {"n_neighbors": 15}}
    with pytest.raises(KeyError, match=r"uns\['neighbors'\] is no result of this package"):
        sd.io.write_results(answered, path, ["neighbors"])
    with pytest.raises(FileNotFoundError, match="there is no store"):
        sd.io.write_results(answered, tmp_path / "none.zarr")


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


def test_a_modality(plain: ad.AnnData, answered: ad.AnnData, tmp_path: Path) -> None:
    path = tmp_path / "cells.h5mu"
    md.MuData({"rna": plain}).write(path)
    sd.io.write_results(md.MuData({"rna": answered}), path)
    assert_has_results(md.read(path)["rna"], answered, ALL)
