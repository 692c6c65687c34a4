"""−MSE in an embedding against plain numpy, and what unreadable answers get."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.rewards import embedding_reward
from sc_duality.tasks import Annotation, Generation, GenerationExample, LabelExample

GENES = tuple("ABCDE")
COMPONENTS = np.random.default_rng(0).normal(size=(5, 3))
lists_of_genes = st.lists(st.sampled_from("ABCDEFGH"), min_size=1, unique=True)


def question(truth):
    return Generation(prompt_format="compact").question(
        GenerationExample(cell_type="B cell", options=("B cell",), truth=truth)
    )


def scores(ranked):
    return np.array([np.log((len(ranked) + 1) / (ranked.index(gene) + 1)) if gene in ranked else 0 for gene in GENES])


@given(lists_of_genes, lists_of_genes)
def test_it_is_the_mean_squared_difference_of_embedded_scores(truth, answer):
    found = embedding_reward(GENES, COMPONENTS)([" ".join(answer)], [question(tuple(truth))])
    difference = (scores(answer) - scores(truth)) @ COMPONENTS
    np.testing.assert_allclose(found, [-np.mean(difference**2)], atol=1e-12)
    called = embedding_reward(GENES, lambda rows: rows @ COMPONENTS)([" ".join(answer)], [question(tuple(truth))])
    assert called == pytest.approx(found)


def test_an_answer_that_cannot_be_read_is_worse_than_one_without_a_gene_of_the_program():
    reward = embedding_reward(GENES, COMPONENTS)
    unreadable, empty, right, unknown = reward(["", "F G", "A B", "A B"], [question(("A", "B"))] * 3 + [question(None)])
    assert unreadable == pytest.approx(4 * empty)
    assert unreadable < empty < right == 0
    assert unknown is None


def test_labels_get_no_reward():
    example = LabelExample(genes=("A",), options=("B cell",), truth="B cell")
    label = Annotation(prompt_format="compact").question(example)
    reward = embedding_reward(GENES, COMPONENTS)
    assert reward(["B_cell"], [label]) == [None]
    assert reward(["B_cell", "A"], [label, question(("A",))]) == [None, 0]


@pytest.mark.parametrize(
    ("genes", "embedding", "error"),
    [
        (["A"], [[1.0]], "two different genes"),
        ("ABC", np.eye(3), "two different genes or more, got 'ABC'"),
        (["A", "B", "A"], np.eye(3), "genes holds 1 duplicates"),
        (GENES, np.eye(4), r"one row for each of the 5 genes, got \(4, 4\)"),
        (GENES, np.full((5, 2), np.nan), "finite"),
        (GENES, np.empty((5, 0)), r"got \(5, 0\)"),
    ],
)
def test_invalid_embeddings_raise(genes, embedding, error):
    with pytest.raises(ValueError, match=error):
        embedding_reward(genes, embedding)


def test_an_embedding_of_another_shape_raises():
    with pytest.raises(ValueError, match=r"returned the shape \(5,\) for 2 rows"):
        embedding_reward(GENES, lambda rows: rows.sum(0))(["A"], [question(("A",))])


def test_an_answer_that_cannot_be_read_is_not_perfect_where_the_truth_has_no_gene_of_the_program():
    reward = embedding_reward(GENES, COMPONENTS)
    unreadable, right, wrong = reward(["", "F G", "A B"], [question(("F", "G"))] * 3)
    assert unreadable == wrong < right == 0


def test_settings_tell_embeddings_apart():
    def embed(rows):
        return rows

    other = np.asarray(COMPONENTS) + 1
    found = [embedding_reward(GENES, one).settings["embedding"] for one in (COMPONENTS, COMPONENTS, other, embed)]
    assert found[0] == found[1] != found[2]
    assert found[3] == "embed"
