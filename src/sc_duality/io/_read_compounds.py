"""Read the compounds of L1000 as the library of a screen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ._text_table import read_table

#: Columns of the result, and of both versions of the file.
_COLUMNS = {
    "name": ("cmap_name", "pert_iname"),
    "pert_id": ("pert_id",),
    "protein_target": ("target",),
    "moa": ("moa",),
    "smiles": ("canonical_smiles",),
    "inchi_key": ("inchi_key",),
    "aliases": ("compound_aliases",),
}
#: Type of a compound in the older version, which also lists controls and gene perturbations.
_COMPOUND = "trt_cp"
#: A name that is only an identifier of the Broad Institute.
_BRD = re.compile(r"BRD-[A-Z]\d+(-\d+)*", re.IGNORECASE)


def read_compounds(path: str | Path, *, named_only: bool = False) -> pd.DataFrame:
    r"""Read the compounds of L1000 as a library for :func:`sc_duality.tl.screen`.

    Parameters
    ----------
    path
        ``compoundinfo_beta.txt`` of clue.io, or the older ``GSE92742_Broad_LINCS_pert_info.txt``, also compressed with
        gzip. Of the older file, only compounds are read, not controls and gene perturbations.
    named_only
        Leave out compounds whose only name is an identifier (``BRD-…``), as C2S-Scale does for its screen.

    Returns
    -------
    One row a compound name, in the order of the file. Different values of one compound are joined by ``"|"``, and
    missing ones are ``None``.

    ``name``
        Common name, the first of spellings that differ in case; the identifier of a compound without one.
    ``pert_id``, ``protein_target``, ``moa``, ``smiles``, ``inchi_key``, ``aliases``
        Identifiers, target proteins, mechanisms of action, structure and other names, as far as the file has them.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is not such a table, is incomplete, or no compound is left.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import sc_duality as sd
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "compoundinfo_beta.txt"
    ...     _ = path.write_text(
    ...         "pert_id\tcmap_name\ttarget\nBRD-K12343256\ttrametinib\tMAP2K1\n"
    ...         "BRD-K12343256\ttrametinib\tMAP2K2\nBRD-A00000001\tBRD-A00000001\t\n"
    ...     )
    ...     sd.io.read_compounds(path, named_only=True)["protein_target"].tolist()
    ['MAP2K1|MAP2K2']
    """
    table = read_table(path, [("pert_id", "cmap_name"), ("pert_id", "pert_iname")], "a table of L1000 compounds")
    if "pert_type" in table:
        table = table[table["pert_type"] == _COMPOUND]
    sources = {name: next((one for one in options if one in table), None) for name, options in _COLUMNS.items()}
    found = pd.DataFrame({name: table[source] for name, source in sources.items() if source is not None})
    found["name"] = found["name"].fillna(found["pert_id"])
    found = found[found["name"].notna()]
    if named_only:
        found = found[~found["name"].map(_BRD.fullmatch).astype(bool)]
    if found.empty:
        left_out = ", or all are left out by named_only=True" if named_only else ""
        raise ValueError(f"{str(path)!r} holds no compound{left_out}")
    spelling = found["name"].str.casefold()
    rows = found.drop(columns="name").groupby(spelling, sort=False).agg(_joined)
    rows.insert(0, "name", found["name"].groupby(spelling, sort=False).first())
    return rows.reset_index(drop=True)


def _joined(values: Iterable[str | None]) -> str | None:
    """Different texts joined by ``"|"``; ``None`` if there is not any."""
    return "|".join(dict.fromkeys(value for value in values if isinstance(value, str))) or None
