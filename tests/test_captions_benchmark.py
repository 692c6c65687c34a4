"""The parts of ``benchmarks.captions`` that need no trained model: groups, references, baseline and scores."""

import pandas as pd
import pytest

from benchmarks._c2s_cells import with_marker_genes
from benchmarks._caption_cells import FUNCTION, TISSUE, TYPE, first_sentence, halves
from benchmarks._caption_quick import token_vectors, two_donors
from benchmarks._caption_scores import TEXTS, cited_precision, floor, nearest_texts, scores


@pytest.fixture(scope="module")
def parts():
    split, _ = with_marker_genes(two_donors(0))
    return halves(split, 0)


def test_donors_are_of_one_part_only(parts):
    donors = [set(one.cells.obs["donor"]) for one in parts]
    assert all(donors)
    assert not donors[0] & donors[1]
    assert not (donors[0] | donors[1]) & donors[2]


def test_references_hold_their_keywords(parts):
    for part in parts:
        for question in (None, TYPE, TISSUE):
            truths, keywords = part.truths(question), part.keywords(question)
            assert truths.keys() == keywords.keys()
            for group, text in truths.items():
                assert keywords[group]
                assert all(word.lower() in text.lower() for word in keywords[group])
        assert not any(part.keywords(FUNCTION).values())


def test_a_definition_is_cut_to_its_first_sentence():
    assert first_sentence("A cell that kills. It has granules.") == "A cell that kills."
    assert len(first_sentence(" ".join(["word"] * 90)).split()) == 40


def test_true_texts_have_full_scores_and_others_the_floor(parts):
    test = parts[2]
    true = {name: pd.DataFrame({"text": test.truths(question)}) for name, question in TEXTS.items()}
    found = scores(true, test, token_vectors)
    assert {one["bert_score"] for one in found.values()} == {1.0}
    assert {one["keyword_recall"] for name, one in found.items() if name != "function"} == {1.0}
    assert floor(test, None, token_vectors) < 1
    empty = {name: table.assign(text=None) for name, table in true.items()}
    assert {one["bert_score"] for one in scores(empty, test, token_vectors).values()} == {0.0}
    assert {one["read"] for one in scores(empty, test, token_vectors).values()} == {0.0}


def test_the_nearest_group_of_a_group_is_itself(parts):
    found = nearest_texts(parts[:1], parts[0])
    assert found["caption"]["text"].to_dict() == parts[0].truths()


def test_the_nearest_group_is_mostly_of_the_same_type(parts):
    learned, others, test = parts
    found = nearest_texts((learned, others), test)["cell type"]["text"]
    same = [found[group] == text for group, text in test.truths(TYPE).items()]
    assert sum(same) >= len(same) - 1


def test_precision_of_cited_genes():
    table = pd.DataFrame({"cited": ["CD3E CD79A", "", None], "expressed": ["CD3E", "", None]})
    assert cited_precision(table) == 0.5
    assert cited_precision(table.iloc[1:]) is None
