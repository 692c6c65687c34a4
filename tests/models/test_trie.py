"""Choices as a tree of tokens."""

from hypothesis import given
from hypothesis import strategies as st

from sc_duality.models._trie import branches

CHOICES = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=5), min_size=1, max_size=8)


@given(CHOICES)
def test_every_path_of_a_choice_is_there_and_nothing_else(choices):
    tree = branches(choices)
    steps = {(tuple(choice[:end]), choice[end]) for choice in choices for end in range(len(choice))}
    assert {(beginning, token) for beginning, tokens in tree.items() for token in tokens} == steps
    assert all(len(set(tokens)) == len(tokens) for tokens in tree.values())
    assert next(iter(tree)) == ()
