"""Examples of tasks from AnnData: for prediction, for training, and from earlier results. One file a task."""

from __future__ import annotations

from ._between_studies import augment_between_studies
from ._builders import build, builder_of, register, task_class, to_task, to_tasks
from ._cell_context import Context, check_context
from ._cell_groups import CellGroups
from ._cells_of_no_type import CellsOfNoType
from ._change_lines import ChangeLines, fit_change_lines
from ._cluster_annotation import ClusterExamples
from ._examples import Examples, Pool, Results, cell_rng, sample_examples
from ._generation import check_generated
from ._group_examples import GroupExamples
from ._group_predictions import GroupPredictions
from ._known_genes import model_names
from ._known_labels import KnownLabels, Meant
from ._label_options import known_as
from ._label_task import LabelExamples
from ._model_cells import ModelCells
from ._perturbations import known_perturbation, perturbation_options, to_json, to_perturbation, warn_untrained
from ._results import param_context, param_list, result_params, stored_context
from ._text_task import TextExamples, check_english

__all__ = [
    "CellGroups",
    "CellsOfNoType",
    "ChangeLines",
    "ClusterExamples",
    "Context",
    "Examples",
    "GroupExamples",
    "GroupPredictions",
    "KnownLabels",
    "LabelExamples",
    "Meant",
    "ModelCells",
    "Pool",
    "Results",
    "TextExamples",
    "augment_between_studies",
    "build",
    "builder_of",
    "cell_rng",
    "check_context",
    "check_english",
    "check_generated",
    "fit_change_lines",
    "known_as",
    "known_perturbation",
    "model_names",
    "param_context",
    "param_list",
    "perturbation_options",
    "register",
    "result_params",
    "sample_examples",
    "stored_context",
    "task_class",
    "to_json",
    "to_perturbation",
    "to_task",
    "to_tasks",
    "warn_untrained",
]
