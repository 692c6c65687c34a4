"""Public data sets of perturbed cells, published as AnnData files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata as ad

from ._read import read_h5ad


def kang2018(*, files: Sequence[str | Path] | None = None) -> ad.AnnData:
    """Blood cells of eight lupus patients, with and without six hours of interferon-beta.

    Parameters
    ----------
    files
        Files of your own in the same format, in the order of :func:`files`, instead of a download. Their hashes are not
        checked.

    Returns
    -------
    A new :class:`~anndata.AnnData` of 24,673 cells × 15,706 genes, with

    ``X``
        Raw counts (UMIs).
    ``obs["cell_type"]``
        Categorical: 8 types.
    ``obs["condition"]``
        Perturbation: ``"ctrl"`` or ``"stim"``.
    ``obs["donor"]``
        Patient id.
    ``obs``
        The other columns of the file, such as ``cluster``.

    Raises
    ------
    OSError
        The file of ``files`` does not exist, or the download failed; the message says where to put it by hand.
    ValueError
        ``files`` does not have one path.

    Notes
    -----
    GEO GSE96583, the file of pertpy. The download is untested; its hash is stored after the first download.

    Kang et al. (2018). Multiplexed droplet single-cell RNA-sequencing using natural genetic variation.
    Nature Biotechnology 36, 89–94.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.kang2018()  # doctest: +SKIP
    >>> sd.datasets.available().loc["kang2018", "values"]
    'counts'
    """
    adata = read_h5ad("kang2018", files)
    adata.obs = adata.obs.rename(columns={"label": "condition", "replicate": "donor"})
    return adata


def sciplex3(*, backed: bool = False, files: Sequence[str | Path] | None = None) -> ad.AnnData:
    """Three cancer cell lines under 188 compounds in four doses (sci-Plex3), a file of 2.5 GB.

    Parameters
    ----------
    backed
        Whether to keep the matrices on disk (``backed="r"`` of anndata).
    files
        Files of your own in the same format, in the order of :func:`files`, instead of a download. Their hashes are not
        checked.

    Returns
    -------
    A new :class:`~anndata.AnnData` of 799,317 cells × 110,983 genes, with

    ``X``
        Raw counts (UMIs).
    ``obs``
        The columns of scPerturb, such as ``perturbation``, ``dose_value`` and ``cell_line``.

    Raises
    ------
    OSError
        The file of ``files`` does not exist, or the download failed; the message says where to put it by hand.
    ValueError
        ``files`` does not have one path.

    Notes
    -----
    GEO GSE139944, the file of scPerturb 1.4, Zenodo record 13350497, CC BY 4.0; its MD5 is checked. In older records
    the genes are shifted by one row. The download is untested.

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
    return read_h5ad("sciplex3", files, backed=backed)
