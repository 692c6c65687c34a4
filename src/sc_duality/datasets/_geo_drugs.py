"""Public data sets of drug-sensitive and drug-resistant cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from ._files import local_paths
from ._read import add_to_obs, read_10x_tar, read_genes_by_cells
from ._registry import SETS


def aissa2021(*, files: Sequence[str | Path] | None = None) -> ad.AnnData:
    """Lung cancer cells (PC9) before and after three days of erlotinib: CellDuality's human lung.

    Two 10x samples of GSE149383; the series has more samples, in other formats.

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
    ``obs["day"]``
        0 (before the drug) or 3, int.
    ``obs["response"]``
        Categorical: ``"sensitive"`` on day 0, ``"resistant"`` on day 3, as in drug response benchmarks.
    ``obs["drug"]``
        ``"erlotinib"``.
    ``var["ensembl"]``
        Ensembl gene ids; ``var_names`` are gene symbols.

    Raises
    ------
    OSError
        A file of ``files`` does not exist, or one cannot be downloaded; the message says where to put it by hand.
    ValueError
        ``files`` does not have two paths.

    Notes
    -----
    GEO GSM3972651 and GSM3972652. The download is untested; hashes are stored after the first download.

    Aissa et al. (2021). Single-cell transcriptional changes associated with drug tolerance and response to combination
    therapies in cancer. Nature Communications 12, 1628.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.aissa2021()  # doctest: +SKIP
    >>> sd.datasets.available().loc["aissa2021", "species"]
    'human'
    """
    before, after = (read_10x_tar(path) for path in local_paths(SETS["aissa2021"].files, files))
    adata = ad.concat({"0": before, "3": after}, label="day", index_unique="-", merge="same")
    adata.obs["day"] = adata.obs["day"].astype(int)
    return _with_response(adata, adata.obs["day"] == 0, adata.obs["day"] == 3, "erlotinib")


def sharma2018(*, files: Sequence[str | Path] | None = None) -> ad.AnnData:
    """Cells of oral cancers, sensitive and resistant to cisplatin: CellDuality's GSE117872.

    Parameters
    ----------
    files
        Files of your own in the same format, in the order of :func:`files`, instead of a download. Their hashes are not
        checked.

    Returns
    -------
    A new :class:`~anndata.AnnData` with

    ``X``
        Transcripts per million (no counts are published), float32 CSR.
    ``obs["response"]``
        Categorical: ``"sensitive"`` or ``"resistant"``, from ``cluster``; missing for cells of a drug holiday.
    ``obs["drug"]``
        ``"cisplatin"``.
    ``obs``
        All columns of the authors' table, such as ``patient_id``, ``origin`` and ``cluster``.

    Raises
    ------
    OSError
        A file of ``files`` does not exist, or one cannot be downloaded; the message says where to put it by hand.
    ValueError
        ``files`` does not have two paths, or the cell names of the two files do not match.

    Notes
    -----
    GEO GSE117872. The download is untested; hashes are stored after the first download.

    Sharma et al. (2018). Longitudinal single-cell RNA sequencing of patient-derived primary cells reveals drug-induced
    infidelity in stem cell hierarchy. Nature Communications 9, 4931.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.sharma2018()  # doctest: +SKIP
    >>> sd.datasets.available().loc["sharma2018", "values"]
    'transcripts per million'
    """
    matrix, cells = local_paths(SETS["sharma2018"].files, files)
    adata = read_genes_by_cells(matrix, sep="\t")
    add_to_obs(adata, pd.read_csv(cells, sep="\t").astype({"groups": str}).set_index("groups"))
    cluster = adata.obs["cluster"].astype(str)
    return _with_response(adata, cluster.str.contains("Sensitive"), cluster.str.contains("Resistant"), "cisplatin")


def bell2019(*, files: Sequence[str | Path] | None = None) -> ad.AnnData:
    """Mouse leukaemia cells, sensitive and resistant to the BET inhibitor I-BET-762: CellDuality's GSE110894.

    Parameters
    ----------
    files
        Files of your own in the same format, in the order of :func:`files`, instead of a download. Their hashes are not
        checked.

    Returns
    -------
    A new :class:`~anndata.AnnData` with

    ``X``
        Raw counts (UMIs), int32 CSR; ``var_names`` are those of the file.
    ``obs["response"]``
        Categorical: ``"sensitive"`` (parental cells) or ``"resistant"``; missing for empty wells.
    ``obs["drug"]``
        ``"I-BET-762"``.
    ``obs["sample"]``
        Sample name of the authors.

    Raises
    ------
    ImportError
        openpyxl, which reads the table of cells, is not installed.
    OSError
        A file of ``files`` does not exist, or one cannot be downloaded; the message says where to put it by hand.
    ValueError
        ``files`` does not have two paths, or the cell names of the two files do not match.

    Notes
    -----
    GEO GSE110894. The download is untested; hashes are stored after the first download.

    Bell et al. (2019). Targeting enhancer switching overcomes non-genetic drug resistance in acute myeloid leukaemia.
    Nature Communications 10, 2723.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.bell2019()  # doctest: +SKIP
    >>> sd.datasets.available().loc["bell2019", "species"]
    'mouse'
    """
    matrix, wells = local_paths(SETS["bell2019"].files, files)
    table = pd.read_excel(wells, header=3).dropna(how="all")
    # The plate and the sample stand only in the row of their first well; wells are written as "A1" or "A1=...".
    table[["Plate#", "Sample name"]] = table[["Plate#", "Sample name"]].ffill()
    table = table.dropna(subset=["Well position"])
    well = table["Well position"].astype(str).str.partition("=")[0].str.strip()
    table.index = table["Plate#"].astype(str) + "_" + well
    adata = read_genes_by_cells(matrix, sep=",")
    add_to_obs(adata, table[["Sample name"]].rename(columns={"Sample name": "sample"}))
    sample = adata.obs["sample"].astype(str).str.upper()
    return _with_response(adata, sample.str.contains("PARENTAL"), sample.str.contains("RESISTANT"), "I-BET-762")


def _with_response(adata: ad.AnnData, sensitive: pd.Series, resistant: pd.Series, drug: str) -> ad.AnnData:
    codes = np.select([sensitive, resistant], [0, 1], -1)
    adata.obs["response"] = pd.Categorical.from_codes(codes, ["sensitive", "resistant"])
    adata.obs["drug"] = pd.Categorical([drug] * adata.n_obs)
    return adata
