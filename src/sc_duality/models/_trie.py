"""Choices as a tree of tokens."""

from __future__ import annotations

from collections.abc import Sequence

#: Token ids whose log-probabilities vLLM gives in one request.
MOST_TOKENS = 128


def branches(choices: Sequence[Sequence[int]]) -> dict[tuple[int, ...], tuple[int, ...]]:
    """What may follow every beginning of a choice.

    The log-likelihood of a choice is the sum of those of its tokens, each after the beginning that it follows; choices
    that begin alike share these.

    Parameters
    ----------
    choices
        Token ids.

    Returns
    -------
    For every proper beginning of a choice, the empty one first, the token ids that may come next, each once, in the
    order of the choices. A choice that is the beginning of another ends without a mark.

    Examples
    --------
    >>> branches([[1, 2], [1, 3, 4], [5]])
    {(): (1, 5), (1,): (2, 3), (1, 3): (4,)}
    """
    following: dict[tuple[int, ...], dict[int, None]] = {(): {}}
    for choice in choices:
        for end, token in enumerate(choice):
            following.setdefault(tuple(choice[:end]), {})[token] = None
    return {beginning: tuple(tokens) for beginning, tokens in following.items()}
