"""Examples of the task on whether cells are of one neighbourhood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..tasks import SameNeighbourhood
from ._neighbourhoods import Neighbours
from ._same_group import SameGroupExamples


class SameNeighbourhoodExamples(SameGroupExamples):
    """Examples of whether cells are of one neighbourhood; the coordinates are the truth."""

    task_class = SameNeighbourhood

    @property
    def has_truth(self) -> bool:
        """Coordinates say which cells are near."""
        return True

    def belonging(self, usable: NDArray[np.bool_], *, with_truth: bool) -> Neighbours:
        """The neighbours of a cell belong to it."""
        return Neighbours(self.graph, usable)
