"""Requests to vLLM that score choices, with a synthetic language model in place of vLLM."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.models.engines.vllm._vllm_scoring import ChoiceRequests, score_choices

TOKEN = st.integers(0, 3)
CHOICES = st.lists(st.lists(TOKEN, min_size=1, max_size=6), min_size=1, max_size=6)


def log_probability(before, token):
    """Of a synthetic model: any number that depends on all tokens before."""
    return -(hash((*before, token)) % 1000) / 100 - 0.01


class SyntheticVLLM:
    """Answers requests as vLLM does: the values of tokens in its prefix cache are wrong."""

    def __init__(self, draw):
        self.draw, self.n_requests = draw, 0

    def run(self, requests):
        for key, ids, params in requests:
            self.n_requests += 1
            cached = self.draw(st.integers(0, len(ids) - 1)) if params.get("prompt_logprobs") == 0 else 0
            prompt_values = [log_probability(ids[:i], ids[i]) if i > cached else 99.0 for i in range(1, len(ids))]
            after = params["logprob_token_ids"]
            sampled = SimpleNamespace(token_ids=after, logprobs=[log_probability(ids, token) for token in after])
            output = SimpleNamespace(
                outputs=[SimpleNamespace(logprobs=sampled)],
                prompt_logprobs=SimpleNamespace(logprobs=prompt_values),
                prompt_token_ids=ids,
                num_cached_tokens=cached,
            )
            yield [(key, output)]


@given(heads=st.lists(st.lists(TOKEN, min_size=1, max_size=5), min_size=1, max_size=3), choices=CHOICES, data=st.data())
def test_totals_do_not_depend_on_the_prefix_cache(heads, choices, data):
    found = {}
    for finished in score_choices(heads, [ChoiceRequests(choices)] * len(heads), SyntheticVLLM(data.draw).run, dict):
        found.update(finished)
    assert sorted(found) == list(range(len(heads)))
    for i, head in enumerate(heads):
        whole = [[*head, *choice] for choice in choices]
        expected = [sum(log_probability(one[:k], one[k]) for k in range(len(head), len(one))) for one in whole]
        np.testing.assert_allclose(found[i], expected)


def test_number_of_requests_is_minimal():
    assert len(ChoiceRequests([[1], [2], [3]]).requests) == 1
    # One where they diverge, and one for the last token of each longer choice.
    assert len(ChoiceRequests([[1, 2, 3, 4], [1, 2, 5, 6], [1, 2, 7]]).requests) == 3
    assert len(ChoiceRequests([[i] for i in range(300)]).requests) == 3
