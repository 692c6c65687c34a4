"""What a prompt says of a group of cells besides its genes: facts, and differentially expressed genes."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..cells import marker_genes
from ._model_cells import ModelCells

logger = logging.getLogger(__name__)

#: Values of an obs column that a prompt names, and the smallest share of such a value.
_N_VALUES, _MIN_SHARE = 3, 0.05


def group_context(cells: ModelCells, rows: Sequence[int] | NDArray[np.int64]) -> dict[str, str]:
    """Facts about a group by column: its only value, or its most frequent ones with their shares."""
    facts = pd.DataFrame(cells.context(rows))
    return {str(name): _frequent_values(facts[name]) for name in facts if facts[name].notna().any()}


def group_markers(cells: ModelCells, groupby: str, n_genes: int) -> dict[str, tuple[str, ...]]:
    """Differentially expressed genes of each group, from the matrix that its sentences were ranked from."""
    params = cells.sentences.params
    try:
        return marker_genes(
            cells.adata,
            groupby,
            n_genes=n_genes,
            layer=params.get("layer"),
            use_raw=bool(params.get("use_raw")),
            gene_symbols=params.get("gene_symbols"),
        )
    except (KeyError, ValueError) as error:
        logger.warning("prompts have no differentially expressed genes: %s", error.args[0])
        return {}


def _frequent_values(values: pd.Series) -> str:
    """The only value of a column, or the most frequent values with their shares of the cells that have one."""
    share = values.value_counts(normalize=True)
    if len(share) == 1:
        return str(share.index[0])
    order = sorted(share.items(), key=lambda pair: (-pair[1], str(pair[0])))
    kept = [pair for i, pair in enumerate(order) if i == 0 or (i < _N_VALUES and pair[1] >= _MIN_SHARE)]
    return ", ".join(f"{value} ({part:.0%} of the cells)" for value, part in kept)
