"""What a model wrote is read as what it is, or refused with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.tasks import Answer, Failure, Reason, read_answer, read_genes, read_label

LABELS = ["B cell", "CD4 T cell", "T cell"]


@pytest.mark.parametrize(
    ("text", "value", "reasoning"),
    [
        ("<answer>B cell</answer>", "B cell", ""),
        ("<think>why</think><answer>B cell</answer>", "B cell", "why"),
        ("<think>\nwhy\n</think>\n\n<answer>\n B cell\n</answer>\n", "B cell", "why"),
        ("<think>maybe <answer>T cell</answer>, no</think><answer>B cell</answer>", "B cell", None),
        ("Sure!\n<answer>B cell</answer> I hope this helps.", "B cell", ""),
    ],
)
def test_answer_between_tags_is_found(text, value, reasoning):
    found = read_answer(text, tagged=True)
    assert found.value == value
    if reasoning is not None:
        assert found.reasoning == reasoning


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.NO_TAG),
        ("B cell", Reason.NO_TAG),
        ("<answer>B cell", Reason.NO_TAG),
        ("B cell</answer>", Reason.NO_TAG),
        ("</answer>B cell<answer>", Reason.NO_TAG),
        ("<answer></answer>", Reason.EMPTY),
        ("<answer> \n </answer>", Reason.EMPTY),
        ("<answer>B cell</answer><answer>T cell</answer>", Reason.TWO_ANSWERS),
        ("<answer><answer>B cell</answer></answer>", Reason.TWO_ANSWERS),
        ("<think>unfinished <answer>B cell</answer> or <answer>T cell</answer>", Reason.TWO_ANSWERS),
    ],
)
def test_what_is_wrong_with_tags_is_told(text, reason):
    found = read_answer(text, tagged=True)
    assert isinstance(found, Failure)
    assert found.reason == reason


def test_bare_text_is_the_answer():
    assert read_answer(" B_cell \n", tagged=False) == Answer("B_cell")
    assert read_answer(" \n", tagged=False).reason == Reason.EMPTY


@pytest.mark.parametrize("text", ["B cell", "b CELL", " B   cell", "B_cell", "B\tcell"])
def test_label_is_found_whatever_its_case_and_spacing(text):
    assert read_label(text, LABELS).value == "B cell"


@pytest.mark.parametrize(
    "text", ["B", "cell", "B cells", "a B cell", "B cell, T cell", "B cеll", "B cell\x00", "1. B cell"]
)
def test_label_is_never_found_by_a_part_or_a_look_alike(text):
    assert read_label(text, LABELS).reason == Reason.UNKNOWN_LABEL


def test_label_inside_another_label_is_not_confused():
    assert read_label("T cell", LABELS).value == "T cell"
    assert read_label("CD4 T cell", LABELS).value == "CD4 T cell"


def test_genes_keep_their_first_place_and_others_are_counted():
    found = read_genes("A, B A\nC D", known={"A", "B", "C"})
    assert found == Answer(("A", "B", "C"), dropped=1, doubled=1)
    assert read_genes("X Y", known={"A"}).reason == Reason.NO_KNOWN_GENE
    assert read_genes(" , ", known={"A"}).reason == Reason.EMPTY
    assert read_genes("a", known={"A"}).reason == Reason.NO_KNOWN_GENE  # names are not upper-cased


@given(st.text(st.characters(), max_size=200), st.booleans())
def test_any_text_is_read_without_a_crash_and_only_into_known_labels(text, tagged):
    found = read_answer(text, tagged=tagged)
    if isinstance(found, Answer):
        label = read_label(found.value, LABELS)
        assert isinstance(label, Failure) or label.value in LABELS
        genes = read_genes(found.value, {"A", "B"})
        assert isinstance(genes, Failure) or set(genes.value) <= {"A", "B"}


@pytest.mark.parametrize("text", ["<answer>" * 100_000, "<think>" * 100_000 + "</answer>", "A " * 1_000_000])
def test_megabytes_are_read_in_one_pass(text):
    assert isinstance(read_answer(text, tagged=True), Failure)
    assert read_genes("A " * 1_000_000, {"A"}).doubled == 999_999
