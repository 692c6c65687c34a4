"""Scores of generated cells against real cells, for the table of :func:`sc_duality.tl.evaluate`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from anndata import AnnData
from numpy.typing import ArrayLike

from ..metrics import frechet, gromov_wasserstein, knn_accuracy, mmd, wasserstein
from ._score_table import Group, Score

Metric = Callable[[np.ndarray, np.ndarray], float]

#: k of the classifiers.
NEIGHBOURS = (3, 5, 10, 25)
POPULATIONS: dict[str, Metric] = {
    "frechet": frechet,
    "mmd": mmd,
    "wasserstein": wasserstein,
    "gromov_wasserstein": partial(gromov_wasserstein, max_cells=None),
}


class Embedded(NamedTuple):
    """Real and generated cells, both cells × dimensions, in one embedding."""

    real: np.ndarray
    generated: np.ndarray
    name: str


def user_embedding(real: AnnData, data: AnnData, embedding: str | Callable[[AnnData], ArrayLike]) -> Embedded:
    """Both sides in an embedding of the user."""
    found = []
    for side, name in ((real, "real"), (data, "generated")):
        if isinstance(embedding, str) and embedding not in side.obsm:
            raise KeyError(f"obsm of the {name} cells has no {embedding!r}; it has {list(side.obsm)}")
        vectors = np.asarray(side.obsm[embedding] if isinstance(embedding, str) else embedding(side), dtype=float)
        if vectors.ndim != 2 or len(vectors) != side.n_obs:
            raise ValueError(f"the embedding of {side.n_obs} {name} cells has the shape {vectors.shape}")
        n_invalid = int((~np.isfinite(vectors)).any(axis=1).sum())
        if n_invalid:
            raise ValueError(f"the embedding of {n_invalid} {name} cells is NaN or infinite: leave these cells out")
        found.append(vectors)
    if found[0].shape[1] != found[1].shape[1]:
        raise ValueError(f"the embeddings have {found[0].shape[1]} and {found[1].shape[1]} dimensions: use one space")
    name = f"obsm[{embedding!r}]" if isinstance(embedding, str) else getattr(embedding, "__name__", repr(embedding))
    return Embedded(found[0], found[1], name)


def population_scores(chosen: list[str], cells: list[Group], space: Embedded) -> dict[str, Score]:
    def compare(metric: Metric, group: Group) -> float:
        return metric(space.real[group.real], space.generated[group.generated])

    def classify(k: int, group: Group) -> float:
        if not len(group.real):
            raise ValueError("0 real cells: the classifier has no cell of the condition")
        wanted = [group.condition] * len(group.generated)
        return knn_accuracy(space.real[rows], labels, space.generated[group.generated], wanted, k=[k])[k]

    rows = np.concatenate([group.real for group in cells])
    labels = np.concatenate([[group.condition] * len(group.real) for group in cells])
    scores = {name: Score(partial(compare, POPULATIONS[name]), space.name) for name in chosen if name in POPULATIONS}
    if "knn_accuracy" in chosen:
        scores |= {f"knn_accuracy_{k}": Score(partial(classify, k), space.name) for k in NEIGHBOURS}
    return scores
