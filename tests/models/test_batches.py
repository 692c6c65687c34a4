"""Batches contain every prompt once, in a shape that depends on its length alone."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.models.engines.transformers._batches import batches

LIMIT = 24
PROMPTS = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=LIMIT), max_size=12)


@given(
    PROMPTS,
    st.sampled_from([1, 4, 16]),
    st.integers(1, 80),
    st.booleans(),
    st.sampled_from([None, 1, 3]),
    st.booleans(),
)
def test_every_prompt_is_in_exactly_one_row(prompts, step, tokens, fill, max_rows, in_front):
    found = {}
    options = {
        "tokens": tokens,
        "device": torch.device("cpu"),
        "fill": fill,
        "step": step,
        "limit": LIMIT,
        "rows": max_rows,
        "in_front": in_front,
    }
    for batch in batches(prompts, **options):
        rows, width = batch.ids.shape
        assert rows == max(1, min(tokens // width, max_rows or tokens)) if fill else rows == len(batch.members)
        assert len(batch.members) <= min(rows, max_rows or rows)
        assert width <= LIMIT
        for member, row, length in zip(batch.members, batch.ids.tolist(), batch.lengths.tolist(), strict=False):
            assert member not in found
            assert width - length <= batch.slack == step - 1
            found[member] = row[width - length :] if in_front else row[:length]
    assert found == dict(enumerate(prompts))


@given(PROMPTS.filter(bool), st.sampled_from([1, 4, 16]))
def test_shape_is_that_of_a_single_prompt(prompts, step):
    options = {"tokens": 40, "device": torch.device("cpu"), "fill": True, "step": step, "limit": LIMIT}
    alone = [next(batches([prompt], **options)).ids.shape for prompt in prompts]
    for batch in batches(prompts, **options):
        assert all(alone[member] == batch.ids.shape for member in batch.members)
