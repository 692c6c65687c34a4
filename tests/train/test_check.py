"""What is measured on cells with a truth, and when it is a warning."""

import numpy as np
import pytest

from sc_duality.tasks import Annotation, Generation, annotation_example, generation_example
from sc_duality.train._check import Accuracy, accuracies, warn_where_dual_is_weak
from sc_duality.train._lesson import Lesson

LABELS = ["B cell", "T cell", "monocyte"]


class Engine:
    """Calls everything a B cell, and knows the genes of T cells."""

    def score(self, prompts, choices):
        return np.array([[1.0, 0.0, 0.0]] * len(prompts))

    def likelihood(self, prompts, answers):
        return np.array([float("T_cell" in prompt) for prompt in prompts])


def lesson(truth, hidden=1.0):
    example = annotation_example(["CD79A", "CD3E"], LABELS, truth=truth, hidden_fraction=hidden)
    return Lesson(Annotation("compact", given="label"), example)


def test_accuracies():
    lessons = [lesson("B cell"), lesson("T cell"), lesson("B cell"), lesson("monocyte"), lesson(None)]
    found = accuracies(Engine(), lessons)["annotation"]
    assert found == Accuracy(primal=0.5, dual=0.25, chance=pytest.approx(1 / 3), n=4)
    assert np.isnan(accuracies(Engine(), [lesson("B cell", hidden=0.0)])["annotation"].dual)
    assert accuracies(Engine(), [lesson(None)]) == {}


def test_cells_that_are_to_give_back_their_type():
    task = Generation("compact")
    lessons = [Lesson(task, generation_example(label, LABELS, truth=["CD79A"])) for label in LABELS]
    found = accuracies(Engine(), [*lessons, lesson("T cell")])
    assert list(found) == ["generation", "annotation"]
    assert found["generation"].dual == pytest.approx(1 / 3)
    assert np.isnan(found["generation"].primal)
    assert found["annotation"].dual == 1.0


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (Accuracy(0.9, 0.6, 0.1, 50), "dual is right on 60 % of 50 labelled cells and the model itself on 90 %"),
        (Accuracy(0.9, 0.9, 0.1, 50), "the weaker judge"),
        (Accuracy(0.2, 0.3, 0.25, 50), "where chance is 25 %: its judgement is noise"),
        (Accuracy(np.nan, 0.3, 0.25, 50), "its judgement is noise"),
        (Accuracy(0.5, 0.8, 0.1, 50), ""),
        (Accuracy(np.nan, 0.8, 0.1, 50), ""),
        (Accuracy(0.5, np.nan, 0.1, 50), ""),
    ],
)
def test_warnings(found, message, caplog):
    warn_where_dual_is_weak({"annotation": found})
    assert bool(caplog.text) == bool(message)
    assert message in caplog.text
