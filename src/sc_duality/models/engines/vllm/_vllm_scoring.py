"""Log-likelihoods of choices with few requests to vLLM, each prompt being read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._token_tree import MAX_TOKEN_IDS, branches
from ._vllm_process import Outputs, Request

#: A prefix of a choice, and the token after it.
_Step = tuple[tuple[int, ...], int]


class ScoringRequest(NamedTuple):
    """Requests the log-probability of each token of ``following`` after a prompt and ``prefix``."""

    prefix: tuple[int, ...]
    following: tuple[int, ...]
    #: Whether to return the log-probabilities of the tokens of ``prefix`` as well.
    with_prefix: bool


class ChoiceRequests:
    """Choices after one prompt, and the requests that score them.

    One request is sent for each prefix at which choices diverge, and for the last token of each choice. The tokens in
    between belong to the prefix of another request, whose output contains their log-probabilities, unless vLLM took
    them from its prefix cache.

    Parameters
    ----------
    choices
        Token ids.
    """

    def __init__(self, choices: Sequence[Sequence[int]]) -> None:
        self._steps: list[list[_Step]] = [[(tuple(c[:i]), c[i]) for i in range(len(c))] for c in choices]
        tree = branches(choices)
        between = {prefix for prefix, tokens in tree.items() if len(tokens) == 1 and (*prefix, *tokens) in tree}
        # Short prefixes first, so that the prefix cache holds them for the others.
        self.requests = [
            ScoringRequest(prefix, part, with_prefix=any(prefix[:i] in between for i in range(len(prefix))))
            for prefix in sorted(tree.keys() - between, key=lambda prefix: (len(prefix), prefix))
            for part in _parts(tree[prefix])
        ]

    def missing(self, log_probs: dict[_Step, float]) -> list[ScoringRequest]:
        """Requests for the tokens without a log-probability."""
        steps = dict.fromkeys(step for path in self._steps for step in path if step not in log_probs)
        return [ScoringRequest(prefix, (token,), with_prefix=False) for prefix, token in steps]

    def total(self, log_probs: dict[_Step, float]) -> NDArray[np.float64]:
        """Log-likelihood of each choice."""
        return np.array([sum(log_probs[step] for step in path) for path in self._steps])


def score_choices(
    prompts: Sequence[list[int]],
    choices: Sequence[ChoiceRequests],
    run: Callable[[Iterable[Request]], Outputs],
    sampling_params: Callable[..., Any],
) -> Iterator[list[tuple[int, NDArray[np.float64]]]]:
    """Score the choices of each prompt.

    Parameters
    ----------
    prompts
        Token ids.
    choices
        Choices after each prompt.
    run
        Sends requests to vLLM.
    sampling_params
        Makes vLLM's ``SamplingParams``.

    Yields
    ------
    Indices of prompts and log-likelihoods of their choices, as they finish.
    """
    open_requests = {i: choice.requests for i, choice in enumerate(choices)}
    log_probs: dict[int, dict[_Step, float]] = {i: {} for i in open_requests}
    while open_requests:
        n_open = {i: len(requests) for i, requests in open_requests.items()}
        next_requests: dict[int, list[ScoringRequest]] = {}
        to_send = (
            Request((i, request), [*prompts[i], *request.prefix], _params(request, sampling_params))
            for i, requests in open_requests.items()
            for request in requests
        )
        for outputs in run(to_send):
            done = []
            for (i, request), output in outputs:
                log_probs[i].update(_read_log_probs(request, output))
                n_open[i] -= 1
                if n_open[i] == 0:
                    if missing := choices[i].missing(log_probs[i]):
                        next_requests[i] = missing
                    else:
                        done.append((i, choices[i].total(log_probs.pop(i))))
            if done:
                yield done
        open_requests = next_requests


def _parts(tokens: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Tokens in parts that fit into one request."""
    for start in range(0, len(tokens), MAX_TOKEN_IDS):
        yield tuple(tokens[start : start + MAX_TOKEN_IDS])


def _params(request: ScoringRequest, sampling_params: Callable[..., Any]) -> Any:
    prefix_options = {"prompt_logprobs": 0, "skip_reading_prefix_cache": False} if request.with_prefix else {}
    return sampling_params(temperature=0, max_tokens=1, logprob_token_ids=list(request.following), **prefix_options)


def _read_log_probs(request: ScoringRequest, output: Any) -> Iterator[tuple[_Step, float]]:
    """Log-probabilities in the output of a request."""
    next_token = output.outputs[0].logprobs
    log_prob = dict(zip(next_token.token_ids, next_token.logprobs, strict=True))
    for token in request.following:
        yield (request.prefix, token), log_prob[token]
    if request.with_prefix:
        n = len(output.prompt_token_ids)
        for position in range(-len(request.prefix), 0):
            # vLLM did not compute what follows a token of the prefix cache.
            if n + position > output.num_cached_tokens:
                step = request.prefix[:position], request.prefix[position]
                yield step, output.prompt_logprobs.logprobs[position]
