"""C2S-Scale's reward for cytokine responses: how near an answer is to the true one in an embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..tasks import Question
from ._completions import RewardFunction
from ._negative_mse import negative_mse
from ._program_scores import check_program, program_scores

#: The opposite of an answer is twice as far from it as an answer without genes, in a linear embedding.
_OPPOSITE = 4.0


def embedding_reward(genes: Sequence[str], embedding: ArrayLike | Callable[[Any], Any]) -> RewardFunction:
    """Make a reward for generated cells and gene changes: −MSE to the true answer in an embedding.

    Parameters
    ----------
    genes
        Genes of the embedding, at least two.
    embedding
        Components, float (genes, d), such as those of a PCA (``adata.varm["PCs"]``); or a function from scores, float64
        (n, genes), to an embedding, (n, d). The score of a gene is log((n + 1) / rank) in a list of n genes, negative
        for genes that go down, and 0 for genes that the answer does not name.

    Returns
    -------
    A reward function with values of at most 0, which is a perfect answer: ``None`` without a true answer and for tasks
    whose answers hold no genes. An answer that cannot be read gets four times the reward of an answer without genes,
    which is that of the opposite of the truth; where the truth names none of the genes, the lowest reward of the call.
    It reads the truth (``needs_truth``).

    Raises
    ------
    ValueError
        The components are not a finite matrix with one row a gene; by the reward, the embedding is not one row a cell.

    Notes
    -----
    C2S-Scale, section 4.7.9, with scGPT as the embedding of whole cells.

    Examples
    --------
    >>> from sc_duality.rewards import embedding_reward
    >>> from sc_duality.tasks import Generation, GenerationExample
    >>> example = GenerationExample(cell_type="T cell", options=("T cell",), truth=("BAX", "ACTB", "CASP3"))
    >>> question = Generation().question(example)
    >>> reward = embedding_reward(["BAX", "CASP3"], [[1.0], [-1.0]])
    >>> right, wrong = reward(["<answer>BAX ACTB CASP3</answer>", "<answer>CASP3 BAX</answer>"], [question] * 2)
    >>> right == 0 and wrong < right
    True
    """
    compared = check_program(genes)
    if len(compared) < len(genes):
        raise ValueError(f"genes holds {len(genes) - len(compared)} duplicates: pass each gene once")
    embed = embedding if callable(embedding) else _projection(embedding, len(compared))

    def embedding_reward(
        completions: Sequence[Any], question: Sequence[Question], **_columns: Any
    ) -> list[float | None]:
        found = program_scores(completions, question, compared)
        present = [one for one in found if one is not None]
        if not present:
            return [None] * len(found)
        truth = [one.truth for one in present]
        answers = [np.zeros(len(compared)) if one.answer is None else one.answer for one in present]
        embedded = np.asarray(embed(np.array(answers + truth)), dtype=np.float64)
        if embedded.ndim != 2 or len(embedded) != 2 * len(present):
            raise ValueError(f"embedding= returned the shape {embedded.shape} for {2 * len(present)} rows")
        unreadable = np.array([one.answer is None for one in present])
        values = negative_mse(embedded[: len(present)], embedded[len(present) :]) * np.where(unreadable, _OPPOSITE, 1)
        values[unreadable & (values == 0)] = values.min()
        rewards = iter(values.tolist())
        return [None if one is None else next(rewards) for one in found]

    embedding_reward.needs_truth = True  # type: ignore[attr-defined]
    embedding_reward.settings = {"genes": compared, "embedding": _name(embedding)}  # type: ignore[attr-defined]
    return embedding_reward


def _name(embedding: ArrayLike | Callable[[Any], Any]) -> str:
    """What tells an embedding from others: the name of a function, or a hash of components."""
    if callable(embedding):
        return getattr(embedding, "__name__", type(embedding).__name__)
    return blake2b(np.asarray(embedding, dtype=np.float64).tobytes(), digest_size=8).hexdigest()


def _projection(components: ArrayLike, n_genes: int) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Multiplication with checked components."""
    matrix = np.asarray(components, dtype=np.float64)
    if matrix.ndim != 2 or len(matrix) != n_genes or not matrix.shape[1] or not np.isfinite(matrix).all():
        raise ValueError(
            f"embedding must be a finite matrix with one row for each of the {n_genes} genes, got {matrix.shape}"
        )
    return lambda scores: scores @ matrix
