"""The device that ``benchmarks.gpu`` measures: its name, its clock and its memory."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import torch

from benchmarks import _memory
from benchmarks._results import machine

Result = TypeVar("Result")


def chosen_device() -> torch.device:
    """A CUDA GPU if there is one, else the CPU, which a line says."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    print("no CUDA GPU: small sizes on the CPU, and no results/gpu.json", flush=True)
    return torch.device("cpu")


def device_name(device: torch.device) -> str:
    """The name of the card, or the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else machine()


def synchronize(device: torch.device) -> None:
    """Wait for what the device still computes."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def synchronized(device: torch.device, work: Callable[[], Any]) -> Callable[[], None]:
    """The work, which returns when the device has finished it."""

    def call() -> None:
        work()
        synchronize(device)

    return call


def free_memory(device: torch.device) -> None:
    """Free what nothing refers to on a GPU."""
    if device.type == "cuda":
        gc.collect()
        torch.cuda.empty_cache()


def reset_peak_memory(device: torch.device) -> None:
    """Let the peak start from what is in use."""
    free_memory(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    with suppress(OSError):  # only Linux has it, and not every container
        _memory.reset_peak()


def peak_memory_gib(device: torch.device) -> float | None:
    """Peak of torch's tensors on the GPU, or of this process on a CPU (Linux)."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**30, 3)
    return round(_memory.peak_bytes() / 2**30, 3) if _memory.STATUS.is_file() else None


def halved(work: Callable[[int], Result], size: int, device: torch.device) -> tuple[Result, int]:
    """The result with the largest size that fits into memory, halved from ``size``, and that size."""
    while True:
        try:
            return work(size), size
        except torch.OutOfMemoryError:
            if size <= 1:
                raise
        print(f"out of memory with a batch of {size}: half of it", flush=True)
        free_memory(device)
        size //= 2
