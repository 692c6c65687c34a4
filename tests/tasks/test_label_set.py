"""Sets of labels as answers, and the genes of several cells under their names."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.tasks import Failure, GeneLists, LabelSet, SampleCellTypes, SampleLabel, Tissue, check_n_cells

LABELS = ("CD4-positive, alpha-beta T cell", "B cell", "natural killer cell", "macrophage")
TEXTS = tuple(label.replace(" ", "_") for label in LABELS)
sets = st.sets(st.sampled_from(LABELS), min_size=1)


def ordered(labels):
    return tuple(label for label in LABELS if label in labels)


@given(chosen=sets, rng=st.randoms())
def test_order_and_case_do_not_count(chosen, rng):
    answer_type = LabelSet(LABELS, TEXTS)
    texts = [text.upper() for text in answer_type.write(ordered(chosen)).split(" | ")]
    rng.shuffle(texts)
    assert answer_type.parse(" | ".join(texts)).value == ordered(chosen)


@given(one=sets, other=sets)
def test_similarity_is_the_jaccard_similarity(one, other):
    found = LabelSet(LABELS, TEXTS).similarity(ordered(one), ordered(other))
    assert found == pytest.approx(sum(label in one and label in other for label in LABELS) / len(one | other))
    assert (found == 1) == (one == other)


def test_every_set_is_an_option_if_they_are_few():
    expected = [one for size in (1, 2, 3, 4) for one in combinations(LABELS, size)]
    assert list(LabelSet(LABELS, TEXTS).options) == expected
    assert all(len(one) <= 2 for one in LabelSet(LABELS, TEXTS, most=2).options)
    seven = tuple("ABCDEFG")
    assert LabelSet(seven, seven).options is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("B cell, macrophage", "unknown label"),
        ("B cell | unicorn cell", "unknown label"),
        ("B cell |", "unknown label"),
        ("B cell | macrophage | natural killer cell", "wrong number of answers"),
    ],
)
def test_what_cannot_be_read(text, reason):
    found = LabelSet(LABELS, LABELS, most=2).parse(text)
    assert isinstance(found, Failure)
    assert str(found.reason) == reason


def test_a_repeated_label_counts_once():
    found = LabelSet(LABELS, LABELS).parse("B cell | b cell | macrophage")
    assert (found.value, found.n_duplicates) == (("B cell", "macrophage"), 1)


@pytest.mark.parametrize(
    "text", ["CD79A MS4A1 | CD3E", "Cell 1:\nCD79A MS4A1.\nCell 2:\nCD3E.\n.", "cell 1: CD79A MS4A1 | Cell 2: CD3E"]
)
def test_genes_of_several_cells(text):
    assert GeneLists({"CD79A", "MS4A1", "CD3E"}, (2, 1)).parse(text).value == (("CD79A", "MS4A1"), ("CD3E",))


@pytest.mark.parametrize("text", ["Cell 2: CD79A\nCell 1: CD3E", "Genes: cell 1: CD79A cell 2: CD3E", "Cell 1: CD79A"])
def test_cells_that_are_not_numbered_in_order_are_not_read(text):
    assert isinstance(GeneLists(None, (1, 1)).parse(text), Failure)


@pytest.mark.parametrize("n_cells", [0, -1, 21, 2.5, True, "5", None])
@pytest.mark.parametrize("task", [Tissue, SampleCellTypes])
def test_number_of_cells(task, n_cells):
    with pytest.raises(ValueError, match="n_cells"):
        task(n_cells=n_cells)
    assert check_n_cells(20) == 20


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": "all"}, "hidden='all' is not an option"),
        ({"n_genes": 0}, "n_genes must be a positive integer, got 0"),
        ({"fact": " "}, "fact must be what the label is"),
    ],
)
def test_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        SampleLabel(**{"fact": "disease", **settings})
