"""Scores of the genes of a program in true and generated answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..tasks import Answer, Question
from ._completions import read_answers


class ProgramScores(NamedTuple):
    """Scores of the genes of a program, one value a gene."""

    truth: NDArray[np.float64]
    #: ``None`` where the completion could not be read.
    answer: NDArray[np.float64] | None


def check_program(genes: Sequence[str]) -> tuple[str, ...]:
    """The genes, each once, or an error if they are too few to compare."""
    program = tuple(dict.fromkeys(genes))
    if isinstance(genes, str) or len(program) < 2:
        shown = repr(genes) if isinstance(genes, str) else list(genes)
        raise ValueError(f"a gene program needs two different genes or more, got {shown}")
    return program


def program_scores(
    completions: Sequence[Any], question: Sequence[Question], program: Sequence[str]
) -> list[ProgramScores | None]:
    """Scores of the program in each completion; ``None`` without a truth, or where answers hold no genes.

    Answer types tell their scores by a method ``gene_scores(answer, genes)``; labels have none.
    """
    pairs = zip(question, read_answers(completions, question), strict=True)
    return [_scores(one, answer, program) for one, answer in pairs]


def _scores(question: Question, answer: Answer | None, program: Sequence[str]) -> ProgramScores | None:
    gene_scores = getattr(question.answer_type, "gene_scores", None)
    if gene_scores is None or question.target is None:
        return None
    vocabulary = getattr(question.answer_type, "vocabulary", None)
    if vocabulary is not None and sum(gene in vocabulary for gene in program) < 2:
        raise ValueError(
            f"the model knows fewer than two of the {len(program)} genes of the program ({', '.join(program[:5])}, …): "
            "pass gene symbols of its vocabulary"
        )
    truth = gene_scores(question.target, program)
    return ProgramScores(truth, None if answer is None else gene_scores(answer.value, program))
