"""Rewards in TRL's signature: what they read, what they leave alone, and what they log."""

from types import SimpleNamespace

import numpy as np
import pytest

from sc_duality.models import ModelSpec
from sc_duality.tasks import Annotation, Generation, annotation_example, generation_example
from sc_duality.train._judge import Dual
from sc_duality.train._lesson import Lesson
from sc_duality.train._reward import DualityReward, TruthReward

LABELS = ["B cell", "T cell"]
LESSONS = [
    Lesson(
        Annotation("compact", given="label"),
        annotation_example(["CD79A", "MS4A1"], LABELS, truth="B cell", hidden_fraction=1.0),
    ),
    Lesson(Generation("compact"), generation_example("T cell", LABELS, truth=["CD3E", "IL7R"])),
]


class Judge:
    """Believes in B cells where CD79A is, and writes what it is told to."""

    def __init__(self, text="B_cell"):
        self.spec, self.text, self.seeds = ModelSpec("judge", "judge"), text, []

    def likelihood(self, prompts, answers):
        return np.array([0.0 if "B_cell" in prompt else -np.log(3) for prompt in prompts])

    def score(self, prompts, choices):
        return np.array([[-np.log(3), 0.0] if "CD3E" in prompt else [0.0, -np.log(3)] for prompt in prompts])

    def generate(self, prompts, sampling):
        self.seeds.append(sampling.seed)
        return [self.text] * len(prompts)


def duality(task, judge=None, **how):
    invalid = how.pop("invalid_reward", 0.0)
    reward = DualityReward("duality", LESSONS, task, Dual(**how), invalid)
    reward.judge = Judge() if judge is None else judge
    return reward


def test_posterior_of_labels():
    found = duality("annotation")(["?"] * 3, ["B_cell", "t cell", "B_cell or not"], [0, 0, 0])
    assert found == pytest.approx([0.75, 0.25, 0.0])


def test_other_tasks_are_left_alone():
    completions = ["B_cell", "CD3E IL7R", "T_cell", "CD79A"]
    high, low = pytest.approx(0.75), pytest.approx(0.25)
    assert duality("annotation")(["?"] * 4, completions, [0, 1, 0, 1]) == [high, None, low, None]
    assert duality("generation")(["?"] * 4, completions, [0, 1, 0, 1]) == [None, high, None, low]
    assert duality("generation")(["?"], ["B_cell"], [0]) == [None]


def test_answers_in_a_chat():
    chat = [{"role": "assistant", "content": "B_cell"}]
    assert duality("annotation")(["?"], [chat], [0]) == pytest.approx([0.75])


@pytest.mark.parametrize("invalid", [0.0, -1.0])
def test_answers_that_cannot_be_read(invalid):
    logged = {}
    reward = duality("annotation", invalid_reward=invalid)
    found = reward(["?"] * 4, ["", "maybe", "T_cell", "B_cell"], [0] * 4, log_metric=logged.__setitem__)
    assert found == pytest.approx([invalid, invalid, 0.25, 0.75])
    assert logged == {"duality/valid": 0.5}
    assert reward(["?"], ["nothing"], [0]) == [invalid]


def test_a_judge_that_says_nothing():
    judge = Judge()
    judge.likelihood = lambda prompts, _: np.full(len(prompts), np.nan)
    assert duality("annotation", judge, invalid_reward=-1.0)(["?"], ["B_cell"], [0]) == [-1.0]


def test_draws_change_with_the_step_and_not_with_the_day():
    judge = Judge()
    reward = duality("generation", judge, form="sample", draws=1, seed=5)
    for step in (0, 1, 1):
        assert reward(["?"], ["CD3E"], [1], trainer_state=SimpleNamespace(global_step=step)) == [0.0]
    assert judge.seeds[0] != judge.seeds[1] == judge.seeds[2]
    judge.text = "T_cell"
    assert reward(["?"], ["CD3E"], [1]) == [1.0]


def test_truth():
    reward = TruthReward("truth", LESSONS, "annotation", invalid_reward=-1.0)
    assert reward(["?"] * 4, ["B_cell", "T_cell", "what", "CD3E"], [0, 0, 0, 1]) == [1.0, 0.0, -1.0, None]
    reward = TruthReward("truth", LESSONS, "generation")
    assert reward(["?"] * 2, ["CD3E IL7R", "CD79A"], [1, 1]) == [1.0, 0.0]


def test_a_policy_is_asked_where_it_is_live():
    entered = []

    class Live(Judge):
        def live(self):
            entered.append("in")
            return self

        def __enter__(self):
            return self

        def __exit__(self, *_):
            entered.append("out")

        def skip_generate(self):
            entered.append("over")
            return SimpleNamespace()

    reward = duality("annotation", Live())
    reward(["?"], ["B_cell"], [0])
    assert entered == ["in", "out"]
    reward(["?"], ["nothing"], [0])  # others may ask: this process has to stand in
    assert entered == ["in", "out"] * 1 + ["in", "over", "out"]
