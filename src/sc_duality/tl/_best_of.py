"""Of several answers to a question, keep the one that explains it best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..models import LanguageModel
from ..tasks import Example, Generation
from ..train._judge import Dual, cell_rng, explain
from ._answers import NOT_ANSWERED
from ._cells import Written
from ._questions import Question


def check_best_of(best_of: int) -> None:
    """Refuse what is no number of answers."""
    if isinstance(best_of, bool) or not isinstance(best_of, int | np.integer) or best_of < 1:
        raise ValueError(f"best_of must be a positive integer, got {best_of!r}")


def drawn_labels(probability: NDArray[np.float64], names: Sequence[str], n: int, seed: int) -> NDArray[np.int64]:
    """(n_obs, n): labels drawn from each cell's probabilities, −1 where there are none; ``names`` are the cells'."""
    drawn = np.full((len(probability), n), -1)
    for i in np.flatnonzero(~np.isnan(probability).any(axis=1)):
        chance = probability[i] / probability[i].sum()  # that none of them is right is left out
        drawn[i] = cell_rng(seed, "draw", names[i]).choice(len(chance), n, p=chance)
    return drawn


def best_explained(
    engine: LanguageModel, question: Question, examples: Sequence[Example], drawn: NDArray[np.int64], how: Dual
) -> NDArray[np.int64]:
    """The label in each row of ``drawn`` (−1 is none) with the best duality score; of equal ones the first.

    −1 where there is none, and where one of them could not be judged.
    """
    labels = question.labels
    asked = [(i, int(label)) for i, row in enumerate(drawn) for label in dict.fromkeys(row.tolist()) if label >= 0]
    chosen = [labels[label] for _, label in asked]
    scores = explain(engine, question.task, [examples[i] for i, _ in asked], chosen, how)
    best, highest = np.full(len(drawn), -1), np.full(len(drawn), -np.inf)
    for (i, label), score in zip(asked, scores, strict=True):
        if best[i] < 0 or score > highest[i]:
            best[i], highest[i] = label, score
    best[[i for (i, _), score in zip(asked, scores, strict=True) if np.isnan(score)]] = -1
    return best


def best_written(
    engine: LanguageModel, task: Generation, questions: Sequence[Example], found: Written, n: int
) -> Written:
    """Of all cells that were written for each of ``n`` questions, that from which its type is read back best.

    ``questions`` come again in the same order. Of equal ones the first is kept; a cell of which one could not be
    judged was not answered, so that the rest of a run does not depend on what failed in it.
    """
    score = explain(engine, task, questions, found.cells, Dual())
    lost = (found.status == NOT_ANSWERED) | (np.isnan(score) & np.array([len(cell) > 0 for cell in found.cells]))
    best = np.nan_to_num(score, nan=-1.0).reshape(-1, n).argmax(0) * n + np.arange(n)
    status = found.status[best]
    none = lost.reshape(-1, n).any(0)
    status[none] = NOT_ANSWERED
    cells = [() if without else found.cells[i] for i, without in zip(best, none, strict=True)]
    unknown, doubled = (np.where(none, 0, counts[best]) for counts in (found.unknown_genes, found.doubled_genes))
    return Written(cells, status, unknown, doubled)
