"""Generated cells beside real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..cells import adata_keys, modality, project_cells, sample_cells, seed
from ._common import axes, groups

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

#: Okabe and Ito's palette without its yellow, which is lost on white; conditions beyond it change the shape.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
SHAPES = "o^s"
MAX_CONDITIONS = len(COLOURS) * len(SHAPES)


def generation(
    adata: AnnData | MuData,
    reference: AnnData | MuData,
    groupby: str,
    *,
    fit: AnnData | MuData | None = None,
    n_genes: int | None = None,
    max_cells: int = 300,
    key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
    ax: Axes | None = None,
) -> Axes:
    """Generated or predicted cells (outlined) beside real ones (filled), coloured by condition.

    The axes are the first two principal components of real cells, onto which both are projected. Both are on the
    footing of :func:`sc_duality.tl.evaluate`: sentences of the genes that both vocabularies have, cut to the same
    number of genes. The components come from cells that are not drawn, as otherwise cells that are no different would
    look so.

    Parameters
    ----------
    adata
        Generated cells with sentences.
    reference
        Real cells with sentences.
    groupby
        Column of ``obs`` of both with the condition: cell type, perturbation, donor.
    fit
        Real cells with sentences that the components come from. By default those of ``reference`` that are not drawn;
        at most half of each condition is.
    n_genes
        Genes of a sentence that count. By default the most that at least half of the cells on both sides have.
    max_cells
        At most as many cells of a condition are drawn from each side.
    key
        Key of the sentences, on every side.
    mod
        Modality of a MuData.
    rng
        Seed of the draw, or a generator.
    ax
        Where to draw; a new figure without it.

    Returns
    -------
    The axes. Conditions that only one side has are drawn too; cells without a condition are not. The legend tells the
    number of cells drawn.

    Raises
    ------
    KeyError
        There are no sentences, or ``obs`` lacks ``groupby``.
    ValueError
        The vocabularies share no gene, or there are more than 21 conditions.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> real, generated = adata[::2], adata[1::2]  # other real cells stand in for generated ones
    >>> sd.pl.generation(generated, real, "cell_type").get_title()
    'top 200 of 12,509 shared genes'
    """
    real, generated = modality(reference, mod), modality(adata, mod)
    labels = groups(real, groupby), groups(generated, groupby)
    present = [each.cat.remove_unused_categories().cat.categories for each in labels]
    names = list(dict.fromkeys([*present[0], *present[1]]))
    if len(names) > MAX_CONDITIONS:
        raise ValueError(f"{len(names)} conditions cannot be told apart: subset both to {MAX_CONDITIONS} or fewer")
    if max_cells < 1:
        raise ValueError(f"max_cells must be at least 1, got {max_cells!r}")
    start = seed(rng)
    fitted = None if fit is None else modality(fit, mod)
    drawn = sample_cells(labels[0], max_cells, start, half=fitted is None), sample_cells(labels[1], max_cells, start)
    compared = np.concatenate([*drawn[0].values()])
    *places, footing = project_cells(
        real, generated, fitted, compared, sentence_key=key, n_genes=n_genes, n_components=2, seed=start
    )

    ax = axes(ax, (7.5, max(4.5, 1.3 + 0.23 * len(names))))
    for side, (place, rows) in enumerate(zip(places, drawn, strict=True)):
        for number, name in enumerate(names):
            ax.plot(*place[rows.get(name, [])].T, **_style(number, generated=bool(side)))
    _legend(ax, names, groupby, [sum(map(len, rows.values())) for rows in drawn])
    ax.set(xlabel="PC 1 of real cells", ylabel="PC 2 of real cells", title=str(footing))
    ax.set(xticks=[], yticks=[])
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _style(number: int, *, generated: bool) -> dict[str, Any]:
    colour, shape = COLOURS[number % len(COLOURS)], SHAPES[number // len(COLOURS)]
    dots = {"linestyle": "", "marker": shape, "color": colour, "markersize": 5}
    if generated:
        return {**dots, "markerfacecolor": "none", "markeredgewidth": 1.2, "zorder": 3}
    return {**dots, "alpha": 0.3, "markeredgewidth": 0, "zorder": 2}


def _legend(ax: Axes, names: list[str], groupby: str, counts: list[int]) -> None:
    """What filled and outlined means, and what colour and shape mean, beside the plot."""
    entries = [
        Line2D([], [], **{**_style(0, generated=generated), "color": "0.2"}, label=f"{name} ({n:,} cells)")
        for name, generated, n in zip(("real", "generated"), (False, True), counts, strict=True)
    ]
    entries.append(Line2D([], [], linestyle="", label=f"\n{groupby}"))
    entries += [
        Line2D([], [], **{**_style(i, generated=False), "alpha": 1}, label=name) for i, name in enumerate(names)
    ]
    ax.legend(handles=entries, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
