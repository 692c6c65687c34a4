"""Public data sets that are AnnData files already."""

from __future__ import annotations

import anndata as ad

from ._fetch import fetch
from ._registry import SETS


def kang2018() -> ad.AnnData:
    """Blood cells of eight patients with lupus, with and without six hours of interferon-beta.

    Returns
    -------
    A fresh :class:`~anndata.AnnData` of 24,673 cells × 15,706 genes, with

    ``X``
        Raw counts (UMIs).
    ``obs["cell_type"]``
        Categorical: 8 types.
    ``obs["condition"]``
        ``"ctrl"`` or ``"stim"``.
    ``obs["donor"]``
        Patient.
    ``obs``
        And the other columns of the file, such as ``cluster``.

    Raises
    ------
    OSError
        If the file cannot be fetched; says where to put it by hand.

    Notes
    -----
    GEO GSE96583, in the form in which pertpy offers it. The download is untested; its hash is kept after the first.

    Kang et al. (2018). Multiplexed droplet single-cell RNA-sequencing using natural genetic variation.
    Nature Biotechnology 36, 89–94.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.kang2018()  # doctest: +SKIP
    >>> sd.datasets.available().loc["kang2018", "values"]
    'counts'
    """
    adata = _read("kang2018")
    adata.obs = adata.obs.rename(columns={"label": "condition", "replicate": "donor"})
    return adata


def pancreas_scib() -> ad.AnnData:
    """Pancreas from nine technologies with one set of cell types; holds the cells of Xin-2016.

    ``obs["tech"]`` tells the studies apart: ``smarter`` is Xin et al. (2016), ``smartseq2`` Segerstolpe et al. (2016),
    ``inDrop1`` to ``inDrop4`` Baron et al., ``celseq`` and ``celseq2`` Grün and Muraro, ``fluidigmc1`` Lawlor.

    Returns
    -------
    A fresh :class:`~anndata.AnnData` of 16,382 cells × 19,093 genes, with

    ``X``
        Counts as the benchmark has them: what ``layers["counts"]`` of the file holds. They are fractions for some
        technologies, and mitochondrial genes are left out.
    ``layers["normalized"]``
        ``X`` of the file: scaled by size factors, ln(1 + x).
    ``obs["cell_type"]``
        Categorical: 14 types.
    ``obs["tech"]``
        Technology.

    Raises
    ------
    OSError
        If the file cannot be fetched; says where to put it by hand.

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
    adata = _read("pancreas_scib")
    adata.layers["normalized"], adata.X = adata.X, adata.layers["counts"]
    del adata.layers["counts"]
    adata.obs = adata.obs.rename(columns={"celltype": "cell_type"})
    return adata


def dominguez_conde2022(*, backed: bool = False) -> ad.AnnData:
    """Immune cells of many tissues of twelve donors: CellDuality's Human Immune Tissue, a file of 10 GB.

    Parameters
    ----------
    backed
        Whether to leave the matrices on disk.

    Returns
    -------
    A fresh :class:`~anndata.AnnData` with

    ``X``
        Log-normalised expression.
    ``layers["counts"]``
        Raw counts (UMIs).
    ``obs["cell_type"]``, ``obs["tissue"]``, ``obs["donor"]``
        The authors' cell types, the organ in their short form, such as ``BLD`` for blood, and the donor.
    ``obs``
        And the other columns of the file.

    Raises
    ------
    OSError
        If the file cannot be fetched; says where to put it by hand.

    Notes
    -----
    From tissueimmunecellatlas.org. The download is untested; its hash is kept after the first.

    Domínguez Conde et al. (2022). Cross-tissue immune cell analysis reveals tissue-specific features in humans.
    Science 376, eabl5197.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.dominguez_conde2022(backed=True)  # doctest: +SKIP
    >>> sd.datasets.available().loc["dominguez_conde2022", "species"]
    'human'
    """
    adata = _read("dominguez_conde2022", backed=backed)
    names = {"Manually_curated_celltype": "cell_type", "Organ": "tissue", "Donor": "donor"}
    adata.obs = adata.obs.rename(columns=names)
    return adata


def bastidas_ponce2019() -> ad.AnnData:
    """Mouse pancreas at embryonic day 15.5: CellDuality's Bastidas-Ponce-2019, as far as scVelo offers it.

    Returns
    -------
    A fresh :class:`~anndata.AnnData` of 3,696 cells × 27,998 genes (mouse symbols), with

    ``X``
        Raw counts (UMIs).
    ``layers["spliced"]``, ``layers["unspliced"]``
        Counts by splicing.
    ``obs["cell_type"]``
        Categorical: 8 types, such as ``Ductal`` and ``Beta``.
    ``obs["cell_type_coarse"]``
        The same, coarser.
    ``obs``, ``obsm``, ``obsp``
        And what else the file holds.

    Raises
    ------
    OSError
        If the file cannot be fetched; says where to put it by hand.

    Notes
    -----
    GEO GSE132188 has all stages. The download is untested; its hash is kept after the first.

    Bastidas-Ponce et al. (2019). Comprehensive single cell mRNA profiling reveals a detailed roadmap for pancreatic
    endocrinogenesis. Development 146, dev173849.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.bastidas_ponce2019()  # doctest: +SKIP
    >>> sd.datasets.available().loc["bastidas_ponce2019", "species"]
    'mouse'
    """
    adata = _read("bastidas_ponce2019")
    adata.obs = adata.obs.rename(columns={"clusters": "cell_type", "clusters_coarse": "cell_type_coarse"})
    return adata


def sciplex3(*, backed: bool = False) -> ad.AnnData:
    """Three cancer cell lines under 188 compounds in four doses: a file of 2.5 GB, and far more in memory.

    Parameters
    ----------
    backed
        Whether to leave the matrices on disk.

    Returns
    -------
    A fresh :class:`~anndata.AnnData` of 799,317 cells × 110,983 genes, with

    ``X``
        Raw counts (UMIs).
    ``obs``
        The columns of scPerturb, such as ``perturbation``, ``dose_value`` and ``cell_line``, as they are in the file.

    Raises
    ------
    OSError
        If the file cannot be fetched; says where to put it by hand.

    Notes
    -----
    GEO GSE139944 as in scPerturb 1.4, Zenodo record 13350497, CC BY 4.0; its MD5 is checked. Older records have its
    genes shifted by one row. The download is untested.

    Srivatsan et al. (2020). Massively multiplex chemical transcriptomics at single-cell resolution. Science 367,
    45–51.
    Peidli et al. (2024). scPerturb: harmonized single-cell perturbation data. Nature Methods 21, 531–540.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.sciplex3(backed=True)  # doctest: +SKIP
    >>> sd.datasets.available().loc["sciplex3", "license"]
    'CC BY 4.0'
    """
    return _read("sciplex3", backed=backed)


def _read(name: str, *, backed: bool = False) -> ad.AnnData:
    (file,) = SETS[name].files
    return ad.read_h5ad(fetch(file), backed="r" if backed else None)
