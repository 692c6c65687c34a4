"""Natural language interpretation of a data set."""

from __future__ import annotations

from dataclasses import dataclass

from ._text_task import TextTask


@dataclass(frozen=True, kw_only=True, eq=False)
class Interpretation(TextTask):
    """Cells of a data set or sample → text like the abstract of its study; dual: text → cell type.

    Parameters
    ----------
    groupby, truth, cell_type, n_cells, length, prompt_format, vocabulary
        See :class:`TextTask`.

    Notes
    -----
    Natural language interpretation of C2S-Scale (Rizvi et al. 2025), table 1.

    Examples
    --------
    >>> from sc_duality.tasks import Interpretation, TextExample
    >>> example = TextExample(cells=(("CD79A",), ("CD3E",)), n_cells=2, length=150)
    >>> question = Interpretation().question(example)
    >>> question.parse("<answer>We profiled B and T cells of the blood.</answer>").value
    'We profiled B and T cells of the blood.'
    """

    name = "interpretation"

    length: int = 150
