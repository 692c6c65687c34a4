"""C2S-Scale's reward: whether the genes of a program are in the right order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..metrics import kendall
from ..tasks import Question
from ._completions import RewardFunction
from ._program_scores import check_program, program_scores


def gene_program_reward(genes: Sequence[str]) -> RewardFunction:
    """Make a reward for generated cells and gene changes: Kendall’s τ of the genes of a program, such as apoptosis.

    Parameters
    ----------
    genes
        The program, at least two genes. Genes that a cell does not name share the last rank. Of gene changes, those
        that go up rank first, then those that neither list names, which share a rank, then those that go down.

    Returns
    -------
    A reward function with values between −1 and 1: −1 where no answer can be read, ``None`` without a true answer and
    for tasks whose answers hold no genes. It reads the truth (``needs_truth``).

    Raises
    ------
    ValueError
        There are fewer than two genes; by the reward, the model knows fewer than two of them.

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
    program = check_program(genes)

    def gene_program_reward(
        completions: Sequence[Any], question: Sequence[Question], **_columns: Any
    ) -> list[float | None]:
        return [
            None if one is None else -1.0 if one.answer is None else kendall([one.truth], [one.answer])
            for one in program_scores(completions, question, program)
        ]

    gene_program_reward.needs_truth = True  # type: ignore[attr-defined]
    gene_program_reward.settings = {"genes": program}  # type: ignore[attr-defined]
    return gene_program_reward
