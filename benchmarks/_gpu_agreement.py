"""Labels and log-likelihoods on the device next to those of the CPU in float32."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import _library as library
from benchmarks._gpu_cells import annotation_prompts, compared_cells
from benchmarks._gpu_setting import Setting

MODEL = "embedded"


def agreement(setting: Setting) -> Iterator[tuple[str, Any]]:
    """The packaged model in both data types on the device, and in float32 on the CPU."""
    prompts, choices, most = [], [], setting.sizes.compared_cells
    for cells in compared_cells(setting.seed):
        of_set, choices = annotation_prompts(cells, MODEL)
        prompts = [*prompts, *of_set][:most]
        if len(prompts) == most:
            break
    expected = log_likelihoods("cpu", "float32", prompts, choices)
    yield "cells", len(prompts)
    for dtype in ("float32", "bfloat16"):
        yield dtype, differences(log_likelihoods(str(setting.device), dtype, prompts, choices), expected)


def log_likelihoods(device: str, dtype: str, prompts: list[str], choices: list[str]) -> NDArray[np.float64]:
    """Of every label for every cell."""
    return library.transformers_model(MODEL, device=device, dtype=dtype).score(prompts, choices)


def differences(values: NDArray[np.float64], expected: NDArray[np.float64]) -> dict[str, float]:
    """Share of cells with the same best label, and differences of log-likelihoods in nats."""
    found = np.abs(values - expected)
    return {
        "label_agreement": round(float((values.argmax(1) == expected.argmax(1)).mean()), 4),
        "loglik_max_difference_nats": round(float(found.max()), 6),
        "loglik_median_difference_nats": round(float(np.median(found)), 6),
    }
