"""BERTScore against plain numpy, and for scorers that fail; with encoders: tests/models/test_token_encoder.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.metrics import bert_score, bert_score_baseline

texts = st.lists(st.sampled_from("abcdefgh"), max_size=6).map(" ".join)
VECTORS = dict(zip("abcdefgh[]", np.random.default_rng(0).normal(size=(10, 4)) + 1, strict=True))


def scorer(texts):
    """Vectors of letters between two special tokens."""
    rows = [["[", *text.split(), "]"] for text in texts]
    return [(3 * np.array([VECTORS[one] for one in row]), [one not in "[]" for one in row]) for row in rows]


def expected(candidate, reference):
    """The formula, token by token."""

    def cosine(a, b):
        a, b = VECTORS[a], VECTORS[b]
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    first, second = candidate.split(), reference.split()
    if not first or not second:
        return 0, 0, 0
    precision = np.mean([max(cosine(a, b) for b in ["[", *second, "]"]) for a in first])
    recall = np.mean([max(cosine(a, b) for a in ["[", *first, "]"]) for b in second])
    both = precision > 0 and recall > 0
    return precision, recall, 2 * precision * recall / (precision + recall) if both else 0


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_it_is_the_formula(pairs):
    candidates, references = map(list, zip(*pairs, strict=True))
    found = bert_score(candidates, references, scorer)
    np.testing.assert_allclose(np.transpose(found), [expected(*pair) for pair in pairs], atol=1e-12)
    turned = bert_score(references, candidates, scorer)
    np.testing.assert_allclose(turned.precision, found.recall, atol=1e-12)
    assert (found.f1 <= 1 + 1e-12).all()
    rescaled = bert_score(candidates, references, scorer, baseline=0.4)
    np.testing.assert_allclose(rescaled.f1, (found.f1 - 0.4) / 0.6, atol=1e-12)


@given(texts.filter(bool))
def test_a_text_is_like_itself(text):
    assert bert_score([text], [text], scorer).f1 == pytest.approx(1)


def test_empty_texts_are_not_encoded():
    seen = []
    found = bert_score(["a", None, " ", "a "], ["", "b", "b", "a"], lambda texts: seen.extend(texts) or scorer(texts))
    assert seen == ["a", "b"], "each text once"
    assert found.f1.tolist() == pytest.approx([0, 0, 0, 1])
    assert bert_score([None], [""], None.__ne__).f1.tolist() == [0]


def test_a_text_of_special_tokens_alone_is_empty():
    assert bert_score(["a"], ["b"], lambda texts: [([[1.0]], [False])] * len(texts)).recall.tolist() == [0]


def test_the_baseline_is_the_mean_over_texts_with_other_references():
    candidates, references = ["a b", "c", "d e"], ["a", "c d", "c d"]
    pairs = [(0, 1), (0, 2), (1, 0), (2, 0)]
    mean = np.mean([expected(candidates[i], references[j])[2] for i, j in pairs])
    assert bert_score_baseline(candidates, references, scorer) == pytest.approx(mean)
    many = [f"{a} {b}" for a in "abcd" for b in "efgh"]
    sampled = [bert_score_baseline(many, many, scorer, max_pairs=60, rng=seed) for seed in (0, 0, 1)]
    assert sampled[0] == sampled[1] != sampled[2]
    assert sampled[0] == pytest.approx(bert_score_baseline(many, many, scorer), abs=0.1)


@pytest.mark.parametrize(
    ("candidates", "references", "function", "error", "message"),
    [
        (["a"], ["a"], "biobert", TypeError, r"scorer='biobert' must be a function of texts: pass sd.models.token_enc"),
        ("a cell", ["a"], scorer, TypeError, "expected lists of names, got the text 'a cell'"),
        (["a"], ["a", "b"], scorer, ValueError, "1 candidates and 2 references: pass one for each"),
        ([], [], scorer, ValueError, "0 candidates and 0 references"),
        (["a"], ["b"], lambda _: [([[1.0]], [True])], ValueError, "returned 1 results for 2 texts"),
        (["a"], ["a"], lambda _: [([1.0], [True])], ValueError, r"the shapes \(1,\) and \(1,\) for 'a'"),
        (["a"], ["a"], lambda _: [([[1.0]], [True, False])], ValueError, r"the shapes \(1, 1\) and \(2,\)"),
        (["a"], ["a"], lambda _: [([[0.0]], [True])], ValueError, "a vector of zeros, NaN or infinite values for 'a'"),
        (["a"], ["a"], lambda _: [([[np.nan]], [True])], ValueError, "a vector of zeros, NaN or infinite values"),
    ],
)
def test_bad_input(candidates, references, function, error, message):
    with pytest.raises(error, match=message):
        bert_score(candidates, references, function)


@pytest.mark.parametrize("baseline", [-0.1, 1, 1.5, float("nan")])
def test_bad_baselines(baseline):
    with pytest.raises(ValueError, match=f"baseline={baseline} must be at least 0 and less than 1"):
        bert_score(["a"], ["a"], scorer, baseline=baseline)


def test_a_baseline_needs_different_references():
    with pytest.raises(ValueError, match="2 references, all the same"):
        bert_score_baseline(["a", "b"], ["a", "a "], scorer)
    with pytest.raises(ValueError, match="1 candidates and 2 references"):
        bert_score_baseline(["a"], ["a", "b"], scorer)
    with pytest.raises(ValueError, match="max_pairs must be a positive integer, got 0"):
        bert_score_baseline(["a", "b"], ["a", "b"], scorer, max_pairs=0)
