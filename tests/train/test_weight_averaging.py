"""The running average of weights, against its sum written out; a run that resumes has the same."""

from types import SimpleNamespace

import pytest
import torch

from sc_duality.train._weight_averaging import WeightAveraging

DECAY, STEPS = 0.9, 12


def run(callback, model, folder, steps, save_at=None):
    """Take steps that set the weight to the number of the step."""
    args = SimpleNamespace(output_dir=str(folder))
    state = SimpleNamespace(global_step=0, max_steps=STEPS, is_world_process_zero=True)
    callback.on_train_begin(args, state, None)
    for step in steps:
        with torch.no_grad():
            model.weight.fill_(float(step))
        state.global_step = step
        callback.on_step_end(args, state, SimpleNamespace(should_save=step == save_at), model=model)


def expected():
    value = None
    for step in range(STEPS // 3 + 1, STEPS + 1):
        value = step if value is None else DECAY * value + (1 - DECAY) * step
    return value


def test_the_average_of_the_last_two_thirds(tmp_path):
    model = torch.nn.Linear(2, 1, bias=False)
    run(WeightAveraging(DECAY, None), model, tmp_path, range(1, STEPS + 1))
    assert model.weight.flatten().tolist() == pytest.approx([expected()] * 2, rel=1e-5)


@pytest.mark.parametrize("stopped", [3, 8])
def test_a_run_that_resumes(tmp_path, stopped):
    model = torch.nn.Linear(2, 1, bias=False)
    run(WeightAveraging(DECAY, None), model, tmp_path, range(1, stopped + 1), save_at=stopped)
    checkpoint = str(tmp_path / f"checkpoint-{stopped}")
    run(WeightAveraging(DECAY, checkpoint), model, tmp_path, range(stopped + 1, STEPS + 1))
    assert model.weight.flatten().tolist() == pytest.approx([expected()] * 2, rel=1e-5)


def test_weights_that_are_not_trained_stay(tmp_path):
    model = torch.nn.Linear(2, 1)
    model.bias.requires_grad_(False)
    before = model.bias.clone()
    run(WeightAveraging(DECAY, None), model, tmp_path, range(1, STEPS + 1))
    assert torch.equal(model.bias, before)
