"""The shape of a task: data apart from behaviour, a question and its inverse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ._parse import Answer, Failure


@dataclass(frozen=True)
class Example:
    """One question, as data.

    Parameters
    ----------
    known
        x_k: what both the task and its dual are shown, by name.
    unknown
        x_u: what the dual has to give back; for the annotation of a cell, its hidden genes.
    truth
        y: the true answer, where there is one. The dual never needs it.
    context
        Facts about the cell's surroundings, such as tissue, by name.
    """

    known: Mapping[str, Any]
    unknown: Any = None
    truth: Any = None
    context: Mapping[str, str] = field(default_factory=dict)


class Task(Protocol):
    """A question about cells and its dual (CellDuality, definition 3.1).

    Given x = (x_k, x_u), :meth:`prompt` asks for y. Given y and x_k, :meth:`dual_prompt` asks for
    x_u back, and :meth:`score` says how well it came back, between 0 and 1.
    """

    name: str
    version: int
    #: Whether x_u is hidden genes or one of ``example.known["candidates"]``.
    gives_back: Literal["genes", "candidate"]

    def prompt(self, example: Example) -> str:
        """Text that asks for y."""

    def answer(self, value: Any) -> str:
        """Text of the right answer, were it ``value``: what a model is scored on or trained on."""

    def parse(self, text: str, example: Example) -> Answer | Failure:
        """Read y from what a model wrote."""

    def dual_prompt(self, answer: Any, example: Example) -> str:
        """Text that gives y and x_k and asks for x_u."""

    def dual_answer(self, unknown: Any) -> str:
        """Text of the dual's right answer, were it ``unknown``."""

    def parse_dual(self, text: str, example: Example) -> Answer | Failure:
        """Read x_u from what a model wrote."""

    def score(self, unknown: Any, reconstruction: Any) -> float:
        """How well ``reconstruction`` matches x_u, in [0, 1]."""
