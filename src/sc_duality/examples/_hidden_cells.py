"""What the dual task of a group of cells shows and what it reconstructs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..tasks import hide_genes

#: Share of training duals from the answer alone, and the fractions of genes or cells that are hidden from either kind.
_P_ALONE, _HIDDEN_ALONE, _HIDDEN = 0.5, (0.5, 1.0), (0.2, 0.9)
#: Genes of each of several cells.
Sentences = tuple[tuple[str, ...], ...]


class GroupParts(NamedTuple):
    """Genes of the cells of a group by who sees them."""

    #: The cells that the primal task shows.
    cells: Sentences
    #: What the dual task shows of each cell.
    observed: Sentences
    #: What the dual task reconstructs of each cell.
    hidden_genes: Sentences


def hide_in_cells(
    sentences: Sequence[Sequence[str]], fraction: float, part: str, *, alone: bool, rng: Any, n_shown: int = 0
) -> GroupParts:
    """Hide a random part of the genes of every cell, or of the cells.

    Parameters
    ----------
    sentences
        Genes of each cell.
    fraction
        Fraction of the genes of each cell, or of the cells, that is hidden; at least one cell.
    part
        ``"genes"`` or ``"cells"``.
    alone
        Whether the dual task shows the answer alone: then the primal task shows all genes, else what is not hidden.
    rng
        Random numbers.
    n_shown
        Cells that the primal task shows at least: where fewer would be left, the dual task shows the answer alone.

    Examples
    --------
    >>> import numpy as np
    >>> from sc_duality.examples._hidden_cells import hide_in_cells
    >>> cells = (("CD79A", "MS4A1"), ("CD3E", "IL7R"))
    >>> hide_in_cells(cells, 0.5, "cells", alone=False, rng=np.random.default_rng(0)).hidden_genes
    ((), ('CD3E', 'IL7R'))
    """
    cells: Sentences = tuple(map(tuple, sentences))
    pairs: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]
    if part == "cells":
        n_hidden = min(max(1, round(fraction * len(cells))), len(cells))
        chosen = set(rng.choice(len(cells), n_hidden, replace=False).tolist())
        pairs = [((), genes) if i in chosen else (genes, ()) for i, genes in enumerate(cells)]
    else:
        pairs = [hide_genes(genes, fraction, rng) for genes in cells]
    if alone or sum(bool(shown) for shown, _ in pairs) < n_shown:
        hidden = tuple(missing for _, missing in pairs if missing)
        return GroupParts(cells, ((),) * len(hidden), hidden)
    observed = tuple(shown for shown, _ in pairs)
    return GroupParts(tuple(shown for shown in observed if shown), observed, tuple(missing for _, missing in pairs))


def training_share(rng: Any) -> tuple[bool, float]:
    """Whether the dual task of a training example shows the answer alone, and the fraction that it hides.

    Examples
    --------
    >>> import numpy as np
    >>> from sc_duality.examples._hidden_cells import training_share
    >>> alone, fraction = training_share(np.random.default_rng(0))
    >>> 0.2 <= fraction <= 1
    True
    """
    alone = bool(rng.random() < _P_ALONE)
    return alone, float(rng.uniform(*(_HIDDEN_ALONE if alone else _HIDDEN)))
