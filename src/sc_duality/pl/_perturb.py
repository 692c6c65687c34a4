"""Predicted and observed change of every gene under a perturbation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from ..cells import adata_keys, modality, to_shared_genes
from ..metrics import pearson
from ._common import DATA, LINE, axes
from ._point_labels import label_points
from ._predicted_cells import gene_means, predicted_and_control

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def perturb(
    adata: AnnData | MuData,
    observed: AnnData | MuData,
    control: AnnData | MuData | None = None,
    *,
    n_genes: int | None = None,
    n_top: int = 15,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Predicted against observed change of every gene under a perturbation.

    As in :func:`sc_duality.tl.evaluate`, whose ``pearson`` is the correlation in the title, all cells are first brought
    into a shared gene space: cell sentences of the genes in all vocabularies, cut to n genes, in which a gene at rank r
    has the value log10((n + 1) / r), and 0 if it is not in the sentence. The change is the difference of the means over
    cells: a change of 1 is a rank ten times nearer to the top.

    Parameters
    ----------
    adata
        The result of :func:`sc_duality.tl.perturb`. Invalid predictions, which have no genes, are left out.
    observed
        Real perturbed cells with cell sentences.
    control
        Real control cells with cell sentences, as the baseline of the observed change. By default the control cells of
        the prediction; their sampling noise is then in both changes, which raises the correlation.
    n_genes
        Genes to use of each sentence. By default the largest number that at least half of the cells on every side have.
    n_top
        Number of genes to label: those farthest from the origin, if their names fit.
    sentence_key
        Key of the cell sentences on every side.
    mod
        Modality of a MuData.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    The axes. Genes that are in no sentence are not drawn. On the dashed line both changes are equal.

    Raises
    ------
    KeyError
        There are no cell sentences, or ``adata`` does not come from :func:`sc_duality.tl.perturb`.
    ValueError
        No predicted cell has genes, or the vocabularies share no gene.

    Examples
    --------
    >>> import sc_duality as sd
    >>> cells = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(cells)
    >>> adata = sd.tl.perturb(cells[:5].copy(), ("cytokine", "IFNB1"), n_genes=10)
    >>> sd.pl.perturb(adata, observed=cells[20:40], n_genes=10).get_xlabel()
    'observed change of log$_{10}$(11 / rank)'
    """
    predicted, own_control = predicted_and_control(modality(adata, mod), sentence_key)
    baseline = own_control if control is None else modality(control, mod)
    shared = to_shared_genes([predicted, own_control, modality(observed, mod), baseline], sentence_key, n_genes)
    means = np.array([gene_means(part) for part in shared.rank_weights])
    present = means.any(axis=0)
    changes = np.column_stack([means[2] - means[3], means[0] - means[1]])[present]  # observed, predicted

    ax = axes(ax, (5.5, 5.5))
    ax.axhline(0, color="0.85", linewidth=0.8, zorder=0)
    ax.axvline(0, color="0.85", linewidth=0.8, zorder=0)
    ax.plot(*changes.T, "o", color=DATA, markersize=4, alpha=0.5, markeredgewidth=0)
    low, high = min(changes.min(), -0.1), max(changes.max(), 0.1)
    limits = low - 0.15 * (high - low), high + 0.15 * (high - low)
    ax.plot(limits, limits, color=LINE, linestyle="--", linewidth=1, zorder=1)
    ax.set(xlim=limits, ylim=limits, aspect="equal")
    ax.set(title=f"{_correlation(*changes.T)} over {len(changes):,} genes\n{shared}")
    unit = f"change of log$_{{10}}$({shared.n_genes + 1} / rank)"
    ax.set(xlabel=f"observed {unit}", ylabel=f"predicted {unit}")
    ax.spines[["top", "right"]].set_visible(False)
    top = np.argsort(-np.hypot(*changes.T), kind="stable")[:n_top]
    top = top[changes[top].any(axis=1)]
    label_points(ax, changes, top.tolist(), shared.genes[present][top].tolist())
    return ax


def _correlation(observed: np.ndarray, predicted: np.ndarray) -> str:
    r = pearson(observed, predicted) if len(observed) > 1 else np.nan
    return "r undefined (no change)" if np.isnan(r) else f"r = {r:.2f}".replace("-", "−")
