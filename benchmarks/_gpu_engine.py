"""The engine transformers next to its bounds, and vLLM where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from typing import Any

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._gpu_cells import annotation_prompts, thinned
from benchmarks._gpu_generation import generated, generation
from benchmarks._gpu_scoring import scoring
from benchmarks._gpu_setting import Setting
from benchmarks._gpu_share import medians

#: Fraction of the card's memory that vLLM takes.
VLLM_MEMORY = 0.5


def engine(setting: Setting) -> Iterator[tuple[str, Any]]:
    """Scoring and generation with the packaged model, and with the random one."""
    models = setting.models()
    for i, (name, source) in enumerate(models.items()):
        of_model = setting.share.fraction(1 / (len(models) - i))
        model = library.transformers_model(source, device=str(setting.device))
        yield f"{name}_scoring", scoring(setting, model, source, of_model.fraction(0.5))
        yield f"{name}_generation", generation(setting, model, source, of_model)


def vllm(setting: Setting) -> Iterator[tuple[str, Any]]:
    """The same rates with vLLM and the random model, on a GPU; its memory lies in another process."""
    if setting.device.type != "cuda" or find_spec("vllm") is None:
        yield "not_measured", "needs a CUDA GPU and vLLM"
        return
    source, spec = setting.random_model(), sd.models.resolve(setting.random_model())
    prompts, choices = annotation_prompts(thinned(setting.sizes.scored_cells, setting.seed), source)
    options = {"gpu_memory_utilization": VLLM_MEMORY, "enable_prefix_caching": False}
    with closing(sd.models.VLLMModel(spec, dtype="bfloat16", **options)) as model:
        yield "generation", generated(setting, model, source, setting.share.fraction(0.5))
        seconds = medians({"score": lambda: model.score(prompts, choices)}, setting.share, setting.sizes.rounds)[
            "score"
        ]
        yield "scoring", {"cells": len(prompts), "scored_cells_per_s": round(len(prompts) / seconds, 1)}
