"""Public data sets with cell types, published as AnnData files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata as ad

from ._read import read_h5ad


def pancreas_scib(*, files: Sequence[str | Path] | None = None) -> ad.AnnData:
    """Pancreas cells from nine technologies with shared cell types; includes the cells of Xin-2016.

    ``obs["tech"]`` identifies the study: ``smarter`` is Xin et al. (2016), ``smartseq2`` Segerstolpe et al. (2016),
    ``inDrop1`` to ``inDrop4`` Baron et al., ``celseq`` and ``celseq2`` Grün and Muraro, ``fluidigmc1`` Lawlor.

    Parameters
    ----------
    files
        Files of your own in the same format, in the order of :func:`files`, instead of a download. Their hashes are not
        checked.

    Returns
    -------
    A new :class:`~anndata.AnnData` of 16,382 cells × 19,093 genes, with

    ``X``
        Counts of the benchmark, ``layers["counts"]`` of the file. They are fractions for some technologies, and
        mitochondrial genes are missing.
    ``layers["normalized"]``
        ``X`` of the file: normalised by size factors, ln(1 + x).
    ``obs["cell_type"]``
        Categorical: 14 types.
    ``obs["tech"]``
        Categorical: technology.

    Raises
    ------
    OSError
        The file of ``files`` does not exist, or the download failed; the message says where to put it by hand.
    ValueError
        ``files`` does not have one path.

    Notes
    -----
    Figshare file 24539828; its SHA-256 is checked. The download is untested.

    Luecken et al. (2022). Benchmarking atlas-level data integration in single-cell genomics. Nature Methods 19, 41–50.
    Xin et al. (2016). RNA sequencing of single human islet cells reveals type 2 diabetes genes. Cell Metabolism 24,
    608–615.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pancreas_scib()  # doctest: +SKIP
    >>> xin = adata[adata.obs["tech"] == "smarter"].copy()  # doctest: +SKIP
    >>> bool(sd.datasets.available().loc["pancreas_scib", "hash"])
    True
    """
    adata = read_h5ad("pancreas_scib", files)
    adata.layers["normalized"], adata.X = adata.X, adata.layers["counts"]
    del adata.layers["counts"]
    adata.obs = adata.obs.rename(columns={"celltype": "cell_type"})
    return adata


def dominguez_conde2022(*, backed: bool = False, files: Sequence[str | Path] | None = None) -> ad.AnnData:
    """Immune cells of 16 tissues of twelve donors: CellDuality's Human Immune Tissue, a file of 10 GB.

    Parameters
    ----------
    backed
        Whether to keep the matrices on disk (``backed="r"`` of anndata).
    files
        Files of your own in the same format, in the order of :func:`files`, instead of a download. Their hashes are not
        checked.

    Returns
    -------
    A new :class:`~anndata.AnnData` with

    ``X``
        Log-normalised expression.
    ``layers["counts"]``
        Raw counts (UMIs).
    ``obs["cell_type"]``, ``obs["tissue"]``, ``obs["donor"]``
        Cell type of the authors, abbreviated organ, such as ``BLD`` for blood, and donor id.
    ``obs``
        The other columns of the file.

    Raises
    ------
    OSError
        The file of ``files`` does not exist, or the download failed; the message says where to put it by hand.
    ValueError
        ``files`` does not have one path.

    Notes
    -----
    From tissueimmunecellatlas.org. The download is untested; its hash is stored after the first download.

    Domínguez Conde et al. (2022). Cross-tissue immune cell analysis reveals tissue-specific features in humans.
    Science 376, eabl5197.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.dominguez_conde2022(backed=True)  # doctest: +SKIP
    >>> sd.datasets.available().loc["dominguez_conde2022", "species"]
    'human'
    """
    adata = read_h5ad("dominguez_conde2022", files, backed=backed)
    names = {"Manually_curated_celltype": "cell_type", "Organ": "tissue", "Donor": "donor"}
    adata.obs = adata.obs.rename(columns=names)
    return adata


def bastidas_ponce2019(*, files: Sequence[str | Path] | None = None) -> ad.AnnData:
    """Mouse pancreas at embryonic day 15.5: CellDuality's Bastidas-Ponce-2019, the cells of scVelo.

    Parameters
    ----------
    files
        Files of your own in the same format, in the order of :func:`files`, instead of a download. Their hashes are not
        checked.

    Returns
    -------
    A new :class:`~anndata.AnnData` of 3,696 cells × 27,998 genes (mouse symbols), with

    ``X``
        Raw counts (UMIs).
    ``layers["spliced"]``, ``layers["unspliced"]``
        Spliced and unspliced counts.
    ``obs["cell_type"]``
        Categorical: 8 types, such as ``Ductal`` and ``Beta``.
    ``obs["cell_type_coarse"]``
        Categorical: coarser cell types.
    ``obs``, ``obsm``, ``obsp``
        The other entries of the file.

    Raises
    ------
    OSError
        The file of ``files`` does not exist, or the download failed; the message says where to put it by hand.
    ValueError
        ``files`` does not have one path.

    Notes
    -----
    GEO GSE132188 has all stages of development. The download is untested; its hash is stored after the first download.

    Bastidas-Ponce et al. (2019). Comprehensive single cell mRNA profiling reveals a detailed roadmap for pancreatic
    endocrinogenesis. Development 146, dev173849.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.bastidas_ponce2019()  # doctest: +SKIP
    >>> sd.datasets.available().loc["bastidas_ponce2019", "species"]
    'mouse'
    """
    adata = read_h5ad("bastidas_ponce2019", files)
    adata.obs = adata.obs.rename(columns={"clusters": "cell_type", "clusters_coarse": "cell_type_coarse"})
    return adata
