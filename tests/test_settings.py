"""Settings come from Python or the environment, and an invalid one is named."""

from __future__ import annotations

import pickle
import pwd
from pathlib import Path

import pytest

from sc_duality import _settings
from sc_duality._settings import Settings, _from_environment, cache_folder


def test_the_home_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SC_DUALITY_CACHE_DIR", "~/cache")
    settings = _from_environment()
    assert settings.cache_dir == tmp_path / "cache"
    settings.cache_dir = Path("~/other")
    assert settings.cache_dir == tmp_path / "other"
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_invalid_values_name_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SC_DUALITY_ENGINE", "gpu")
    monkeypatch.setenv("SC_DUALITY_CACHE_SIZE", "5GB")
    with pytest.raises(ValueError, match=r"SC_DUALITY_ENGINE='gpu': Input should be.*SC_DUALITY_CACHE_SIZE='5GB'"):
        _from_environment()
    monkeypatch.setenv("SC_DUALITY_ENGINE", "")
    monkeypatch.setenv("SC_DUALITY_CACHE_SIZE", "1000")
    assert (_from_environment().engine, _from_environment().cache_size) == ("auto", 1000)


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """HOME is not set, and the user id has no entry."""

    def getpwuid(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", getpwuid)
    monkeypatch.setattr(_settings, "gettempdir", lambda: str(tmp_path))
    for name in ("HOME", "XDG_CACHE_HOME", "SC_DUALITY_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    _settings._temporary_cache.cache_clear()
    yield
    _settings._temporary_cache.cache_clear()


@pytest.mark.usefixtures("no_home")
def test_without_a_home_the_cache_is_temporary_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings()
    assert settings.cache_dir.parent == tmp_path
    assert not caplog.text
    monkeypatch.setattr(_settings, "settings", settings)
    for name in ("answers.sqlite", "datasets"):
        assert cache_folder(name) == settings.cache_dir / name
    assert [record.getMessage() for record in caplog.records] == [
        f"there is no home folder: {settings.cache_dir} is the cache; set SC_DUALITY_CACHE_DIR to a folder that lasts"
    ]
    monkeypatch.setenv("SC_DUALITY_CACHE_DIR", "~/cache")
    with pytest.raises(ValueError, match="SC_DUALITY_CACHE_DIR='~/cache': .*the home of ~/cache is not known"):
        _from_environment()
