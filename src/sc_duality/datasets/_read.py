"""Readers of the formats in which studies publish count matrices and cell metadata."""

from __future__ import annotations

import gzip
import re
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from anndata.utils import make_index_unique
from scipy import sparse
from scipy.io import mmread

from ._files import local_paths
from ._registry import SETS

#: The three files of a Cell Ranger matrix; older versions name the features genes.
_PART = re.compile(r"(barcodes|features|genes|matrix)\.(?:tsv|mtx)(?:\.gz)?$")
#: Rows of a dense table to read at once.
_ROWS = 256


def read_h5ad(name: str, files: Sequence[str | Path] | None, *, backed: bool = False) -> ad.AnnData:
    """Read a data set that is published as one AnnData file, or the user's own file."""
    (path,) = local_paths(SETS[name].files, files)
    return ad.read_h5ad(path, backed="r" if backed else None)


def read_genes_by_cells(path: Path, **options: Any) -> ad.AnnData:
    """Read a dense text table of genes × cells in blocks, as sparse cells × genes.

    ``options`` are those of :func:`pandas.read_csv`.
    """
    blocks, genes = [], []
    with pd.read_csv(path, index_col=0, chunksize=_ROWS, **options) as table:
        for block in table:
            blocks.append(sparse.csr_matrix(block.to_numpy(np.float64)))
            genes.extend(block.index.astype(str))
            cells = block.columns.astype(str)
    if not genes:
        raise ValueError(f"{path} has no rows")
    return counts(sparse.vstack(blocks).T, cells, pd.Index(genes))


def read_10x_tar(path: Path) -> ad.AnnData:
    """Read the Cell Ranger matrix of one sample from a tar archive, without unpacking it to disk."""
    with tarfile.open(path) as archive:
        parts: dict[str, bytes] = {}
        for member in archive:
            match = _PART.search(member.name) if member.isfile() else None
            if match is None:
                continue
            part = "features" if match[1] == "genes" else match[1]
            if part in parts:
                raise ValueError(f"{path} holds more than one {part} file: pass an archive of one sample")
            content: Any = archive.extractfile(member)
            parts[part] = gzip.decompress(content.read()) if member.name.endswith(".gz") else content.read()
    missing = {"barcodes", "features", "matrix"} - parts.keys()
    if missing:
        raise ValueError(f"{path} lacks the Cell Ranger files {sorted(missing)}")
    features = pd.read_csv(BytesIO(parts["features"]), sep="\t", header=None)
    cells = pd.read_csv(BytesIO(parts["barcodes"]), sep="\t", header=None)[0]
    adata = counts(mmread(BytesIO(parts["matrix"]), spmatrix=False).T, pd.Index(cells), pd.Index(features[1]))
    adata.var["ensembl"] = features[0].to_numpy()
    return adata


def counts(X: sparse.spmatrix | sparse.sparray, cells: pd.Index, genes: pd.Index) -> ad.AnnData:
    """Make an AnnData of int32 if all values are integers, else float32; duplicate gene names get a suffix."""
    X = sparse.csr_matrix(X)
    X = X.astype(np.int32 if (X.data == np.rint(X.data)).all() else np.float32)
    genes = make_index_unique(genes.astype(str))
    return ad.AnnData(X, pd.DataFrame(index=cells.astype(str).rename(None)), pd.DataFrame(index=genes.rename(None)))


def add_to_obs(adata: ad.AnnData, table: pd.DataFrame) -> None:
    """Write the columns of ``table`` into ``obs`` by cell name; cells that it lacks get missing values.

    Raises
    ------
    ValueError
        The table has none of the cells: the names differ.
    """
    if not adata.obs_names.isin(table.index).any():
        raise ValueError(
            f"the cell names of the table, such as {list(table.index[:2])}, do not match those of the matrix, such as "
            f"{list(adata.obs_names[:2])}: the files belong to different data sets"
        )
    for name, column in table.reindex(adata.obs_names).items():
        adata.obs[name] = column if pd.api.types.is_numeric_dtype(column) else column.astype("category")
