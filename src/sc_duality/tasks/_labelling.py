"""What annotation and sensitivity share: a cell gets a label, and the label gives back its hidden genes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from ..rewards import rank_weighted_jaccard
from ._parse import Answer, Failure, normal_form, read_genes, read_label
from ._prompt_format import PromptFormat, prompt_format_of
from ._task import Example

#: What the dual of a label is shown besides it.
Given = Literal["observed", "label"]


class Labelling:
    """Cell → label; dual: label and observed genes → hidden genes (CellDuality §3.4.1, inpainting)."""

    name: str
    version = 2
    gives_back: Literal["genes", "candidate"] = "genes"

    def __init__(
        self,
        prompt_format: str | Path | PromptFormat = "plain",
        known_genes: Collection[str] | None = None,
        given: Given = "observed",
    ) -> None:
        if given not in get_args(Given):
            raise ValueError(f"given must be 'observed' or 'label', not {given!r}")
        self.prompt_format = prompt_format_of(prompt_format)
        self.known_genes = known_genes
        self.given = given
        self._words = cache(self._labels_by_word)

    def prompt(self, example: Example) -> str:
        """Text that shows the observed genes and asks for the label."""
        return self.prompt_format.say(self.name, "prompt", context=example.context, **example.known)

    def answer(self, value: str) -> str:
        """The text of the right answer, were it ``value``: what a model is scored on or trained on."""
        return self.prompt_format.say(self.name, "answer", label=value)

    def parse(self, text: str, example: Example) -> Answer | Failure:
        """Read one of the example's labels."""
        found = self.prompt_format.read(text)
        if isinstance(found, Failure):
            return found
        words = self._words(example.known["labels"])
        word = read_label(found.value, tuple(words))
        return word if isinstance(word, Failure) else Answer(words[word.value], found.reasoning)

    def dual_prompt(self, answer: str | None, example: Example) -> str:
        """Text that shows the label and the observed genes and asks for the hidden ones.

        Without a label (``None``) the observed genes stand alone; with ``given="label"`` the label does.
        """
        shown: dict[str, Any] = {**example.known, "label": answer}
        del shown["labels"]
        if self.given == "label":
            shown["genes"] = ()
        return self.prompt_format.say(
            self.name, "dual_prompt", context=example.context, n_hidden=len(example.unknown), **shown
        )

    def dual_answer(self, unknown: Sequence[str]) -> str:
        """The text of the dual's right answer, were it these genes."""
        return self.prompt_format.say(self.name, "dual_answer", genes=unknown)

    def parse_dual(self, text: str, example: Example) -> Answer | Failure:
        """Read the hidden genes, best first."""
        return read_cell(text, self.prompt_format, self.known_genes)

    def score(self, unknown: Sequence[str], reconstruction: Sequence[str]) -> float:
        """Rank-weighted Jaccard similarity of the hidden genes and those that came back."""
        return rank_weighted_jaccard(unknown, reconstruction)

    def _labels_by_word(self, labels: tuple[str, ...]) -> dict[str, str]:
        """The labels by how the prompt format writes them, and by themselves."""
        cut = [self.prompt_format.read(self.answer(label)) for label in labels]
        own = {word.value: label for word, label in zip(cut, labels, strict=True) if isinstance(word, Answer)}
        return own | {label: label for label in labels}


def read_cell(text: str, prompt_format: PromptFormat, known_genes: Collection[str] | None) -> Answer | Failure:
    """Read a list of genes from what a model wrote."""
    found = prompt_format.read(text)
    if isinstance(found, Failure):
        return found
    genes = read_genes(found.value, known_genes)
    if isinstance(genes, Failure):
        return genes
    return Answer(genes.value, found.reasoning, genes.dropped, genes.doubled)


def part(
    genes: Sequence[str], hidden_fraction: float, rng: int | np.random.Generator
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Observed and hidden genes: a random share is hidden, and both parts keep their order."""
    if not 0.0 <= hidden_fraction <= 1.0:
        raise ValueError(f"hidden_fraction must lie between 0 and 1, not {hidden_fraction}")
    n_hidden = round(hidden_fraction * len(genes))
    chosen = np.random.default_rng(rng).choice(len(genes), n_hidden, replace=False) if n_hidden else ()
    hidden = set(np.asarray(chosen, dtype=int).tolist())
    return (
        tuple(gene for i, gene in enumerate(genes) if i not in hidden),
        tuple(gene for i, gene in enumerate(genes) if i in hidden),
    )


def label_example(
    genes: Sequence[str],
    labels: Sequence[str],
    *,
    truth: str | None,
    context: Mapping[str, str] | None,
    hidden_fraction: float,
    rng: int | np.random.Generator,
    **known: Any,
) -> Example:
    """One cell that is to get one of ``labels``, with whatever else is ``known`` of it."""
    observed, hidden = part(genes, hidden_fraction, rng)
    return Example(
        known={"genes": observed, "labels": tuple(labels), **known},
        unknown=hidden,
        truth=truth,
        context=dict(context or {}),
    )


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
