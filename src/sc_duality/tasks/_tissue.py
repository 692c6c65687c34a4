"""The tissue of a sample."""

from __future__ import annotations

from dataclasses import dataclass

from ._sample_label import SampleLabel


@dataclass(frozen=True, kw_only=True, eq=False)
class Tissue(SampleLabel):
    """Cells of a sample → its tissue; dual: tissue and observed cells → hidden genes or cells.

    The task "tissue sample annotation" of C2S-Scale (table 1). The dual with the tissue alone and all cells hidden is
    its "conditional sample generation (tissue)".

    Parameters
    ----------
    fact
        ``"tissue"``.
    groupby, n_cells, n_genes, hidden, truth, labels, prompt_format, vocabulary
        See :class:`SampleLabel`.

    Examples
    --------
    >>> from sc_duality.tasks import SampleLabelExample, Tissue
    >>> cells = (("CD79A", "MS4A1"), ("CD3E", "IL7R"))
    >>> example = SampleLabelExample(cells=cells, options=("blood", "lung"), fact="tissue")
    >>> Tissue().question(example).parse("<answer>Blood</answer>").value
    'blood'
    """

    name = "tissue"

    fact: str = "tissue"
