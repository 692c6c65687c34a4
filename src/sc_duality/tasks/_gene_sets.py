"""What the tasks on gene sets share: sets by name, an example of one, and an answer that is a set of genes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._validation import is_missing
from ..metrics import gene_overlap
from ._gene_answers import GeneList
from ._task import Example

#: Columns of a table with a row for each gene of each set, as in decoupler.
_LONG = ("source", "target")


@dataclass(frozen=True, kw_only=True)
class GeneSetExample(Example):
    """A gene set.

    Parameters
    ----------
    name
        Its name; empty where it is asked for.
    genes
        Its genes; none where they are asked for.
    n_genes
        Genes of the answer at most.
    options
        Names to choose from; none to name the set freely.
    reconstructed
        Whether the dual task asks for the other one of name and genes.
    truth, context
        See :class:`Example`.

    Examples
    --------
    >>> from sc_duality.tasks import GeneSetExample
    >>> GeneSetExample(name="interferon response", truth=("ISG15", "MX1")).has_hidden
    False
    """

    name: str = ""
    genes: tuple[str, ...] = ()
    n_genes: int = 50
    options: tuple[str, ...] = ()
    reconstructed: bool = False

    @property
    def hidden(self) -> Any:
        """The name or the genes, whichever the primal task shows."""
        return (self.name or self.genes) if self.reconstructed else None


class GeneSet(GeneList):
    """Genes in any order, each once.

    Parameters
    ----------
    vocabulary
        Gene symbols that count; any symbol by default.
    n_genes
        Number of genes at most.

    Examples
    --------
    >>> from sc_duality.tasks import GeneSet
    >>> GeneSet().similarity(("ISG15", "MX1"), ("MX1", "IFI6", "ISG15"))
    0.666...
    """

    def similarity(self, target: Sequence[str], answer: Sequence[str]) -> float:
        """Jaccard index: shared genes of the genes in either set, which a longer answer alone does not raise."""
        return gene_overlap([target], [answer], jaccard=True)


def check_gene_sets(gene_sets: Any) -> dict[str, tuple[str, ...]]:
    """Gene sets by name from a mapping or a DataFrame, or an error.

    Parameters
    ----------
    gene_sets
        Genes by the name of the set, as :func:`sc_duality.io.read_gmt` returns them; or a DataFrame with a row for each
        gene of each set (columns ``source`` and ``target``, as in decoupler), or with a column for each set, as
        ``pd.DataFrame(adata.uns["rank_genes_groups"]["names"])``.

    Returns
    -------
    Genes by name, each once, without missing values.

    Raises
    ------
    TypeError
        ``gene_sets`` is something else, or the genes of a set are a string.
    ValueError
        There are no sets, or a set has no name or no genes.

    Examples
    --------
    >>> import pandas as pd
    >>> from sc_duality.tasks import check_gene_sets
    >>> check_gene_sets(pd.DataFrame({"source": ["interferon", "interferon"], "target": ["ISG15", "MX1"]}))
    {'interferon': ('ISG15', 'MX1')}
    >>> check_gene_sets({"interferon": []})
    Traceback (most recent call last):
    ValueError: gene_sets: the set 'interferon' has no genes: leave it out
    """
    if not isinstance(gene_sets, Mapping) and not hasattr(gene_sets, "columns"):
        raise TypeError(
            f"gene_sets={gene_sets!r} must be genes by name or a DataFrame: read a GMT file with sd.io.read_gmt(path)"
        )
    found: dict[str, tuple[str, ...]] = {}
    for name, genes in _pairs(gene_sets):
        if isinstance(genes, str) or not isinstance(genes, Iterable):
            raise TypeError(f"gene_sets: the genes of {name!r} must be a list of symbols, got {genes!r}")
        if not isinstance(name, str) or is_missing(name):
            raise ValueError(f"gene_sets: the name of a set must be a text, got {name!r}")
        symbols = dict.fromkeys(str(gene).strip() for gene in genes if not is_missing(gene))
        if not symbols:
            raise ValueError(f"gene_sets: the set {name!r} has no genes: leave it out")
        found[name] = tuple(symbols)
    if not found:
        raise ValueError("gene_sets is empty: pass at least one set")
    return found


def _pairs(gene_sets: Any) -> Iterable[tuple[Any, Any]]:
    """Names with their genes."""
    if isinstance(gene_sets, Mapping):
        return gene_sets.items()
    if set(_LONG) <= set(gene_sets.columns):
        return [
            (name, part.tolist()) for name, part in gene_sets.groupby("source", sort=False, observed=True)["target"]
        ]
    if gene_sets.columns.duplicated().any():
        raise ValueError(f"gene_sets: two columns have one name, {list(gene_sets.columns)}")
    return [(name, gene_sets[name].tolist()) for name in gene_sets.columns]
