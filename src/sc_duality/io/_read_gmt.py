"""Read gene sets from a GMT file."""

from __future__ import annotations

from pathlib import Path

from ._text_table import text_lines


def read_gmt(path: str | Path) -> dict[str, tuple[str, ...]]:
    r"""Read gene sets from a GMT file, such as those of MSigDB and Enrichr.

    Parameters
    ----------
    path
        The file: one set a line, its name, a description and its genes, separated by tabs. It may be compressed with
        gzip.

    Returns
    -------
    Gene symbols by the name of the set, in the order of the file, each once. Weights behind a comma (``"STAT1,1.0"``)
    are left out.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is not text or empty, a line has no genes, or two sets have one name.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import sc_duality as sd
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "sets.gmt"
    ...     _ = path.write_text("INTERFERON\tmade by hand\tISG15\tIFI6\tMX1\n")
    ...     sd.io.read_gmt(path)
    {'INTERFERON': ('ISG15', 'IFI6', 'MX1')}
    """
    sets: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text_lines(path), 1):
        if not line.strip():
            continue
        name, *rest = (field.strip() for field in line.split("\t"))
        genes = tuple(dict.fromkeys(symbol for field in rest[1:] if (symbol := field.partition(",")[0].strip())))
        if not name or not genes:
            raise ValueError(
                f"line {number} of {str(path)!r} is not a gene set of a GMT file: it needs a name, a description and "
                f"genes, separated by tabs, got {line[:60]!r}"
            )
        if name in sets:
            raise ValueError(f"line {number} of {str(path)!r}: there is another set {name!r} above")
        sets[name] = genes
    return sets
