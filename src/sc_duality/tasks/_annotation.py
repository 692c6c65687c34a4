"""Cell type annotation: from a cell to its type, and back to the genes that were hidden."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..rewards import rank_weighted_jaccard
from ._dialect import Dialect
from ._parse import Answer, Failure, normal_form, read_answer, read_genes, read_label
from ._task import Example


def annotation_example(
    genes: Sequence[str],
    labels: Sequence[str],
    *,
    truth: str | None = None,
    context: Mapping[str, str] | None = None,
    hidden_fraction: float = 0.0,
    rng: int | np.random.Generator = 0,
) -> Example:
    """One cell to annotate.

    Parameters
    ----------
    genes
        The cell sentence, best gene first.
    labels
        Types to choose from.
    truth
        The cell's type, where it is known.
    context
        Facts such as the tissue.
    hidden_fraction
        Share of the genes, drawn at random and kept in order, that the question does not show and
        that the dual has to give back.
    rng
        Seed or generator of that draw.

    Returns
    -------
    An :class:`Example` with ``known = {"genes": observed, "labels": labels}`` and the hidden genes
    as ``unknown``.

    Examples
    --------
    >>> from sc_duality.tasks import annotation_example
    >>> example = annotation_example(["A", "B", "C", "D"], ["T cell"], hidden_fraction=0.5, rng=1)
    >>> example.known["genes"], example.unknown
    (('A', 'D'), ('B', 'C'))
    """
    if not 0.0 <= hidden_fraction <= 1.0:
        raise ValueError(f"hidden_fraction must lie between 0 and 1, not {hidden_fraction}")
    n_hidden = round(hidden_fraction * len(genes))
    chosen = np.random.default_rng(rng).choice(len(genes), n_hidden, replace=False) if n_hidden else ()
    hidden = set(np.asarray(chosen, dtype=int).tolist())
    return Example(
        known={
            "genes": tuple(gene for i, gene in enumerate(genes) if i not in hidden),
            "labels": tuple(labels),
        },
        unknown=tuple(gene for i, gene in enumerate(genes) if i in hidden),
        truth=truth,
        context=dict(context or {}),
    )


class Annotation:
    """Cell → type; dual: type and observed genes → hidden genes (CellDuality §3.4.1).

    Parameters
    ----------
    dialect
        The words to use: the dialect that the model speaks.
    known_genes
        Gene names that count when the dual's answer is read; all do by default.

    Examples
    --------
    >>> from sc_duality.tasks import Annotation, annotation_example
    >>> task = Annotation("compact")
    >>> example = annotation_example(["CD79A", "MS4A1"], ["B cell", "T cell"])
    >>> task.prompt(example)
    '<annotate> <cell> CD79A MS4A1 <type>'
    >>> task.parse("b_cell", example).value
    'B cell'
    """

    name = "annotation"
    version = 1

    def __init__(self, dialect: str | Path | Dialect = "plain", known_genes: Collection[str] | None = None) -> None:
        self.dialect = dialect if isinstance(dialect, Dialect) else Dialect(dialect)
        self.known_genes = known_genes

    def prompt(self, example: Example) -> str:
        """Text that shows the observed genes and asks for the type."""
        return self.dialect.say(self.name, "prompt", context=example.context, **example.known)

    def answer(self, label: str) -> str:
        """The text of the right answer, were it ``label``: what a model is scored on or trained on."""
        return self.dialect.say(self.name, "answer", label=label)

    def parse(self, text: str, example: Example) -> Answer | Failure:
        """Read one of the example's labels."""
        found = read_answer(text, tagged=self.dialect.tagged)
        if isinstance(found, Failure):
            return found
        label = read_label(found.value, example.known["labels"])
        return label if isinstance(label, Failure) else Answer(label.value, found.reasoning)

    def dual_prompt(self, answer: str, example: Example) -> str:
        """Text that shows the type and the observed genes and asks for the hidden ones."""
        return self.dialect.say(
            self.name,
            "dual_prompt",
            context=example.context,
            label=answer,
            genes=example.known["genes"],
            n_hidden=len(example.unknown),
        )

    def dual_answer(self, genes: Sequence[str]) -> str:
        """The text of the dual's right answer, were it ``genes``."""
        return self.dialect.say(self.name, "dual_answer", genes=genes)

    def parse_dual(self, text: str, example: Example) -> Answer | Failure:
        """Read the hidden genes, best first."""
        found = read_answer(text, tagged=self.dialect.tagged)
        if isinstance(found, Failure):
            return found
        genes = read_genes(found.value, self.known_genes)
        if isinstance(genes, Failure):
            return genes
        return Answer(genes.value, found.reasoning, genes.dropped, genes.doubled)

    def score(self, unknown: Sequence[str], reconstruction: Sequence[str]) -> float:
        """Rank-weighted Jaccard similarity of the hidden genes and those that came back."""
        return rank_weighted_jaccard(unknown, reconstruction)


def check_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """``labels`` as a tuple, or an error where two cannot be told apart or one is empty.

    Examples
    --------
    >>> from sc_duality.tasks import check_labels
    >>> check_labels(["B cell", "T cell"])
    ('B cell', 'T cell')
    """
    seen: dict[str, str] = {}
    for label in labels:
        form = normal_form(str(label))
        if not form:
            raise ValueError("a label is empty")
        if form in seen:
            raise ValueError(f"labels {seen[form]!r} and {label!r} differ only in case or spacing")
        seen[form] = str(label)
    if len(seen) < 2:
        raise ValueError(f"at least two labels are needed to choose from, got {list(labels)!r}")
    return tuple(seen.values())
