"""Keywords in texts: whole words, plurals, gene symbols."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.metrics import keyword_recall


@pytest.mark.parametrize(
    ("text", "keyword", "found"),
    [
        ("CD8+ T cells of the blood", "T cell", True),
        ("These are cytotoxic T-cells", "T cell", False),
        ("CD8-positive cells", "CD8", True),
        ("They express HLA-DRA.", "HLA", False),
        ("They express HLA-DRA.", "HLA-DRA", True),
        ("They express CD8A.", "CD8", False),
        ("A non-B cell", "B cell", False),
        ("NATURAL  KILLER cells", "natural killer cell", True),
        ("(IL7R)", "il7r", True),
        ("IL2", "IL-2", False),
        ("C1QA, C1QB", "C1Q.", False),
        ("", "B cell", False),
    ],
)
def test_a_keyword_is_whole_words(text, keyword, found):
    assert keyword_recall([text], [[keyword]]).tolist() == [float(found)]


@given(st.lists(st.sampled_from(["GZMB", "PRF1", "T cell", "blood", "NKG7"]), min_size=1, unique=True), st.data())
def test_it_is_the_share_that_is_named(keywords, data):
    named = data.draw(st.lists(st.sampled_from(keywords), unique=True))
    text = "cells with " + ", ".join(named)
    assert keyword_recall([text], [keywords]) == pytest.approx(len(named) / len(keywords))


def test_none_and_no_keywords_and_repeated_keywords():
    found = keyword_recall([None, "a b", "a"], [["a"], [], ["a", "A", "b"]])
    np.testing.assert_array_equal(found, [0, np.nan, 0.5])


@pytest.mark.parametrize(
    ("texts", "keywords", "error", "message"),
    [
        ("a text", [["a"]], TypeError, "expected lists of names, got the text 'a text'"),
        (["a"], ["blood"], TypeError, "expected lists of names, got the text 'blood'"),
        (["a"], [["a"], ["b"]], ValueError, "1 texts and 2 lists of keywords: pass one for each"),
        ([], [], ValueError, "0 texts"),
        (["a"], [[" "]], ValueError, "the keyword ' ' is empty"),
    ],
)
def test_bad_input(texts, keywords, error, message):
    with pytest.raises(error, match=message):
        keyword_recall(texts, keywords)


def test_a_phrase_is_found_across_lines():
    assert keyword_recall(["CD8+ T\ncells"], [["T cell"]]) == [1]
