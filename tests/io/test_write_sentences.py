"""A store gets the same sentences as an AnnData."""

from __future__ import annotations

import logging
import tracemalloc
from pathlib import Path

import anndata as ad
import h5py
import mudata as md
import numpy as np
import pytest
import zarr
from scipy import sparse

import sc_duality as sd
from sc_duality.cells import _row_blocks

FORMS = {
    "csr": lambda X: X,
    "csc": lambda X: X.tocsc(),
    "dense": lambda X: X.toarray(),
    "float": lambda X: X.astype(np.float32),
}


@pytest.fixture
def cells() -> ad.AnnData:
    return sd.datasets.pbmc3k()[::4].copy()


def stored(adata: ad.AnnData, path: Path) -> Path:
    adata.write_h5ad(path) if path.suffix == ".h5ad" else adata.write_zarr(path)
    return path


def read(path: Path) -> ad.AnnData:
    return ad.read_h5ad(path) if path.suffix == ".h5ad" else ad.read_zarr(path)


def assert_same(found: ad.AnnData, expected: ad.AnnData, key: str = "cell_sentence") -> None:
    for name in (key, f"{key}_vocabulary"):
        np.testing.assert_array_equal(found.obsm[name], expected.obsm[name])
        assert found.obsm[name].dtype == expected.obsm[name].dtype
    assert found.uns[key]["genes"].tolist() == expected.uns[key]["genes"].tolist()
    assert found.uns[key]["params"] == expected.uns[key]["params"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("store", ["h5ad", "zarr"])
def test_any_store_gets_the_same_sentences(
    cells: ad.AnnData, store: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_row_blocks, "BLOCK_VALUES", 15 * cells.n_vars)
    cells.X = FORMS[form](cells.X)
    path = stored(cells, tmp_path / f"cells.{store}")
    sd.io.write_sentences(path, 60)
    sd.pp.cell_sentences(cells, 60)
    found = read(path)
    assert_same(found, cells)
    assert (found.X != cells.X).sum() == 0
    assert found.obs.equals(cells.obs)
    assert found.uns["source"] == cells.uns["source"]
    assert_same(ad.experimental.read_lazy(path).to_memory(), cells)


def test_layers_raw_and_settings(cells: ad.AnnData, tmp_path: Path) -> None:
    cells.layers["counts"], cells.raw = cells.X * 2, cells.copy()
    cells.var["symbol"] = cells.var_names.to_numpy()
    path = stored(cells, tmp_path / "cells.zarr")
    settings = {
        "layer": {"layer": "counts", "n_genes": 9, "rng": 3},
        "raw": {"use_raw": True, "exclude": None},
        "few": {"genes": cells.var_names[:500].tolist(), "exclude": ["MALAT1"], "gene_symbols": "symbol"},
    }
    for key, arguments in settings.items():
        sd.io.write_sentences(path, key_added=key, **arguments)
        sd.pp.cell_sentences(cells, key_added=key, **arguments)
    found = read(path)
    assert_same(found, cells, "layer")
    assert_same(found, cells, "raw")
    np.testing.assert_array_equal(found.obsm["few"], cells.obsm["few"])


@pytest.mark.parametrize("version", [2, 3])
def test_metadata_is_consolidated_again(cells: ad.AnnData, version: int, tmp_path: Path) -> None:
    with ad.settings.override(zarr_write_format=version):
        path = stored(cells, tmp_path / "cells.zarr")
    for n_genes in (7, 9):
        sd.io.write_sentences(path, n_genes)
        group = zarr.open_group(path, mode="r")
        assert group.metadata.consolidated_metadata is not None
        assert group["obsm/cell_sentence"].shape == (cells.n_obs, n_genes)
        assert ad.experimental.read_lazy(path).obsm["cell_sentence"].shape == (cells.n_obs, n_genes)


def test_invalid_matrix_and_settings(cells: ad.AnnData, tmp_path: Path) -> None:
    cells.layers["counts"] = cells.X.copy()
    cells.X = cells.X.astype(np.float32)
    cells.X.data[0] = -1
    path = stored(cells, tmp_path / "cells.h5ad")
    with pytest.raises(ValueError, match=r"X holds 1 negative values .* layer='counts'"):
        sd.io.write_sentences(path, use_raw=False)
    assert not read(path).obsm
    sd.io.write_sentences(path)
    assert read(path).uns["cell_sentence"]["params"]["layer"] == "counts"
    with pytest.raises(ValueError, match="n_genes=99999, but only"):
        sd.io.write_sentences(path, 99999)
    with pytest.raises(KeyError, match=r"no layer 'logs'; layers are \['counts'\]"):
        sd.io.write_sentences(path, layer="logs")


def test_a_modality(cells: ad.AnnData, tmp_path: Path) -> None:
    path = tmp_path / "cells.h5mu"
    md.MuData({"rna": cells}).write(path)
    sd.io.write_sentences(path, 20)
    sd.pp.cell_sentences(cells, 20)
    assert_same(md.read(path)["rna"], cells)
    with pytest.raises(KeyError, match=r"no modality 'atac'; it has \['rna'\]"):
        sd.io.write_sentences(path, mod="atac")


def test_invalid_paths(cells: ad.AnnData, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no store"):
        sd.io.write_sentences(tmp_path / "missing.h5ad")
    path = stored(cells, tmp_path / "cells.h5ad")
    with h5py.File(path, "r+"), pytest.raises(OSError, match="is open for writing in this process"):
        sd.io.write_sentences(path)
    with h5py.File(tmp_path / "other.h5", "w"):
        pass
    with pytest.raises(ValueError, match="holds no AnnData"):
        sd.io.write_sentences(tmp_path / "other.h5")


@pytest.mark.parametrize("store", ["h5ad", "zarr"])
def test_memory_does_not_grow_with_the_store(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.random.default_rng(0).poisson(0.3, (6_000, 400)).astype(np.float32)
    path = stored(ad.AnnData(sparse.csr_matrix(X)), tmp_path / f"cells.{store}")
    sd.io.write_sentences(path, 100)  # compiles
    monkeypatch.setattr(_row_blocks, "BLOCK_VALUES", 100 * 400)
    tracemalloc.start()
    try:
        sd.io.write_sentences(path, 100)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6_000 * 100 * 4, "less than the size of all sentences"


def test_log(cells: ad.AnnData, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = stored(cells, tmp_path / "cells.zarr")
    with caplog.at_level(logging.INFO, "sc_duality"):
        sd.io.write_sentences(path, 20)
    assert f"wrote 80 sentences of up to 20 genes into {path}: obsm['cell_sentence']" in caplog.text


def test_layers_made_of_earlier_sentences_stay(cells: ad.AnnData, tmp_path: Path) -> None:
    sd.pp.cell_sentences(cells)
    sd.pp.fit_expression(cells)
    sd.pp.reconstruct_expression(cells)
    path = stored(cells, tmp_path / "cells.h5ad")
    sd.io.write_sentences(path, 9)
    found = read(path)
    assert found.uns["cell_sentence"]["layers"].tolist() == ["reconstructed"]
    sd.pp.fit_expression(found)
    sd.pp.reconstruct_expression(found)


def test_a_store_without_cells(cells: ad.AnnData, tmp_path: Path) -> None:
    path = stored(cells[:0].copy(), tmp_path / "cells.h5ad")
    with pytest.raises(ValueError, match=rf"cells.h5ad' is empty: 0 cells × {cells.n_vars} genes"):
        sd.io.write_sentences(path)
