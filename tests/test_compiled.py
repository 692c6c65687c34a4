"""Kernels are compiled where numba can keep nothing on disk."""

from __future__ import annotations

import errno

import numba.core.caching
import pytest

from sc_duality._compiled import compiled


def double(value: int) -> int:
    return 2 * value


def test_without_a_folder_for_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [])
    assert compiled(double)(4) == 8


def test_with_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def save(*_: object) -> None:
        calls.append(1)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, "load", lambda *_: None)
    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, "save", save)
    kernel = compiled(double)
    assert (kernel(4), kernel(5)) == (8, 10)
    assert len(calls) == 1
