"""Public data sets with cell types, from text tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata as ad
import pandas as pd

from ._files import local_paths
from ._read import add_to_obs, read_genes_by_cells
from ._registry import SETS


def he2020_liver(*, files: Sequence[str | Path] | None = None) -> ad.AnnData:
    """Liver cells of an adult donor: CellDuality's He-2020-Liver.

    Parameters
    ----------
    files
        Files of your own in the same format, in the order of :func:`files`, instead of a download. Their hashes are not
        checked.

    Returns
    -------
    A new :class:`~anndata.AnnData` with

    ``X``
        Raw counts (UMIs), int32 CSR.
    ``obs["cell_type"]``
        Categorical: cell type within the organ; missing for cells that the authors excluded.
    ``obs["cell_type_atlas"]``
        Categorical: cell type within the atlas of 15 organs.

    Raises
    ------
    OSError
        A file of ``files`` does not exist, or one cannot be downloaded; the message says where to put it by hand.
    ValueError
        ``files`` does not have two paths, or the cell names of the two files do not match.

    Notes
    -----
    Counts: GEO GSM4850582, of GSE159929. Labels: the authors' repository bei-lab/scRNA-AHCA. The download is
    untested; hashes are stored after the first download.

    He et al. (2020). Single-cell transcriptome profiling of an adult human cell atlas of 15 major organs. Genome
    Biology 21, 294.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.he2020_liver()  # doctest: +SKIP
    >>> sd.datasets.available().loc["he2020_liver", "values"]
    'counts'
    """
    matrix, labels = local_paths(SETS["he2020_liver"].files, files)
    adata = read_genes_by_cells(matrix, sep=",")
    adata.obs_names = adata.obs_names.str.replace(".", "-")  # R replaced the hyphens
    organ = "Liver_cDNA_"
    table = pd.read_csv(labels, sep="\t", index_col=0)
    table = table[table.index.str.startswith(organ)]
    table.index = table.index.str.removeprefix(organ)
    names = {"Cell_type_in_each_tissue": "cell_type", "Cell_type_in_merged_data": "cell_type_atlas"}
    add_to_obs(adata, table[list(names)].rename(columns=names))
    return adata


def ma2020(*, files: Sequence[str | Path] | None = None) -> ad.AnnData:
    """Mouse skin in late anagen, RNA of SHARE-seq: CellDuality's Ma-2020.

    Parameters
    ----------
    files
        Files of your own in the same format, in the order of :func:`files`, instead of a download. Their hashes are not
        checked.

    Returns
    -------
    A new :class:`~anndata.AnnData` of 34,774 cells × 23,296 genes (mouse symbols), with

    ``X``
        Raw counts (UMIs), int32 CSR; of the 42,948 cells of the file, those with a label.
    ``obs["cell_type"]``
        Categorical: 23 types, including ``Mix``.

    Raises
    ------
    OSError
        A file of ``files`` does not exist, or one cannot be downloaded; the message says where to put it by hand.
    ValueError
        ``files`` does not have two paths, or the cell names of the two files do not match.

    Notes
    -----
    GEO GSM4156608 and GSM4156597, of GSE140203. The file is dense text and takes minutes to
    read. The download is untested; hashes are stored after the first download.

    Ma et al. (2020). Chromatin potential identified by shared single-cell profiling of RNA and chromatin. Cell 183,
    1103–1116.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.ma2020()  # doctest: +SKIP
    >>> int(sd.datasets.available().loc["ma2020", "cells"])
    34774
    """
    matrix, labels = local_paths(SETS["ma2020"].files, files)
    adata = read_genes_by_cells(matrix, sep="\t")
    adata.obs_names = adata.obs_names.str.replace(",", ".")  # the two files write barcodes differently
    table = pd.read_csv(labels, sep="\t").set_index("rna.bc")
    add_to_obs(adata, table[["celltype"]].rename(columns={"celltype": "cell_type"}))
    return adata[adata.obs["cell_type"].notna()].copy()


def segerstolpe2016(*, files: Sequence[str | Path] | None = None) -> ad.AnnData:
    """Pancreatic islets of ten donors, healthy and with type 2 diabetes: CellDuality's Segerstolpe-2016.

    Parameters
    ----------
    files
        Files of your own in the same format, in the order of :func:`files`, instead of a download. Their hashes are not
        checked.

    Returns
    -------
    A new :class:`~anndata.AnnData` of 3,514 cells, with

    ``X``
        Raw counts (reads, Smart-seq2), int32 CSR, without spike-ins.
    ``obs["cell_type"]``
        Categorical; missing for cells that the authors excluded.
    ``obs["donor"]``, ``obs["disease"]``, ``obs["sex"]``
        Categorical: donor of the cell, and the donor's disease and sex.

    Raises
    ------
    OSError
        A file of ``files`` does not exist, or one cannot be downloaded; the message says where to put it by hand.
    ValueError
        ``files`` does not have two paths, or the cell names of the two files do not match.

    Notes
    -----
    BioStudies E-MTAB-5061. The download is untested; hashes are stored after the first download.

    Segerstolpe et al. (2016). Single-cell transcriptome profiling of human pancreatic islets in health and type 2
    diabetes. Cell Metabolism 24, 593–607.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.segerstolpe2016()  # doctest: +SKIP
    >>> int(sd.datasets.available().loc["segerstolpe2016", "cells"])
    3514
    """
    matrix, samples = local_paths(SETS["segerstolpe2016"].files, files)
    with matrix.open(encoding="utf-8") as lines:
        cells = next(lines).rstrip("\n").split("\t")[1:]
    # Columns: two gene names, RPKM of each cell, reads of each cell.
    reads = range(2 + len(cells), 2 + 2 * len(cells))
    adata = read_genes_by_cells(matrix, sep="\t", header=None, skiprows=1, usecols=[0, *reads])
    adata.obs_names = cells
    adata = adata[:, ~adata.var_names.str.startswith(("ERCC", "eGFP"))].copy()

    table = pd.read_csv(samples, sep="\t").drop_duplicates("Source Name").set_index("Source Name")
    table.columns = table.columns.str.replace(r"\s*\[", "[", regex=True)
    names = {"cell type": "cell_type", "individual": "donor", "disease": "disease", "sex": "sex"}
    table = table[[f"Characteristics[{name}]" for name in names]].set_axis(list(names.values()), axis=1)
    add_to_obs(adata, table.replace("not applicable", None))
    return adata
