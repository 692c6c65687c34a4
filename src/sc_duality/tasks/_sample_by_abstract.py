"""Generation of a sample from the abstract of its study."""

from __future__ import annotations

from dataclasses import dataclass

from ._free_text import FreeText
from ._sample_generation import SampleGeneration, SampleGenerationExample


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleByAbstract(SampleGeneration):
    """Abstract of a study → several cells of a sample; dual: an abstract from the cells.

    The task "conditional sample generation (abstract)" of C2S-Scale (table 1). Only for models that read English.

    Parameters
    ----------
    truth
        ``obs`` column with the text; by default ``uns["abstract"]``.
    groupby, n_cells, n_genes, prompt_format, vocabulary
        See :class:`SampleGeneration`.

    Examples
    --------
    >>> from sc_duality.tasks import SampleByAbstract, SampleGenerationExample
    >>> example = SampleGenerationExample(condition="Islets of donors with diabetes.", n_genes=(50, 50))
    >>> SampleByAbstract().question(example).prompt.splitlines()[-1]
    'Abstract of the study: Islets of donors with diabetes.'
    """

    name = "sample_by_abstract"

    def dual_answer_type(self, example: SampleGenerationExample) -> FreeText:
        """Text."""
        return FreeText()
