"""From rewards of answers that have been read to rewards of what a model wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._each import RewardFunction


def from_text(
    reward: RewardFunction, parse: Callable[..., Any], *, per_row: Sequence[str] = (), **options: Any
) -> RewardFunction:
    """Make of ``reward`` a function that TRL can call with completions as the model wrote them.

    Parameters
    ----------
    reward
        A reward function of this room, or one like it.
    parse
        ``parse(text)`` reads a completion: the answer, or ``None`` where there is none.
    per_row
        Columns whose value for the completion ``parse`` takes too, after the text: candidate labels, say.
    **options
        Passed on to ``reward`` at each call, such as ``invalid_reward``.

    Returns
    -------
    A function of ``completions`` and columns, with the name of ``reward``, by which TRL logs it. Completions may be
    texts or conversations, of which the last message counts.

    Examples
    --------
    >>> from sc_duality.rewards import categorical, from_text
    >>> labels = {"b": "B cell", "t": "T cell"}
    >>> reward = from_text(categorical, labels.get, invalid_reward=-1.0)
    >>> reward(completions=["b", "t", "?"], unknown=["B cell"] * 3, prompts=["…"] * 3)
    [1.0, 0.0, -1.0]
    >>> reward(completions=[[{"role": "assistant", "content": "b"}]], unknown=["B cell"])
    [1.0]
    """

    def of_text(completions: Sequence[Any], **columns: Any) -> list[float | None]:
        texts = [_text(completion) for completion in completions]
        read = [parse(*row) for row in zip(texts, *(columns[name] for name in per_row), strict=True)]
        return reward(completions=read, **{**columns, **options})

    of_text.__name__ = of_text.__qualname__ = reward.__name__
    return of_text


def _text(completion: str | Sequence[Mapping[str, str]]) -> str:
    return completion if isinstance(completion, str) else completion[-1]["content"]
