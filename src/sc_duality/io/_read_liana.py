"""Read ligand-receptor pairs from the resource file of LIANA."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ._text_table import read_table

#: Gene symbols in the file by their columns in the result.
_COLUMNS = {"source_genesymbol": "source", "target_genesymbol": "target", "resource": "resource"}


def read_liana(path: str | Path, resource: str | None = "consensus") -> pd.DataFrame:
    r"""Read ligand-receptor pairs from the resource file of LIANA.

    Parameters
    ----------
    path
        ``omni_resource.csv``, which LIANA installs as ``liana/resource/omni_resource.csv``. It may be compressed with
        gzip.
    resource
        One of its resources, such as ``"consensus"``, ``"mouseconsensus"`` or ``"cellphonedb"``; ``None`` for all rows.

    Returns
    -------
    One row a pair, in the order of the file: ``source`` (ligand) and ``target`` (receptor), gene symbols, with those of
    a complex joined by ``"_"``, and ``resource``.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is not such a table or is incomplete, or lacks the resource.

    See Also
    --------
    sc_duality.tasks.interaction_pairs : filters pairs by genes.

    Notes
    -----
    Dimitrov et al. 2022. The databases behind the resources have their own licences.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import sc_duality as sd
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "omni_resource.csv"
    ...     _ = path.write_text("source_genesymbol,target_genesymbol,resource\nTGFB1,TGFBR1_TGFBR2,consensus\n")
    ...     sd.io.read_liana(path).loc[0].tolist()
    ['TGFB1', 'TGFBR1_TGFBR2', 'consensus']
    """
    table = read_table(path, [list(_COLUMNS)], "the resource file of LIANA", delimiter=",")
    found = table[list(_COLUMNS)].rename(columns=_COLUMNS).dropna()
    known = found["resource"].unique().tolist()
    if resource is not None and resource not in known:
        raise ValueError(f"resource={resource!r} is not in {str(path)!r}: choose from {', '.join(map(repr, known))}")
    return found if resource is None else found[found["resource"] == resource].reset_index(drop=True)
