"""Every task through the rewards, SFT, GRPO and distillation."""

import pytest

from sc_duality.duality import Duality, DualityReward, PseudoLabelReward
from sc_duality.rewards import format_reward, ground_truth_reward, joint_annotation_reward
from sc_duality.tasks import TrainingExample
from sc_duality.tl._rejection_sampling import verdict
from sc_duality.train._task_reward import TaskReward
from tests.duality.cases import CASES, dual_model, each_case, scores


def completions(case):
    """A right, a wrong and an unreadable completion, with the question of each."""
    question = case.task.question(case.example)
    return [question.completion(case.example.truth), question.completion(case.wrong), "?"], [question] * 3


@each_case
def test_ground_truth_and_format(case):
    texts, questions = completions(case)
    right, wrong, unreadable = ground_truth_reward(texts, questions)
    assert (right, wrong, unreadable) == (pytest.approx(1), 0, 0)
    assert format_reward(texts, questions) == [0, 0, -1]


@pytest.mark.parametrize("name", ["joint annotation of 3", "joint annotation of 7"])
def test_a_fully_swapped_joint_annotation(name):
    texts, questions = completions(CASES[name])
    assert ground_truth_reward(texts, questions) == [1, 0, 0]
    assert joint_annotation_reward(texts, questions) == [1, 0, -1]


@each_case
def test_pseudo_labels(case, scripted_model):
    texts, questions = completions(case)
    sign = questions[0].prompt.splitlines()[0]
    reference = scripted_model(sign, texts[0])
    assert PseudoLabelReward(lambda: reference)(texts, questions) == [pytest.approx(1), 0, 0]
    if questions[0].answer_type.options is None:
        assert reference.params.temperature == 0
        assert reference.params.max_tokens == reference.spec.max_new_tokens(questions[0].answer_type.n_tokens)
        silent = scripted_model("no such text", texts[0])
        assert PseudoLabelReward(lambda: silent)(texts, questions) == [None, None, None]


@each_case
def test_texts_for_sft(case):
    one = TrainingExample(case.task, case.example, (case.wrong,))
    question, dual = one.questions()
    assert one.texts() == [
        (question.prompt, question.completion(case.example.truth)),
        (dual.prompt, dual.completion(case.example.hidden)),
    ]
    true, wrong = one.contrast_texts()
    assert true == one.texts()[1]
    assert (true[0] != wrong[0], true[1] == wrong[1]) == (True, True)
    assert TrainingExample(case.task, case.example).contrast_texts() == []


def state(step):
    class State:
        global_step = step

    return State()


@each_case
def test_duality_reward_in_grpo(case, scripted_model):
    texts, _ = completions(case)
    form = "likelihood" if case.posterior is None else "posterior"
    model, logged = dual_model(scripted_model, case), {}
    others = [TrainingExample(one.task, one.example) for one in CASES.values() if one.task.name != case.task.name]
    examples = [TrainingExample(case.task, case.example), *others]
    reward = TaskReward(
        "duality",
        DualityReward(Duality(form=form), lambda: model),
        examples,
        [one.question() for one in examples],
        case.task.name,
    )
    chats = [[{"role": "assistant", "content": text}] for text in (*texts, texts[0])]
    found = reward(
        ["…"] * 4, chats, [0, 0, 0, 1], trainer_state=state(0), log_metric=logged.__setitem__, other=list("abcd")
    )
    right, wrong, _ = scores(model, case, form)
    assert found == [pytest.approx(right), pytest.approx(wrong), 0, None]
    assert logged == {"duality/valid": pytest.approx(2 / 3)}
    assert reward(["…"], ["?"], [0], trainer_state=state(0)) == [0]
    assert reward(["…"], [texts[0]], [1], trainer_state=state(0)) == [None]


def test_sampled_rewards_depend_on_the_seed_and_the_step(scripted_model):
    case, seeds = CASES["annotation"], []
    texts, questions = completions(case)
    model = dual_model(scripted_model, case)
    for seed, step in ((0, 0), (0, 1), (1, 0), (0, 0)):
        reward = DualityReward(Duality(form="sample", n_samples=1), lambda: model, seed)
        found = reward(texts[:2], questions[:2], [case.example] * 2, case.task, trainer_state=state(step))
        assert found == [pytest.approx(1), 0]
        seeds.append(model.params.seed)
    assert len(set(seeds[:3])) == 3
    assert seeds[3] == seeds[0]


@each_case
@pytest.mark.parametrize("side", ["primal", "dual"])
def test_verdict_of_distillation(case, side):
    question = (
        case.task.question(case.example) if side == "primal" else case.task.dual(case.example, case.example.truth)
    )
    right = question.completion(question.target)
    assert verdict(question, right, 0.9).outcome == "accepted"
    assert verdict(question, "<think>so</think>" + right, 0.9).has_reasoning
    assert verdict(question, None, 0.9).outcome == "not answered"
    assert verdict(question, "?", 0.9).outcome == "no answer tag"
    if question.answer_type.options:
        wrong = next(one for one in question.answer_type.options if one != question.target)
    else:
        wrong = case.wrong if side == "primal" else tuple(reversed_genes(question.target))
    assert verdict(question, question.completion(wrong), 1.0).outcome == (
        "below threshold" if question.answer_type.longest is None else "wrong label"
    )


def reversed_genes(target):
    """Genes that are all wrong, for one cell or for several."""
    return ["X", "Y"] if isinstance(target[0], str) else [("X", "Y")] * len(target)
