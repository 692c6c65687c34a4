from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from sc_duality.metrics import token_f1

WORDS = ["b", "cell", "marks", "cd79a", "blood"]


@given(st.text(), st.text())
def test_symmetric_and_bounded(one, other):
    assert 0 <= token_f1(one, other) == token_f1(other, one) <= 1


@given(st.text())
def test_one_for_the_same_words(text):
    assert token_f1(text, text) == float(any(map(str.isalnum, text)))


@given(st.sets(st.sampled_from(WORDS), min_size=1), st.sets(st.sampled_from(WORDS), min_size=1))
def test_the_f1_score_of_sets_of_words(reference, text):
    truth, found = ([word in words for word in WORDS] for words in (reference, text))
    assert token_f1(" ".join(reference), " ".join(text).upper() + ".") == pytest.approx(f1_score(truth, found))


def test_repeated_words_count_as_often_as_in_the_reference():
    assert token_f1("B cells", "cells cells cells cells") == pytest.approx(1 / 3)
