"""Perturbations of a screen: their effects and p-values, and one context against another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .._validation import choice
from ._common import DATA, LINE, axes
from ._point_labels import label_points

#: What is drawn.
Kind = Literal["volcano", "contexts"]
#: Horizontal axis of a volcano.
Effect = Literal["effect", "z"]

_LABELS = {"effect": "change of the gene set's score (ranks)", "z": "z-score"}
_NEUTRAL = "neutral"
#: Differences of z-scores that agree up to this are the same: tables may be rounded.
_ROUNDING = 0.02

#: Style of a point.
POINT: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": 4, "markeredgewidth": 0}


class _Points(NamedTuple):
    """What is drawn: positions, rows of the result, and which points count as hits or are labelled first."""

    xy: np.ndarray
    rows: pd.DataFrame
    is_hit: np.ndarray
    #: Points in the order in which they are labelled.
    order: np.ndarray


def screen(
    result: pd.DataFrame,
    kind: Kind = "volcano",
    *,
    context: str | None = None,
    neutral: str | None = None,
    x: Effect = "effect",
    highlight: Sequence[str] = (),
    n_top: int = 10,
    alpha: float = 0.05,
    ax: Axes | None = None,
) -> Axes:
    """Volcano plot of a screen, or the effects in one context of cells against those in another.

    Perturbations with a false discovery rate up to ``alpha`` are blue, others grey, and highlighted ones are red
    diamonds.

    Parameters
    ----------
    result
        The table of :func:`sc_duality.tl.screen`.
    kind
        ``"volcano"``: effect and −log10 of q of each perturbation in one context. ``"contexts"``: z-scores in two
        contexts; perturbations above the dashed line act in ``context`` more than in ``neutral``, and the false
        discovery rate is that of the difference.
    context
        Context to draw; by default the first one, with ``"contexts"`` the first one other than ``neutral``.
    neutral
        With ``"contexts"``, the context on the horizontal axis; by default ``"neutral"``, else the last one. One of the
        two contexts must be the one that :func:`sc_duality.tl.screen` compared the others with.
    x
        Horizontal axis of a volcano: ``"effect"`` or ``"z"``.
    highlight
        Perturbations to mark and to label, such as known hits: their names or targets.
    n_top
        Number of other perturbations to label, if their names fit: the blue ones with the smallest q, or with the
        largest difference between the contexts. If none is blue, grey ones are labelled.
    alpha
        False discovery rate of the dashed line of a volcano and of the blue points.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    The axes. Perturbations without a value, such as those without any prediction, are not drawn.

    Raises
    ------
    ValueError
        ``result`` has no such context, only one context, no perturbation of this name, or no q, as after a screen of
        one sample; or its ``q_difference`` is of other contexts.
    TypeError, KeyError
        ``result`` is not the table of a screen.

    Examples
    --------
    >>> import pandas as pd
    >>> import sc_duality as sd
    >>> result = pd.DataFrame(
    ...     {
    ...         "perturbation": ["drug trametinib", "drug aspirin", "drug erlotinib"],
    ...         "target": ["trametinib", "aspirin", "erlotinib"],
    ...         "context": "all",
    ...         "effect": [90.0, -2.0, 30.0],
    ...         "z": [1.4, -0.9, -0.5],
    ...         "q": [0.001, 0.9, 0.04],
    ...     }
    ... )
    >>> sd.pl.screen(result, highlight=["trametinib"]).get_ylabel()
    '−log$_{10}$ q'
    """
    choice("kind", kind, get_args(Kind))
    choice("x", x, get_args(Effect))
    names = _contexts(result, kind)
    rows = {name: part.set_index("perturbation") for name, part in result.groupby("context", observed=True)}
    if kind == "volcano":
        context = _chosen("context", context, names, names[0])
        points = _volcano(rows[context], x, alpha, context)
    else:
        context, neutral = _pair(names, context, neutral)
        points = _two_contexts(rows[context], rows[neutral], alpha)
    marked = _highlighted(result, points, highlight)

    ax = axes(ax, (6.0, 5.0))
    styles: list[tuple[np.ndarray, dict[str, Any]]] = [
        (~points.is_hit & ~marked, {"color": "0.7"}),
        (points.is_hit & ~marked, {"color": DATA}),
        (marked, {"color": LINE, "marker": "D", "markersize": 6, "zorder": 3}),
    ]
    for chosen, style in styles:
        ax.plot(*points.xy[chosen].T, **POINT | style)
    if kind == "volcano":
        _style_volcano(ax, x, alpha, context, points)
    else:
        _style_contexts(ax, context, str(neutral))
    wanted = ~marked & (points.is_hit if points.is_hit.any() else True)
    first = [*np.flatnonzero(marked), *points.order[wanted[points.order]][:n_top]]
    names = _names(points.rows)
    label_points(ax, points.xy, first, [names[i] for i in first])
    return ax


def _contexts(result: pd.DataFrame, kind: Kind) -> list[str]:
    """The contexts of a table, which must have the columns that are drawn."""
    if not isinstance(result, pd.DataFrame):
        raise TypeError(f"result must be the DataFrame that sd.tl.screen returned, got {type(result).__name__}")
    needed = ["perturbation", "target", "context", "effect", "z", "q"]
    missing = [name for name in needed if name not in result]
    if missing:
        raise KeyError(f"result has no column {', '.join(missing)}: pass the table that sd.tl.screen returned")
    names = list(dict.fromkeys(result["context"]))
    if not names:
        raise ValueError("result has no rows: nothing to draw")
    if result.duplicated(["perturbation", "context"]).any():
        raise ValueError("result has a perturbation twice in one context: pass the table of one screen")
    if kind == "contexts" and len(names) < 2:
        raise ValueError(f"result has one context only, {names[0]!r}: pass several contexts to sd.tl.screen")
    return names


def _chosen(argument: str, name: str | None, names: Sequence[str], default: str) -> str:
    if name is not None:
        choice(argument, name, names)
    return default if name is None else name


def _pair(names: Sequence[str], context: str | None, neutral: str | None) -> tuple[str, str]:
    """The contexts on the vertical and on the horizontal axis."""
    if context is not None:
        choice("context", context, names)
    others = [name for name in names if name != context]
    neutral = _chosen("neutral", neutral, others, _NEUTRAL if _NEUTRAL in others else others[-1])
    return context or next(name for name in names if name != neutral), neutral


def _volcano(one: pd.DataFrame, x: Effect, alpha: float, context: str) -> _Points:
    drawn = one[np.isfinite(one[x]) & np.isfinite(one["q"])]
    if drawn.empty:
        raise ValueError(
            f"nothing to draw: no perturbation has {x} and q in the context {context!r}, which need two samples or more"
        )
    q = drawn["q"].to_numpy(float)
    height = -np.log10(np.maximum(q, np.finfo(float).tiny))
    xy = np.column_stack([drawn[x].to_numpy(float), height])
    return _Points(xy, drawn, q <= alpha, np.lexsort([-np.abs(xy[:, 0]), q]))


def _two_contexts(one: pd.DataFrame, other: pd.DataFrame, alpha: float) -> _Points:
    shared = one.index.intersection(other.index, sort=False)
    xy = np.column_stack([other.loc[shared, "z"], one.loc[shared, "z"]]).astype(float)
    kept = np.isfinite(xy).all(axis=1)
    if not kept.any():
        raise ValueError("nothing to draw: no perturbation has z-scores in both contexts")
    drawn, xy = one.loc[shared[kept]], xy[kept]
    q = _q_of_difference(drawn, other.loc[drawn.index])
    return _Points(xy, drawn, q <= alpha, np.argsort(xy[:, 0] - xy[:, 1], kind="stable"))


def _q_of_difference(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """The q of the difference between two contexts, which the rows of either have."""
    if not {"difference", "q_difference"} <= set(one):
        return np.full(len(one), np.nan)
    for rows, against in ((one, other), (other, one)):
        if np.allclose(rows["difference"], rows["z"] - against["z"], rtol=0, atol=_ROUNDING):
            return rows["q_difference"].to_numpy(float)
    names = f"{one['context'].iloc[0]!r} and {other['context'].iloc[0]!r}"
    raise ValueError(f"q_difference does not compare the contexts {names}: pass these two alone to sd.tl.screen")


def _names(drawn: pd.DataFrame) -> list[str]:
    """The target of each perturbation; the whole perturbation where several have one target, or it has none."""
    ambiguous = drawn["target"].duplicated(keep=False) | (drawn["target"] == "")
    return drawn["target"].where(~ambiguous, drawn.index.to_series()).tolist()


def _highlighted(result: pd.DataFrame, points: _Points, highlight: Sequence[str]) -> np.ndarray:
    """Whether each point is to be marked."""
    if isinstance(highlight, str):
        raise TypeError(f"highlight must be a list of names, got the string {highlight!r}")
    unknown = sorted(set(highlight) - set(result["perturbation"]) - set(result["target"]))
    if unknown:
        raise ValueError(
            f"highlight: {', '.join(map(repr, unknown))} is not in the screen: pass names or targets of it"
        )
    rows, wanted = points.rows, list(highlight)
    return np.asarray(rows.index.isin(wanted) | rows["target"].isin(wanted), dtype=bool)


def _style_volcano(ax: Axes, x: Effect, alpha: float, context: str, points: _Points) -> None:
    ax.axvline(0, color="0.85", linewidth=0.8, zorder=0)
    ax.axhline(-np.log10(alpha), color="0.5", linestyle="--", linewidth=1, zorder=1)
    ax.margins(0.12)
    ax.set_ylim(bottom=0)
    ax.spines[["top", "right"]].set_visible(False)
    n_hits = int(points.is_hit.sum())
    title = "" if context == "all" else f"{context}\n"
    ax.set(xlabel=_LABELS[x], ylabel="−log$_{10}$ q")
    ax.set_title(f"{title}{n_hits:,} of {len(points.rows):,} perturbations with q ≤ {alpha:g}")


def _style_contexts(ax: Axes, context: str, neutral: str) -> None:
    ax.axhline(0, color="0.85", linewidth=0.8, zorder=0)
    ax.axvline(0, color="0.85", linewidth=0.8, zorder=0)
    ax.margins(0.12)
    low, high = np.min([ax.get_xlim(), ax.get_ylim()]), np.max([ax.get_xlim(), ax.get_ylim()])
    ax.plot([low, high], [low, high], color="0.5", linestyle="--", linewidth=1, zorder=1)
    ax.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    ax.spines[["top", "right"]].set_visible(False)
    ax.set(xlabel=f"z-score, {neutral}", ylabel=f"z-score, {context}", title="change of the gene set's score")
