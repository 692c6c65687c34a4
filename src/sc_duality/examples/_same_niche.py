"""Examples of the task on whether cells are of one niche."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tasks import SameNiche
from ._neighbourhoods import Belonging, Neighbours, SameLabel
from ._same_group import SameGroupExamples


class SameNicheExamples(SameGroupExamples):
    """Examples of whether cells are of one niche, by the niche of each cell; without it, neighbours are shown."""

    task_class = SameNiche

    @cached_property
    def _niches(self) -> NDArray[Any]:
        if self.task.truth is None:
            raise ValueError(
                f"the task {self.task.name!r} needs the obs column with the niches: pass tasks={{"
                f"{self.task.name!r}: {{'truth': 'region'}}}}"
            )
        return self.cells.column(self.task.truth, "truth")

    def belonging(self, usable: NDArray[np.bool_], *, with_truth: bool) -> Belonging:
        """Cells of the same niche and sample belong to a cell."""
        if not with_truth:
            return Neighbours(self.graph, usable)
        return SameLabel(self._niches, self.samples, usable)
