"""What is asked of a model and how its answer is read: pure text and lists."""

from ._annotation import Annotation, annotation_example
from ._context import context_sentences
from ._encode import encode
from ._generation import Generation, generation_example
from ._labelling import check_labels
from ._parse import (
    Answer,
    Failure,
    Reason,
    normal_form,
    read_answer,
    read_genes,
    read_indices,
    read_label,
    read_labels,
)
from ._perturbation import Perturbation
from ._prompt_format import PromptFormat
from ._puzzle import Puzzle, puzzle_example
from ._response import Response, response_example
from ._sensitivity import Sensitivity, sensitivity_example
from ._task import Example, Task

__all__ = [
    "Annotation",
    "Answer",
    "Example",
    "Failure",
    "Generation",
    "Perturbation",
    "PromptFormat",
    "Puzzle",
    "Reason",
    "Response",
    "Sensitivity",
    "Task",
    "annotation_example",
    "check_labels",
    "context_sentences",
    "encode",
    "generation_example",
    "normal_form",
    "puzzle_example",
    "read_answer",
    "read_genes",
    "read_indices",
    "read_label",
    "read_labels",
    "response_example",
    "sensitivity_example",
]
