"""What tests of several studies share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sc_duality.examples import ModelCells


def types_of(studies: list[ModelCells]) -> list[NDArray[Any]]:
    """The type of each cell."""
    return [cells.adata.obs["cell_type"].to_numpy(object) for cells in studies]


def all_of(studies: list[ModelCells]) -> list[NDArray[np.bool_]]:
    """All cells are for training."""
    return [np.ones(len(cells), dtype=bool) for cells in studies]
