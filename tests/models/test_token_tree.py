"""Choices as a tree of tokens."""

from hypothesis import given
from hypothesis import strategies as st

from sc_duality.models.engines._token_tree import branches

CHOICES = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=5), min_size=1, max_size=8)


@given(CHOICES)
def test_tree_has_the_tokens_of_the_choices_and_no_others(choices):
    tree = branches(choices)
    steps = {(tuple(choice[:end]), choice[end]) for choice in choices for end in range(len(choice))}
    assert {(prefix, token) for prefix, tokens in tree.items() for token in tokens} == steps
    assert all(len(set(tokens)) == len(tokens) for tokens in tree.values())
    assert next(iter(tree)) == ()
