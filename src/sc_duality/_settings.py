"""Settings of the package, which environment variables ``SC_DUALITY_<NAME>`` can set."""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Literal

from platformdirs import user_cache_path
from pydantic import Field, PositiveInt, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ._verbosity import Verbosity, apply

logger = logging.getLogger(__name__)

#: Start of the names of environment variables.
_PREFIX = "SC_DUALITY_"


def _user_cache() -> Path:
    return _temporary_cache() or user_cache_path("sc_duality")


@cache
def _temporary_cache() -> Path | None:
    """The cache of a user without a home, as in containers under a user id without an entry; else ``None``."""
    try:
        user_cache_path("sc_duality")
    except RuntimeError:
        return Path(gettempdir(), f"sc_duality-{os.getuid()}")
    return None


class Settings(BaseSettings):
    """Settings of the package.

    Change them in Python (``sd.settings.progress = False``) or with environment variables
    (``SC_DUALITY_PROGRESS=0``). An empty variable counts as not set.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.settings.model
    'embedded'
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, validate_assignment=True, validate_default=True
    )

    #: Default model of all tools; for tasks that a model inside the package was not trained for, another such model.
    model: str = "embedded"
    #: Default engine for loading models; ``"auto"`` is vLLM if it is installed and there is a CUDA GPU.
    engine: Literal["auto", "transformers", "vllm"] = "auto"
    #: Whether long computations show a progress bar.
    progress: bool = True
    #: Whether completions and scores are cached on disk, so an interrupted run resumes without repeating them.
    cache: bool = True
    #: Folder of cached completions, downloads and converted models; ``~`` is the home. Without a home, the default is
    #: a folder among the temporary files.
    cache_dir: Path = Field(default_factory=_user_cache)
    #: What is written to stderr, by number or name as in scanpy: errors (0), warnings (1), also which matrix, how many
    #: cells and how many genes a tool reads, and what it writes (2, the default), or everything (4). A program that
    #: configures Python's logging gets these as records of the logger ``sc_duality``.
    verbosity: Verbosity = Verbosity.info
    #: Maximum size of the cached completions in bytes; the oldest are deleted first.
    cache_size: PositiveInt = 5 * 2**30

    @field_validator("verbosity", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Verbosity:
        return Verbosity.of(value)

    @field_validator("verbosity")
    @classmethod
    def _apply(cls, value: Verbosity) -> Verbosity:
        apply(value)
        return value

    @field_validator("cache_dir")
    @classmethod
    def _expand_home(cls, folder: Path) -> Path:
        try:
            return folder.expanduser()
        except RuntimeError as error:
            raise ValueError(f"the home of {folder} is not known: pass a full path") from error


def cache_folder(name: str) -> Path:
    """A folder or file in the cache; a warning, once, where the cache lies among the temporary files."""
    if settings.cache_dir == _temporary_cache():
        _warn_temporary(settings.cache_dir)
    return settings.cache_dir / name


@cache
def _warn_temporary(folder: Path) -> None:
    logger.warning("there is no home folder: %s is the cache; set SC_DUALITY_CACHE_DIR to a folder that lasts", folder)


def _from_environment() -> Settings:
    """The settings, or an error that names the environment variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"{_PREFIX}{str(one['loc'][0]).upper()}={one['input']!r}: {one['msg']}" for one in error.errors()]
        raise ValueError(f"environment variables hold invalid settings: {'; '.join(wrong)}") from None


settings = _from_environment()
