"""C2S-Scale's reward: whether the genes of a program are in the right order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..metrics import kendall_tau
from ..tasks import Question
from ._completions import RewardFunction, read_answers


def gene_program_reward(genes: Sequence[str]) -> RewardFunction:
    """Make a reward for generated cells: Kendall’s τ of the genes of a program, such as apoptosis.

    Parameters
    ----------
    genes
        The program, at least two genes. Genes that a cell does not name share the last rank.

    Returns
    -------
    A reward function with values between −1 and 1: 0 where no cell can be read, ``None`` without a true cell.

    Notes
    -----
    C2S-Scale, section 4.7.9.

    Examples
    --------
    >>> from sc_duality.rewards import gene_program_reward
    >>> from sc_duality.tasks import Generation, GenerationExample
    >>> example = GenerationExample(cell_type="T cell", options=("T cell",), truth=("BAX", "ACTB", "CASP3"))
    >>> question = Generation().question(example)
    >>> apoptosis = gene_program_reward(["BAX", "CASP3"])
    >>> apoptosis(["<answer>BAX CASP3</answer>", "<answer>CASP3 BAX</answer>"], [question] * 2)
    [1.0, -1.0]
    """
    program = tuple(dict.fromkeys(genes))
    if len(program) < 2:
        raise ValueError(f"a gene program needs two different genes or more, got {list(genes)}")

    def gene_program_reward(
        completions: Sequence[Any], question: Sequence[Question], **_columns: Any
    ) -> list[float | None]:
        answers = read_answers(completions, question)
        return [
            None if one.target is None else 0.0 if answer is None else kendall_tau(one.target, answer.value, program)
            for one, answer in zip(question, answers, strict=True)
        ]

    return gene_program_reward
