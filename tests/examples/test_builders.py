"""Tasks from names, settings and objects, and the builders of their examples."""

from dataclasses import dataclass

import pytest

from sc_duality.examples import (
    Examples,
    LabelExamples,
    _builders,
    build,
    builder_of,
    register,
    task_class,
    to_task,
    to_tasks,
)
from sc_duality.tasks import (
    Annotation,
    Example,
    Generation,
    JointAnnotation,
    Label,
    LabelTask,
    Response,
    Sensitivity,
    Task,
    TrainingExample,
)

NAMES = {
    "annotation": Annotation,
    "generation": Generation,
    "joint_annotation": JointAnnotation,
    "response": Response,
    "sensitivity": Sensitivity,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Tissue(LabelTask):
    name = "tissue"


@dataclass(frozen=True, kw_only=True, eq=False)
class Count(Task):
    """How many genes a cell has."""

    name = "count"

    def answer_type(self, example):
        return Label(("6", "7"), ("6", "7"))

    def dual_answer_type(self, example):
        return Label(("6", "7"), ("6", "7"))


class CountExamples(Examples):
    task_class = Count

    def labelled(self, rows):
        raise NotImplementedError

    def unlabelled(self, n, rng, *, augment=False, with_truth=False):
        return [TrainingExample(self.task, Example(truth="6")) for _ in range(n)]


@pytest.mark.parametrize("name", NAMES)
def test_names_stand_for_tasks(name):
    assert task_class(name) is NAMES[name]
    settings = {"drug": "erlotinib"} if name == "sensitivity" else {}
    assert type(to_task((name, settings))) is NAMES[name]
    assert builder_of(NAMES[name]).task_class is NAMES[name]


def test_names_settings_and_objects():
    mine = Tissue(truth="tissue")
    assert [task.name for task in to_tasks(["annotation", "generation", mine])] == [
        "annotation",
        "generation",
        "tissue",
    ]
    found = to_tasks({"annotation": {"truth": "cell_type", "labels": ["a", "b"]}, "generation": {}, "response": None})
    assert (found[0].truth, found[0].labels) == ("cell_type", ["a", "b"])
    assert to_tasks([mine]) == [mine]
    assert to_task(mine) is mine


@pytest.mark.parametrize(
    ("tasks", "error", "message"),
    [
        ("annotation", TypeError, "tasks must be a list or a mapping, got the string 'annotation'"),
        ([], ValueError, r"tasks must name one task or more, each once, got \[\]"),
        (["annotation", "annotation"], ValueError, "each once"),
        (["annotation", Annotation(truth="x")], ValueError, "each once"),
        (
            ["annotate"],
            ValueError,
            "there is no task 'annotate': pass one of annotation, caption, cell_language_modelling",
        ),
        (["mood"], ValueError, "there is no task 'mood'"),
        ({"annotation": {"column": "x"}}, TypeError, r"tasks=\{'annotation': \{'column': 'x'\}\}.*'column'"),
        (["sensitivity"], TypeError, r"tasks=\{'sensitivity': \{\}\}.*'drug'"),
        ({"annotation": "cell_type"}, TypeError, r"tasks=\{'annotation': 'cell_type'\}: pass settings by name"),
        ([Annotation], TypeError, r"tasks holds the class Annotation: pass an object, Annotation\(\.\.\.\)"),
    ],
)
def test_invalid_tasks_raise(tasks, error, message):
    with pytest.raises(error, match=message):
        to_tasks(tasks)


def test_label_tasks_of_the_user_need_no_builder():
    assert builder_of(Tissue) is LabelExamples


def test_a_builder_of_the_user(monkeypatch, toy_cells):
    monkeypatch.setattr(_builders, "_BUILDERS", dict(_builders._BUILDERS))
    with pytest.raises(TypeError, match=r"no builder makes examples of Count: subclass sd\.tasks\.LabelTask, or pass"):
        build(Count(), toy_cells)
    assert register(CountExamples) is CountExamples
    assert isinstance(build(Count(), toy_cells), CountExamples)
    assert task_class("count") is Count
    assert len(build(to_task("count"), toy_cells).unlabelled(3, None)) == 3
    with pytest.raises(ValueError, match="results of the task 'count' cannot be scored by duality"):
        CountExamples.task_from_params({"task": "count"})
    with pytest.raises(ValueError, match=r"results of the task 'count' in obs\['x'\] cannot be scored by duality"):
        build(Count(), toy_cells).from_results("x", 0)
