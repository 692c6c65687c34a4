"""What the duality score is worth: right answers by score, beside right answers by confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.metrics import roc_auc_score

from ..cells import adata_keys, modality
from ._common import DATA, LINE, axes, groups

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

N_BINS = 10


def duality(
    adata: AnnData | MuData,
    reference: str,
    *,
    key: str = adata_keys.ANNOTATION,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Share of right answers by duality score, and the same by the model's confidence.

    A dot is a tenth of the scale: its height is the share of right answers among the cells whose score lies there,
    the number beside it is how many they are, its place is their mean score. On the diagonal a score of 0.8 would mean
    that 80 % are right. The legend has the AUROC of each score: how often a right answer scores higher than a wrong
    one, 0.5 by chance. Scores of the form ``"likelihood"`` have no such scale: both scores are then drawn by rank, as
    the share of cells that score no higher.

    Parameters
    ----------
    adata
        Cells with answers and their duality score (:func:`sc_duality.tl.duality`).
    reference
        Column of ``obs`` with the right answers, in the words of the answers.
    key
        Where the answers lie.
    mod
        Modality of a MuData.
    ax
        Where to draw; a new figure without it.

    Returns
    -------
    The axes. Both scores are of the same cells: those with a reference, an answer and all scores that are drawn.

    Raises
    ------
    KeyError
        ``obs`` lacks the answers, their duality score or ``reference``.
    ValueError
        No cell has them all, or no reference label is among the answers.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:60].copy()
    >>> sd.tl.annotate(adata, labels="cell_type", duality=True, n_genes=20)
    >>> sd.pl.duality(adata, "cell_type").get_ylabel()
    'share of right answers'
    """
    adata = modality(adata, mod)
    right = _right(adata, key, reference)
    scores = pd.DataFrame({"duality score": _score(adata, adata_keys.duality(key), key)})
    if adata_keys.confidence(key) in adata.obs:
        scores["confidence"] = _score(adata, adata_keys.confidence(key), key)
    drawn = right.notna() & scores.notna().all(axis=1)
    if not drawn.any():
        raise ValueError(
            f"nothing to draw: no cell has an answer in obs[{key!r}], a label in obs[{reference!r}] and a score"
        )
    scores, correct = scores[drawn], right[drawn].astype(bool)
    bounded = scores["duality score"].between(0, 1).all()
    places = scores if bounded else scores.rank(pct=True)

    ax = axes(ax, (5.5, 4.5))
    for name, colour, side in zip(scores, (DATA, LINE), (1, -1), strict=False):
        _draw(
            ax, places[name], correct, label=f"{name} (AUROC {_auroc(correct, scores[name])})", colour=colour, side=side
        )
    if bounded:
        ax.plot([0, 1], [0, 1], color="0.7", linestyle=":", zorder=0)
    either = " or ".join(scores)
    ax.set(xlim=(-0.03, 1.03), xlabel=either if bounded else f"share of cells with no higher {either}")
    ax.set(ylim=(-0.08, 1.12), ylabel="share of right answers")
    ax.set_title(f"{correct.sum():,} of {len(correct):,} answers are right")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _right(adata: AnnData, key: str, reference: str) -> pd.Series:
    """Whether each answer is right, missing where there is none or no reference."""
    answer = groups(adata, key, mend="run sd.tl.annotate(adata) first, or ")
    truth = groups(adata, reference)
    if not set(truth.dropna()) & set(answer.cat.categories):
        raise ValueError(
            f"no label of obs[{reference!r}] is among the answers in obs[{key!r}]: annotate with labels={reference!r}, "
            "or rename one of them"
        )
    known = truth.notna() & answer.notna() & (answer.astype(object) != adata_keys.UNKNOWN)
    return (truth.astype(object) == answer.astype(object)).astype(object).where(known, None)


def _score(adata: AnnData, column: str, key: str) -> pd.Series:
    if column not in adata.obs:
        raise KeyError(f"obs has no column {column!r}: run sd.tl.duality(adata, {key!r}) first")
    return adata.obs[column].astype(float)


def _auroc(right: pd.Series, score: pd.Series) -> str:
    return f"{roc_auc_score(right, score):.2f}" if right.nunique() == 2 else "undefined"


def _draw(ax: Axes, place: pd.Series, right: pd.Series, *, label: str, colour: str, side: int) -> None:
    """Draw share of right answers over mean place, tenth by tenth, each with its number of cells on one side."""
    bins = np.clip((place * N_BINS).astype(int), 0, N_BINS - 1)
    table = pd.DataFrame({"place": place, "right": right}).groupby(bins)
    x, y, n = table["place"].mean(), table["right"].mean(), table.size()
    ax.plot(x, y, "o-", color=colour, markersize=5, linewidth=1.5, label=label)
    for where, count in zip(zip(x, y, strict=True), n, strict=True):
        near = ax.annotate(
            f"{count}", where, xytext=(0, 6 * side), textcoords="offset points", color=colour, fontsize=7
        )
        near.set(ha="center", va="bottom" if side > 0 else "top")
