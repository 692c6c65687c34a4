"""Generation of a sample of a tissue."""

from __future__ import annotations

from dataclasses import dataclass

from ._answer_types import Label
from ._sample_generation import SampleGeneration, SampleGenerationExample


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleByTissue(SampleGeneration):
    """Tissue → several cells of a sample; dual: the tissue of the cells.

    The task "conditional sample generation (tissue)" of C2S-Scale (table 1).

    Parameters
    ----------
    truth
        ``obs`` column with the tissue.
    groupby, n_cells, n_genes, prompt_format, vocabulary
        See :class:`SampleGeneration`.

    Examples
    --------
    >>> from sc_duality.tasks import SampleByTissue, SampleGenerationExample
    >>> task = SampleByTissue(prompt_format="compact")
    >>> task.question(SampleGenerationExample(condition="blood", n_genes=(100, 100))).prompt
    '<generate> <tissue> <blood> <cells> <2>'
    """

    name = "sample_by_tissue"

    def dual_answer_type(self, example: SampleGenerationExample) -> Label:
        """One of the tissues."""
        return self.template.label(example.options)
