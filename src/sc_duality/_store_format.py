"""Name what a file or folder is that cannot be an h5ad, h5mu or zarr store."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

#: First bytes of files that are brought in place of an h5ad.
_SIGNATURES = {
    b"PK\x03\x04": "a zip archive: unzip it, and pass the .h5ad or .zarr in it",
    b"\x1f\x8b": "compressed with gzip: unpack it with gunzip",
    b"BZh": "compressed with bzip2: unpack it with bunzip2",
    b"\xfd7zXZ": "compressed with xz: unpack it with unxz",
    b"RDX": "an R file: write it as h5ad in R, for example with the package anndataR",
    b"PAR1": "a Parquet file: make an AnnData of its table, and write it with write_h5ad",
}
#: Endings of text files with matrices, and the function of anndata that reads them.
_TEXT = {".csv": "read_csv", ".tsv": "read_text", ".txt": "read_text", ".mtx": "read_mtx"}
#: Endings of files of R, which may be compressed.
_R_FILES = {".rds", ".rda", ".rdata"}


def check_format(path: Path) -> None:
    """Raise an error that says what ``path`` is and what to do, unless it is a zarr group or an HDF5 file of cells.

    Raises
    ------
    FileNotFoundError
        There is no such file or folder.
    ValueError
        It has another format.
    OSError
        It is damaged or open for writing elsewhere.
    """
    if not path.exists():
        link = f": {str(path)!r} is a link to it" if path.is_symlink() else ": write one with write_zarr or write_h5ad"
        raise FileNotFoundError(f"there is no store {str(path.resolve() if path.is_symlink() else path)!r}{link}")
    if not path.is_dir() and not path.is_file():
        raise ValueError(f"{str(path)!r} is neither a file nor a folder")
    kind = _kind_of_folder(path) if path.is_dir() else _kind_of_file(path) or _kind_of_hdf5(path)
    if kind:
        raise ValueError(f"{str(path)!r} is {kind}")


def _kind_of_folder(path: Path) -> str:
    names = {entry.name for entry in path.iterdir()}
    if names & {".zgroup", "zarr.json"}:
        return ""
    if names & {"matrix.mtx", "matrix.mtx.gz"}:
        return "a 10x folder: read it with scanpy.read_10x_mtx, and write it with write_h5ad or write_zarr"
    if ".zarray" in names:
        return "a zarr array, not the zarr store of an AnnData"
    return "a folder without a zarr group: pass the folder that adata.write_zarr wrote"


def _kind_of_file(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        return "an empty file"
    if path.suffix.lower() in _R_FILES:
        return _SIGNATURES[b"RDX"]
    for signature, kind in _SIGNATURES.items():
        if start.startswith(signature):
            return kind
    return ""


def _kind_of_hdf5(path: Path) -> str:
    import h5py

    if not h5py.is_hdf5(path):
        if path.suffix.lower() in _TEXT:
            reader = _TEXT[path.suffix.lower()]
            return f"a text file: read it with anndata.io.{reader}, and write it with write_h5ad"
        return "not an HDF5 file, which an h5ad and h5mu are: it has another format or is damaged"
    try:
        with h5py.File(path, "r") as file:
            if file.mode != "r":
                raise OSError(errno.EBUSY, _open_elsewhere(path, "this process"))
            return _kind_of_group(file)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            raise OSError(error.errno, _open_elsewhere(path, "another process")) from error
        if error.errno == errno.EBUSY:
            raise
        raise OSError(f"{str(path)!r} is damaged or incomplete: copy or download it again ({error})") from error


def _open_elsewhere(path: Path, process: str) -> str:
    return f"{str(path)!r} is open for writing in {process}: close it there"


def _kind_of_group(file: Any) -> str:
    if {"obs", "var"} <= set(file):
        return ""
    write = "and write it with write_h5ad"
    if "barcodes" in file.get("matrix", ()) or any("barcodes" in file[name] for name in file if _is_group(file[name])):
        return f"a matrix of Cell Ranger: read it with scanpy.read_10x_h5, {write}"
    if {"matrix", "row_attrs", "col_attrs"} <= set(file):
        return f"a loom file: read it with anndata.io.read_loom, {write}"
    if "meta.data" in file and "assays" in file:
        return "an h5Seurat file: convert it to h5ad in R, for example with SeuratDisk::Convert"
    return ""


def _is_group(element: Any) -> bool:
    return hasattr(element, "keys")
