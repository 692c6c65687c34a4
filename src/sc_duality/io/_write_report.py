"""Write a report of predicted labels: one page that a browser shows without a network."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from .._replacement import check_writable, replacement
from .._validation import positive_integer
from ..cells import adata_keys, label_groups, modality

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Text near the start of a report, by which an earlier one is recognised.
_GENERATOR = b'<meta name="generator" content="sc_duality'


def write_report(
    adata: AnnData | MuData,
    path: str | Path,
    key: str = adata_keys.ANNOTATION,
    groupby: str | None = None,
    *,
    title: str | None = None,
    n_genes: int = 5,
    mod: str = "rna",
) -> None:
    """Write a report of predicted labels: one HTML page with figures, tables and provenance.

    The page needs no network and no other file, so it can be sent to others or printed. It shows the UMAP by label and
    by confidence, the table of :func:`sc_duality.get.summary`, the dotplot of :func:`sc_duality.pl.evidence`,
    the distribution of :func:`sc_duality.pl.confidence`, and how the labels were predicted.

    Parameters
    ----------
    adata
        Cells with labels of :func:`sc_duality.tl.annotate` or another tool that labels cells. The UMAP is read from
        ``obsm["X_umap"]`` (``sc.tl.umap``), the genes that decided from the result of
        :func:`sc_duality.tl.explain`; the page says what to run where one is missing.
    path
        The file, which ends in ``.html``. An earlier report is replaced, any other file is not.
    key
        The predictions.
    groupby
        ``obs`` column of clusters, which are the rows of the table; by default the labels are.
    title
        Title of the page.
    n_genes
        Genes of each group in the table.
    mod
        Modality of a MuData.

    Returns
    -------
    None. ``adata`` is not changed. The file appears at once or, if the call fails, not at all.

    Raises
    ------
    KeyError
        ``obs`` has no such columns.
    ValueError
        The name of the file does not end in ``.html``, or no cell has a group.
    FileNotFoundError, FileExistsError, PermissionError, OSError
        The folder does not exist, there is another file of this name, the folder is read-only, or the disk is full.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[::12].copy()
    >>> sd.tl.annotate(adata, labels="blood")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "report.html"
    ...     sd.io.write_report(adata, path, groupby="cell_type")
    ...     "natural killer cell" in path.read_text(encoding="utf-8")
    True
    """
    data, file = modality(adata, mod), Path(path)
    n_genes = positive_integer("n_genes", n_genes)
    _check_file(file)
    label_groups(data, key, groupby)
    from ._report import render_report  # loads matplotlib, which nothing else here needs

    page = render_report(data, key, groupby, title, n_genes)
    with replacement(file) as new:
        new.write_text(page, encoding="utf-8")
    logger.info("wrote %s: %d kB", file, len(page.encode()) // 1000)


def _check_file(file: Path) -> None:
    """Refuse a name that browsers do not know, a folder that does not exist, and files that are not reports."""
    if file.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"path={str(file)!r} must end in .html, so that a browser opens it")
    if not file.parent.is_dir():
        raise FileNotFoundError(f"the folder {str(file.parent)!r} does not exist: create it first")
    check_writable(file)
    if file.is_dir() or (file.exists() and not _is_report(file)):
        raise FileExistsError(f"{str(file)!r} exists and is not a report of sc_duality: pass another path")


def _is_report(file: Path) -> bool:
    with file.open("rb") as content:
        return _GENERATOR in content.read(1000)
