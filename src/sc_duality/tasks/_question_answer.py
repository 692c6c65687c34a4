"""Answers to questions about cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._text_task import TextExample, TextTask


@dataclass(frozen=True, kw_only=True)
class QuestionExample(TextExample):
    """A group of cells and a question about them.

    Parameters
    ----------
    query
        The question.
    cells, n_cells, length, markers, cell_type, options, truth, context
        See :class:`TextExample`.
    """

    query: str


@dataclass(frozen=True, kw_only=True, eq=False)
class QuestionAnswer(TextTask):
    """Cells and a question → answer; dual: question and answer → cell type.

    Parameters
    ----------
    query
        One question about each group.
    truth
        Table with the columns ``question`` and ``answer``, and ``group`` where there is ``groupby``. With ``query``,
        reference texts as for other texts.
    groupby, cell_type, n_cells, length, prompt_format, vocabulary
        See :class:`TextTask`.

    Notes
    -----
    Question answering of C2S-Scale (Rizvi et al. 2025).

    Examples
    --------
    >>> from sc_duality.tasks import QuestionAnswer, QuestionExample
    >>> example = QuestionExample(cells=(("CD79A",),), n_cells=1, length=100, query="Are these cells activated?")
    >>> "Are these cells activated?" in QuestionAnswer(query=example.query).question(example).prompt
    True
    """

    name = "question_answer"

    query: str | None = None
    length: int = 100

    def settings(self) -> dict[str, Any]:
        """The question, if there is one for all groups."""
        return {} if self.query is None else {"query": self.query}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.query is not None and (not isinstance(self.query, str) or not self.query.strip()):
            raise ValueError(f"the question {self.query!r} must be a text, such as 'Which cells are activated?'")
