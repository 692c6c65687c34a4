"""How good generated cells, predicted cells and labels are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import ArrayLike

from ..cells import SharedGenes, adata_keys, column, modality, project_cells, seed, to_shared_genes
from ..metrics import (
    accuracy,
    frechet,
    gromov_wasserstein,
    knn_accuracy,
    macro_f1,
    mmd,
    pearson,
    wasserstein,
)
from ._scores import Group, Score, conditions, groups, table

if TYPE_CHECKING:
    from mudata import MuData

Metric = Callable[[np.ndarray, np.ndarray], float]

#: Components of the default embedding.
N_COMPONENTS = 50
#: k of the classifiers.
NEIGHBOURS = (3, 5, 10, 25)
POPULATIONS: dict[str, Metric] = {
    "frechet": frechet,
    "mmd": mmd,
    "wasserstein": wasserstein,
    "gromov_wasserstein": partial(gromov_wasserstein, max_cells=None),
}
LABELS: dict[str, Metric] = {"accuracy": accuracy, "macro_f1": macro_f1}


class Embedded(NamedTuple):
    """Cells × dimensions of both sides in one space."""

    real: np.ndarray
    generated: np.ndarray
    name: str


def evaluate(
    adata: AnnData | MuData,
    reference: AnnData | MuData | str,
    groupby: str | None = None,
    *,
    metrics: Iterable[str] | None = None,
    embedding: str | Callable[[AnnData], ArrayLike] | None = None,
    fit: AnnData | MuData | None = None,
    control: AnnData | MuData | None = None,
    answer: str = adata_keys.ANNOTATION,
    n_genes: int | None = None,
    n_top: int = 20,
    max_cells: int = 500,
    key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
) -> pd.DataFrame:
    """Compare generated or predicted cells with real ones, or labels with a reference.

    **Cells**, where ``reference`` holds real cells. Both are brought onto one footing first, since generated cells
    have an expression that was rebuilt from a sentence, and real ones have not: the sentences of both are cut to the
    genes that both vocabularies have and to the same number of genes, and a gene at rank r of n counts
    log10((n + 1) / r), others 0. Expression itself is not used. The default embedding are the first 50 principal
    components (fewer where there are not enough cells) of real cells on this footing, those of ``fit``. They should not
    be the cells that are compared: components fit the very cells that they come from better than any others, so that
    even real cells would seem to differ from them. Without ``fit``, at most half of the real cells of each condition
    are compared, and the components come from the rest.

    Cells of one condition are compared with real cells of the same condition:

    - ``frechet`` (scFID), ``mmd``, ``wasserstein`` (order 2, exact), ``gromov_wasserstein``: see
      :mod:`sc_duality.metrics`, whose defaults are taken.
    - ``knn_accuracy`` for k = 3, 5, 10 and 25: the share of the condition's generated cells that a classifier of the
      real cells of all conditions gives back to it. Needs ``groupby``.
    - ``pearson``: correlation over genes of the change from ``control``, mean predicted minus mean control against
      mean observed minus mean control, over all genes that a sentence of the three names, and over the ``n_top`` of
      them that change most in the real cells. On the footing above, whatever the embedding, with all cells. Needs
      ``control``.

    **Labels**, where ``reference`` is a column of ``obs``: ``accuracy`` and ``macro_f1`` of ``obs[answer]`` over the
    cells that have a reference. Missing answers and ``unknown`` are wrong answers.

    Parameters
    ----------
    adata
        Generated cells with sentences, as from :func:`sc_duality.tl.generate` or :func:`sc_duality.tl.perturb`; or
        annotated cells. A cell with an empty sentence, such as one that could not be read, counts as a cell without
        genes: subset ``adata`` to leave it out.
    reference
        Real cells with sentences; or a column of ``obs``.
    groupby
        Column of ``obs``, in ``adata`` and in the real cells, with the condition: cell type, perturbation, donor. All
        cells are one condition without it.
    metrics
        Names from the lists above; by default all for which there is what they need.
    embedding
        Instead of principal components: a key of ``obsm`` that both objects have, or a function that takes an AnnData
        and returns cells × dimensions. All real cells are compared then.
    fit
        Real cells with sentences that the principal components come from, such as those that a model was trained on.
        All cells of ``reference`` are compared then.
    control
        Real cells before the change, with sentences. If they have some of the conditions in ``obs[groupby]``, each
        condition is compared with its own; otherwise all with all of them.
    answer
        Column of ``obs`` with the labels to judge.
    n_genes
        Genes of a sentence that count. By default the most that at least half of the cells on every side have.
    n_top
        Most changed genes of the second ``pearson``.
    max_cells
        At most as many cells of a condition enter from each side, drawn with ``rng``, the same for every metric but
        ``pearson``. Time and memory grow with its square.
    key
        Key of the sentences, on every side.
    mod
        Modality of a MuData.
    rng
        Seed of the draws, or a generator.

    Returns
    -------
    A table with a row for each metric and condition, and one for the mean over conditions (``condition="mean"``):
    ``metric``, ``condition``, ``value``, ``n_real`` and ``n_generated`` (cells that entered; with labels, those with a
    reference and those with an answer), ``embedding``, and ``note``. A value that cannot be had, as with fewer than
    two cells, is NaN and ``note`` says why; the mean leaves it out and says so. Nothing is written into ``adata``.

    Raises
    ------
    ImportError
        POT is not installed and a metric needs it.
    KeyError
        There are no sentences, or no such column or embedding.
    ValueError
        The objects share no condition or no gene, an embedding is unusable, a metric is unknown or lacks what it needs.

    Notes
    -----
    scFID, MMD and Wasserstein are given per condition and then averaged as in C2S-Scale, sections 4.7.9 and 4.8, which
    embeds with scGPT. All of them depend on the embedding, on the number of genes and on the number of cells: compare
    values only where these are the same.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> real, generated = adata[::2], adata[1::2]  # other real cells stand in for generated ones
    >>> scores = sd.tl.evaluate(generated, real, "cell_type", metrics=["frechet", "knn_accuracy"])
    >>> scores.loc[scores["condition"] == "mean", "metric"].tolist()
    ['frechet', 'knn_accuracy_3', 'knn_accuracy_5', 'knn_accuracy_10', 'knn_accuracy_25']
    """
    data = modality(adata, mod)
    if isinstance(reference, str):
        return _of_labels(data, reference, groupby, answer, metrics)
    real = modality(reference, mod)
    before = None if control is None else modality(control, mod)
    fitted = None if fit is None else modality(fit, mod)
    needs = {"knn_accuracy": None if groupby else "groupby", "pearson": None if before is not None else "control"}
    chosen = _chosen(metrics, {**dict.fromkeys(POPULATIONS), **needs})
    if max_cells < 1 or n_top < 2:
        raise ValueError(f"max_cells must be at least 1 and n_top at least 2, got {max_cells!r} and {n_top!r}")
    start = seed(rng)
    sides = conditions(real, groupby, "real"), conditions(data, groupby, "generated")
    tables = []
    if set(chosen) - {"pearson"}:
        cells = groups(*sides, max_cells, start, half=embedding is None and fitted is None)
        if embedding is None:
            compared = np.concatenate([group.real for group in cells])
            found = project_cells(
                real, data, fitted, compared, sentence_key=key, n_genes=n_genes, n_components=N_COMPONENTS, seed=start
            )
            space = Embedded(found.real, found.generated, f"{found.real.shape[1]} principal components, {found.shared}")
        else:
            space = _given(real, data, embedding)
        tables.append(table(cells, _of_populations(chosen, cells, space)))
    if before is not None and "pearson" in chosen:
        own = conditions(before, groupby if groupby in before.obs else None, "control")
        footing = to_shared_genes([real, data, before], key, n_genes)
        tables.append(table(groups(*sides), _of_changes(footing, own, sides[1], n_top)))
    return pd.concat(tables, ignore_index=True)


def _chosen(asked: Iterable[str] | None, needs: Mapping[str, str | None]) -> list[str]:
    """The metrics to take; ``needs`` names the argument that each one lacks."""
    if asked is None:
        return [name for name, lacking in needs.items() if lacking is None]
    names = [asked] if isinstance(asked, str) else list(asked)
    unknown = [name for name in names if name not in needs]
    if unknown or not names:
        raise ValueError(f"metrics={names}: choose from {', '.join(needs)}")
    lacking = next((name for name in names if needs[name]), None)
    if lacking:
        raise ValueError(f"the metric {lacking!r} needs {needs[lacking]}=: pass it")
    return names


def _given(real: AnnData, data: AnnData, embedding: str | Callable[[AnnData], ArrayLike]) -> Embedded:
    """What a function or ``obsm`` says of both sides."""
    found = []
    for side, name in ((real, "real"), (data, "generated")):
        if isinstance(embedding, str) and embedding not in side.obsm:
            raise KeyError(f"obsm of the {name} cells has no {embedding!r}; it has {list(side.obsm)}")
        vectors = np.asarray(side.obsm[embedding] if isinstance(embedding, str) else embedding(side), dtype=float)
        if vectors.ndim != 2 or len(vectors) != side.n_obs:
            raise ValueError(f"the embedding of {side.n_obs} {name} cells has the shape {vectors.shape}")
        unusable = int((~np.isfinite(vectors)).any(axis=1).sum())
        if unusable:
            raise ValueError(f"the embedding of {unusable} {name} cells is NaN or infinite: leave these cells out")
        found.append(vectors)
    if found[0].shape[1] != found[1].shape[1]:
        raise ValueError(f"the embeddings have {found[0].shape[1]} and {found[1].shape[1]} dimensions: use one space")
    name = f"obsm[{embedding!r}]" if isinstance(embedding, str) else getattr(embedding, "__name__", repr(embedding))
    return Embedded(found[0], found[1], name)


def _of_populations(chosen: list[str], cells: list[Group], space: Embedded) -> dict[str, Score]:
    def compare(metric: Metric, group: Group) -> float:
        return metric(space.real[group.real], space.generated[group.generated])

    def classify(k: int, group: Group) -> float:
        if not len(group.real):
            raise ValueError("0 real cells: the classifier does not know the condition")
        asked = [group.condition] * len(group.generated)
        return knn_accuracy(space.real[known], labels, space.generated[group.generated], asked, k=[k])[k]

    known = np.concatenate([group.real for group in cells])
    labels = np.concatenate([[group.condition] * len(group.real) for group in cells])
    scores = {name: Score(partial(compare, POPULATIONS[name]), space.name) for name in chosen if name in POPULATIONS}
    if "knn_accuracy" in chosen:
        scores |= {f"knn_accuracy_{k}": Score(partial(classify, k), space.name) for k in NEIGHBOURS}
    return scores


def _of_changes(footing: SharedGenes, own: pd.Series, asked: pd.Series, n_top: int) -> dict[str, Score]:
    """``own`` is the condition of each control cell, ``asked`` that of each predicted one."""
    real, generated, before = footing.rank_weights
    shared = not set(own.dropna()) & set(asked.dropna())

    def change(n: int | None, group: Group) -> float:
        controls = np.arange(len(own)) if shared else np.flatnonzero(own == group.condition)
        parts = real[group.real], generated[group.generated], before[controls]
        for part, name in zip(parts, ("real", "generated", "control"), strict=True):
            if not part.shape[0]:
                raise ValueError(f"0 {name} cells: at least 1 is needed")
        means = np.array([part.mean(axis=0).A1 for part in parts])
        means = means[:, means.any(axis=0)]
        observed, predicted = means[0] - means[2], means[1] - means[2]
        top = np.argsort(-np.abs(observed), kind="stable")[:n]
        return pearson(observed[top], predicted[top])

    return {
        "pearson": Score(partial(change, None), str(footing)),
        f"pearson_top{n_top}": Score(partial(change, n_top), str(footing)),
    }


def _of_labels(
    data: AnnData, reference: str, groupby: str | None, answer: str, asked: Iterable[str] | None
) -> pd.DataFrame:
    for name in (reference, answer):
        if name not in data.obs:
            raise KeyError(f"obs has no column {name!r}; it has {list(data.obs.columns)}")
    truth, given = (column(data, name).astype(object).to_numpy() for name in (reference, answer))
    known, answered = pd.notna(truth), pd.notna(given)
    if not known.any():
        raise ValueError(f"obs[{reference!r}] is missing for every cell: there is nothing to compare with")
    side = conditions(data, groupby, "annotated")
    cells = [
        Group(name, np.flatnonzero((side == name) & known), np.flatnonzero((side == name) & known & answered))
        for name in sorted(side.dropna().unique())
    ]

    def compare(metric: Metric, group: Group) -> float:
        return metric(truth[group.real], given[group.real])

    return table(cells, {name: Score(partial(compare, LABELS[name])) for name in _chosen(asked, dict.fromkeys(LABELS))})
