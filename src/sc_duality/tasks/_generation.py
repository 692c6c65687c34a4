"""Conditional generation: from a type to a cell, and back to the type."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

from ..rewards import exact_match
from ._annotation import Annotation, annotation_example
from ._labelling import read_cell
from ._parse import Answer, Failure
from ._prompt_format import PromptFormat, prompt_format_of
from ._task import Example


def generation_example(
    label: str,
    candidates: Sequence[str],
    *,
    n_genes: int = 100,
    truth: Sequence[str] | None = None,
    context: Mapping[str, str] | None = None,
) -> Example:
    """One cell to write.

    Parameters
    ----------
    label
        The type that is asked for.
    candidates
        Types among which the dual chooses; ``label`` is one of them.
    n_genes
        Length of the sentence that is asked for.
    truth
        The sentence of a real cell of that type, where there is one.
    context
        Facts such as the tissue and the organism.

    Returns
    -------
    An :class:`Example` with ``known = {"n_genes": n_genes, "candidates": candidates}`` and the label as
    ``unknown``.

    Examples
    --------
    >>> from sc_duality.tasks import generation_example
    >>> generation_example("B cell", ["B cell", "T cell"], context={"tissue": "blood"}).unknown
    'B cell'
    """
    if label not in candidates:
        raise ValueError(f"the type {label!r} must be one of the candidates {list(candidates)!r}")
    if n_genes < 1:
        raise ValueError(f"n_genes must be at least 1, not {n_genes}")
    return Example(
        known={"n_genes": n_genes, "candidates": tuple(candidates)},
        unknown=label,
        truth=None if truth is None else tuple(truth),
        context=dict(context or {}),
    )


class Generation:
    """Type → cell sentence; dual: the type of that cell (CellDuality §3.4.1, equation 2).

    The dual is the annotation of the cell that was written.

    Parameters
    ----------
    prompt_format
        The words to use: the prompt format that the model speaks.
    known_genes
        Gene names that count in a sentence; all do by default.

    Examples
    --------
    >>> from sc_duality.tasks import Generation, generation_example
    >>> task = Generation("compact")
    >>> example = generation_example("B cell", ["B cell", "T cell"], context={"tissue": "blood"})
    >>> task.prompt(example)
    '<generate> <blood> <type> B_cell <cell>'
    >>> task.dual_prompt(("CD79A", "MS4A1"), example)
    '<annotate> <cell> CD79A MS4A1 <type>'
    """

    name = "generation"
    version = 1
    gives_back: Literal["genes", "candidate"] = "candidate"

    def __init__(
        self, prompt_format: str | Path | PromptFormat = "plain", known_genes: Collection[str] | None = None
    ) -> None:
        self.prompt_format = prompt_format_of(prompt_format)
        self.known_genes = known_genes
        self._annotation = Annotation(self.prompt_format)

    def prompt(self, example: Example) -> str:
        """Text that names the type and asks for a cell."""
        return self.prompt_format.say(
            self.name, "prompt", label=example.unknown, n_genes=example.known["n_genes"], context=example.context
        )

    def answer(self, value: Sequence[str]) -> str:
        """The text of the answer, were it this cell."""
        return self.prompt_format.say(self.name, "answer", genes=value)

    def parse(self, text: str, example: Example) -> Answer | Failure:
        """Read a cell sentence, best gene first."""
        return read_cell(text, self.prompt_format, self.known_genes)

    def dual_prompt(self, answer: Sequence[str], example: Example) -> str:
        """Text that shows the cell and asks for its type."""
        return self._annotation.prompt(self._as_annotation(answer, example))

    def dual_answer(self, unknown: str) -> str:
        """The text of the dual's right answer, were it this type."""
        return self._annotation.answer(unknown)

    def parse_dual(self, text: str, example: Example) -> Answer | Failure:
        """Read one of the candidate types."""
        return self._annotation.parse(text, self._as_annotation((), example))

    def score(self, unknown: str, reconstruction: str) -> float:
        """1 where the type came back, else 0."""
        return exact_match(unknown, reconstruction)

    def _as_annotation(self, genes: Sequence[str], example: Example) -> Example:
        return annotation_example(genes, example.known["candidates"], context=example.context)
