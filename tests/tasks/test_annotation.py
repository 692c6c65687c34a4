"""Annotation and its dual, in both shipped prompt formats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.tasks import Annotation, Failure, annotation_example, check_labels

GENES = [f"G{i}" for i in range(20)]
LABELS = ["B cell", "natural killer cell"]


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_right_answers_are_read_back(prompt_format):
    task = Annotation(prompt_format)
    example = annotation_example(GENES, LABELS, hidden_fraction=0.3)
    for label in LABELS:
        assert task.parse(task.answer(label), example).value == label
    hidden = task.parse_dual(task.dual_answer(example.unknown), example)
    assert task.score(example.unknown, hidden.value) == pytest.approx(1)


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_prompt_shows_observed_genes_only_and_the_dual_adds_the_label(prompt_format):
    task = Annotation(prompt_format)
    example = annotation_example(GENES, LABELS, hidden_fraction=0.3, truth="B cell")
    for text in (task.prompt(example), task.dual_prompt("B cell", example)):
        words = text.split()
        assert [word for word in words if word in GENES] == list(example.known["genes"])
    assert task.answer("B cell").replace("<answer>", "").replace("</answer>", "") in task.dual_prompt("B cell", example)


def test_plain_prompt_says_how_many_genes_it_lists_and_what_to_choose_from():
    task = Annotation("plain")
    example = annotation_example(GENES[:7], LABELS, context={"tissue": "blood"})
    text = task.prompt(example)
    assert "7 most expressed genes" in text
    assert "B cell | natural killer cell" in text
    assert "The cell originates from the blood." in text


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact", "cell-o1"])
def test_dual_given_the_label_alone_shows_no_gene(prompt_format):
    example = annotation_example(GENES, LABELS, hidden_fraction=0.3)
    text = Annotation(prompt_format, given="label").dual_prompt("B cell", example)
    assert not set(text.replace(",", " ").split()) & set(GENES)
    assert "B cell" in text.replace("_", " ")


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact", "cell-o1"])
def test_dual_without_a_label_shows_the_genes_and_no_label(prompt_format):
    example = annotation_example(GENES, LABELS, hidden_fraction=0.3)
    text = Annotation(prompt_format).dual_prompt(None, example)
    assert set(example.known["genes"]) <= set(text.replace(",", " ").split())
    assert not any(label in text.replace("_", " ") for label in LABELS)
    assert "None" not in text


def test_what_the_dual_is_given_is_checked():
    with pytest.raises(ValueError, match="given must be 'observed' or 'label', not 'genes'"):
        Annotation(given="genes")


@given(st.integers(0, 40), st.floats(0, 1), st.integers(0, 5))
def test_hidden_genes_are_a_seeded_part_in_rank_order(n, fraction, seed):
    genes = [f"G{i}" for i in range(n)]
    example = annotation_example(genes, LABELS, hidden_fraction=fraction, rng=seed)
    observed, hidden = example.known["genes"], example.unknown
    assert sorted([*observed, *hidden], key=genes.index) == genes
    assert list(observed) == sorted(observed, key=genes.index)
    assert list(hidden) == sorted(hidden, key=genes.index)
    assert len(hidden) == round(fraction * n)
    assert example == annotation_example(genes, LABELS, hidden_fraction=fraction, rng=seed)


def test_dual_answer_with_no_known_gene_fails_with_a_reason():
    task = Annotation("compact", known_genes=set(GENES))
    example = annotation_example(GENES, LABELS, hidden_fraction=0.3)
    assert isinstance(task.parse_dual("no genes here", example), Failure)


def test_hidden_fraction_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="hidden_fraction must lie between 0 and 1, not 1.5"):
        annotation_example(GENES, LABELS, hidden_fraction=1.5)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["B cell", "b  cell"], "'B cell' and 'b  cell' differ only in case or spacing"),
        (["B cell", " "], "a label is empty"),
        (["B cell"], "at least two labels"),
        ([], "at least two labels"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        check_labels(labels)
