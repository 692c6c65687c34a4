"""Sampling of the next token against numpy."""

import numpy as np
import pytest
import torch

import sc_duality as sd
from sc_duality.models import SamplingParams
from sc_duality.models.engines import SeededSampler

LOGITS = np.array([2.0, 0.5, -1.0, 0.0, 1.5])


def sample(seeds, scores, step=0, *, temperature=1.0, top_p=1.0):
    """The token that is sampled in each row."""
    sampler = SeededSampler(seeds, length=3, max_tokens=step + 1, temperature=temperature, top_p=top_p)
    log_probs = sampler(torch.zeros(len(seeds), 3 + step, dtype=torch.long), torch.tensor(scores))
    assert (torch.isfinite(log_probs).sum(1) == 1).all()
    return log_probs.argmax(1).numpy()


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.0])
def test_tokens_are_sampled_by_their_probability(temperature):
    n = 20_000
    tokens = sample(range(n), np.tile(LOGITS, (n, 1)), temperature=temperature)
    p = np.exp(LOGITS / temperature)
    p /= p.sum()
    share = np.bincount(tokens, minlength=5) / n
    assert (np.abs(share - p) < 5 * np.sqrt(p * (1 - p) / n) + 1e-9).all()


def test_top_p_keeps_the_most_likely_tokens_and_their_proportions():
    n = 20_000
    p = np.exp(LOGITS) / np.exp(LOGITS).sum()  # 0.50, 0.11, 0.02, 0.07, 0.30
    tokens = sample(range(n), np.tile(LOGITS, (n, 1)), top_p=0.7)
    share = np.bincount(tokens, minlength=5) / n
    assert share[[1, 2, 3]].sum() == 0
    assert abs(share[0] - p[0] / (p[0] + p[4])) < 0.02
    assert (sample(range(100), np.tile(LOGITS, (100, 1)), top_p=1e-6) == 0).all()


@pytest.mark.parametrize("top_p", [1.0, 0.8])
def test_sample_is_the_inverse_of_the_distribution(top_p):
    rng = np.random.default_rng(0)
    scores, seeds, step = rng.normal(size=(50, 30)) * 2, list(range(50)), 4
    for row, (seed, token) in enumerate(zip(seeds, sample(seeds, scores, step, top_p=top_p), strict=True)):
        p = np.exp(scores[row]) / np.exp(scores[row]).sum()
        order = np.argsort(-p) if top_p < 1 else np.arange(30)
        kept = [i for n, i in enumerate(order) if p[order[:n]].sum() < top_p]
        cumulative = np.cumsum(p[kept])
        uniform = np.random.default_rng(seed).random(step + 1)[step] * cumulative[-1]
        assert token == kept[int(np.searchsorted(cumulative, uniform, side="right"))]


def test_a_token_of_probability_zero_is_never_sampled():
    scores = np.full((1000, 4), -np.inf)
    scores[:, 2] = -3.0
    assert (sample(range(1000), scores) == 2).all()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_sample_does_not_depend_on_other_prompts(tiny_folder, dtype):
    model = sd.models.load(tiny_folder, dtype=dtype, device="cpu")
    sampling = SamplingParams(max_tokens=8, temperature=1.0, seed=5)
    prompts = ["A B C", "D", "E F G", "A B C", "H H H"]
    together = model.generate(prompts, sampling)
    assert [model.generate([prompt], sampling)[0] for prompt in ("D", "E F G", "H H H")] == [
        together[i] for i in (1, 2, 4)
    ]
    assert together[0] != together[3]
    assert model.generate(prompts[::-1], sampling)[::-1][1:3] == together[1:3]


def test_completion_is_one_of_the_choices(tiny_folder):
    model = sd.models.load(tiny_folder, dtype="float32")
    choices = ("T cell", "NK cell", "B", "naive T cell", "naive B cell")
    prompts = [f"{a} {b}" for a in "ABCDEFGH" for b in "ABCDEFGH"]
    free = model.generate(prompts, SamplingParams(max_tokens=3))
    assert not set(free) <= set(choices)
    assert set(model.generate(prompts, SamplingParams(choices=choices))) <= set(choices)
    hot = model.generate(prompts, SamplingParams(choices=choices, temperature=5.0))
    assert set(hot) == set(choices)
