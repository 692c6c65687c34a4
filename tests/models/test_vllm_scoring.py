"""What is asked of vLLM to judge choices, with a made language model in place of vLLM."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.models._vllm_scoring import Choices, judge

TOKEN = st.integers(0, 3)
CHOICES = st.lists(st.lists(TOKEN, min_size=1, max_size=6), min_size=1, max_size=6)


def log_probability(before, token):
    """Of a made model: any number that depends on all that came before."""
    return -(hash((*before, token)) % 1000) / 100 - 0.01


class MadeVLLM:
    """Answers requests as vLLM does: of tokens in the prefix cache it says nothing that can be believed."""

    def __init__(self, draw):
        self.draw, self.asked = draw, 0

    def run(self, requests):
        for key, ids, params in requests:
            self.asked += 1
            cached = self.draw(st.integers(0, len(ids) - 1)) if params.get("prompt_logprobs") == 0 else 0
            told = [log_probability(ids[:i], ids[i]) if i > cached else 99.0 for i in range(1, len(ids))]
            after = params["logprob_token_ids"]
            sampled = SimpleNamespace(token_ids=after, logprobs=[log_probability(ids, token) for token in after])
            output = SimpleNamespace(
                outputs=[SimpleNamespace(logprobs=sampled)],
                prompt_logprobs=SimpleNamespace(logprobs=told),
                prompt_token_ids=ids,
                num_cached_tokens=cached,
            )
            yield [(key, output)]


@given(heads=st.lists(st.lists(TOKEN, min_size=1, max_size=5), min_size=1, max_size=3), choices=CHOICES, data=st.data())
def test_totals_are_right_whatever_the_prefix_cache_holds(heads, choices, data):
    found = {}
    for finished in judge(heads, [Choices(choices)] * len(heads), MadeVLLM(data.draw).run, dict):
        found.update(finished)
    assert sorted(found) == list(range(len(heads)))
    for i, head in enumerate(heads):
        whole = [[*head, *choice] for choice in choices]
        expected = [sum(log_probability(one[:k], one[k]) for k in range(len(head), len(one))) for one in whole]
        np.testing.assert_allclose(found[i], expected)


def test_no_more_is_asked_than_needs_be():
    assert len(Choices([[1], [2], [3]]).questions) == 1
    # One where they part, and one for the end of each that is longer than that.
    assert len(Choices([[1, 2, 3, 4], [1, 2, 5, 6], [1, 2, 7]]).questions) == 3
    assert len(Choices([[i] for i in range(300)]).questions) == 3
