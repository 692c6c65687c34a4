"""Language modelling of cells: the sentences of one cell, or of several cells of a sample, without a condition."""

from __future__ import annotations

from dataclasses import dataclass

from ._gene_answers import GeneList
from ._sample_generation import SampleGeneration, SampleGenerationExample
from ._task import Task


@dataclass(frozen=True, kw_only=True, eq=False)
class CellLanguageModelling(Task):
    """Nothing → the sentence of a cell; no dual task.

    The task "single cell language modeling" of C2S-Scale (table 1): every cell of a data set is an example.

    Parameters
    ----------
    prompt_format, vocabulary
        See :class:`Task`.

    Examples
    --------
    >>> from sc_duality.tasks import CellLanguageModelling, SampleGenerationExample
    >>> CellLanguageModelling(prompt_format="compact").question(SampleGenerationExample(n_genes=(100,))).prompt
    '<generate> <cell>'
    """

    name = "cell_language_modelling"

    def answer_type(self, example: SampleGenerationExample) -> GeneList:
        """A cell sentence."""
        return GeneList(self.vocabulary, example.n_genes[0])

    def dual_answer_type(self, example: SampleGenerationExample) -> GeneList:
        """Nothing is reconstructed."""
        return GeneList(self.vocabulary)


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleLanguageModelling(SampleGeneration):
    """Nothing → the sentences of several cells of a sample; no dual task.

    The task "multiple cell language modeling" of C2S-Scale (table 1).

    Parameters
    ----------
    truth
        Not needed.
    groupby, n_cells, n_genes, prompt_format, vocabulary
        See :class:`SampleGeneration`.
    """

    name = "sample_language_modelling"

    def dual_answer_type(self, example: SampleGenerationExample) -> GeneList:
        """Nothing is reconstructed."""
        return GeneList(self.vocabulary)
