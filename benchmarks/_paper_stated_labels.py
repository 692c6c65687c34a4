"""Scores of the labels that a completion states for a puzzle, as Cell-o1 scores them: a repeated label stays one.

:func:`sc_duality.tl.annotate` with ``unique`` gives no label to two cells of a puzzle. The paper counts what the model
wrote, and the share of distinct labels tells how often it repeats itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import anndata as ad
import numpy as np
from numpy.typing import ArrayLike

import sc_duality as sd

_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
Encoder = Callable[[list[str]], ArrayLike]


def stated_labels(text: str | None, n: int) -> list[str] | None:
    """The labels of the only answer of a completion; ``None`` where it does not name one for each cell."""
    answers = _ANSWER.findall(text or "")
    if len(answers) != 1:
        return None
    names = [" ".join(name.split()) for name in answers[0].split("|")]
    return names if len(names) == n and all(names) else None


def stated_scores(puzzles: ad.AnnData, encoder: Encoder | None, threshold: float | None) -> dict[str, float]:
    """Means over puzzles, by the names of :func:`sc_duality.get.puzzle_scores`.

    With ``encoder`` also the similarity of names, which decides on accuracy from ``threshold`` on.
    """
    answers = puzzles.uns["annotation"]["answers"]
    texts = dict(zip(answers["unit"].astype(str), answers["text"], strict=True))
    groups = puzzles.obs.groupby("puzzle", observed=True, sort=False)[puzzles.uns["cell_puzzles"]["truth"]]
    truth = {str(name): labels.astype(str).tolist() for name, labels in groups}
    stated = [stated_labels(texts.get(name), len(labels)) for name, labels in truth.items()]
    found = sd.metrics.puzzle_scores(
        [_normal(labels) for labels in truth.values()], [None if one is None else _normal(one) for one in stated]
    )
    found["response_length"] = float(np.mean([len(text) for text in texts.values() if text is not None] or [0]))
    if encoder is None:
        return found
    similar = [
        sd.metrics.semantic_similarity(labels, one or [None] * len(labels), encoder)
        for labels, one in zip(truth.values(), stated, strict=True)
    ]
    found["semantic_similarity"] = float(np.mean([values.mean() for values in similar]))
    if threshold is not None:
        right = [values >= threshold for values in similar]
        found["cell_accuracy"] = float(np.mean([one.mean() for one in right]))
        found["batch_accuracy"] = float(np.mean([one.all() for one in right]))
    return found


def _normal(labels: Sequence[str]) -> list[str]:
    return [" ".join(label.casefold().split()) for label in labels]
