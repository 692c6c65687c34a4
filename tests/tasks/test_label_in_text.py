"""Common forms around one label are read; a text that names two, or denies one, never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.tasks import Annotation, Answer, Failure, FreeName, Label, LabelExample, Reason

LABELS = ("B cell", "T cell", "CD4 T cell", "natural killer cell", "1")
label = Label(LABELS, LABELS)
question = Annotation().question(LabelExample(genes=("CD79A",), options=LABELS))


@pytest.mark.parametrize(
    "text",
    [
        "**B cell**",
        '"B cell"',
        "'b cell'",
        "B cell.",
        "**B cell**.",
        "**B cell.**",
        "2. B cell",
        "2) **B cell**",
        "- B cell",
        "Answer: B cell",
        "**Answer:** B cell",
        "Final answer: **B_cell**.",
        "Cell type: B cell",
        "The most likely cell type is: B cell",
    ],
)
def test_decorated_labels(text):
    assert label.find(text, sentence=True).value == "B cell"
    assert question.parse(f"<answer>{text}</answer>").reason == Reason.UNKNOWN_LABEL
    assert question.parse_tolerantly(f"<think>CD79A</think><answer>{text}</answer>") == Answer("B cell", "CD79A")


@pytest.mark.parametrize("text", ["**B cell**", " b cell\n", "Answer: B cell", "B cell.", "- B cell"])
def test_missing_tags_around_a_label(text):
    assert question.parse(text).reason == Reason.NO_TAG
    assert question.parse_tolerantly(text).value == "B cell"
    assert question.parse_tolerantly(f"<think>not a T cell</think>\n\n{text}") == Answer("B cell", "not a T cell")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The cell is a B cell.", "B cell"),
        ("This cluster is most likely a CD4 T cell.", "CD4 T cell"),
        ("These cells are T cell", "T cell"),
        ("The most likely cell type of this cluster is **natural killer cell**.", "natural killer cell"),
        ("It is a B cell because CD79A and MS4A1 are high.", "B cell"),
        ("I choose B cell, based on CD79A.", "B cell"),
    ],
)
def test_one_sentence_around_the_only_label(text, value):
    assert question.parse_tolerantly(f"<answer>{text}</answer>").value == value
    assert question.parse_tolerantly(text).reason == Reason.NO_TAG  # without tags, only a label alone


@pytest.mark.parametrize(
    "text",
    [
        "not a B cell",
        "This is not a B cell.",
        "It isn't a B cell",
        "It cannot be a B cell.",
        "It is hardly a B cell.",
        "It is false that this is a B cell.",
        "I doubt that it is a B cell.",
        "B cell or T cell",
        "B cell, T cell",
        "B cell / plasma cell",
        "B cell or plasma cell",
        "T cell (CD4 T cell)",
        "either a B cell or something else",
        "pre-B cell",
        "The cell is a pre-B cell.",
        "B cell-like",
        "B cells",
        "NK/T cell",
        "The cell is a CD8 T cell.",
        "It is similar to a B cell.",
        "a precursor of a B cell",
        "Unlike a B cell, it has no CD79A.",
        "The cell is a B cell. It has CD79A.",
        "Is it a B cell?",
        "It is a B cell because it is not a macrophage.",
        "1. B cell",  # "1" is a label here
        "B cel",
        "",
        "B cell " * 100,
    ],
)
def test_no_label_is_read_where_there_is_doubt(text):
    assert isinstance(question.parse_tolerantly(f"<answer>{text}</answer>"), Failure)
    assert isinstance(label.find(text, sentence=True), Failure)


@pytest.mark.parametrize(
    "text",
    [
        "<think>it may be a B cell",
        "It may be a B cell",
        "<answer>B cell",
        "B cell</answer>",
        "<answer>T cell</answer>B cell</think>",
        "CD79A\nB cell",
        "<think>x</think>B cell<think>",
    ],
)
def test_unfinished_text_is_not_read(text):
    assert isinstance(question.parse_tolerantly(text), Failure)


SUBJECT = ["the", "cell", "is", "a", "most", "likely", "of", "type", "this", "not", "because", "answer:"]
PIECES = [*SUBJECT, "**", "1.", "-", "and", "or", ",", ".", "/", "(", ")", "\n"]
around = st.lists(st.sampled_from(PIECES), max_size=6).map(" ".join)


@given(st.permutations(LABELS[:4]), around, around, around, st.booleans())
def test_a_text_that_names_two_options_is_never_read_as_one(names, before, between, after, sentence):
    first, second = names[:2]
    text = f"{before} {first} {between} {second} {after}"
    found = label.find(text, sentence=sentence)
    assert isinstance(found, Failure)
    assert isinstance(question.parse_tolerantly(text), Failure)
    assert isinstance(question.parse_tolerantly(f"<answer>{text}</answer>"), Failure)


@given(st.text(max_size=60), st.sampled_from(LABELS), st.text(max_size=60))
def test_any_text_around_a_label_gives_a_label_in_it_or_none(before, name, after):
    found = label.find(before + name + after, sentence=True)
    assert isinstance(found, Failure) or found.value in LABELS


@given(st.text())
def test_what_is_read_exactly_is_read_the_same(text):
    for completion in (text, f"<answer>{text}</answer>", f"<answer>{LABELS[0]}</answer>{text}"):
        strict = question.parse(completion)
        if isinstance(strict, Answer):
            assert question.parse_tolerantly(completion) == strict


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("naive B cell", "naive B cell"),
        ("**naive B cell**", "naive B cell"),
        ("1. CD4+ T cell (Th17)", "CD4+ T cell (Th17)"),
        ("The cells are CD14+ monocytes.", "CD14+ monocytes"),
        ("Cell type: γδ T cell", "γδ T cell"),
        ("Unknown", "unknown"),
        ("Unclear.", "unknown"),
        ("T cell/NK cell", "T cell/NK cell"),
    ],
)
def test_free_names(text, value):
    assert FreeName().parse(text) == Answer(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.EMPTY),
        (" \n", Reason.EMPTY),
        ("B cell\nT cell", Reason.NOT_A_NAME),
        ("x" * 81, Reason.NOT_A_NAME),
        ("I am not sure about it", Reason.NOT_A_NAME),
        ("They have CD79A. B cell", Reason.NOT_A_NAME),
        ("B cell\x00", Reason.NOT_A_NAME),
        ("**", Reason.NOT_A_NAME),
        ("123", Reason.NOT_A_NAME),
        ("a" * 1_000_000, Reason.NOT_A_NAME),
    ],
)
def test_what_is_not_a_name_has_a_reason(text, reason):
    found = FreeName().parse(text)
    assert (found.reason, len(found.detail) <= 80) == (reason, True)


def test_a_free_name_without_tags_must_be_marked():
    assert FreeName().find("**B cell**", sentence=False).value == "B cell"
    assert FreeName().find("Cell type: B cell", sentence=False).value == "B cell"
    assert FreeName().find("B cell perhaps", sentence=False).reason == Reason.NO_TAG


@given(st.text())
def test_any_text_is_a_short_name_or_fails(text):
    found = FreeName().parse(text)
    if isinstance(found, Answer):
        assert 0 < len(found.value) <= 80
        assert found.value.isprintable()
        assert FreeName().parse(FreeName().write(found.value)) == found or found.value != "unknown"
