"""Log-likelihoods of choices from as few requests to vLLM as will do, each prompt being read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._trie import MOST_TOKENS, branches
from ._vllm_process import Finishing, Request

#: The beginning of a choice, and the token after it.
_Step = tuple[tuple[int, ...], int]


class Question(NamedTuple):
    """How likely each of ``following`` is after a prompt and ``beginning``."""

    beginning: tuple[int, ...]
    following: tuple[int, ...]
    #: Whether to ask for the tokens of ``beginning`` as well.
    within: bool


class Choices:
    """Choices, and what has to be asked to judge them.

    A question is put where choices part and before the last token of each. The tokens between lie within the beginning
    of another question and are told with it, as far as vLLM did not take them from its prefix cache.

    Parameters
    ----------
    choices
        Token ids.
    """

    def __init__(self, choices: Sequence[Sequence[int]]) -> None:
        self._paths: list[list[_Step]] = [[(tuple(c[:i]), c[i]) for i in range(len(c))] for c in choices]
        tree = branches(choices)
        between = {at for at, tokens in tree.items() if len(tokens) == 1 and (*at, *tokens) in tree}
        #: Short beginnings come first, so that the prefix cache holds them for the others.
        self.questions = [
            Question(at, tree[at][start : start + MOST_TOKENS], any(at[:i] in between for i in range(len(at))))
            for at in sorted(tree.keys() - between, key=lambda at: (len(at), at))
            for start in range(0, len(tree[at]), MOST_TOKENS)
        ]

    def missing(self, known: dict[_Step, float]) -> list[Question]:
        """Questions for the tokens of which nothing is known yet."""
        steps = dict.fromkeys(step for path in self._paths for step in path if step not in known)
        return [Question(at, (token,), within=False) for at, token in steps]

    def total(self, known: dict[_Step, float]) -> NDArray[np.float64]:
        """Log-likelihood of each choice."""
        return np.array([sum(known[step] for step in path) for path in self._paths])


def judge(
    heads: Sequence[list[int]],
    choices: Sequence[Choices],
    run: Callable[[Iterable[Request]], Finishing],
    sampling: Callable[..., Any],
) -> Iterator[list[tuple[int, NDArray[np.float64]]]]:
    """Judge each prompt's choices.

    Parameters
    ----------
    heads
        Token ids of the prompts.
    choices
        What may follow each prompt.
    run
        Puts requests to vLLM.
    sampling
        Makes vLLM's ``SamplingParams``.

    Yields
    ------
    Places of prompts and log-likelihoods of their choices, as they finish.
    """
    open_questions = {i: one.questions for i, one in enumerate(choices)}
    known: dict[int, dict[_Step, float]] = {i: {} for i in open_questions}
    while open_questions:
        left = {i: len(questions) for i, questions in open_questions.items()}
        again: dict[int, list[Question]] = {}
        requests = (
            Request((i, question), [*heads[i], *question.beginning], _params(question, sampling))
            for i, questions in open_questions.items()
            for question in questions
        )
        for finished in run(requests):
            done = []
            for (i, question), output in finished:
                known[i].update(_told(question, output))
                left[i] -= 1
                if left[i] == 0:
                    if missing := choices[i].missing(known[i]):
                        again[i] = missing
                    else:
                        done.append((i, choices[i].total(known.pop(i))))
            if done:
                yield done
        open_questions = again


def _params(question: Question, sampling: Callable[..., Any]) -> Any:
    within = {"prompt_logprobs": 0, "skip_reading_prefix_cache": False} if question.within else {}
    return sampling(temperature=0, max_tokens=1, logprob_token_ids=list(question.following), **within)


def _told(question: Question, output: Any) -> Iterator[tuple[_Step, float]]:
    """What the output of a request tells: log-probabilities of steps."""
    found = output.outputs[0].logprobs
    after = dict(zip(found.token_ids, found.logprobs, strict=True))
    for token in question.following:
        yield (question.beginning, token), after[token]
    if question.within:
        n = len(output.prompt_token_ids)
        for place in range(-len(question.beginning), 0):
            # What follows a token of the prefix cache was not computed.
            if n + place > output.num_cached_tokens:
                yield (question.beginning[:place], question.beginning[place]), output.prompt_logprobs.logprobs[place]
