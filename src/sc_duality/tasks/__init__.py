"""Tasks: what a model is asked, as text and lists, and how its answer is read. No AnnData, no model."""

from ._annotation import Annotation
from ._answer_types import AnswerType, Label
from ._assignments import Assignment, FreeNames
from ._caption import Caption
from ._cell_group import CellGroupExample, check_n_cells
from ._cell_sentences import CellSentences
from ._cluster_annotation import ClusterAnnotation, ClusterExample
from ._context import context_sentences
from ._free_name import FreeName
from ._free_text import FreeText
from ._gene_answers import GeneList, GeneLists
from ._gene_change_response import GeneChangeExample, GeneChangeResponse
from ._gene_changes import Changes, GeneChanges
from ._gene_interaction import GeneInteraction, InteractionExample
from ._gene_set_enumeration import GeneSetEnumeration
from ._gene_set_naming import GeneSetNaming
from ._gene_sets import GeneSet, GeneSetExample, check_gene_sets
from ._generation import Generation, GenerationExample
from ._interaction_pairs import interaction_pairs
from ._interaction_partners import InteractionPartners, PartnersExample
from ._interpretation import Interpretation
from ._joint_annotation import JointAnnotation, JointAnnotationExample
from ._label_set import LabelSet
from ._label_task import LabelExample, LabelTask, check_labels, hide_genes
from ._language_modelling import CellLanguageModelling, SampleLanguageModelling
from ._neighbour_generation import NeighbourGeneration, NeighbourGenerationExample
from ._neighbourhood import NeighbourhoodTask
from ._niche import Niche, NicheExample
from ._parse import Answer, Failure, Reason, read_genes, read_label, read_labels, split_completion
from ._perturbation import Perturbation
from ._prompt_format import PromptFormat
from ._question import Question
from ._question_answer import QuestionAnswer, QuestionExample
from ._reasoning import UnitReasoning, read_reasoning
from ._response import Response, ResponseExample
from ._same_group import SameGroup
from ._same_neighbourhood import SameNeighbourhood
from ._same_niche import SameNiche
from ._sample_by_abstract import SampleByAbstract
from ._sample_by_cell_types import SampleByCellTypes, SampleByCellTypesExample
from ._sample_by_tissue import SampleByTissue
from ._sample_cell_types import SampleCellTypes
from ._sample_generation import SampleGeneration, SampleGenerationExample
from ._sample_label import SampleLabel, SampleLabelExample
from ._sensitivity import Sensitivity, SensitivityExample
from ._task import Example, Task, TrainingExample
from ._template import AnswerTemplate, TaskTemplate
from ._text_task import TextExample, TextTask
from ._tissue import Tissue

__all__ = [
    "Annotation",
    "Answer",
    "AnswerTemplate",
    "AnswerType",
    "Assignment",
    "Caption",
    "CellGroupExample",
    "CellLanguageModelling",
    "CellSentences",
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
    "GeneInteraction",
    "GeneList",
    "GeneLists",
    "GeneSet",
    "GeneSetEnumeration",
    "GeneSetExample",
    "GeneSetNaming",
    "Generation",
    "GenerationExample",
    "InteractionExample",
    "InteractionPartners",
    "Interpretation",
    "JointAnnotation",
    "JointAnnotationExample",
    "Label",
    "LabelExample",
    "LabelSet",
    "LabelTask",
    "NeighbourGeneration",
    "NeighbourGenerationExample",
    "NeighbourhoodTask",
    "Niche",
    "NicheExample",
    "PartnersExample",
    "Perturbation",
    "PromptFormat",
    "Question",
    "QuestionAnswer",
    "QuestionExample",
    "Reason",
    "Response",
    "ResponseExample",
    "SameGroup",
    "SameNeighbourhood",
    "SameNiche",
    "SampleByAbstract",
    "SampleByCellTypes",
    "SampleByCellTypesExample",
    "SampleByTissue",
    "SampleCellTypes",
    "SampleGeneration",
    "SampleGenerationExample",
    "SampleLabel",
    "SampleLabelExample",
    "SampleLanguageModelling",
    "Sensitivity",
    "SensitivityExample",
    "Task",
    "TaskTemplate",
    "TextExample",
    "TextTask",
    "Tissue",
    "TrainingExample",
    "UnitReasoning",
    "check_gene_sets",
    "check_labels",
    "check_n_cells",
    "context_sentences",
    "hide_genes",
    "interaction_pairs",
    "read_genes",
    "read_label",
    "read_labels",
    "read_reasoning",
    "split_completion",
]
