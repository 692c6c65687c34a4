"""Cell-o1's puzzle and its dual."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.tasks import Failure, Puzzle, Reason, puzzle_example

CELLS = [[f"{name}{i}" for i in range(10)] for name in "ABC"]
TYPES = ["B cell", "T cell", "plasma cell"]


@pytest.fixture(params=["plain", "cell-o1"])
def task(request):
    return Puzzle(request.param)


@given(st.permutations(TYPES))
def test_right_answers_are_read_back(order):
    for prompt_format in ("plain", "cell-o1"):
        puzzle = Puzzle(prompt_format)
        example = puzzle_example(CELLS, TYPES, truth=order)
        assert puzzle.parse("<think>hm | ha</think>" + puzzle.answer(order), example).value == tuple(order)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("B cell | T cell", Reason.WRONG_COUNT),
        ("B cell | T cell | T cell", Reason.DUPLICATE),
        ("B cell | T cell | neuron", Reason.UNKNOWN_LABEL),
        ("B cell, T cell, plasma cell", Reason.WRONG_COUNT),
    ],
)
def test_answers_that_break_the_rules_are_told(task, answer, reason):
    found = task.parse(f"<answer>{answer}</answer>", puzzle_example(CELLS, TYPES))
    assert isinstance(found, Failure)
    assert found.reason == reason


def test_question_shows_every_cell_and_candidate_once(task):
    example = puzzle_example(CELLS, TYPES, context={"tissue": "lung"}, hidden_fraction=0.3)
    text = task.prompt(example)
    words = text.replace(",", " ").split()
    for observed, hidden in zip(example.known["cells"], example.unknown, strict=True):
        assert [word for word in words if word in observed] == list(observed)
        assert not set(words) & set(hidden)
        assert len(hidden) == 3
    assert "The cell originates from the lung." in text
    assert all(text.count(label) == 1 for label in TYPES)


def test_hidden_genes_come_back(task):
    example = puzzle_example(CELLS, TYPES, hidden_fraction=0.3)
    prompt = task.dual_prompt(TYPES, example)
    assert all(label in prompt for label in TYPES)
    read = task.parse_dual(task.dual_answer(example.unknown), example)
    assert read.value == example.unknown
    assert task.score(example.unknown, read.value) == pytest.approx(1)
    one_lost = task.parse_dual("<answer>" + " | ".join([" ".join(example.unknown[0]), "", ""]) + "</answer>", example)
    assert task.score(example.unknown, one_lost.value) == pytest.approx(1 / 3)
    assert task.parse_dual("<answer>A1 | B1</answer>", example).reason == Reason.WRONG_COUNT


def test_puzzles_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one label for each cell, not 2 for 3"):
        puzzle_example(CELLS, TYPES[:2])
    with pytest.raises(ValueError, match="is no order of the labels"):
        puzzle_example(CELLS, TYPES, truth=["B cell", "B cell", "T cell"])


def test_cell_o1_asks_in_its_own_words():
    text = Puzzle("cell-o1").prompt(puzzle_example(CELLS, TYPES))
    assert text.startswith("You are an expert assistant specialized in cell type annotation.")
    assert "You will also receive a list of 3 candidate cell types" in text
