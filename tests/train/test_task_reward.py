"""Rewards as TRL calls them: the columns they get, the completions they leave out, and what they log."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from sc_duality import Duality
from sc_duality.duality import DualityReward, PseudoLabelReward
from sc_duality.models import ModelSpec
from sc_duality.rewards import format_reward, ground_truth_reward
from sc_duality.tasks import Annotation, Generation, GenerationExample, LabelExample, TrainingExample
from sc_duality.train._task_reward import TaskReward

LABELS = ("B cell", "T cell")
GENES = ("CD79A", "MS4A1")
EXAMPLES = [
    TrainingExample(
        Annotation(prompt_format="compact"),
        LabelExample(genes=GENES, options=LABELS, hidden_genes=GENES, truth="B cell"),
    ),
    TrainingExample(
        Generation(prompt_format="compact"),
        GenerationExample(cell_type="T cell", options=LABELS, truth=("CD3E", "IL7R")),
    ),
]
QUESTIONS = [one.question() for one in EXAMPLES]


class Verifier:
    """Prefers B cells where CD79A is expressed, and generates one text."""

    def __init__(self, text="B_cell"):
        self.spec, self.text, self.seeds = ModelSpec("verifier", "verifier"), text, []

    def likelihood(self, prompts, answers):
        return np.array([0.0 if "B_cell" in prompt else -np.log(3) for prompt in prompts])

    def score(self, prompts, choices):
        return np.array([[-np.log(3), 0.0] if "CD3E" in prompt else [0.0, -np.log(3)] for prompt in prompts])

    def generate(self, prompts, sampling):
        self.seeds.append(sampling.seed)
        return [self.text] * len(prompts)


def task_reward(name, reward, task=None):
    return TaskReward(name, reward, EXAMPLES, QUESTIONS, task)


def duality(task, verifier=None, seed=0, **settings):
    model = Verifier() if verifier is None else verifier
    return task_reward("duality", DualityReward(Duality(**settings), lambda: model, seed), task)


def test_posterior_of_labels():
    found = duality("annotation")(["?"] * 3, ["B_cell", "t cell", "B_cell or not"], [0, 0, 0])
    assert found == pytest.approx([0.75, 0.25, 0.0])


def test_completions_of_other_tasks_are_left_out():
    completions = ["B_cell", "CD3E IL7R", "T_cell", "CD79A"]
    high, low = pytest.approx(0.75), pytest.approx(0.25)
    assert duality("annotation")(["?"] * 4, completions, [0, 1, 0, 1]) == [high, None, low, None]
    assert duality("generation")(["?"] * 4, completions, [0, 1, 0, 1]) == [None, high, None, low]
    assert duality("generation")(["?"], ["B_cell"], [0]) == [None]


def test_completions_of_a_chat():
    chat = [{"role": "assistant", "content": "B_cell"}]
    assert duality("annotation")(["?"], [chat], [0]) == pytest.approx([0.75])


def test_completions_that_cannot_be_read():
    logged = {}
    reward = duality("annotation")
    found = reward(["?"] * 4, ["", "maybe", "T_cell", "B_cell"], [0] * 4, log_metric=logged.__setitem__)
    assert found == pytest.approx([0.0, 0.0, 0.25, 0.75])
    assert logged == {"duality/valid": 0.5}
    assert reward(["?"], ["nothing"], [0]) == [0.0]
    assert task_reward("format", format_reward)(["?"] * 2, ["maybe", "B_cell"], [0, 0]) == [-1.0, 0.0]


def test_a_verifier_without_an_answer():
    verifier = Verifier()
    verifier.likelihood = lambda prompts, _: np.full(len(prompts), np.nan)
    assert duality("annotation", verifier)(["?"], ["B_cell"], [0]) == [0.0]


def test_samples_change_with_the_step_and_not_with_the_call():
    verifier = Verifier()
    reward = duality("generation", verifier, seed=5, form="sample", n_samples=1)
    for step in (0, 1, 1):
        assert reward(["?"], ["CD3E"], [1], trainer_state=SimpleNamespace(global_step=step)) == [0.0]
    assert verifier.seeds[0] != verifier.seeds[1] == verifier.seeds[2]
    verifier.text = "T_cell"
    assert reward(["?"], ["CD3E"], [1]) == [1.0]


def test_ground_truth():
    reward = task_reward("truth", ground_truth_reward, "annotation")
    assert reward(["?"] * 4, ["B_cell", "T_cell", "what", "CD3E"], [0, 0, 0, 1]) == [1.0, 0.0, 0.0, None]
    reward = task_reward("truth", ground_truth_reward, "generation")
    assert reward(["?"] * 2, ["CD3E IL7R", "CD79A"], [1, 1]) == [1.0, 0.0]


def test_pseudo_label_is_the_best_answer_of_the_reference():
    reference = Verifier("CD3E")
    reward = PseudoLabelReward(lambda: reference)
    found = task_reward("pseudo", reward, "annotation")(["?"] * 3, ["B_cell", "T_cell", "what"], [0, 0, 0])
    assert found == [1.0, 0.0, 0.0]  # the reference prefers B cells
    reward = task_reward("pseudo", reward, "generation")
    assert reward(["?"] * 2, ["CD3E", "CD79A"], [1, 1]) == [1.0, 0.0]
    reward(["?"], ["CD3E"], [1])
    assert len(reference.seeds) == 1  # its answer is remembered


def test_a_function_gets_questions_examples_and_columns():
    seen = {}

    def reward(completions, question, example, prompts, own=None, **columns):
        seen.update(columns, own=own, prompts=prompts)
        rows = zip(question, completions, example, strict=True)
        return [float(one.parse(text).value == cell.truth) for one, text, cell in rows]

    found = task_reward("mine", reward)(["?", "!"], ["B_cell", "CD3E IL7R"], [0, 1], own=[3, 4], trainer_state="state")
    assert "task" not in seen, "completions of two tasks have more than one"
    assert found == [1.0, 1.0]
    assert seen["own"] == [3, 4]
    assert seen["prompts"] == ["?", "!"]
    assert seen["trainer_state"] == "state"


def test_a_function_without_keywords_gets_the_columns_that_it_names():
    def reward(completions, genes, truth, unit, scale=1.0):
        assert genes == [GENES, None]
        assert truth == ["B cell", ("CD3E", "IL7R")]
        assert unit == ["cell 1", ""]
        return [scale * len(text) for text in completions]

    examples = [EXAMPLES[0]._replace(unit="cell 1"), EXAMPLES[1]]
    found = TaskReward("mine", reward, examples, QUESTIONS)(["?", "!"], ["B_cell", "CD3E"], [0, 1], trainer_state=None)
    assert found == [6.0, 4.0]


def test_a_function_that_needs_an_unknown_column_is_refused():
    def reward(completions, truht):
        return [float(one == text) for one, text in zip(truht, completions, strict=True)]

    with pytest.raises(TypeError, match=r"reward=mine needs truht, but the columns are .*truth"):
        task_reward("mine", reward)


def test_values_of_a_partial_function_are_kept():
    def reward(completions, scale=None):
        return [scale] * len(completions)

    assert task_reward("mine", partial(reward, scale=2.0))(["?"], ["B_cell"], [0]) == [2.0]


def test_a_function_logs_metrics_of_its_own():
    logged = {}

    def reward(completions, log_metric):
        log_metric("length", 3.0)
        return [0.0] * len(completions)

    task_reward("mine", reward)(["?"], ["B_cell"], [0], log_metric=logged.__setitem__)
    assert logged == {"length": 3.0, "mine/valid": 1.0}


def test_a_policy_is_queried_where_its_weights_are_live():
    entered = []

    class Live(Verifier):
        def live(self):
            entered.append("in")
            return self

        def __enter__(self):
            return self

        def __exit__(self, *_):
            entered.append("out")

        def skip_generate(self):
            entered.append("skipped")
            return SimpleNamespace()

    reward = duality("annotation", Live())
    reward(["?"], ["B_cell"], [0])
    assert entered == ["in", "out"]
    reward(["?"], ["nothing"], [0])  # other processes may query it: this one takes part
    assert entered == ["in", "out", "in", "skipped", "out"]
