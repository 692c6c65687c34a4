"""Tokens that are ruled out while a completion is sampled."""

import pytest
import torch

import sc_duality as sd
from sc_duality.models import SamplingParams
from sc_duality.models.engines.transformers._required_token import RequiredToken
from sc_duality.models.engines.transformers._unique_tokens import UniqueTokens

PROMPT, SAMPLED = [4, 3], [[5, 6], [3, 5]]


class Words:
    """A tokenizer whose tokens are numbers."""

    def encode(self, text, add_special_tokens):
        return [int(word) for word in text.split()]


def test_the_end_waits_for_the_required_token():
    ids = torch.tensor([PROMPT + row for row in SAMPLED])
    scores = torch.zeros(2, 8)
    found = RequiredToken(Words(), "3", 2, len(PROMPT), latest=3)(ids, scores)
    assert found.isinf().nonzero().tolist() == [[0, 2]]
    several = RequiredToken(Words(), "3", [1, 2], len(PROMPT), latest=3)(ids, scores)
    assert several.isinf().nonzero().tolist() == [[0, 1], [0, 2]]
    assert not scores.isinf().any()


def test_the_required_token_comes_where_it_is_due():
    ids = torch.tensor([PROMPT + row for row in SAMPLED])
    found = RequiredToken(Words(), "3", 2, len(PROMPT), latest=2)(ids, torch.zeros(2, 8))
    assert (~found[0].isinf()).nonzero().ravel().tolist() == [3]
    assert not found[1].isinf().any()


def test_sampled_tokens_are_ruled_out():
    ids = torch.tensor([PROMPT + row for row in SAMPLED])
    found = UniqueTokens(len(PROMPT))(ids, torch.zeros(2, 8))
    assert found.isinf().nonzero().tolist() == [[0, 5], [0, 6], [1, 3], [1, 5]]


def test_a_required_text_of_several_tokens_is_refused():
    with pytest.raises(ValueError, match="contains='3 4' is 2 tokens of this model"):
        RequiredToken(Words(), "3 4", 2, 0, latest=1)


def test_completions_of_a_model_follow_both(tiny_folder):
    model = sd.models.load(tiny_folder, dtype="float32")
    prompts = ["A B C", "D", "E F G H A B C D"] * 4
    plain, bound = (
        [
            text.split()
            for text in model.generate(prompts, SamplingParams(max_tokens=12, temperature=2.0, seed=1, **options))
        ]
        for options in ({}, {"unique": True, "contains": "B"})
    )
    assert any(len(set(words)) < len(words) for words in plain)
    assert all(len(set(words)) == len(words) for words in bound)
    assert all("B" in words[:7] for words in bound)
