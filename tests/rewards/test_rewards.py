"""Reward functions in TRL's signature: worked examples, unreadable completions, unknown truths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from sc_duality.metrics import kendall_tau, rank_weighted_jaccard
from sc_duality.rewards import (
    completion_text,
    format_reward,
    gene_program_reward,
    ground_truth_reward,
    joint_annotation_reward,
    read_answers,
)
from sc_duality.tasks import (
    Annotation,
    Failure,
    GeneChangeExample,
    GeneChangeResponse,
    Generation,
    GenerationExample,
    JointAnnotation,
    JointAnnotationExample,
    LabelExample,
    Perturbation,
    Response,
    ResponseExample,
)

LABELS, CELLS = ("B cell", "T cell", "NK cell"), (("CD79A",), ("CD3E",), ("NKG7",))
PROGRAM = tuple("ABCDEF")


def annotation(truth="B cell"):
    return Annotation().question(LabelExample(genes=("CD79A",), options=LABELS, truth=truth))


def generation(truth=("A", "B", "C")):
    return Generation().question(GenerationExample(cell_type="B cell", options=LABELS, truth=truth))


def joint(truth=LABELS):
    return JointAnnotation().question(JointAnnotationExample(cells=CELLS, options=LABELS, truth=truth))


JOINT = joint()


def tagged(text):
    return f"<answer>{text}</answer>"


def chat(text):
    return [{"role": "user", "content": tagged("T cell")}, {"role": "assistant", "content": text}]


@pytest.mark.parametrize(
    ("reward", "question", "right", "wrong"),
    [
        (ground_truth_reward, annotation, "B cell", "T cell"),
        (ground_truth_reward, generation, "A B C", "D"),
        (ground_truth_reward, joint, "B cell | T cell | NK cell", "T cell | NK cell | B cell"),
        (joint_annotation_reward, joint, "B cell | T cell | NK cell", "B cell | NK cell | T cell"),
        (gene_program_reward(["A", "B", "C"]), generation, "A B C", "C B A"),
    ],
)
@pytest.mark.parametrize("form", [str, chat])
def test_every_reward_keeps_the_order_and_tells_unreadable_from_unknown(reward, question, right, wrong, form):
    completions = [form(text) for text in (tagged(right), tagged(wrong), "?", tagged(right))]
    questions = [question(), question(), question(), question(None)]
    found = reward(prompts=["…"] * 4, completions=completions, question=questions, example=[None] * 4, other=None)
    from_minus_1 = reward.__name__ == "gene_program_reward"
    unreadable = -1 if from_minus_1 or reward is joint_annotation_reward else 0
    assert found == [pytest.approx(1), -1 if from_minus_1 else 0, unreadable, None]


@pytest.mark.parametrize("reward", [ground_truth_reward, joint_annotation_reward, format_reward, read_answers])
def test_columns_of_another_length_raise(reward):
    with pytest.raises(ValueError, match="zip"):
        reward([tagged("B cell"), tagged("T cell")], [annotation()])


@pytest.mark.parametrize("reward", [ground_truth_reward, joint_annotation_reward, format_reward])
@given(texts=st.lists(st.text() | st.sampled_from([tagged("|".join(LABELS)), "<think>", tagged("")]), max_size=5))
def test_any_text_gets_a_reward(reward, texts):
    found = reward(texts, [JOINT] * len(texts))
    assert len(found) == len(texts)
    assert all(-1 <= one <= 1 for one in found)


def test_text_of_completions_and_conversations():
    assert completion_text("B cell") == "B cell"
    assert completion_text(chat("B cell")) == "B cell"


def test_answers_are_read_by_their_own_questions():
    found = read_answers(
        [tagged("b_cell"), "<think>hm</think>" + tagged("A B"), "A"], [annotation()] + [generation()] * 2
    )
    assert [answer and answer.value for answer in found] == ["B cell", ("A", "B"), None]
    assert found[1].reasoning == "hm"


def test_format():
    texts = [tagged("T cell"), "T cell", tagged("neuron"), "<think>T cell", chat(tagged("nk_cell")), ""]
    assert format_reward(texts, [annotation()] * 6) == [0, -1, -1, -1, 0, -1]
    assert format_reward([tagged("T cell")], [annotation(None)]) == [0]


def test_a_cell_has_its_similarity_to_the_true_one():
    by_hand = (1 + (1 / 3 + 1 / 2) / 2) / (1 + 1 / 2 + 1 / 3 + 1 / 3)
    assert ground_truth_reward([tagged("A C D")], [generation()]) == [pytest.approx(by_hand)]
    assert by_hand == pytest.approx(rank_weighted_jaccard(("A", "B", "C"), ("A", "C", "D")))


@pytest.mark.parametrize(
    ("text", "truth", "expected"),
    [("b_CELL", "B cell", 1), ("B cells", "B cell", 0), ("T cell", "B cell", 0), ("В cell", "B cell", 0)],
)
def test_a_label_matches_exactly(text, truth, expected):
    assert ground_truth_reward([tagged(text)], [annotation(truth)]) == [expected]


def test_a_perturbation_is_reconstructed_exactly():
    options = (Perturbation("knockdown", "STAT1"), Perturbation("knockdown", "STAT2"))
    example = ResponseExample(genes=("A",), perturbation=options[0], options=options)
    dual = Response().dual(example, ("B",))
    texts = [dual.completion(one) for one in options]
    assert ground_truth_reward(texts, [dual] * 2) == [1, 0]
    assert isinstance(dual.parse("knockdown"), Failure)


@pytest.mark.parametrize(
    ("answer", "whole", "mean", "share"),
    [
        ("B cell | T cell | NK cell", 1, 1, 1),
        ("b_cell|t cell|nk CELL", 1, 1, 1),
        ("B cell | NK cell | T cell", 0, (0 + 1 / 3) / 2, 1 / 3),
        ("NK cell | B cell | T cell", 0, 0, 0),
        ("B cell | T cell", -1, -1, 0),  # a label is missing: a bad format
        ("B cell | T cell | T cell", -1, -1, 0),
        ("", -1, -1, 0),
    ],
)
def test_joint_annotation_by_hand(answer, whole, mean, share):
    completions, questions = [tagged(answer)], [joint()]
    assert joint_annotation_reward(completions, questions) == [whole]
    assert joint_annotation_reward(completions, questions, with_cells=True) == [pytest.approx(mean)]
    assert ground_truth_reward(completions, questions) == [pytest.approx(share)]


def test_gene_program_is_tau_b_and_has_a_name():
    reward = gene_program_reward(PROGRAM)
    assert reward.__name__ == "gene_program_reward"
    assert reward([tagged("A B C"), tagged("B A C")], [generation(PROGRAM)] * 2) == [
        kendall_tau(PROGRAM, list("ABC"), PROGRAM),
        kendall_tau(PROGRAM, list("BAC"), PROGRAM),
    ]


def test_gene_programs_of_changes_rank_up_unnamed_and_down():
    options = (Perturbation("control"), Perturbation("cytokine", "IFNB1"))
    example = GeneChangeExample(
        genes=("A",), perturbation=options[1], options=options, n_changed=3, truth=(("A", "B"), ("F",))
    )
    question = GeneChangeResponse(prompt_format="compact").question(example)
    expected = [
        kendalltau([3, 2, 0, 0, 0, -1], other).statistic
        for other in ([3, 2, 0, 0, 0, -1], [2, 3, 0, 0, 0, 0], [-1, 0, 0, 0, 0, 2])
    ]
    found = gene_program_reward(PROGRAM)(["A B | F", "B A |", "F | A", "|", "A"], [question] * 5)
    assert found == [*map(pytest.approx, expected), 0, -1]


def test_a_gene_program_is_not_read_from_labels_or_by_a_model_that_does_not_know_it():
    reward = gene_program_reward(["A", "B", "C"])
    assert reward([tagged("B cell")], [annotation()]) == [None]
    example = GenerationExample(cell_type="B cell", options=LABELS, truth=("A", "D"))
    unknown = Generation(vocabulary={"A", "D"}).question(example)
    with pytest.raises(ValueError, match="knows fewer than two of the 3 genes of the program"):
        reward([tagged("A")], [unknown])


def test_rewards_say_that_they_need_the_truth():
    assert gene_program_reward(PROGRAM).needs_truth
    assert ground_truth_reward.needs_truth
    assert joint_annotation_reward.needs_truth
    assert not hasattr(format_reward, "needs_truth")


@pytest.mark.parametrize("genes", [[], ["A"], ["A", "A"], "ABC"])
def test_gene_programs_of_fewer_than_two_genes_raise(genes):
    with pytest.raises(ValueError, match="two different genes"):
        gene_program_reward(genes)
