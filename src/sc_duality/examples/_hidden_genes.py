"""What the dual task of a label shows of a cell and what it reconstructs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..duality import Duality
from ..tasks import hide_genes
from ._model_cells import ModelCells

#: Other cells of a cluster whose genes are pooled.
_N_CLUSTER_CELLS = 20


class CellParts(NamedTuple):
    """Genes of a cell by who sees them."""

    #: The genes that the primal task shows.
    genes: tuple[str, ...]
    #: The genes that the dual task shows.
    observed: tuple[str, ...]
    #: The genes that the dual task reconstructs.
    hidden_genes: tuple[str, ...]


def hide(genes: Sequence[str], duality: Duality, rng: np.random.Generator) -> CellParts:
    """Hide a random part of a cell sentence.

    With ``context="observed"`` both tasks show the observed genes. With ``context="label"`` the primal task shows all
    genes and the dual task none.
    """
    observed, hidden = hide_genes(genes, duality.hidden_fraction, rng)
    return (
        CellParts(observed, observed, hidden) if duality.context == "observed" else CellParts(tuple(genes), (), hidden)
    )


def hide_for_training(
    cells: ModelCells,
    row: int,
    genes: list[str],
    duality: Duality,
    cluster: NDArray[np.int64],
    rng: np.random.Generator,
) -> CellParts:
    """What to hide of the cell ``row``; ``cluster`` are the rows of its cluster."""
    if duality.hidden == "random":
        return hide(genes, duality, rng)
    if duality.hidden == "beyond":
        hidden = cells.genes([row], n_genes=2 * cells.n_genes)[0][cells.n_genes :]
    else:
        hidden = _cluster_genes(cells, row, cluster, rng)
    return CellParts(tuple(genes), () if duality.context == "label" else tuple(genes), tuple(hidden))


def _cluster_genes(cells: ModelCells, row: int, cluster: NDArray[np.int64], rng: np.random.Generator) -> list[str]:
    """The genes that rank highest over other cells of the cluster."""
    others = cluster[cluster != row]
    chosen = rng.choice(others, min(_N_CLUSTER_CELLS, len(others)), replace=False) if len(others) else np.array([row])
    weight: dict[str, float] = {}
    for genes in cells.genes(chosen.tolist()):
        for rank, gene in enumerate(genes, 1):
            weight[gene] = weight.get(gene, 0.0) + 1 / rank
    return sorted(weight, key=lambda gene: (-weight[gene], gene))[: cells.n_genes]
