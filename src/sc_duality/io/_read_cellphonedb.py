"""Read ligand-receptor pairs from the tables of CellPhoneDB."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from ._text_table import read_table

logger = logging.getLogger(__name__)

#: Columns of the locations at which a protein meets proteins of other cells.
_LOCATIONS = ["transmembrane", "peripheral", "secreted"]
#: The tables, with the columns that are needed.
_FILES = {
    "interaction": ["partner_a", "partner_b"],
    "gene": ["uniprot", "hgnc_symbol"],
    "complex": ["complex_name", "uniprot_1", *_LOCATIONS],
    "protein": ["uniprot", *_LOCATIONS],
}
#: Further columns of the interactions, as far as the release has them.
_KEPT = ["classification", "directionality", "source"]


def read_cellphonedb(folder: str | Path, *, proteins_only: bool = True) -> pd.DataFrame:
    """Read ligand-receptor pairs from the tables of CellPhoneDB.

    Parameters
    ----------
    folder
        Folder with ``interaction_input.csv``, ``gene_input.csv``, ``complex_input.csv`` and ``protein_input.csv`` of
        cellphonedb-data, release 4 or 5.
    proteins_only
        Leave out interactions of small molecules, for which CellPhoneDB names the enzymes that make them.

    Returns
    -------
    One row an interaction, in the order of the file.

    ``source``, ``target``
        Gene symbols of both partners, with those of a complex joined by ``"_"``.
    ``extracellular``
        Whether both partners are secreted, transmembrane or peripheral membrane proteins.
    ``classification``, ``directionality``, ``evidence``
        Signalling pathway, such as ``"Signaling by TGFbeta"``, direction, such as ``"Ligand-Receptor"``, and where the
        interaction is from, as far as the release has them.

    Raises
    ------
    FileNotFoundError
        A table is missing.
    ValueError
        A file is not such a table or is incomplete, or no interaction is left.

    See Also
    --------
    sc_duality.datasets.interactions : downloads the tables.
    sc_duality.tasks.interaction_pairs : filters pairs by genes.

    Notes
    -----
    Troulé et al. 2025 (version 5). Partners that the tables do not resolve to genes are left out, with a warning.

    Examples
    --------
    >>> import sc_duality as sd
    >>> table = sd.io.read_cellphonedb("cellphonedb-data/data")  # doctest: +SKIP
    >>> table[table["extracellular"]]  # doctest: +SKIP
    """
    tables = {
        name: read_table(
            Path(folder) / f"{name}_input.csv", [columns], f"the {name} table of CellPhoneDB", delimiter=","
        )
        for name, columns in _FILES.items()
    }
    rows = tables["interaction"]
    if proteins_only and "is_ppi" in rows:
        rows = rows[rows["is_ppi"].str.casefold() == "true"]
    genes, outside = _genes_of_partners(tables), _extracellular(tables)
    found = pd.DataFrame({side: rows[f"partner_{end}"].map(genes) for side, end in (("source", "a"), ("target", "b"))})
    found["extracellular"] = rows["partner_a"].isin(outside) & rows["partner_b"].isin(outside)
    for name in _KEPT:
        if name in rows:
            found["evidence" if name == "source" else name] = rows[name]
    unresolved = found[["source", "target"]].isna().any(axis=1)
    if unresolved.any():
        logger.warning("%d of %d interactions have a partner without genes: left out", unresolved.sum(), len(rows))
    if unresolved.all():
        raise ValueError(
            f"no interaction in {str(folder)!r} has genes for both partners: are the tables of one release?"
        )
    return found[~unresolved].reset_index(drop=True)


def _genes_of_partners(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Gene symbols of each protein and complex; none of a complex with a protein that has no gene."""
    known = tables["gene"].dropna(subset=["uniprot", "hgnc_symbol"]).drop_duplicates("uniprot")
    genes = dict(zip(known["uniprot"], known["hgnc_symbol"], strict=True))
    complexes = tables["complex"]
    subunits = complexes[[name for name in complexes if name.startswith("uniprot_")]]
    for name, proteins in zip(complexes["complex_name"], subunits.itertuples(index=False), strict=True):
        symbols = [genes.get(protein) for protein in proteins if protein is not None]
        if symbols and None not in symbols:
            genes[name] = "_".join(dict.fromkeys(map(str, symbols)))
    return genes


def _extracellular(tables: dict[str, pd.DataFrame]) -> set[str]:
    """Names of proteins and complexes that meet proteins of other cells."""
    found: set[str] = set()
    for table, name in ((tables["protein"], "uniprot"), (tables["complex"], "complex_name")):
        outside = table[_LOCATIONS].apply(lambda column: column.str.casefold() == "true").any(axis=1)
        found |= set(table.loc[outside, name])
    return found
