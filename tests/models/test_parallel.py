"""Batches that are computed at once."""

import threading

import numpy as np
import pytest
import torch

import sc_duality as sd
from sc_duality.models.engines.transformers._batches import batches
from sc_duality.models.engines.transformers._parallel import computed

PROMPTS = [[i, i + 1, i + 2] for i in range(20)]


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    assert torch.get_num_threads() == request.param
    torch.set_num_threads(before)


def each():
    """One batch a prompt."""
    return batches(PROMPTS, tokens=3, device=torch.device("cpu"), fill=True)


def first_token(batch):
    return batch.ids[:, 0]


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("parallel", [False, True])
def test_every_batch_has_its_result_in_order(parallel):
    found = list(computed(each(), first_token, parallel=parallel))
    assert [batch.members for batch, _ in found] == [batch.members for batch in each()]
    assert [result.tolist() for _, result in found] == [[prompt[0]] for prompt in PROMPTS]


def test_each_thread_computes_alone(threads):
    used = set()

    def compute(batch):
        used.add((threading.current_thread() is threading.main_thread(), torch.get_num_threads()))
        return first_token(batch)

    list(computed(each(), compute, parallel=True))
    assert used == {(threads == 1, 1)}


@pytest.mark.usefixtures("threads")
def test_an_error_reaches_the_caller():
    def compute(batch):
        if batch.ids[0, 0] == 5:
            raise ValueError("five")
        return first_token(batch)

    with pytest.raises(ValueError, match="five"):
        list(computed(each(), compute, parallel=True))


@pytest.mark.usefixtures("threads")
def test_a_caller_may_stop():
    found = computed(each(), first_token, parallel=True)
    assert next(found)[0].members == [0]
    found.close()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_answers_are_those_of_one_thread_to_the_last_bit(dtype, monkeypatch):
    monkeypatch.setattr(sd.settings, "cache", False)
    adata = sd.datasets.pbmc3k()[:60].copy()
    model = sd.models.load("embedded", dtype=dtype)
    before, found = torch.get_num_threads(), []
    for n in (1, 2):
        torch.set_num_threads(n)
        sd.tl.annotate(adata, model, labels="blood")
        sd.tl.duality(adata, model=model)
        found.append(adata.obs[["annotation_confidence", "annotation_duality"]].to_numpy(float))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)
