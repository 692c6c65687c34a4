"""Accuracy on labelled examples, and the warnings that follow from it."""

import numpy as np
import pytest

from sc_duality.duality import Accuracy
from sc_duality.models import ModelSpec
from sc_duality.tasks import (
    Annotation,
    Generation,
    GenerationExample,
    JointAnnotation,
    JointAnnotationExample,
    LabelExample,
    TrainingExample,
)
from sc_duality.train._accuracies import accuracies, warn_if_dual_is_weak

LABELS = ("B cell", "T cell", "monocyte")


class Model:
    """Predicts B cells only, and knows the genes of T cells."""

    spec = ModelSpec("model", "model", prompt_format="compact")

    def score(self, prompts, choices):
        return np.array([[1.0, 0.0, 0.0]] * len(prompts))

    def likelihood(self, prompts, answers):
        return np.array([float("T_cell" in prompt) for prompt in prompts])


def labelled(truth, hidden=("CD79A", "CD3E")):
    example = LabelExample(genes=("CD79A", "CD3E"), options=LABELS, hidden_genes=hidden, truth=truth)
    return TrainingExample(Annotation(prompt_format="compact"), example)


def test_accuracies():
    examples = [labelled("B cell"), labelled("T cell"), labelled("B cell"), labelled("monocyte"), labelled(None)]
    found = accuracies(Model(), examples)["annotation"]
    assert found == Accuracy(primal=0.5, dual=0.25, chance=pytest.approx(1 / 3), n=4)
    assert np.isnan(accuracies(Model(), [labelled("B cell", hidden=())])["annotation"].dual)
    assert accuracies(Model(), [labelled(None)]) == {}


def test_generated_cells_are_evaluated_by_their_dual():
    task = Generation(prompt_format="compact")
    examples = [
        TrainingExample(task, GenerationExample(cell_type=label, options=LABELS, truth=("CD79A",))) for label in LABELS
    ]
    found = accuracies(Model(), [*examples, labelled("T cell")])
    assert list(found) == ["generation", "annotation"]
    assert found["generation"].dual == pytest.approx(1 / 3)
    assert np.isnan(found["generation"].primal)
    assert found["annotation"].dual == 1.0


class Puzzler:
    """Writes the labels of puzzles in a fixed order."""

    spec = ModelSpec("model", "model", prompt_format="plain")

    def __init__(self, *texts):
        self.texts, self.sampling = texts, None

    def generate(self, prompts, sampling):
        self.sampling = sampling
        return list(self.texts)


def test_puzzles_with_too_many_orders_are_evaluated_by_a_generated_answer():
    labels = ("B cell", "T cell", "monocyte", "mast cell", "platelet", "NK cell")
    example = JointAnnotationExample(cells=(("CD79A",),) * 6, options=labels, truth=labels)
    text = f"<answer>{' | '.join(labels)}</answer>"
    swapped = f"<answer>{' | '.join((*labels[1::-1], *labels[2:]))}</answer>"
    model = Puzzler(text, swapped, "no answer", None)
    found = accuracies(model, [TrainingExample(JointAnnotation(), example)] * 4)["joint_annotation"]
    assert found.primal == 0.25
    assert np.isnan(found.dual)
    assert np.isnan(found.chance)
    assert model.sampling.temperature == 0
    assert model.sampling.max_tokens >= len(" ".join(labels).split())


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            Accuracy(0.9, 0.6, 0.1, 50),
            "on 50 labelled examples the dual task is right for 60 % and the model itself for 90 %",
        ),
        (Accuracy(0.9, 0.6, 0.1, 50), "pulls it towards the weaker one; train the dual with train_sft(contrast=1.0)"),
        (Accuracy(0.9, 0.9, 0.1, 50), ""),
        (Accuracy(0.2, 0.3, 0.25, 50), "and chance is 25 %: its reward is noise"),
        (Accuracy(np.nan, 0.3, 0.25, 50), "its reward is noise"),
        (Accuracy(0.5, 0.8, 0.1, 50), ""),
        (Accuracy(np.nan, 0.8, 0.1, 50), ""),
        (Accuracy(0.5, np.nan, 0.1, 50), ""),
    ],
)
def test_warnings(found, message, caplog):
    warn_if_dual_is_weak({"annotation": found})
    assert bool(caplog.text) == bool(message)
    assert message in caplog.text
