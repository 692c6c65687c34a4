"""Where and when the duality reward queries its verifier."""

from contextlib import contextmanager

import numpy as np
import pytest

from sc_duality.duality import Duality, DualityReward
from sc_duality.tasks import Annotation, Generation, GenerationExample, LabelExample

EXAMPLE = LabelExample(genes=("CD79A",), hidden_genes=("CD79A",), options=("B cell", "T cell"))
TASK = Annotation()
B_CELL = TASK.question(EXAMPLE).completion("B cell")


@pytest.fixture
def model(scripted_model):
    return scripted_model("of type B cell", "<answer>CD79A</answer>")


def rewards(model, texts, **settings):
    reward = DualityReward(Duality(**settings), lambda: model)
    return reward(texts, [TASK.question(EXAMPLE)] * len(texts), [EXAMPLE] * len(texts), TASK)


def test_a_policy_is_queried_where_it_is_live(model):
    events = []

    @contextmanager
    def live():
        events.append("in")
        yield model
        events.append("out")

    model.live, model.skip_generate = live, lambda: events.append("skipped")
    assert rewards(model, [B_CELL]) == pytest.approx([0.75])
    assert events == ["in", "out"]
    # Other processes may generate, and the call is collective.
    assert rewards(model, ["?"]) == [0]
    assert events[2:] == ["in", "skipped", "out"]


def test_a_verifier_without_an_answer_gives_no_reward(model):
    model.likelihood = lambda prompts, _: np.full(len(prompts), np.nan)
    assert rewards(model, [B_CELL, "?"]) == [0, 0]


def test_unreadable_completions_are_not_scored(model):
    assert rewards(model, ["?", B_CELL, "<answer>neuron</answer>"], form="sample", n_samples=2) == [0, 1, 0]
    assert len(model.generated) == 2


def test_an_unreadable_cell_is_never_better_than_a_readable_one(model):
    """The log-probability of the requested type is negative."""
    task, example = Generation(), GenerationExample(cell_type="B cell", options=("B cell", "T cell"))
    model.score = lambda prompts, _: np.array([[0.0, 0.0], [0.0, 2.0]])[: len(prompts)]
    reward = DualityReward(Duality(form="likelihood"), lambda: model)
    texts = ["?", "<answer>CD79A MS4A1</answer>", "<answer>CD3D CD3E</answer>"]
    found = reward(texts, [task.question(example)] * 3, [example] * 3, task)
    assert found == pytest.approx([np.log(1 / (1 + np.exp(2))), np.log(0.5), np.log(1 / (1 + np.exp(2)))])


def test_an_unreadable_label_is_never_better_than_a_wrong_one(model):
    model.likelihood = lambda prompts, _: np.array([-4.0 if "T cell" in prompt else -2.0 for prompt in prompts])
    found = rewards(model, ["?", "<answer>T cell</answer>", B_CELL], form="likelihood")
    assert found[0] == found[1] < 0 <= found[2]


def test_each_call_gets_the_verifier_anew(model):
    found = []
    reward = DualityReward(Duality(), lambda: found.append(model) or model)
    assert reward.__name__ == "duality"
    for _ in range(2):
        reward([B_CELL], [TASK.question(EXAMPLE)], [EXAMPLE], TASK)
    assert len(found) == 2
