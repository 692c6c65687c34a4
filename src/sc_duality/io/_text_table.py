"""Text files of the field, compressed or not: their lines, and tables with a header."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

#: Texts that stand for a missing value in the tables of L1000.
_MISSING = ["", "-666", "restricted", "NA", "nan"]


def text_lines(path: str | Path) -> list[str]:
    """The lines of a text file, which may be compressed with gzip.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is a folder, empty, or not text.
    """
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"there is no file {str(file)!r}")
    if file.is_dir():
        raise ValueError(f"{str(file)!r} is a folder: pass the file in it")
    content = file.read_bytes()
    try:
        text = (gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ValueError(f"{str(file)!r} is not a text file: {error}") from error
    if "\x00" in text:
        raise ValueError(f"{str(file)!r} is not a text file: it holds zero bytes")
    if not text.strip():
        raise ValueError(f"{str(file)!r} is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def read_table(path: str | Path, columns: Sequence[Sequence[str]], kind: str, *, delimiter: str = "\t") -> pd.DataFrame:
    """A table of texts separated by tabs or commas, missing values as ``None``.

    Parameters
    ----------
    path
        The file.
    columns
        Columns that the file needs, one list for each of its versions.
    kind
        What the file is, for errors.
    delimiter
        A tab, or a comma for files whose fields may be quoted.

    Raises
    ------
    ValueError
        The columns are missing, or a line has another number of fields.
    """
    texts = [f"{line}\n" for line in text_lines(path) if line.strip()]
    rows = csv.reader(texts) if delimiter == "," else (line.split("\t") for line in texts)
    lines = [[field.strip(' "\n') for field in row] for row in rows]
    header, separated = lines[0], "commas" if delimiter == "," else "tabs"
    if not any(set(names) <= set(header) for names in columns):
        versions = " or ".join(", ".join(names) for names in columns)
        raise ValueError(
            f"{str(path)!r} is not {kind}: it needs the columns {versions}, separated by {separated}, and has "
            f"{', '.join(header)[:200]}"
        )
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(header):
            raise ValueError(
                f"line {number} of {str(path)!r} has {len(line)} fields, but there are {len(header)} columns: is the "
                "file complete?"
            )
    table = pd.DataFrame(lines[1:], columns=header, dtype=object)
    return table.mask(table.isin(_MISSING), None)
