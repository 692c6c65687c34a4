"""Which builder makes the examples of a task, and which task a name stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..duality import Duality
from ..tasks import Task
from ._annotation import AnnotationExamples
from ._caption import CaptionExamples
from ._cluster_annotation import ClusterExamples
from ._examples import Examples
from ._gene_changes import GeneChangeExamples
from ._gene_sets import GeneSetEnumerationExamples, GeneSetNamingExamples
from ._generation import GenerationExamples
from ._interactions import GeneInteractionExamples, InteractionPartnersExamples
from ._interpretation import InterpretationExamples
from ._joint_annotation import JointAnnotationExamples
from ._label_task import LabelExamples
from ._language_modelling import CellLanguageModellingExamples, SampleLanguageModellingExamples
from ._model_cells import ModelCells
from ._neighbour_generation import NeighbourGenerationExamples
from ._niche import NicheExamples
from ._question_answer import QuestionExamples
from ._response import ResponseExamples
from ._same_neighbourhood import SameNeighbourhoodExamples
from ._same_niche import SameNicheExamples
from ._sample_by_abstract import SampleByAbstractExamples
from ._sample_by_cell_types import SampleByCellTypesExamples
from ._sample_by_tissue import SampleByTissueExamples
from ._sample_cell_types import SampleCellTypesExamples
from ._sample_label import SampleLabelExamples, TissueExamples
from ._sensitivity import SensitivityExamples
from ._text_task import TextExamples

_BUILDERS: dict[type[Task], type[Examples]] = {}


def register(builder: type[Examples]) -> type[Examples]:
    """Make a builder known: it builds the examples of its ``task_class`` and of subclasses without one of their own.

    Label tasks of your own need none: their examples are built by that of :class:`sc_duality.tasks.LabelTask`.

    Examples
    --------
    >>> from sc_duality.examples import LabelExamples, register
    >>> from sc_duality.tasks import LabelTask
    >>> class CellCycle(LabelTask):
    ...     name = "cell_cycle"
    >>> class CellCycleExamples(LabelExamples):
    ...     task_class = CellCycle
    >>> register(CellCycleExamples).task_class.name
    'cell_cycle'
    """
    _BUILDERS[builder.task_class] = builder
    return builder


for _builder in (
    GeneInteractionExamples,
    GeneSetEnumerationExamples,
    GeneSetNamingExamples,
    InteractionPartnersExamples,
    CellLanguageModellingExamples,
    SampleLanguageModellingExamples,
    SampleByAbstractExamples,
    SampleByCellTypesExamples,
    SampleByTissueExamples,
    AnnotationExamples,
    CaptionExamples,
    ClusterExamples,
    GeneChangeExamples,
    GenerationExamples,
    InterpretationExamples,
    JointAnnotationExamples,
    LabelExamples,
    NeighbourGenerationExamples,
    NicheExamples,
    QuestionExamples,
    ResponseExamples,
    SampleCellTypesExamples,
    SampleLabelExamples,
    SameNeighbourhoodExamples,
    SameNicheExamples,
    SensitivityExamples,
    TissueExamples,
    TextExamples,
):
    register(_builder)


def builder_of(task: type[Task]) -> type[Examples]:
    """The builder of this class of tasks.

    Examples
    --------
    >>> from sc_duality.examples import builder_of
    >>> from sc_duality.tasks import Annotation
    >>> builder_of(Annotation).__name__
    'AnnotationExamples'
    """
    found = next((_BUILDERS[one] for one in task.__mro__ if one in _BUILDERS), None)
    if found is None:
        raise TypeError(
            f"no builder makes examples of {task.__name__}: subclass sd.tasks.LabelTask, or pass a subclass of "
            "sd.examples.Examples to sd.examples.register"
        )
    return found


def build(task: Task, cells: ModelCells, duality: Duality | None = None) -> Any:
    """The builder of the examples of ``task`` from these cells.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.examples import ModelCells, build
    >>> from sc_duality.tasks import Annotation
    >>> cells = ModelCells(sd.datasets.pbmc3k()[:5].copy(), sd.models.resolve("embedded"))
    >>> examples = build(Annotation(labels="blood"), cells)
    >>> len(examples.predict(slice(0, 5))), len(examples.labels)
    (5, 8)
    """
    return builder_of(type(task))(task, cells, duality)


def task_class(name: str) -> type[Task]:
    """The class of the task of this name.

    Examples
    --------
    >>> from sc_duality.examples import task_class
    >>> task_class("response").__name__
    'Response'
    """
    named = {one.name: one for one in _BUILDERS if hasattr(one, "name")}
    if name not in named:
        raise ValueError(f"there is no task {name!r}: pass one of {', '.join(sorted(named))} or a Task object")
    return named[name]


def to_tasks(tasks: Sequence[str | Task] | Mapping[str, Mapping[str, Any]]) -> list[Task]:
    """Tasks from names, from names with settings, or unchanged.

    Parameters
    ----------
    tasks
        Such as ``["annotation"]``, ``{"annotation": {"truth": "cell_type"}}`` or ``[MyTask(truth="tissue")]``.

    Raises
    ------
    ValueError, TypeError
        A name is unknown, given twice, or has settings that its task does not take.

    Examples
    --------
    >>> from sc_duality.examples import to_tasks
    >>> [task.truth for task in to_tasks({"annotation": {"truth": "cell_type"}, "generation": {"truth": "cell_type"}})]
    ['cell_type', 'cell_type']
    """
    if isinstance(tasks, str):
        raise TypeError(f"tasks must be a list or a mapping, got the string {tasks!r}")
    pairs: list[Any] = list(tasks.items()) if isinstance(tasks, Mapping) else list(tasks)
    found = [to_task(one) for one in pairs]
    names = [task.name for task in found]
    if not found or len(set(names)) < len(names):
        raise ValueError(f"tasks must name one task or more, each once, got {names}")
    return found


def to_task(task: str | Task | tuple[str, Mapping[str, Any]]) -> Task:
    """One task from its name, its name with settings, or unchanged.

    Examples
    --------
    >>> from sc_duality.examples import to_task
    >>> to_task(("sensitivity", {"drug": "cisplatin"})).drug
    'cisplatin'
    """
    if isinstance(task, Task):
        return task
    if isinstance(task, type):
        raise TypeError(f"tasks holds the class {task.__name__}: pass an object, {task.__name__}(...)")
    name, settings = (task, {}) if isinstance(task, str) else task
    settings = {} if settings is None else settings
    if not isinstance(settings, Mapping):
        raise TypeError(f"tasks={{{name!r}: {settings!r}}}: pass settings by name, such as {{'truth': 'cell_type'}}")
    try:
        return task_class(name)(**settings)
    except TypeError as error:
        raise TypeError(f"tasks={{{name!r}: {dict(settings)}}}: {error}") from None
