"""Joint annotation of Cell-o1 and its dual task."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.tasks import Failure, JointAnnotation, JointAnnotationExample, Reason, hide_genes

CELLS = tuple(tuple(f"{name}{i}" for i in range(10)) for name in "ABC")
TYPES = ("B cell", "T cell", "plasma cell")
OBSERVED, HIDDEN = zip(*(hide_genes(cell, 0.3, rng=i) for i, cell in enumerate(CELLS)), strict=True)


def example(**fields):
    return JointAnnotationExample(
        **{"cells": OBSERVED, "options": TYPES, "observed": OBSERVED, "hidden_genes": HIDDEN} | fields
    )


@pytest.fixture(params=["plain", "terse", "cell-o1"])
def task(request):
    return JointAnnotation(prompt_format=request.param)


@given(st.permutations(TYPES))
def test_right_answers_are_read(order):
    for prompt_format in ("plain", "terse", "cell-o1"):
        question = JointAnnotation(prompt_format=prompt_format).question(example(truth=tuple(order)))
        assert question.parse("<think>hm | ha</think>" + question.completion(order)).value == tuple(order)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("B cell | T cell", Reason.WRONG_COUNT),
        ("B cell | T cell | T cell", Reason.DUPLICATE),
        ("B cell | T cell | neuron", Reason.UNKNOWN_LABEL),
        ("B cell, T cell, plasma cell", Reason.WRONG_COUNT),
    ],
)
def test_invalid_assignments_have_a_reason(task, answer, reason):
    found = task.question(example()).parse(f"<answer>{answer}</answer>")
    assert isinstance(found, Failure)
    assert found.reason == reason


def test_prompt_shows_every_cell_and_label_once(task):
    prompt = task.question(example(context={"tissue": "lung"})).prompt
    names = prompt.replace(",", " ").split()
    for observed, hidden in zip(OBSERVED, HIDDEN, strict=True):
        assert [name for name in names if name in observed] == list(observed)
        assert not set(names) & set(hidden)
        assert len(hidden) == 3
    assert "The cell originates from the lung." in prompt
    assert all(prompt.count(label) == 1 for label in TYPES)


def test_hidden_genes_are_reconstructed(task):
    dual = task.dual(example(), TYPES)
    assert all(label in dual.prompt for label in TYPES)
    read = dual.parse(dual.completion(HIDDEN))
    assert read.value == HIDDEN
    assert dual.similarity(read.value) == pytest.approx(1)
    first_only = dual.parse("<answer>" + " | ".join([" ".join(HIDDEN[0]), "", ""]) + "</answer>")
    assert dual.similarity(first_only.value) == pytest.approx(1 / 3)
    assert dual.parse("<answer>A1 | B1</answer>").reason == Reason.WRONG_COUNT


def test_an_example_without_hidden_genes_has_no_dual(task):
    assert task.dual(example(hidden_genes=((), (), ())), TYPES) is None


def test_invalid_examples_raise():
    with pytest.raises(ValueError, match="a label for each cell, got 2 for 3"):
        example(options=TYPES[:2])
    with pytest.raises(ValueError, match="does not give each of 3 cells another of the labels"):
        example(truth=("B cell", "B cell", "T cell"))


def test_cell_o1_has_its_own_prompt():
    prompt = JointAnnotation(prompt_format="cell-o1").question(example()).prompt
    assert prompt.startswith("You are an expert assistant specialized in cell type annotation.")
    assert "You will also receive a list of 3 candidate cell types" in prompt


def test_a_label_with_the_separator_of_answers_is_refused():
    labels = ("CD4|CD8 T cell", "B cell", "plasma cell")
    with pytest.raises(ValueError, match=r"\['CD4\|CD8 T cell'\] hold '\|', which separates the labels of a batch"):
        example(options=labels)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_cells": 1}, "n_cells=1: the task 'joint_annotation' tells cells apart, pass 2 or more"),
        ({"n_cells": 0}, "n_cells must be a positive integer, got 0"),
        ({"hidden_fraction": 7}, "hidden_fraction must be a number from 0 to 1, got 7"),
    ],
)
def test_invalid_settings_raise(settings, message):
    with pytest.raises(ValueError, match=message):
        JointAnnotation(**settings)
