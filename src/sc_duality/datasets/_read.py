"""Count matrices and tables of cells in the formats in which studies publish them."""

from __future__ import annotations

import gzip
import re
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from anndata.utils import make_index_unique
from scipy import sparse
from scipy.io import mmread

#: The three files of a matrix that Cell Ranger writes; older versions call the features genes.
_PART = re.compile(r"(barcodes|features|genes|matrix)\.(?:tsv|mtx)(?:\.gz)?$")
#: Rows of a dense table that are read at once.
_ROWS = 256


def read_genes_by_cells(path: Path, **options: Any) -> ad.AnnData:
    """Read a dense text table with one gene a row and one cell a column, in blocks, as sparse cells × genes.

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
    """Read the matrix of one sample that Cell Ranger wrote, from within a tar archive; nothing is unpacked."""
    with tarfile.open(path) as archive:
        parts: dict[str, bytes] = {}
        for member in archive:
            found = _PART.search(member.name) if member.isfile() else None
            if found is None:
                continue
            part = "features" if found[1] == "genes" else found[1]
            if part in parts:
                raise ValueError(f"{path} holds more than one {part} file: one sample was expected")
            content: Any = archive.extractfile(member)
            parts[part] = gzip.decompress(content.read()) if member.name.endswith(".gz") else content.read()
    missing = {"barcodes", "features", "matrix"} - parts.keys()
    if missing:
        raise ValueError(f"{path} holds no {' and no '.join(sorted(missing))} file of Cell Ranger")
    features = pd.read_csv(BytesIO(parts["features"]), sep="\t", header=None)
    cells = pd.read_csv(BytesIO(parts["barcodes"]), sep="\t", header=None)[0]
    adata = counts(mmread(BytesIO(parts["matrix"])).T, pd.Index(cells), pd.Index(features[1]))
    adata.var["ensembl"] = features[0].to_numpy()
    return adata


def counts(X: sparse.spmatrix, cells: pd.Index, genes: pd.Index) -> ad.AnnData:
    """Cells × genes as int32 if all are whole numbers, else float32; doubled gene names get a number."""
    X = sparse.csr_matrix(X)
    X = X.astype(np.int32 if (X.data == np.rint(X.data)).all() else np.float32)
    genes = make_index_unique(genes.astype(str))
    return ad.AnnData(X, pd.DataFrame(index=cells.astype(str).rename(None)), pd.DataFrame(index=genes.rename(None)))


def add_to_obs(adata: ad.AnnData, table: pd.DataFrame) -> None:
    """Write the columns of ``table`` into ``obs`` by the names of the cells; cells that it lacks get none.

    Raises
    ------
    ValueError
        If the table knows none of the cells, which then are called otherwise.
    """
    if not adata.obs_names.isin(table.index).any():
        raise ValueError(
            f"the table of cells, with names such as {list(table.index[:2])}, has none of the cells of the matrix, "
            f"with names such as {list(adata.obs_names[:2])}"
        )
    for name, column in table.reindex(adata.obs_names).items():
        adata.obs[name] = column.astype("category") if column.dtype == object else column
