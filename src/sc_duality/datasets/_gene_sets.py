"""Public collections of gene sets."""

from __future__ import annotations

from .._validation import choice
from ..io import read_gmt
from ._fetch import File, fetch

_RELEASE = "2024.1.Hs"
_MSIGDB = f"https://data.broadinstitute.org/gsea-msigdb/msigdb/release/{_RELEASE}"
#: File of each collection of MSigDB, without its release.
_FILES = {
    "hallmark": "h.all",
    "reactome": "c2.cp.reactome",
    "go_biological_process": "c5.go.bp",
    "cell_type_signatures": "c8.all",
}


def gene_sets(collection: str = "hallmark", *, known_hash: str | None = None) -> dict[str, tuple[str, ...]]:
    """Download gene sets of MSigDB, human gene symbols, release 2024.1.

    Parameters
    ----------
    collection
        ``"hallmark"`` (50 sets), ``"reactome"``, ``"go_biological_process"`` or ``"cell_type_signatures"``. Other
        collections: download their GMT file and read it with :func:`sc_duality.io.read_gmt`.
    known_hash
        ``algorithm:digest`` of the file, if you know it. MSigDB publishes none: without it, the SHA-256 of the first
        download is stored, and later downloads must match it.

    Returns
    -------
    Genes by the name of the set. The file is kept in ``sd.settings.cache_dir``.

    Raises
    ------
    ValueError
        There is no such collection, or the file has another hash.
    OSError
        The download failed; the message says where to put the file by hand.

    Notes
    -----
    Subramanian et al. 2005; Liberzon et al. 2015. MSigDB is licensed under CC BY 4.0; see its page for the terms of the
    collections.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sets = sd.datasets.gene_sets("hallmark")  # doctest: +SKIP
    >>> sets["HALLMARK_INTERFERON_ALPHA_RESPONSE"]  # doctest: +SKIP
    """
    choice("collection", collection, list(_FILES))
    name = f"{_FILES[collection]}.v{_RELEASE}.symbols.gmt"
    return read_gmt(fetch(File(name, (f"{_MSIGDB}/{name}",), known_hash)))
