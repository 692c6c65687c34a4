"""Read protein interactions from a file of BioGRID."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_A, _B = "Official Symbol Interactor A", "Official Symbol Interactor B"
_ORGANISM_A, _ORGANISM_B = "Organism ID Interactor A", "Organism ID Interactor B"
_TYPE, _PUBLICATION, _THROUGHPUT = "Experimental System Type", "Publication Source", "Throughput"
_COLUMNS = [_A, _B, _TYPE, _PUBLICATION, _ORGANISM_A, _ORGANISM_B, _THROUGHPUT]
#: Text of a missing symbol.
_MISSING = "-"
#: Names of organisms in the files of an archive.
_ORGANISMS = {9606: "Homo_sapiens", 10090: "Mus_musculus"}
#: Rows that are read at once: the human file has more than a million.
_CHUNK = 200_000


def read_biogrid(path: str | Path, *, organism: int = 9606, physical: bool = True) -> pd.DataFrame:
    r"""Read protein interactions from a file of BioGRID in the format TAB 3.0.

    Parameters
    ----------
    path
        A ``.tab3.txt`` file, also compressed with gzip, or a ``.tab3.zip`` archive. Of an archive with a file for each
        organism, that of human or mouse is read.
    organism
        NCBI taxonomy id that both partners must have: 9606 for human, 10090 for mouse.
    physical
        Leave out genetic interactions.

    Returns
    -------
    One row a pair of two different genes, in the order of the file, whichever of them was the bait.

    ``source``, ``target``
        Gene symbols.
    ``n_publications``
        Publications that report the interaction.
    ``low_throughput``
        Whether an experiment of low throughput showed it.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is not such a table, the archive has no file of the organism, or no interaction is left.

    See Also
    --------
    sc_duality.datasets.interactions : downloads the archive.
    sc_duality.tasks.interaction_pairs : filters pairs by genes.

    Notes
    -----
    Oughtred et al. 2021. The format is https://wiki.thebiogrid.org/doku.php/biogrid_tab_version_3.0.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import sc_duality as sd
    >>> names = ["Official Symbol Interactor A", "Official Symbol Interactor B", "Experimental System Type",
    ...     "Publication Source", "Organism ID Interactor A", "Organism ID Interactor B", "Throughput"]
    >>> row = ["EGF", "EGFR", "physical", "PUBMED:1", "9606", "9606", "Low Throughput"]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "BIOGRID-EXAMPLE.tab3.txt"
    ...     _ = path.write_text("\t".join(names) + "\n" + "\t".join(row) + "\n")
    ...     sd.io.read_biogrid(path).to_dict("records")
    [{'source': 'EGF', 'target': 'EGFR', 'n_publications': 1, 'low_throughput': True}]
    """
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"there is no file {str(file)!r}")
    if file.is_dir():
        raise ValueError(f"{str(file)!r} is a folder: pass the file in it")
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive, archive.open(_member(archive, file, organism)) as handle:
            rows = _rows(handle, file, organism, physical)
    else:
        rows = _rows(file, file, organism, physical)
    if rows.empty:
        kind = "physical interaction" if physical else "interaction"
        raise ValueError(f"{str(file)!r} has no {kind} of two genes of the organism {organism}")
    forwards = rows[_A] < rows[_B]
    rows["pair"] = np.where(forwards, rows[_A] + "\t" + rows[_B], rows[_B] + "\t" + rows[_A])
    rows["low_throughput"] = rows[_THROUGHPUT].str.contains("Low", na=False)
    return (
        rows.groupby("pair", sort=False)
        .agg(
            source=(_A, "first"),
            target=(_B, "first"),
            n_publications=(_PUBLICATION, "nunique"),
            low_throughput=("low_throughput", "any"),
        )
        .reset_index(drop=True)
    )


def _member(archive: zipfile.ZipFile, file: Path, organism: int) -> str:
    """Name of the file to read in the archive."""
    names = [name for name in archive.namelist() if not name.endswith("/")]
    wanted = _ORGANISMS.get(organism)
    found = [name for name in names if wanted is not None and f"-{wanted}-" in name] or names
    if len(found) != 1:
        raise ValueError(
            f"{str(file)!r} has {len(names)} files, and which one is of organism={organism} is not known: unzip it and "
            "pass the file"
        )
    return found[0]


def _rows(source: Any, file: Path, organism: int, physical: bool) -> pd.DataFrame:
    """The rows of two different genes of the organism."""
    try:
        reader = pd.read_csv(
            source, sep="\t", usecols=_COLUMNS, dtype=str, chunksize=_CHUNK, quoting=3, keep_default_na=False
        )
        chunks = [_chosen(chunk, str(organism), physical) for chunk in reader]
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{str(file)!r} is not a file of BioGRID in the format TAB 3.0: {error}") from error
    return pd.concat(chunks, ignore_index=True)


def _chosen(rows: pd.DataFrame, organism: str, physical: bool) -> pd.DataFrame:
    kept = (rows[_ORGANISM_A] == organism) & (rows[_ORGANISM_B] == organism)
    kept &= (rows[_A] != rows[_B]) & ~rows[[_A, _B]].isin([_MISSING, ""]).any(axis=1)
    if physical:
        kept &= rows[_TYPE] == "physical"
    return rows[kept]
