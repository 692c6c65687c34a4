"""Tasks: what a model is asked, as text and lists, and how its answer is read. No AnnData, no model."""

from ._annotation import Annotation
from ._answer_types import AnswerType, Label
from ._assignments import Assignment, FreeNames
from ._cell_group import CellGroupExample, check_n_cells
from ._cluster_annotation import ClusterAnnotation, ClusterExample
from ._context import context_sentences
from ._free_name import FreeName
from ._free_text import FreeText
from ._gene_answers import GeneList, GeneLists
from ._gene_change_response import GeneChangeExample, GeneChangeResponse
from ._gene_changes import Changes, GeneChanges
from ._generation import Generation, GenerationExample
from ._joint_annotation import JointAnnotation, JointAnnotationExample
from ._label_task import LabelExample, LabelTask, check_labels, hide_genes
from ._parse import Answer, Failure, Reason, read_genes, read_label, read_labels, split_completion
from ._perturbation import Perturbation
from ._prompt_format import PromptFormat
from ._question import Question
from ._reasoning import UnitReasoning, read_reasoning
from ._response import Response, ResponseExample
from ._sensitivity import Sensitivity, SensitivityExample
from ._task import Example, Task, TrainingExample
from ._template import AnswerTemplate, TaskTemplate

__all__ = [
    "Annotation",
    "Answer",
    "AnswerTemplate",
    "AnswerType",
    "Assignment",
    "CellGroupExample",
    "Changes",
    "ClusterAnnotation",
    "ClusterExample",
    "Example",
    "Failure",
    "FreeName",
    "FreeNames",
    "FreeText",
    "GeneChangeExample",
    "GeneChangeResponse",
    "GeneChanges",
    "GeneList",
    "GeneLists",
    "Generation",
    "GenerationExample",
    "JointAnnotation",
    "JointAnnotationExample",
    "Label",
    "LabelExample",
    "LabelTask",
    "Perturbation",
    "PromptFormat",
    "Question",
    "Reason",
    "Response",
    "ResponseExample",
    "Sensitivity",
    "SensitivityExample",
    "Task",
    "TaskTemplate",
    "TrainingExample",
    "UnitReasoning",
    "check_labels",
    "check_n_cells",
    "context_sentences",
    "hide_genes",
    "read_genes",
    "read_label",
    "read_labels",
    "read_reasoning",
    "split_completion",
]
