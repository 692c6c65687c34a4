"""What is asked of a model and how its answer is read: pure text and lists."""

from ._annotation import Annotation, annotation_example, check_labels
from ._dialect import Dialect
from ._parse import Answer, Failure, Reason, normal_form, read_answer, read_genes, read_label
from ._task import Example, Task

__all__ = [
    "Annotation",
    "Answer",
    "Dialect",
    "Example",
    "Failure",
    "Reason",
    "Task",
    "annotation_example",
    "check_labels",
    "normal_form",
    "read_answer",
    "read_genes",
    "read_label",
]
