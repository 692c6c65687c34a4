"""What the card reaches: matrix products a second, and bytes a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from benchmarks._gpu_device import synchronized
from benchmarks._gpu_setting import Setting
from benchmarks._gpu_share import Share, medians

DTYPES = (torch.bfloat16, torch.float32)
#: Products or copies in a row, between two looks at the clock.
REPEATS = 10


def card(setting: Setting) -> Iterator[tuple[str, Any]]:
    """Rates of matrix products of random values in bfloat16 and float32, and of a copy in the card's memory."""
    for left, dtype in zip((3, 2), DTYPES, strict=True):
        rate = matmul_tflop_per_s(setting, dtype, setting.share.fraction(1 / left))
        yield f"matmul_{str(dtype).removeprefix('torch.')}_tflop_per_s", rate
    yield "float32_matmul_precision", torch.get_float32_matmul_precision()
    yield "copy_gb_per_s", copy_gb_per_s(setting, setting.share)


def matmul_tflop_per_s(setting: Setting, dtype: torch.dtype, share: Share) -> float:
    """10¹² operations a second of a product of two square matrices."""
    n = setting.sizes.matrix
    one, other = (torch.randn(n, n, device=setting.device, dtype=dtype) for _ in range(2))
    out = torch.empty_like(one)

    def products() -> None:
        for _ in range(REPEATS):
            torch.matmul(one, other, out=out)

    taken = medians({"products": synchronized(setting.device, products)}, share, setting.sizes.rounds)["products"]
    return round(REPEATS * 2 * n**3 / taken / 1e12, 3)


def copy_gb_per_s(setting: Setting, share: Share) -> float:
    """10⁹ bytes a second of a copy, those read and those written."""
    source = torch.randn(setting.sizes.copy_mib * 2**18, device=setting.device)
    target = torch.empty_like(source)

    def copies() -> None:
        for _ in range(REPEATS):
            target.copy_(source)

    taken = medians({"copies": synchronized(setting.device, copies)}, share, setting.sizes.rounds)["copies"]
    return round(REPEATS * 2 * source.numel() * source.element_size() / taken / 1e9, 2)
