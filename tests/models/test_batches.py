"""Batches hold every prompt once, whole, in a shape that follows from its length alone."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.models._batches import batches

LIMIT = 24
PROMPTS = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=LIMIT), max_size=12)


@given(PROMPTS, st.sampled_from([1, 4, 16]), st.integers(1, 80), st.booleans(), st.sampled_from([None, 1, 3]))
def test_every_prompt_is_in_one_row_as_it_is(prompts, step, tokens, fill, most):
    found = {}
    how = {"tokens": tokens, "device": torch.device("cpu"), "fill": fill, "step": step, "limit": LIMIT, "rows": most}
    for batch in batches(prompts, **how):
        rows, width = batch.ids.shape
        assert rows == max(1, min(tokens // width, most or tokens)) if fill else rows == len(batch.members)
        assert len(batch.members) <= min(rows, most or rows)
        assert width <= LIMIT
        for member, row, length in zip(batch.members, batch.ids.tolist(), batch.lengths.tolist(), strict=False):
            assert member not in found
            assert width - length <= batch.slack == step - 1
            found[member] = row[:length]
    assert found == dict(enumerate(prompts))


@given(PROMPTS.filter(bool), st.sampled_from([1, 4, 16]))
def test_shape_is_that_of_a_prompt_alone(prompts, step):
    how = {"tokens": 40, "device": torch.device("cpu"), "fill": True, "step": step, "limit": LIMIT}
    alone = [next(batches([prompt], **how)).ids.shape for prompt in prompts]
    for batch in batches(prompts, **how):
        assert all(alone[member] == batch.ids.shape for member in batch.members)
