"""Generated tokens a second, and those if a step only read the weights once from the card's memory, the bound."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks import _library as library
from benchmarks._gpu_cells import generation_prompts
from benchmarks._gpu_device import halved
from benchmarks._gpu_setting import Setting
from benchmarks._gpu_share import Share, medians


def generation(setting: Setting, model: Any, source: str, share: Share) -> dict[str, Any]:
    """Rate of the engine transformers, which samples cells, and its bound."""

    def with_batches(batch_tokens: int) -> dict[str, Any]:
        model.batch_tokens = batch_tokens
        return generated(setting, model, source, share)

    rate, batch_tokens = halved(with_batches, model.batch_tokens, setting.device)
    weights = sum(one.numel() * one.element_size() for one in model.model.parameters())
    copied = setting.found.get("card", {}).get("copy_gb_per_s")
    bound = rate["completions"] * copied * 1e9 / weights if copied else None
    return {
        **rate,
        "batch_tokens": batch_tokens,
        "bound_tokens_per_s": None if bound is None else round(bound, 1),
        "generated_over_bound": None if bound is None else round(rate["generated_tokens_per_s"] / bound, 5),
    }


def generated(setting: Setting, model: Any, source: str, share: Share) -> dict[str, Any]:
    """Rate of sampling cells of each label in turns, by any engine."""
    prompts = generation_prompts(source, setting.sizes.completions)
    sampling = library.SamplingParams(max_tokens=setting.sizes.new_tokens, temperature=1.0, seed=setting.seed)
    texts: list[str] = []

    def sample() -> None:
        texts[:] = model.generate(prompts, sampling)

    seconds = medians({"sample": sample}, share, setting.sizes.rounds)["sample"]
    # What is shorter than the limit ends with a token of its own.
    tokens = [min(len(text.split()) + 1, sampling.max_tokens) for text in texts]
    return {
        "dtype": model.dtype,
        "completions": len(prompts),
        "tokens_per_completion": round(statistics.mean(tokens), 1),
        "generated_tokens_per_s": round(sum(tokens) / seconds, 1),
    }
