"""Public databases of interactions of genes, and the Gene Ontology's annotations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from .._validation import choice
from ..io import read_biogrid, read_cellphonedb, read_gaf, read_liana
from ._fetch import File, fetch

_CELLPHONEDB = "https://raw.githubusercontent.com/ventolab/cellphonedb-data/v5.0.0/data"
_LIANA = "https://raw.githubusercontent.com/saezlab/liana-py"
_BIOGRID = "https://downloads.thebiogrid.org/Download/BioGRID/Release-Archive"
_BIOGRID_RELEASE = "4.4.245"
#: The current release: it changes, so that only a copy in the cache stays the same.
_GO = "https://current.geneontology.org/annotations"


class _Resource(NamedTuple):
    """Files of a database, and what reads them."""

    files: tuple[File, ...]
    read: Callable[[list[Path]], pd.DataFrame]


def _liana(name: str) -> _Resource:
    file = "src/liana/resource/omni_resource.csv"
    urls = (f"{_LIANA}/0d87f67b49d7fb017a95265c4fae18aff19d4640/{file}", f"{_LIANA}/main/{file}")
    return _Resource((File("liana_omni_resource.csv", urls),), lambda paths: read_liana(paths[0], name))


def _biogrid(organism: int) -> _Resource:
    name = f"BIOGRID-ORGANISM-{_BIOGRID_RELEASE}.tab3.zip"
    file = File(name, (f"{_BIOGRID}/BIOGRID-{_BIOGRID_RELEASE}/{name}",))
    return _Resource((file,), lambda paths: read_biogrid(paths[0], organism=organism))


#: Addresses as public code uses them. Downloads from them are untested; the tests read local files of these formats.
RESOURCES = {
    "cellphonedb": _Resource(
        tuple(
            File(f"cellphonedb-v5.0.0/{name}_input.csv", (f"{_CELLPHONEDB}/{name}_input.csv",))
            for name in ("interaction", "gene", "complex", "protein")
        ),
        lambda paths: read_cellphonedb(paths[0].parent),
    ),
    "consensus": _liana("consensus"),
    "mouseconsensus": _liana("mouseconsensus"),
    "biogrid": _biogrid(9606),
    "biogrid_mouse": _biogrid(10090),
}
_ANNOTATIONS = {
    "human": File("goa_human.gaf.gz", (f"{_GO}/goa_human.gaf.gz",)),
    "mouse": File("mgi.gaf.gz", (f"{_GO}/mgi.gaf.gz",)),
}


def interactions(resource: str = "cellphonedb") -> pd.DataFrame:
    """Download ligand-receptor pairs or protein interactions.

    Parameters
    ----------
    resource
        ``"cellphonedb"``: ligand-receptor pairs of CellPhoneDB, release 5.0.0 (:func:`sc_duality.io.read_cellphonedb`).
        ``"consensus"`` and ``"mouseconsensus"``: those that LIANA joins from many databases
        (:func:`sc_duality.io.read_liana`). ``"biogrid"`` and ``"biogrid_mouse"``: physical interactions of BioGRID,
        release 4.4.245 (:func:`sc_duality.io.read_biogrid`).

    Returns
    -------
    A row each pair, with the columns ``source`` and ``target`` and what the database tells of it. The files are kept in
    ``sd.settings.cache_dir``.

    Raises
    ------
    ValueError
        There is no such resource, or a file has another hash than at its first download.
    OSError
        The download failed; the message says where to put the file by hand.

    See Also
    --------
    sc_duality.tasks.interaction_pairs : filters pairs by genes.

    Notes
    -----
    Troulé et al. 2025 (CellPhoneDB), Dimitrov et al. 2022 (LIANA), Oughtred et al. 2021 (BioGRID, MIT licence). See the
    page of each database for its terms.

    Examples
    --------
    >>> import sc_duality as sd
    >>> table = sd.datasets.interactions("cellphonedb")  # doctest: +SKIP
    >>> pairs = sd.tasks.interaction_pairs(table, genes=adata.var_names)  # doctest: +SKIP
    """
    choice("resource", resource, list(RESOURCES))
    files, read = RESOURCES[resource]
    return read([fetch(file) for file in files])


def go_annotations(organism: str = "human") -> pd.DataFrame:
    """Download the GO terms of genes, to filter interactions by where proteins are.

    Parameters
    ----------
    organism
        ``"human"`` or ``"mouse"``.

    Returns
    -------
    A row each annotation, see :func:`sc_duality.io.read_gaf`. The file, the current release at the time of the
    download, is kept in ``sd.settings.cache_dir``.

    Raises
    ------
    ValueError
        There is no such organism, or the file has another hash than at its first download.
    OSError
        The download failed; the message says where to put the file by hand.

    Notes
    -----
    The Gene Ontology Consortium 2023, CC BY 4.0.

    Examples
    --------
    >>> import sc_duality as sd
    >>> terms = sd.datasets.go_annotations()  # doctest: +SKIP
    >>> table = sd.datasets.interactions("biogrid")  # doctest: +SKIP
    >>> pairs = sd.tasks.interaction_pairs(table, genes=adata.var_names, extracellular=terms)  # doctest: +SKIP
    """
    choice("organism", organism, list(_ANNOTATIONS))
    return read_gaf(fetch(_ANNOTATIONS[organism]))
