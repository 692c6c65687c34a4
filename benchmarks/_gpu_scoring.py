"""Annotated cells a second, and those of plain forward passes over full batches, the bound."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch

from benchmarks._gpu_cells import annotation_prompts, thinned
from benchmarks._gpu_device import halved, synchronized
from benchmarks._gpu_flops import forward_flops, mfu, model_size
from benchmarks._gpu_setting import Setting
from benchmarks._gpu_share import Share, medians


def scoring(setting: Setting, model: Any, source: str, share: Share) -> dict[str, Any]:
    """Rates of the engine transformers and of its bound, measured in turns."""
    prompts, choices = annotation_prompts(thinned(setting.sizes.scored_cells, setting.seed), source)
    ids = model.tokenizer(prompts)["input_ids"]
    sizes = {
        halved(lambda size: forward(model, full_batch(setting, ids, size)), tokens, setting.device)[1]
        for tokens in setting.sizes.bound_tokens
    }

    def in_turns(batch_tokens: int) -> dict[str, float]:
        model.batch_tokens = batch_tokens
        work: dict[str, Callable[[], Any]] = {"scored": lambda: model.score(prompts, choices)}
        return medians(
            work | {str(size): full_batches(setting, model, ids, size) for size in sorted(sizes)},
            share,
            setting.sizes.rounds,
        )

    seconds, batch_tokens = halved(in_turns, model.batch_tokens, setting.device)
    scored = seconds.pop("scored")
    of_all = {size: taken * share_of_all(setting, ids, int(size)) for size, taken in seconds.items()}
    fastest = min(of_all, key=lambda size: of_all[size])
    flops = forward_flops(model_size(model.model), map(len, ids))
    return {
        "dtype": model.dtype,
        "cells": len(prompts),
        "tokens_per_cell": round(statistics.mean(map(len, ids)), 1),
        "batch_tokens": batch_tokens,
        "scored_cells_per_s": round(len(prompts) / scored, 1),
        "bound_cells_per_s": round(len(prompts) / of_all[fastest], 1),
        "bound_batch_tokens": int(fastest),
        "scored_over_bound": round(of_all[fastest] / scored, 3),
        "scoring_mfu": mfu(flops, scored, setting.peak_tflop_per_s(model.dtype)),
        "bound_mfu": mfu(flops, of_all[fastest], setting.peak_tflop_per_s(model.dtype)),
    }


def full_batches(setting: Setting, model: Any, ids: list[list[int]], tokens: int) -> Callable[[], None]:
    """Forward passes over full batches with about as many tokens as all prompts."""
    batch = full_batch(setting, ids, tokens)
    n = n_batches(ids, batch)

    def passes() -> None:
        for _ in range(n):
            forward(model, batch)

    return synchronized(setting.device, passes)


def share_of_all(setting: Setting, ids: list[list[int]], tokens: int) -> float:
    """Tokens of all prompts over those of their full batches."""
    batch = full_batch(setting, ids, tokens)
    return sum(map(len, ids)) / (n_batches(ids, batch) * batch.numel())


def n_batches(ids: list[list[int]], batch: torch.Tensor) -> int:
    """Full batches that have about as many tokens as all prompts."""
    return max(1, round(sum(map(len, ids)) / batch.numel()))


def full_batch(setting: Setting, ids: list[list[int]], tokens: int) -> torch.Tensor:
    """Prompts of the most frequent length, repeated to about this number of tokens."""
    length = statistics.mode(map(len, ids))
    same = [one for one in ids if len(one) == length]
    rows = max(1, tokens // length)
    return torch.tensor((same * (rows // len(same) + 1))[:rows], device=setting.device)


def forward(model: Any, batch: torch.Tensor) -> None:
    """A plain forward pass, with logits at the last token."""
    with torch.inference_mode():
        model.model(input_ids=batch, use_cache=False, logits_to_keep=1)
