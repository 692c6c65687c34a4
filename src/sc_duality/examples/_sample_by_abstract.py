"""Examples of the generation of a sample by the abstract of its study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._validation import is_missing
from ..tasks import SampleByAbstract, SampleGenerationExample
from ._sample_generation import SampleGenerationExamples

#: Entry of ``uns`` with the abstract of the study.
_ABSTRACT = "abstract"


class SampleByAbstractExamples(SampleGenerationExamples):
    """Examples of the generation of a sample by an abstract."""

    task_class = SampleByAbstract

    @cached_property
    def _abstracts(self) -> NDArray[Any]:
        """The abstract of each cell's study."""
        if self.cells.spec.genes is not None:
            raise ValueError(
                f"the model {self.cells.spec.name!r} has one token a gene and reads no English: the task "
                f"{self.task.name!r} needs a general model"
            )
        if self.task.truth is not None:
            found = self.cells.column(self.task.truth, "truth")
            if not any(found):
                raise ValueError(f"obs[{self.task.truth!r}] has no abstract: all of its values are missing")
            return found
        text = self.cells.adata.uns.get(_ABSTRACT)
        if not isinstance(text, str) or is_missing(text):
            raise ValueError(
                f"the task {self.task.name!r} needs the abstract of the study: write it into adata.uns['abstract'], or "
                "into an obs column that truth= names"
            )
        return np.full(len(self.cells), text, dtype=object)

    def values(self) -> NDArray[Any]:
        """The abstract of each cell's study."""
        return self._abstracts

    def further_tokens(self) -> int:
        """Tokens of the longest abstract: one for two characters at most."""
        return max(len(one) for one in self._abstracts if one is not None) // 2

    def sample_example(
        self, rows: Sequence[int], n_genes: tuple[int, ...], truth: Any, context: Mapping[str, str]
    ) -> SampleGenerationExample:
        """Cells of a study."""
        return SampleGenerationExample(
            condition=str(self._abstracts[rows[0]]), n_genes=n_genes, truth=truth, context=context
        )
