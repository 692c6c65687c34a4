"""Perturbation response: from a cell and what is done to it to the cell afterwards, and back to what was done."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

from ..rewards import exact_match
from ._labelling import read_cell
from ._parse import Answer, Failure, read_label
from ._perturbation import Perturbation
from ._prompt_format import PromptFormat, prompt_format_of
from ._task import Example


def response_example(
    genes: Sequence[str],
    unknown: Perturbation | str,
    candidates: Sequence[Perturbation] | Sequence[str],
    *,
    drug: str = "",
    truth: Sequence[str] | None = None,
    context: Mapping[str, str] | None = None,
) -> Example:
    """One cell whose answer to a perturbation is asked for.

    Parameters
    ----------
    genes
        Sentence of the cell before, best gene first.
    unknown
        What is done to it; or, where ``drug`` is known, how it takes the drug, such as ``"resistant"``.
    candidates
        Among what the dual chooses; ``unknown`` is one of them.
    drug
        The drug, if ``unknown`` is a sensitivity label.
    truth
        Sentence of the cell afterwards, where it is known.
    context
        Facts such as the tissue.

    Returns
    -------
    An :class:`Example` with ``known = {"genes": genes, "candidates": candidates, "drug": drug}``.

    Examples
    --------
    >>> from sc_duality.tasks import Perturbation, response_example
    >>> stat1, nothing = Perturbation("knockdown", "STAT1"), Perturbation("control")
    >>> str(response_example(["ISG15", "ACTB"], stat1, [stat1, nothing]).unknown)
    'knockdown STAT1'
    """
    if unknown not in candidates:
        raise ValueError(f"{str(unknown)!r} must be one of the candidates {[str(one) for one in candidates]}")
    if isinstance(unknown, str) != bool(drug):
        raise ValueError(f"a sensitivity label needs drug=, and a Perturbation has none: got {unknown!r}, {drug!r}")
    return Example(
        known={"genes": tuple(genes), "candidates": tuple(candidates), "drug": drug},
        unknown=unknown,
        truth=None if truth is None else tuple(truth),
        context=dict(context or {}),
    )


class Response:
    """Cell and perturbation → cell; dual: both cells → the perturbation (CellDuality §3.4.1, equation 2).

    Parameters
    ----------
    prompt_format
        The words to use: the prompt format that the model speaks.
    known_genes
        Gene names that count in a sentence; all do by default.

    Examples
    --------
    >>> from sc_duality.tasks import Perturbation, Response, response_example
    >>> task = Response("compact")
    >>> stat1, nothing = Perturbation("knockdown", "STAT1"), Perturbation("control")
    >>> example = response_example(["ISG15", "ACTB"], stat1, [stat1, nothing])
    >>> task.prompt(example)
    '<respond> <knockdown> STAT1 <cell> ISG15 ACTB <after>'
    >>> task.dual_prompt(("ACTB", "ISG15"), example)
    '<cause> <cell> ISG15 ACTB <after> ACTB ISG15 <by>'
    >>> task.parse_dual("<knockdown> STAT1", example).value == stat1
    True
    """

    name = "response"
    version = 1
    gives_back: Literal["genes", "candidate"] = "candidate"

    def __init__(
        self, prompt_format: str | Path | PromptFormat = "plain", known_genes: Collection[str] | None = None
    ) -> None:
        self.prompt_format = prompt_format_of(prompt_format)
        self.known_genes = known_genes

    def prompt(self, example: Example) -> str:
        """Text that shows the cell and what is done to it, and asks for the cell afterwards."""
        known = example.known
        return self.prompt_format.say(
            self.name,
            "prompt",
            genes=known["genes"],
            cause=example.unknown,
            drug=known["drug"],
            context=example.context,
        )

    def answer(self, value: Sequence[str]) -> str:
        """The text of the answer, were it this cell."""
        return self.prompt_format.say(self.name, "answer", genes=value)

    def parse(self, text: str, example: Example) -> Answer | Failure:
        """Read the sentence of the cell afterwards, best gene first."""
        return read_cell(text, self.prompt_format, self.known_genes)

    def dual_prompt(self, answer: Sequence[str], example: Example) -> str:
        """Text that shows the cell before and afterwards and asks what was done, or how it took the drug."""
        return self.prompt_format.say(
            self.name,
            "dual_prompt",
            before=example.known["genes"],
            after=answer,
            choices=[self._words(one) for one in example.known["candidates"]],
            drug=example.known["drug"],
            context=example.context,
        )

    def dual_answer(self, unknown: Perturbation | str) -> str:
        """The text of the dual's right answer, were it this."""
        return self.prompt_format.say(self.name, "dual_answer", words=self._words(unknown))

    def parse_dual(self, text: str, example: Example) -> Answer | Failure:
        """Read one of the candidates."""
        found = self.prompt_format.read(text)
        if isinstance(found, Failure):
            return found
        words = {self._words(one): one for one in example.known["candidates"]}
        chosen = read_label(found.value, tuple(words))
        return chosen if isinstance(chosen, Failure) else Answer(words[chosen.value], found.reasoning)

    def score(self, unknown: Perturbation | str, reconstruction: Perturbation | str) -> float:
        """1 where the perturbation or label came back, else 0."""
        return exact_match(unknown, reconstruction)

    def _words(self, cause: Perturbation | str) -> str:
        return self.prompt_format.say(self.name, "words", cause=cause)
