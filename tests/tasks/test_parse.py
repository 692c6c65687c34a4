"""Completions are read exactly, or fail with a reason."""

import pytest

from sc_duality.tasks import Answer, Failure, Reason, read_genes, read_label, read_labels, split_completion

LABELS = ["B cell", "CD4 T cell", "T cell"]


@pytest.mark.parametrize(
    ("text", "value", "reasoning"),
    [
        ("<answer>B cell</answer>", "B cell", ""),
        ("<think>why</think><answer>B cell</answer>", "B cell", "why"),
        ("<think>\nwhy\n</think>\n\n<answer>\n B cell\n</answer>\n", "B cell", "why"),
        ("<think>maybe <answer>T cell</answer>, no</think><answer>B cell</answer>", "B cell", None),
        ("Sure!\n<answer>B cell</answer> I hope this helps.", "B cell", ""),
        ("<Think>why</THINK><Answer>B cell</ANSWER>", "B cell", "why"),
        ("why, maybe <answer>T cell</answer></think><answer>B cell</answer>", "B cell", None),
        ("why</think><think>but</think><answer>B cell</answer>", "B cell", "why</think><think>but"),
        ("<think>a <think>b</think> c</think><answer>B cell</answer>", "B cell", "a <think>b</think> c"),
        ("<think>a</think><answer>T cell</answer><think>no</think><answer>B cell</answer>", "B cell", None),
        ("<answer>B cell</answer><think>for its CD79A</think>", "B cell", "for its CD79A"),
    ],
)
def test_answer_between_tags_is_found(text, value, reasoning):
    found = split_completion(text, tagged=True)
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
        ("<answer>B cell</answer><ANSWER>T cell</ANSWER>", Reason.TWO_ANSWERS),
        ("<answer>B cell</answer><think>no</think><answer>T cell</answer>", Reason.TWO_ANSWERS),
        ("<think>unfinished <answer>B cell</answer> or <answer>T cell</answer>", Reason.TWO_ANSWERS),
        ("<think>it might be <answer>B cell</answer>, but", Reason.UNFINISHED),
        ("<answer>B cell</answer><think>on the other hand", Reason.UNFINISHED),
        ("<think>a</think><think>b<answer>B cell</answer>", Reason.UNFINISHED),
        ("<answer>B <think>or</think> cell</answer>", Reason.NO_TAG),
        ("<think><answer>B cell</answer></think>", Reason.NO_TAG),
        ("<anſwer>B cell</anſwer>", Reason.NO_TAG),  # a long s
        ("< answer>B cell</ answer>", Reason.NO_TAG),
        ("<answer>B cell<answer/>", Reason.NO_TAG),
    ],
)
def test_invalid_tags_have_a_reason(text, reason):
    found = split_completion(text, tagged=True)
    assert isinstance(found, Failure)
    assert found.reason == reason


def test_bare_text_is_the_answer():
    assert split_completion(" B_cell \n", tagged=False) == Answer("B_cell")
    assert split_completion(" \n", tagged=False).reason == Reason.EMPTY


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


def test_genes_keep_their_first_rank_and_others_are_counted():
    found = read_genes("A, B A\nC D", vocabulary={"A", "B", "C"})
    assert found == Answer(("A", "B", "C"), n_unknown=1, n_duplicates=1)
    assert read_genes("X Y", vocabulary={"A"}).reason == Reason.NO_KNOWN_GENE
    assert read_genes(" , ", vocabulary={"A"}).reason == Reason.EMPTY
    assert read_genes("a", vocabulary={"A"}).reason == Reason.NO_KNOWN_GENE  # names are not upper-cased


@pytest.mark.parametrize(
    ("text", "n", "found"),
    [
        ("T cell | B cell | CD4 T cell", None, ("T cell", "B cell", "CD4 T cell")),
        ("t_cell|b  CELL|\ncd4 t cell ", None, ("T cell", "B cell", "CD4 T cell")),
        ("T cell | B cell", 2, ("T cell", "B cell")),
        ("T cell | B cell", None, Reason.WRONG_COUNT),
        ("T cell | B cell | CD4 T cell |", None, Reason.WRONG_COUNT),
        ("T cell | B cell | CD4 T cell | B cell", None, Reason.WRONG_COUNT),
        ("T cell, B cell, CD4 T cell", None, Reason.WRONG_COUNT),
        ("T cell | B cell | ", None, Reason.UNKNOWN_LABEL),
        ("T cell | B cell | T cells", None, Reason.UNKNOWN_LABEL),
        ("T cell | B cell | t cell", None, Reason.DUPLICATE),
        ("T cell | T cell", 2, Reason.DUPLICATE),
        ("", None, Reason.EMPTY),
        (" \n", 1, Reason.EMPTY),
    ],
)
def test_list_of_labels_uses_each_option_as_often_as_it_is_listed(text, n, found):
    read = read_labels(text, LABELS, n)
    assert (read.value if isinstance(read, Answer) else read.reason) == found


def test_option_that_is_listed_twice_must_be_used_twice():
    options = ["B cell", "T cell", "B cell"]
    assert read_labels("B cell|B cell|T cell", options).value == ("B cell", "B cell", "T cell")
    assert read_labels("B cell|T cell|T cell", options) == Failure(Reason.DUPLICATE, "T cell")
