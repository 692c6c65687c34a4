"""Accuracy of predicted labels by duality score and by confidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.metrics import roc_auc_score

from ..cells import adata_keys, is_labelled, modality
from ._common import DATA, LINE, RUN_ANNOTATE, axes, groups, numbers

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

N_BINS = 10


def duality(
    adata: AnnData | MuData,
    truth: str,
    *,
    key: str = adata_keys.ANNOTATION,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Accuracy of predicted labels by duality score, and by confidence for comparison.

    A dot is a bin of a tenth of the scale: its mean score, its accuracy, and its number of cells. On the dotted
    diagonal the score is calibrated: of cells with a score of 0.8, 80 % have the correct label. The legend has the
    AUROC of each score: the probability that a correct label scores higher than a wrong one, 0.5 by chance. The form
    ``"likelihood"`` of the duality score is not a probability. Both scores are then drawn by percentile rank.

    Parameters
    ----------
    adata
        Cells with predicted labels and their duality score (:func:`sc_duality.tl.duality`).
    truth
        Column of ``obs`` with the true labels, from the same label set as the predicted ones.
    key
        Column of ``obs`` with the predicted labels.
    mod
        Modality of a MuData.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    The axes. Both scores are of the same cells: those with a true and a predicted label other than ``unknown``, and
    both scores.

    Raises
    ------
    KeyError
        ``obs`` lacks the predicted labels, their duality score, or ``truth``.
    ValueError
        No cell has all of these, or no true label is a possible prediction.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:60].copy()
    >>> sd.tl.annotate(adata, labels="cell_type")
    >>> sd.tl.duality(adata, n_genes=20)
    >>> sd.pl.duality(adata, "cell_type").get_ylabel()
    'accuracy'
    """
    adata = modality(adata, mod)
    correct = _correct(adata, key, truth)
    scores = pd.DataFrame({"duality score": _score(adata, adata_keys.duality(key), key)})
    if adata_keys.confidence(key) in adata.obs:
        scores["confidence"] = _score(adata, adata_keys.confidence(key), key)
    complete = correct.notna() & scores.notna().all(axis=1)
    if not complete.any():
        raise ValueError(
            f"nothing to draw: no cell has a label in obs[{key!r}], a true label in obs[{truth!r}] and a score"
        )
    scores, correct = scores[complete], correct[complete].astype(bool)
    is_probability = _is_probability(adata, key, scores["duality score"])
    x = scores if is_probability else scores.rank(pct=True)

    ax = axes(ax, (5.5, 4.5))
    for name, colour, side in zip(scores, (DATA, LINE), (1, -1), strict=False):
        label = f"{name} (AUROC {_auroc(correct, scores[name])})"
        _draw(ax, x[name], correct, label=label, colour=colour, side=side)
    if is_probability:
        ax.plot([0, 1], [0, 1], color="0.7", linestyle=":", zorder=0)
    names = " or ".join(scores)
    ax.set(xlim=(-0.03, 1.03), xlabel=names if is_probability else f"percentile rank of {names}")
    ax.set(ylim=(-0.08, 1.12), ylabel="accuracy")
    ax.set_title(f"{correct.sum():,} of {len(correct):,} predictions are correct")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _correct(adata: AnnData, key: str, truth: str) -> pd.Series:
    """Whether each predicted label is correct; missing where either label is missing or unknown."""
    predicted = groups(adata, key, hint=RUN_ANNOTATE)
    true = groups(adata, truth)
    if not set(true.dropna()) & set(predicted.cat.categories):
        raise ValueError(
            f"obs[{truth!r}] and obs[{key!r}] share no label: annotate with labels={truth!r}, or rename the labels"
        )
    known = is_labelled(true) & is_labelled(predicted)
    return (true.astype(object) == predicted.astype(object)).astype(object).where(known, None)


def _score(adata: AnnData, column: str, key: str) -> pd.Series:
    return numbers(adata, column, hint=f"run sd.tl.duality(adata, {key!r}) first")


def _is_probability(adata: AnnData, key: str, score: pd.Series) -> bool:
    """Whether the score is a probability by its form or, where ``uns`` does not tell the form, by its range."""
    entry: Any = adata.uns.get(key)
    settings = entry.get(adata_keys.DUALITY) if isinstance(entry, Mapping) else None
    if isinstance(settings, Mapping) and "form" in settings:
        return str(settings["form"]) != "likelihood"
    return bool(score.between(0, 1).all())


def _auroc(correct: pd.Series, score: pd.Series) -> str:
    return f"{roc_auc_score(correct, score):.2f}" if correct.nunique() == 2 else "undefined"


def _draw(ax: Axes, score: pd.Series, correct: pd.Series, *, label: str, colour: str, side: int) -> None:
    """Draw the accuracy of each bin over its mean score, with its number of cells above (1) or below (−1)."""
    bins = np.clip((score * N_BINS).astype(int), 0, N_BINS - 1)
    table = pd.DataFrame({"score": score, "correct": correct}).groupby(bins)
    x, y, n = table["score"].mean(), table["correct"].mean(), table.size()
    ax.plot(x, y, "o-", color=colour, markersize=5, linewidth=1.5, label=label)
    for xy, count in zip(zip(x, y, strict=True), n, strict=True):
        text = ax.annotate(f"{count:,}", xy, xytext=(0, 6 * side), textcoords="offset points", color=colour, fontsize=7)
        text.set(ha="center", va="bottom" if side > 0 else "top")
