"""No test or doctest leaves anything in the user's cache, or finds an answer there."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

import sc_duality as sd

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    os.environ |= {"SC_DUALITY_CACHE": "0", "SC_DUALITY_CACHE_DIR": str(folder)}
    sd.settings.cache = False
    sd.settings.cache_dir = folder
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, switched on; the folder that it lies in."""
    monkeypatch.setattr(sd.settings, "cache_dir", tmp_path / "cache")
    monkeypatch.setattr(sd.settings, "cache", True)
    return tmp_path / "cache"
