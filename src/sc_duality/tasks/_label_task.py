"""Tasks that give a cell one of several labels: cell type, drug sensitivity, disease, tissue, and users' own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._validation import is_missing
from ..metrics import normal_form
from ._answer_types import Label
from ._gene_answers import GeneList
from ._task import Example, Task

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LabelExample(Example):
    """A cell and the labels to choose from.

    Parameters
    ----------
    genes
        The cell sentence that the model reads, highest expression first.
    options
        Labels to choose from.
    observed
        Genes that the dual task shows next to the label; none for a dual from the label alone.
    hidden_genes
        Genes that the dual task reconstructs.
    n_hidden_max
        Most hidden genes of any cell in the data, which sets the token budget of the dual task.

    Examples
    --------
    >>> from sc_duality.tasks import LabelExample
    >>> LabelExample(genes=("CD79A", "MS4A1"), options=("B cell", "T cell"), truth="B cell").hidden
    ()
    """

    genes: tuple[str, ...]
    options: tuple[str, ...]
    observed: tuple[str, ...] = ()
    hidden_genes: tuple[str, ...] = ()
    n_hidden_max: int = 0

    @property
    def hidden(self) -> tuple[str, ...]:
        """The genes that the dual task reconstructs."""
        return self.hidden_genes


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelTask(Task):
    """Cell → label; dual: label and observed genes → hidden genes (CellDuality §3.4.1, inpainting).

    A label task of your own is a subclass with a ``name`` and a folder of ``templates``.

    Parameters
    ----------
    truth
        ``obs`` column with the true labels, for training and evaluation.
    labels
        Labels to choose from: a list or an ``obs`` column. By default what the model knows, else the values of
        ``truth``.
    prompt_format, vocabulary
        See :class:`Task`.
    """

    truth: str | None = None
    labels: Sequence[str] | str | None = None

    def answer_type(self, example: LabelExample) -> Label:
        """One of the example's options."""
        return self.template.label(example.options)

    def dual_answer_type(self, example: LabelExample) -> GeneList:
        """The hidden genes."""
        return GeneList(self.vocabulary, max(len(example.hidden_genes), example.n_hidden_max))


def hide_genes(
    genes: Sequence[str], fraction: float, rng: int | np.random.Generator
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Observed and hidden genes: a random part is hidden, and both parts keep their rank order.

    Examples
    --------
    >>> from sc_duality.tasks import hide_genes
    >>> hide_genes(["A", "B", "C", "D"], 0.5, rng=1)
    (('A', 'D'), ('B', 'C'))
    """
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"the fraction of hidden genes must lie between 0 and 1, got {fraction}")
    n_hidden = round(fraction * len(genes))
    chosen = np.random.default_rng(rng).choice(len(genes), n_hidden, replace=False) if n_hidden else ()
    hidden = set(np.asarray(chosen, dtype=int).tolist())
    return (
        tuple(gene for i, gene in enumerate(genes) if i not in hidden),
        tuple(gene for i, gene in enumerate(genes) if i in hidden),
    )


def check_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """``labels`` as a tuple without missing values, or an error if two cannot be told apart.

    Examples
    --------
    >>> from sc_duality.tasks import check_labels
    >>> check_labels(["B cell", "T cell"])
    ('B cell', 'T cell')
    """
    named = [label for label in labels if not is_missing(label)]
    if len(named) < len(labels):
        logger.warning("labels has %d missing values, which are left out: %r", len(labels) - len(named), list(labels))
    seen: dict[str, str] = {}
    for label in named:
        form = normal_form(str(label))
        if not form:
            raise ValueError(f"labels={list(labels)!r} holds an empty label: leave it out")
        if form in seen:
            raise ValueError(
                f"labels {seen[form]!r} and {label!r} differ only in case or spacing: pass each label once"
            )
        seen[form] = str(label)
    if len(seen) < 2:
        raise ValueError(f"at least two labels are needed to choose from, got {list(labels)!r}")
    return tuple(seen.values())
