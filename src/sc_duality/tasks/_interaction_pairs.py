"""Pairs of interacting genes from any table, and which of them to keep."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import product
from typing import Any

from .._validation import is_missing

#: Columns of both genes, by table: LIANA's results and its resource file, ligand-receptor tables, OmniPath, BioGRID.
_COLUMNS = (
    ("ligand_complex", "receptor_complex"),
    ("source_genesymbol", "target_genesymbol"),
    ("ligand", "receptor"),
    ("source", "target"),
    ("gene_a", "gene_b"),
    ("Official Symbol Interactor A", "Official Symbol Interactor B"),
)
#: Between the subunits of a complex, as in LIANA.
_SUBUNITS = "_"
#: GO terms of what lies outside of cells or on their surface: extracellular region and space, extracellular matrix and
#: collagen-containing extracellular matrix, basement membrane, cell surface, external side of the plasma membrane.
_EXTRACELLULAR = frozenset(f"GO:{number:07d}" for number in (5576, 5615, 31012, 62023, 5604, 9986, 9897))


def interaction_pairs(
    interactions: Any,
    *,
    genes: Collection[str] | None = None,
    extracellular: Any = None,
    complexes: bool = True,
) -> tuple[tuple[str, str], ...]:
    """Pairs of interacting genes from a table, each once, whichever gene comes first.

    Parameters
    ----------
    interactions
        A DataFrame of :func:`sc_duality.io.read_cellphonedb`, :func:`sc_duality.io.read_liana` or
        :func:`sc_duality.io.read_biogrid`; one with the columns ``ligand`` and ``receptor``, ``source`` and ``target``,
        or ``gene_a`` and ``gene_b``; one with two columns; or a list of pairs. A complex is its subunits joined by
        ``"_"``, as in LIANA: each of them is in a pair with each subunit of the partner. Rows without one of both genes
        are left out.
    genes
        Genes that count, such as ``adata.var_names``: both genes of a pair must be among them.
    extracellular
        Symbols of genes whose proteins are outside of cells or on their surface: both genes of a pair must be among
        them. Or a table of GO annotations with the columns ``gene`` and ``go_id``
        (:func:`sc_duality.io.read_gaf`), whose genes with one of these terms count: extracellular region (GO:0005576),
        space (GO:0005615) and matrix (GO:0031012, GO:0062023), basement membrane (GO:0005604), cell surface
        (GO:0009986), external side of the plasma membrane (GO:0009897).
    complexes
        Whether pairs with a complex count.

    Returns
    -------
    Pairs of two different genes, in the order of the table.

    Raises
    ------
    TypeError
        ``interactions`` is not a table or a list of pairs, or a list of genes is a string.
    ValueError
        The columns of the genes are unknown, a pair is not one of two symbols, the annotations lack a column or all of
        the terms, or no pair is left.

    Notes
    -----
    C2S-Scale (§4.7.7) keeps the interactions of genes on the panel that code for extracellular proteins.

    Examples
    --------
    >>> import pandas as pd
    >>> from sc_duality.tasks import interaction_pairs
    >>> table = pd.DataFrame({"ligand": ["TGFB1", "EGF"], "receptor": ["TGFBR1_TGFBR2", "EGFR"]})
    >>> interaction_pairs(table)
    (('TGFB1', 'TGFBR1'), ('TGFB1', 'TGFBR2'), ('EGF', 'EGFR'))
    >>> interaction_pairs(table, genes=["TGFB1", "TGFBR2", "EGF"])
    (('TGFB1', 'TGFBR2'),)
    """
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for source, target in _rows(interactions):
        partners = [[part for part in name.split(_SUBUNITS) if part] for name in (source, target)]
        if complexes or all(len(subunits) == 1 for subunits in partners):
            for one, other in product(*partners):
                found.setdefault((min(one, other), max(one, other)), (one, other))
    pairs = [pair for pair in found.values() if pair[0] != pair[1]]
    if not pairs:
        raise ValueError(f"interactions holds no pair of two genes{'' if complexes else ' without a complex'}")
    pairs = _kept(pairs, _symbols("genes", genes), "genes=")
    return tuple(_kept(pairs, _extracellular_genes(extracellular), "extracellular="))


def _rows(interactions: Any) -> list[tuple[str, str]]:
    """The names of both partners of each row that has them."""
    if hasattr(interactions, "columns"):
        names = list(interactions.columns)
        columns: Sequence[Any] | None = next((both for both in _COLUMNS if set(both) <= set(names)), None)
        columns = names if columns is None and len(set(names)) == 2 else columns
        if columns is None:
            raise ValueError(
                "interactions must have two columns of gene symbols called source and target, or ligand and receptor; "
                f"it has {', '.join(map(str, names[:12])) or 'none'}: rename two of them"
            )
        rows: Iterable[Any] = zip(*(interactions[name].tolist() for name in columns), strict=True)
        rows = [row for row in rows if not any(map(is_missing, row))]
    elif isinstance(interactions, str) or not isinstance(interactions, Iterable):
        raise TypeError(
            f"interactions={interactions!r} must be a DataFrame or a list of pairs: read a file with sd.io.read_liana, "
            "sd.io.read_cellphonedb or sd.io.read_biogrid"
        )
    else:
        rows = list(interactions)
    for row in rows:
        if isinstance(row, str) or not isinstance(row, Iterable) or not _is_pair(tuple(row)):
            raise ValueError(f"interactions: {row!r} is not a pair of two gene symbols")
    return [(row[0].strip(), row[1].strip()) for row in rows]


def _is_pair(row: tuple[Any, ...]) -> bool:
    return len(row) == 2 and all(isinstance(name, str) and not is_missing(name) for name in row)


def _symbols(argument: str, genes: Any) -> frozenset[str] | None:
    if genes is None:
        return None
    if isinstance(genes, str) or not isinstance(genes, Iterable):
        raise TypeError(f"{argument}={genes!r} must be a list of gene symbols")
    return frozenset(map(str, genes))


def _extracellular_genes(extracellular: Any) -> frozenset[str] | None:
    """The genes outside of cells or on their surface, from a list of them or from GO annotations."""
    if not hasattr(extracellular, "columns"):
        return _symbols("extracellular", extracellular)
    if not {"gene", "go_id"} <= set(extracellular.columns):
        raise ValueError(
            "extracellular must be a list of genes, or GO annotations with the columns gene and go_id; it has "
            f"{', '.join(map(str, extracellular.columns))}: read a file with sd.io.read_gaf"
        )
    rows = zip(extracellular["gene"].tolist(), extracellular["go_id"].tolist(), strict=True)
    found = frozenset(str(gene) for gene, term in rows if term in _EXTRACELLULAR)
    if not found:
        raise ValueError(f"extracellular: no gene has one of the GO terms {', '.join(sorted(_EXTRACELLULAR))}")
    return found


def _kept(pairs: list[tuple[str, str]], genes: frozenset[str] | None, argument: str) -> list[tuple[str, str]]:
    if genes is None:
        return pairs
    kept = [pair for pair in pairs if genes >= set(pair)]
    if not kept:
        example = " and ".join(pairs[0])
        raise ValueError(
            f"none of the {len(pairs)} pairs, such as {example}, has both genes among the {len(genes)} of {argument}: "
            "are they symbols of the same species?"
        )
    return kept
