"""Reward functions in TRL's signature: worked examples, what is not read, what is not known."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.rewards import (
    batch,
    categorical,
    exact_match,
    from_text,
    gene_program,
    ground_truth,
    inpainting,
    normal_form,
    rank_weighted_jaccard,
)


@dataclass(frozen=True)
class Intervention:
    target: str


@pytest.mark.parametrize(
    ("truth", "answer", "expected"),
    [
        ("B cell", "B cell", 1),
        ("B cell", " b__CELL\t", 1),
        ("γδ T cell", "ΓΔ T cell", 1),
        ("B cell", "B cells", 0),
        ("B cell", "", 0),
        ("NK cell", "N\u212a cell", 0),  # the sign for kelvin
        ("B cell", "В cell", 0),  # a Cyrillic letter
        ("B cell", "B\u200bcell", 0),
        (Intervention("STAT1"), Intervention("STAT1"), 1),
        (Intervention("STAT1"), Intervention("STAT2"), 0),
        ("STAT1", Intervention("STAT1"), 0),
    ],
)
def test_match_of_labels_and_of_other_things(truth, answer, expected):
    assert exact_match(truth, answer) == expected
    assert categorical([answer], unknown=[truth]) == [expected]


@given(st.text())
def test_normal_form_is_the_same_once_and_twice(label):
    assert normal_form(normal_form(label)) == normal_form(label) == normal_form(f"_ {label}\n")


@pytest.mark.parametrize(
    ("reward", "column", "right", "wrong"),
    [
        (categorical, "unknown", "B cell", "T cell"),
        (inpainting, "unknown", ("CD79A", "MS4A1"), ("CD3E",)),
        (ground_truth, "truth", "B cell", "T cell"),
        (ground_truth, "truth", ["CD79A", "MS4A1"], ["CD3E"]),
        (batch, "truth", ("B cell", "T cell"), ("T cell", "B cell")),
        (gene_program(["CD79A", "MS4A1", "CD3E"]), "truth", ["CD79A", "MS4A1"], None),
    ],
)
def test_every_reward_keeps_the_order_and_tells_unread_from_unknown(reward, column, right, wrong):
    """An answer that was not read gets the penalty, a row without a reference gets no reward at all."""
    completions = [right, wrong, None, right]
    found = reward(completions=completions, **{column: [right, right, right, None]}, prompts=["…"] * 4, other=None)
    assert found[0] == 1
    assert found[1] == (reward(completions=[wrong], **{column: [right]})[0] if wrong else found[2])
    assert found[1] < 1
    assert found[2] == (-1 if reward is batch else 0)
    assert found[3] is None
    assert reward([None], **{column: [right]}, invalid_reward=-0.5) == [-0.5]


@pytest.mark.parametrize("reward", [categorical, inpainting])
def test_columns_of_another_length_are_refused(reward):
    with pytest.raises(ValueError, match="2 completions, but 1 values"):
        reward(["A", "B"], unknown=["A"])


def test_a_cell_is_as_good_as_its_similarity_to_the_true_one():
    true, generated = ("A", "B", "C"), ("A", "C", "D")
    by_hand = (1 + (1 / 3 + 1 / 2) / 2) / (1 + 1 / 2 + 1 / 3 + 1 / 3)
    assert ground_truth([generated], truth=[true]) == [pytest.approx(by_hand)]
    assert inpainting([generated], unknown=[true]) == [rank_weighted_jaccard(true, generated)]


@pytest.mark.parametrize(
    ("answer", "whole", "mean"),
    [
        (("B cell", "T cell", "NK cell"), 1, 1),
        (("b_cell", "t cell", "nk CELL"), 1, 1),
        (("B cell", "NK cell", "T cell"), 0, (0 + 1 / 3) / 2),
        (("NK cell", "B cell", "T cell"), 0, 0),
        (("B cell", "T cell"), -1, -1),  # a label is missing: a bad format
        ((), -1, -1),
        (None, -1, -1),
    ],
)
def test_batch_by_hand(answer, whole, mean):
    truth = [("B cell", "T cell", "NK cell")]
    assert batch([answer], truth) == [whole]
    assert batch([answer], truth, with_cells=True) == [pytest.approx(mean)]


def test_text_is_read_before_it_is_judged():
    def read(text):
        return text.removeprefix("type: ") if text.startswith("type: ") else None

    reward = from_text(categorical, read)
    texts = ["type: B cell", "type: T cell", "I do not know"]
    talks = [[{"role": "user", "content": "type: T cell"}, {"role": "assistant", "content": text}] for text in texts]
    assert reward.__name__ == "categorical"
    for completions in (texts, talks):
        rewards = reward(prompts=[""] * 3, completions=completions, completion_ids=[[]] * 3, unknown=["B cell"] * 3)
        assert rewards == [1, 0, 0]


def test_what_is_read_may_depend_on_the_row_and_options_are_passed_on():
    def read(text, labels):
        return text if text in labels else None

    reward = from_text(batch, lambda text, labels: read(text, labels) and (text,), per_row=["labels"], with_cells=True)
    assert reward(["A", "B"], labels=[["A"], ["A"]], truth=[("A",), ("A",)]) == [1, -1]
    assert from_text(categorical, read, per_row=["labels"], invalid_reward=-2)(
        ["A", "B"], labels=["A", "A"], unknown=["A", "A"]
    ) == [1, -2]
