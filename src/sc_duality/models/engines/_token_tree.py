"""Choices as a tree of tokens."""

from __future__ import annotations

from collections.abc import Sequence

#: Number of token ids whose log-probabilities vLLM returns in one request.
MAX_TOKEN_IDS = 128


def branches(choices: Sequence[Sequence[int]]) -> dict[tuple[int, ...], tuple[int, ...]]:
    """Tokens that may follow each prefix of a choice.

    The log-likelihood of a choice is the sum of those of its tokens, each given its prefix; choices with a common
    prefix share them.

    Parameters
    ----------
    choices
        Token ids.

    Returns
    -------
    For every proper prefix of a choice, the empty one first, the next token ids, each once, in the order of the
    choices. A choice that is a prefix of another has no end mark.

    Examples
    --------
    >>> branches([[1, 2], [1, 3, 4], [5]])
    {(): (1, 5), (1,): (2, 3), (1, 3): (4,)}
    """
    following: dict[tuple[int, ...], dict[int, None]] = {(): {}}
    for choice in choices:
        for end, token in enumerate(choice):
            following.setdefault(tuple(choice[:end]), {})[token] = None
    return {prefix: tuple(tokens) for prefix, tokens in following.items()}
