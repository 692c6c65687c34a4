"""Cell-o1's puzzle: a batch of cells is labelled jointly, each candidate type once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from ..rewards import rank_weighted_jaccard
from ._labelling import part
from ._parse import Answer, Failure, Reason, read_genes, read_labels
from ._prompt_format import PromptFormat, prompt_format_of
from ._task import Example


def puzzle_example(
    cells: Sequence[Sequence[str]],
    labels: Sequence[str],
    *,
    truth: Sequence[str] | None = None,
    context: Mapping[str, str] | None = None,
    hidden_fraction: float = 0.0,
    rng: int | np.random.Generator = 0,
) -> Example:
    """A batch of cells from one donor, each of another type.

    Parameters
    ----------
    cells
        Cell sentences, best gene first.
    labels
        As many types as cells, each for one cell, in any order.
    truth
        The type of each cell, where it is known.
    context
        Facts that hold for all cells, such as donor and tissue.
    hidden_fraction
        Share of each cell's genes that the question does not show and the dual has to give back.
    rng
        Seed or generator of that draw.

    Returns
    -------
    An :class:`Example` with ``known = {"cells": observed, "labels": labels}``, ``unknown`` the hidden genes
    of each cell.

    Examples
    --------
    >>> from sc_duality.tasks import puzzle_example
    >>> puzzle_example([["CD79A"], ["CD3E"]], ["T cell", "B cell"]).known["labels"]
    ('T cell', 'B cell')
    """
    if len(cells) != len(labels):
        raise ValueError(f"a puzzle has one label for each cell, not {len(labels)} for {len(cells)}")
    if truth is not None and sorted(truth) != sorted(labels):
        raise ValueError(f"the truth {list(truth)!r} is no order of the labels {list(labels)!r}")
    generator = np.random.default_rng(rng)
    parts = [part(genes, hidden_fraction, generator) for genes in cells]
    return Example(
        known={"cells": tuple(observed for observed, _ in parts), "labels": tuple(labels)},
        unknown=tuple(hidden for _, hidden in parts),
        truth=None if truth is None else tuple(truth),
        context=dict(context or {}),
    )


class Puzzle:
    """A batch of cells → one label each; dual: the labels → the genes that were hidden of each cell.

    The question is that of Cell-o1 (§4.1, table 1); the dual is ours, in the manner of CellDuality's
    inpainting.

    Parameters
    ----------
    prompt_format
        The words to use: the prompt format that the model speaks.
    known_genes
        Gene names that count when the dual's answer is read; all do by default.

    Examples
    --------
    >>> from sc_duality.tasks import Puzzle, puzzle_example
    >>> task = Puzzle("cell-o1")
    >>> example = puzzle_example([["CD79A"], ["CD3E"]], ["T cell", "B cell"])
    >>> task.parse("<think>CD3E is in T cells.</think><answer>B cell | T cell</answer>", example).value
    ('B cell', 'T cell')
    """

    name = "puzzle"
    version = 1
    gives_back: Literal["genes", "candidate"] = "genes"

    def __init__(
        self, prompt_format: str | Path | PromptFormat = "plain", known_genes: Collection[str] | None = None
    ) -> None:
        self.prompt_format = prompt_format_of(prompt_format)
        self.known_genes = known_genes

    def prompt(self, example: Example) -> str:
        """Text that shows the cells and the candidates and asks for one label each."""
        return self.prompt_format.say(self.name, "prompt", context=example.context, **example.known)

    def answer(self, value: Sequence[str]) -> str:
        """The text of the right answer, were it these labels."""
        return self.prompt_format.say(self.name, "answer", labels=value)

    def parse(self, text: str, example: Example) -> Answer | Failure:
        """Read one label a cell, each candidate used once."""
        found = self.prompt_format.read(text)
        if isinstance(found, Failure):
            return found
        labels = read_labels(found.value, example.known["labels"])
        return labels if isinstance(labels, Failure) else Answer(labels.value, found.reasoning)

    def dual_prompt(self, answer: Sequence[str], example: Example) -> str:
        """Text that shows labels and observed genes and asks for the hidden ones of each cell."""
        return self.prompt_format.say(
            self.name,
            "dual_prompt",
            labels=answer,
            cells=example.known["cells"],
            n_hidden=[len(hidden) for hidden in example.unknown],
            context=example.context,
        )

    def dual_answer(self, unknown: Sequence[Sequence[str]]) -> str:
        """The text of the dual's right answer, were it these genes."""
        return self.prompt_format.say(self.name, "dual_answer", cells=unknown)

    def parse_dual(self, text: str, example: Example) -> Answer | Failure:
        """Read the hidden genes of each cell; a cell of which none can be read is empty."""
        found = self.prompt_format.read(text)
        if isinstance(found, Failure):
            return found
        pieces = found.value.split("|")
        if len(pieces) != len(example.unknown):
            return Failure(Reason.WRONG_COUNT, f"{len(pieces)} for {len(example.unknown)} cells")
        cells = [read_genes(piece, self.known_genes) for piece in pieces]
        read = [cell for cell in cells if isinstance(cell, Answer)]
        return Answer(
            tuple(cell.value if isinstance(cell, Answer) else () for cell in cells),
            found.reasoning,
            sum(cell.dropped for cell in read),
            sum(cell.doubled for cell in read),
        )

    def score(self, unknown: Sequence[Sequence[str]], reconstruction: Sequence[Sequence[str]]) -> float:
        """Mean rank-weighted Jaccard similarity over the cells."""
        pairs = zip(unknown, reconstruction, strict=True)
        return float(np.mean([rank_weighted_jaccard(*pair) for pair in pairs]))
