"""Semantic similarity against scikit-learn, by hand, and for encoders that fail."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from sc_duality.metrics import semantic_similarity


def encoder(texts):
    """Counts of letters."""
    return np.array([[1 + text.count(letter) for letter in "abcdet l"] for text in texts])


@given(st.lists(st.tuples(st.text("abcdet l", max_size=6), st.text("abcdet l", max_size=6)), min_size=1, max_size=8))
def test_cosine_of_scikit_learn(pairs):
    truth, predicted = map(list, zip(*pairs, strict=True))
    found = semantic_similarity(truth, predicted, encoder)
    assert found == pytest.approx(np.diag(cosine_similarity(encoder(truth), encoder(predicted))))
    assert semantic_similarity(truth, truth, encoder) == pytest.approx(1)


def test_each_text_is_encoded_once():
    seen = []
    semantic_similarity(["a", "a", "b"], ["b", "a", None], lambda texts: seen.extend(texts) or encoder(texts))
    assert seen == ["a", "b"]


def test_a_missing_name_is_not_similar():
    assert semantic_similarity(["a"], [None], encoder).tolist() == [0]


def test_opposite_vectors():
    assert semantic_similarity(["a"], ["b"], lambda _: [[1.0, 0.0], [-2.0, 0.0]]).tolist() == [-1]


@pytest.mark.parametrize(
    ("truth", "predicted", "function", "error", "message"),
    [
        (
            ["a"],
            ["a"],
            "medcpt",
            TypeError,
            r"encoder='medcpt' must be a function of texts: pass sd.models.sentence_enc",
        ),
        ("a cell", ["a"], encoder, TypeError, "expected lists of names"),
        (["a"], ["a", "b"], encoder, ValueError, "1 names in truth, but 2 in predicted"),
        ([], [], encoder, ValueError, "there are no names"),
        (["a"], ["b"], lambda _: [1.0, 2.0], ValueError, r"the encoder returned the shape \(2,\) for 2 texts"),
        (["a"], ["b"], lambda _: [[1.0], [0.0]], ValueError, "a vector of zeros, NaN or infinite values for 'b'"),
        (["a"], ["b"], lambda _: [[np.nan], [1.0]], ValueError, "a vector of zeros, NaN or infinite values for 'a'"),
    ],
)
def test_bad_input(truth, predicted, function, error, message):
    with pytest.raises(error, match=message):
        semantic_similarity(truth, predicted, function)
