"""Examples of the interpretation of a data set."""

from __future__ import annotations

from ..tasks import Interpretation
from ._text_task import TextExamples


class InterpretationExamples(TextExamples):
    """Examples of interpretations: cells of a data set or a sample."""

    task: Interpretation
    task_class = Interpretation
