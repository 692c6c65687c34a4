"""Generated and real cells in one space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..cells import adata_keys, modality, project_cells, sample_cells, seed
from ._common import PALETTE, axes, groups

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

#: Conditions beyond the palette change the marker.
MARKERS = "o^s"
MAX_CONDITIONS = len(PALETTE) * len(MARKERS)


def generate(
    adata: AnnData | MuData,
    real: AnnData | MuData,
    groupby: str,
    *,
    fit: AnnData | MuData | None = None,
    n_genes: int | None = None,
    max_cells: int = 300,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
    ax: Axes | None = None,
) -> Axes:
    """Generated or predicted cells (outlined) and real cells (filled) in one space, coloured by condition.

    The axes are the first two principal components of real cells. As in :func:`sc_duality.tl.evaluate`, both sides are
    first brought into a shared gene space: cell sentences of the genes in both vocabularies, cut to the same number of
    genes. The components are fitted to cells that are not drawn: fitted to drawn real cells, they would separate these
    from all other cells.

    Parameters
    ----------
    adata
        Generated cells with cell sentences.
    real
        Real cells with cell sentences.
    groupby
        Column of ``obs`` of both with the condition: cell type, perturbation, donor.
    fit
        Real cells with cell sentences to fit the components to. By default the cells of ``real`` that are not drawn, at
        least half of each condition.
    n_genes
        Genes to use of each sentence. By default the largest number that at least half of the cells on both sides have.
    max_cells
        Maximum number of cells to draw per condition and side.
    sentence_key
        Key of the cell sentences on both sides.
    mod
        Modality of a MuData.
    rng
        Seed of the sample of cells, or a generator.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    The axes. Conditions of only one side are drawn too; cells without a condition are not. The legend tells the number
    of cells drawn.

    Raises
    ------
    KeyError
        There are no cell sentences, or ``obs`` lacks ``groupby``.
    ValueError
        The vocabularies share no gene, or there are more than 21 conditions.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> real, generated = adata[::2], adata[1::2]  # other real cells stand in for generated ones
    >>> sd.pl.generate(generated, real, "cell_type").get_title()
    'top 200 of 12,509 shared genes'
    """
    real, generated = modality(real, mod), modality(adata, mod)
    fit = None if fit is None else modality(fit, mod)
    labels = groups(real, groupby), groups(generated, groupby)
    names = list(dict.fromkeys(name for side in labels for name in side.cat.remove_unused_categories().cat.categories))
    if len(names) > MAX_CONDITIONS:
        raise ValueError(f"{len(names)} conditions are too many to tell apart: subset to {MAX_CONDITIONS} or fewer")
    if max_cells < 1:
        raise ValueError(f"max_cells must be at least 1, got {max_cells!r}")
    start = seed(rng)
    rows = sample_cells(labels[0], max_cells, start, half=fit is None), sample_cells(labels[1], max_cells, start)
    drawn = np.concatenate([*rows[0].values()])
    *points, shared = project_cells(
        real, generated, fit, drawn, sentence_key=sentence_key, n_genes=n_genes, n_components=2, seed=start
    )

    ax = axes(ax, (7.5, max(4.5, 1.3 + 0.23 * len(names))))
    for is_generated, (xy, members) in enumerate(zip(points, rows, strict=True)):
        for number, name in enumerate(names):
            ax.plot(*xy[members.get(name, [])].T, **_style(number, generated=bool(is_generated)))
    _legend(ax, names, groupby, [sum(map(len, side.values())) for side in rows])
    ax.set(xlabel="PC 1 of real cells", ylabel="PC 2 of real cells", title=str(shared))
    ax.set(xticks=[], yticks=[])
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _style(number: int, *, generated: bool) -> dict[str, Any]:
    colour, marker = PALETTE[number % len(PALETTE)], MARKERS[number // len(PALETTE)]
    dots = {"linestyle": "", "marker": marker, "color": colour, "markersize": 5}
    if generated:
        return {**dots, "markerfacecolor": "none", "markeredgewidth": 1.2, "zorder": 3}
    return {**dots, "alpha": 0.3, "markeredgewidth": 0, "zorder": 2}


def _legend(ax: Axes, names: list[str], groupby: str, counts: list[int]) -> None:
    """Explain filled and outlined dots, colours and markers, to the right of the axes."""
    entries = [
        Line2D([], [], **{**_style(0, generated=generated), "color": "0.2"}, label=f"{name} ({n:,} cells)")
        for name, generated, n in zip(("real", "generated"), (False, True), counts, strict=True)
    ]
    entries.append(Line2D([], [], linestyle="", label=f"\n{groupby}"))
    entries += [
        Line2D([], [], **{**_style(i, generated=False), "alpha": 1}, label=name) for i, name in enumerate(names)
    ]
    legend = ax.legend(handles=entries, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
