"""What is not a store of cells is named."""

from __future__ import annotations

import zipfile
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest
import zarr

from sc_duality._store_format import check_format


@pytest.fixture
def cells() -> ad.AnnData:
    return ad.AnnData(np.ones((3, 2), np.float32))


def test_stores_are_taken(cells: ad.AnnData, tmp_path: Path) -> None:
    cells.obs["barcodes"] = list("ABC")
    cells.write_h5ad(tmp_path / "cells.h5ad")
    cells.write_zarr(tmp_path / "cells.zarr")
    for path in (tmp_path / "cells.h5ad", tmp_path / "cells.zarr"):
        check_format(path)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("cells.h5ad", b"", "an empty file"),
        ("cells.zarr.zip", b"PK\x03\x04 rest", "a zip archive: unzip it"),
        ("cells.h5ad.gz", b"\x1f\x8b\x08 rest", "compressed with gzip"),
        ("cells.csv", b"gene,cell\n", r"a text file: read it with anndata.io.read_csv"),
        ("matrix.mtx", b"%%MatrixMarket", "a text file: read it with anndata.io.read_mtx"),
        ("cells.rds", b"\x1f\x8b\x08 rest", "an R file"),
        ("cells.h5ad", b"<html>not found</html>", "not an HDF5 file"),
    ],
)
def test_other_files(name: str, content: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}' is {kind}"):
        check_format(tmp_path / name)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["matrix/barcodes", "matrix/data"], "a matrix of Cell Ranger: read it with scanpy.read_10x_h5"),
        (["GRCh38/barcodes", "GRCh38/genes"], "a matrix of Cell Ranger"),
        (["matrix", "row_attrs/Gene", "col_attrs/CellID"], "a loom file"),
        (["assays/RNA", "meta.data/x"], "an h5Seurat file"),
    ],
)
def test_other_hdf5_files(names: list[str], kind: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "cells.h5", "w") as file:
        for name in names:
            file[name] = np.ones(3)
    with pytest.raises(ValueError, match=kind):
        check_format(tmp_path / "cells.h5")


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a folder without a zarr group"):
        check_format(tmp_path)
    (tmp_path / "matrix.mtx.gz").touch()
    with pytest.raises(ValueError, match="a 10x folder"):
        check_format(tmp_path)
    zarr.save_array(tmp_path / "array", np.ones(3), zarr_format=2)
    with pytest.raises(ValueError, match="a zarr array"):
        check_format(tmp_path / "array")


def test_damaged_and_missing_files(cells: ad.AnnData, tmp_path: Path) -> None:
    path = tmp_path / "cells.h5ad"
    cells.write_h5ad(path)
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(OSError, match="is damaged or incomplete: copy or download it again"):
        check_format(path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="there is no store .*cells.h5ad': write one"):
        check_format(path)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(FileNotFoundError, match="there is no store .*cells.h5ad': .*link' is a link to it"):
        check_format(tmp_path / "link")


def test_a_file_that_is_being_written(cells: ad.AnnData, tmp_path: Path) -> None:
    cells.write_h5ad(tmp_path / "cells.h5ad")
    with h5py.File(tmp_path / "cells.h5ad", "r"):
        check_format(tmp_path / "cells.h5ad")
    with h5py.File(tmp_path / "cells.h5ad", "r+"), pytest.raises(OSError, match="is open for writing in this process"):
        check_format(tmp_path / "cells.h5ad")


def test_a_zipped_zarr(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cells.zarr.zip", "w") as file:
        file.writestr("zarr.json", "{}")
    with pytest.raises(ValueError, match="unzip it"):
        check_format(tmp_path / "cells.zarr.zip")
