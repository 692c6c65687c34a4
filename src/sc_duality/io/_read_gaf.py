"""Read the GO terms of genes from an annotation file of the Gene Ontology."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd

#: Columns of the format by their names in the result.
_COLUMNS = {2: "gene", 3: "qualifier", 4: "go_id", 6: "evidence", 8: "aspect"}
_N_COLUMNS = 17


def read_gaf(path: str | Path) -> pd.DataFrame:
    r"""Read the GO terms of genes from an annotation file (GAF) of the Gene Ontology.

    Parameters
    ----------
    path
        The file, such as ``goa_human.gaf``, also compressed with gzip.

    Returns
    -------
    One row an annotation: ``gene`` (symbol), ``go_id``, ``evidence`` (code) and ``aspect`` (``"C"`` for cellular
    component, ``"P"``, ``"F"``). Annotations that are negated (``NOT``) are left out. Terms are those of the file:
    broader terms are not added.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is not an annotation file, or holds no annotation.

    See Also
    --------
    sc_duality.tasks.interaction_pairs : leaves out pairs that are not extracellular by this table.

    Notes
    -----
    The Gene Ontology Consortium 2023, CC BY 4.0; formats 2.0 to 2.2.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import sc_duality as sd
    >>> fields = ["UniProtKB", "P01133", "EGF", "located_in", "GO:0005576", "PMID:1", "IDA", "", "C", *[""] * 8]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "goa.gaf"
    ...     _ = path.write_text("!gaf-version: 2.2\n" + "\t".join(fields) + "\n")
    ...     sd.io.read_gaf(path).loc[0].tolist()
    ['EGF', 'GO:0005576', 'IDA', 'C']
    """
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"there is no file {str(file)!r}")
    if file.is_dir():
        raise ValueError(f"{str(file)!r} is a folder: pass the file in it")
    try:
        n_comments = _n_comments(file)
        rows = pd.read_csv(
            file,
            sep="\t",
            header=None,
            names=range(_N_COLUMNS),
            usecols=list(_COLUMNS),
            skiprows=n_comments,
            dtype=str,
            quoting=3,
            keep_default_na=False,
            compression="gzip" if _is_gzip(file) else None,
        ).rename(columns=_COLUMNS)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{str(file)!r} is not an annotation file (GAF) of the Gene Ontology: {error}") from error
    if rows.empty or not rows["go_id"].str.startswith("GO:", na=False).all():
        raise ValueError(f"{str(file)!r} is not an annotation file (GAF): a line has no GO id in its fifth column")
    kept = rows[~rows["qualifier"].str.split("|").map(lambda parts: "NOT" in parts)]
    return kept.drop(columns="qualifier").reset_index(drop=True)


def _is_gzip(file: Path) -> bool:
    with file.open("rb") as handle:
        return handle.read(2) == b"\x1f\x8b"


def _n_comments(file: Path) -> int:
    """Number of comment lines at the start, or an error if the first one does not name the format."""
    with gzip.open(file, "rt") if _is_gzip(file) else file.open() as handle:
        for number, line in enumerate(handle):
            if number == 0 and not line.startswith("!gaf-version"):
                raise ValueError("its first line is not '!gaf-version'")
            if not line.startswith("!"):
                return number
    raise ValueError("it has no annotation")
