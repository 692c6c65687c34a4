"""Annotation and its dual task."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.tasks import Annotation, Failure, LabelExample, check_labels, hide_genes

GENES = tuple(f"G{i}" for i in range(20))
LABELS = ("B cell", "natural killer cell")
OBSERVED, HIDDEN = hide_genes(GENES, 0.3, rng=0)


def example(**fields):
    return LabelExample(**{"genes": OBSERVED, "options": LABELS, "observed": OBSERVED, "hidden_genes": HIDDEN} | fields)


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_right_answers_are_read(prompt_format):
    task = Annotation(prompt_format=prompt_format)
    question, dual = task.question(example()), task.dual(example(), "B cell")
    for label in LABELS:
        assert question.parse(question.completion(label)).value == label
    assert dual.similarity(dual.parse(dual.completion(HIDDEN)).value) == pytest.approx(1)


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_prompt_shows_observed_genes_only_and_the_dual_adds_the_label(prompt_format):
    task = Annotation(prompt_format=prompt_format)
    question, dual = task.question(example(truth="B cell")), task.dual(example(truth="B cell"), "B cell")
    for prompt in (question.prompt, dual.prompt):
        assert [name for name in prompt.split() if name in GENES] == list(OBSERVED)
    assert question.completion("B cell").replace("<answer>", "").replace("</answer>", "") in dual.prompt


def test_plain_prompt_has_the_number_of_genes_the_labels_and_the_context():
    prompt = Annotation().question(example(genes=GENES[:7], context={"tissue": "blood"})).prompt
    assert "7 most highly expressed genes" in prompt
    assert "B cell | natural killer cell" in prompt
    assert "The cell originates from the blood." in prompt


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact", "cell-o1"])
def test_dual_of_the_label_alone_shows_no_gene(prompt_format):
    prompt = Annotation(prompt_format=prompt_format).dual(example(observed=()), "B cell").prompt
    assert not set(prompt.replace(",", " ").split()) & set(GENES)
    assert "B cell" in prompt.replace("_", " ")


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact", "cell-o1"])
def test_dual_without_a_label_shows_the_genes_and_no_label(prompt_format):
    prompt = Annotation(prompt_format=prompt_format).dual(example(), None).prompt
    assert set(OBSERVED) <= set(prompt.replace(",", " ").split())
    assert not any(label in prompt.replace("_", " ") for label in LABELS)
    assert "None" not in prompt


def test_an_example_without_hidden_genes_has_no_dual():
    assert Annotation().dual(example(hidden_genes=()), "B cell") is None


def test_dual_never_reads_the_truth():
    prompts = {Annotation().dual(example(truth=truth), "B cell").prompt for truth in (None, *LABELS)}
    assert len(prompts) == 1


@given(st.integers(0, 40), st.floats(0, 1), st.integers(0, 5))
def test_hidden_genes_are_a_seeded_part_in_rank_order(n, fraction, seed):
    genes = [f"G{i}" for i in range(n)]
    observed, hidden = hide_genes(genes, fraction, seed)
    assert sorted([*observed, *hidden], key=genes.index) == genes
    assert list(observed) == sorted(observed, key=genes.index)
    assert list(hidden) == sorted(hidden, key=genes.index)
    assert len(hidden) == round(fraction * n)
    assert (observed, hidden) == hide_genes(genes, fraction, seed)


def test_dual_answer_without_a_known_gene_fails():
    dual = Annotation(prompt_format="compact", vocabulary=set(GENES)).dual(example(), "B cell")
    assert isinstance(dual.parse("no genes here"), Failure)


def test_token_budget_of_the_dual_is_that_of_the_longest_cell():
    dual = Annotation().dual(example(n_hidden_max=50), "B cell")
    assert dual.answer_type.n_tokens == 50
    assert Annotation().dual(example(), "B cell").answer_type.n_tokens == len(HIDDEN)


def test_fraction_of_hidden_genes_out_of_range_raises():
    with pytest.raises(ValueError, match="the fraction of hidden genes must lie between 0 and 1, got 1.5"):
        hide_genes(GENES, 1.5, rng=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["B cell", "b  cell"], "'B cell' and 'b  cell' differ only in case or spacing"),
        (["B cell", "_"], "holds an empty label"),
        (["B cell", " "], "at least two labels"),
        ([None, float("nan")], "at least two labels"),
        (["B cell"], "at least two labels"),
        ([], "at least two labels"),
    ],
)
def test_labels_that_cannot_be_told_apart_raise(labels, message):
    with pytest.raises(ValueError, match=message):
        check_labels(labels)


def test_missing_values_are_no_labels(caplog):
    labels = pd.Series(["B cell", None, "nan", "T cell", 3], dtype=object).unique()
    assert check_labels(labels) == ("B cell", "T cell", "3")
    assert "labels has 2 missing values, which are left out" in caplog.text
