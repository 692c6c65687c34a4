"""What a perturbation is predicted to do: beside what it did, and to which genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter
from scipy import sparse

from ..cells import adata_keys, modality, read_sentences, store_sentences, to_shared_genes
from ._common import DATA, LINE, axes
from ._names import name_points

if TYPE_CHECKING:
    from mudata import MuData

#: How a gene's rank is marked before and after.
BEFORE: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 6, "markerfacecolor": "white"}
AFTER: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 6}


def response(
    adata: AnnData | MuData,
    observed: AnnData | MuData,
    control: AnnData | MuData | None = None,
    *,
    n_genes: int | None = None,
    n_top: int = 15,
    key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Predicted change of every gene against the change that was observed.

    All cells are brought onto the footing of :func:`sc_duality.tl.evaluate`, whose ``pearson`` is the correlation in
    the title: in sentences of the genes that all vocabularies have, cut to n genes, a gene at rank r counts
    log10((n + 1) / r), and 0 where it is not named. A change is the difference of means over cells, so that 1 is ten
    times nearer to the top.

    Parameters
    ----------
    adata
        What :func:`sc_duality.tl.perturb` predicted. Cells that could not be read are left out.
    observed
        Real cells after the perturbation, with sentences.
    control
        Real cells before it, with sentences, from which the observed change counts. By default the control cells of
        the prediction: what is special about them by chance is then in both changes, and the correlation is higher
        for it.
    n_genes
        Genes of a sentence that count. By default the most that at least half of the cells on every side have.
    n_top
        Genes to name: those that lie farthest from no change at all, as far as there is room.
    key
        Key of the sentences, on every side.
    mod
        Modality of a MuData.
    ax
        Where to draw; a new figure without it.

    Returns
    -------
    The axes. Genes that no sentence names are not drawn. Dashed, where both changes are equal.

    Raises
    ------
    KeyError
        There are no sentences, or ``adata`` does not come from :func:`sc_duality.tl.perturb`.
    ValueError
        No predicted cell has genes, or the vocabularies share none.

    Examples
    --------
    >>> import sc_duality as sd
    >>> cells = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(cells)
    >>> adata = sd.tl.perturb(cells[:5].copy(), ("cytokine", "IFNB1"), n_genes=10)
    >>> sd.pl.response(adata, observed=cells[20:40], n_genes=10).get_xlabel()
    'observed change of log$_{10}$(11 / rank)'
    """
    predicted, before = _both_sides(modality(adata, mod), key)
    untreated = before if control is None else modality(control, mod)
    footing = to_shared_genes([predicted, before, modality(observed, mod), untreated], key, n_genes)
    after, start, treated, still = means = np.array([_mean(part) for part in footing.rank_weights])
    named = means.any(axis=0)
    changes = np.column_stack([treated - still, after - start])[named]

    ax = axes(ax, (5.5, 5.5))
    ax.axhline(0, color="0.85", linewidth=0.8, zorder=0)
    ax.axvline(0, color="0.85", linewidth=0.8, zorder=0)
    ax.plot(*changes.T, "o", color=DATA, markersize=4, alpha=0.5, markeredgewidth=0)
    low, high = min(changes.min(), -0.1), max(changes.max(), 0.1)
    limits = low - 0.15 * (high - low), high + 0.15 * (high - low)
    ax.plot(limits, limits, color=LINE, linestyle="--", linewidth=1, zorder=1)
    ax.set(xlim=limits, ylim=limits, aspect="equal")
    ax.set(title=f"{_correlation(*changes.T)} over {len(changes):,} genes\n{footing}")
    unit = f"change of log$_{{10}}$({footing.n_genes + 1} / rank)"
    ax.set(xlabel=f"observed {unit}", ylabel=f"predicted {unit}")
    ax.spines[["top", "right"]].set_visible(False)
    far = np.argsort(-np.hypot(*changes.T), kind="stable")[:n_top]
    far = far[changes[far].any(axis=1)]
    name_points(ax, changes, far.tolist(), footing.genes[named][far].tolist())
    return ax


def perturbed_genes(
    adata: AnnData | MuData,
    *,
    n_top: int = 20,
    n_genes: int | None = None,
    key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Ranks of the genes that a perturbation is predicted to change most, before (open) and after it (filled).

    The rank is the geometric mean over cells; in a cell whose sentence of n genes does not name it, a gene has rank
    n + 1. Genes are drawn by how far they move on the logarithmic axis, from the one that rises most to the one that
    falls most; what rises goes to the right.

    Parameters
    ----------
    adata
        What :func:`sc_duality.tl.perturb` predicted. Cells that could not be read are left out.
    n_top
        Genes to draw.
    n_genes
        n, the genes of a sentence that count. By default the most that at least half of the cells have, before and
        after.
    key
        Key of the sentences.
    mod
        Modality of a MuData.
    ax
        Where to draw; a new figure without it.

    Returns
    -------
    The axes.

    Raises
    ------
    KeyError
        There are no sentences, or ``adata`` does not come from :func:`sc_duality.tl.perturb`.
    ValueError
        No predicted cell has genes, or no gene changes.

    Examples
    --------
    >>> import sc_duality as sd
    >>> control = sd.datasets.pbmc3k()[:5].copy()
    >>> adata = sd.tl.perturb(control, ("cytokine", "IFNB1"), n_genes=10)
    >>> sd.pl.perturbed_genes(adata, n_top=5, n_genes=10).get_xlabel()
    'mean rank (11 where not named)'
    """
    predicted, before = _both_sides(modality(adata, mod), key)
    footing = to_shared_genes([predicted, before], key, n_genes)
    after, start = (_mean(part) for part in footing.rank_weights)
    change = after - start
    top = np.argsort(-np.abs(change), kind="stable")[:n_top]
    top = top[change[top] != 0]
    if not len(top):
        raise ValueError("nothing to draw: the prediction changes no gene")
    top = top[np.argsort(change[top], kind="stable")]  # the axis points upward
    last = footing.n_genes + 1

    ax = axes(ax, (6.5, 1.6 + 0.23 * len(top)))
    for place, gene in enumerate(top):
        ranks = last / 10 ** np.array([start[gene], after[gene]])
        colour = LINE if change[gene] > 0 else DATA
        ax.plot(ranks, [place] * 2, color=colour, linewidth=2, alpha=0.5, zorder=1)
        for rank, style in zip(ranks, (BEFORE, AFTER), strict=True):
            ax.plot(rank, place, color=colour, **style)
    ax.set_yticks(range(len(top)), footing.genes[top])
    ax.set(xscale="log", xlim=(last * 1.1, last / 10 ** max(start[top].max(), after[top].max()) / 1.2))
    ax.set(ylim=(-0.8, len(top) - 0.2), xlabel=f"mean rank ({last} where not named)")
    ax.set(title=f"{predicted.n_obs:,} cells\n{footing}")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    sides = [
        Line2D([], [], color="0.3", label=label, **style) for label, style in (("before", BEFORE), ("after", AFTER))
    ]
    ax.legend(handles=sides, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return ax


def _both_sides(adata: AnnData, key: str) -> tuple[AnnData, AnnData]:
    """Predicted cells that have genes, and their control cells, both with sentences under ``key``."""
    if adata_keys.control(key) not in adata.obsm:
        raise KeyError(f"obsm has no {adata_keys.control(key)!r}: pass what sd.tl.perturb returned")
    readable = (read_sentences(adata, key).ranks != adata_keys.PADDING).any(axis=1)
    if not readable.any():
        raise ValueError(f"nothing to draw: none of {adata.n_obs} predicted cells has genes")
    predicted = adata[readable]
    sentences = read_sentences(predicted, adata_keys.control(key))
    before = AnnData(obs=predicted.obs[[]].copy())
    store_sentences(before, key, sentences.ranks, sentences.genes, sentences.uns[adata_keys.PARAMS])
    return predicted, before


def _mean(part: sparse.csr_matrix) -> np.ndarray:
    return np.asarray(part.mean(axis=0)).ravel()


def _correlation(observed: np.ndarray, predicted: np.ndarray) -> str:
    if np.ptp(observed) == 0 or np.ptp(predicted) == 0:
        return "r undefined: one side does not change,"
    return f"r = {np.corrcoef(observed, predicted)[0, 1]:.2f}".replace("-", "−")
