"""Settings of the package, which environment variables ``SC_DUALITY_<NAME>`` can set."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path
from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of the package.

    Change them in Python (``sd.settings.progress = False``) or with environment variables
    (``SC_DUALITY_PROGRESS=0``).

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.settings.model
    'embedded'
    """

    model_config = SettingsConfigDict(env_prefix="SC_DUALITY_", validate_assignment=True)

    #: Default model of all tools.
    model: str = "embedded"
    #: Default engine for loading models; ``"auto"`` is vLLM if it is installed and there is a CUDA GPU.
    engine: Literal["auto", "transformers", "vllm"] = "auto"
    #: Whether long computations show a progress bar.
    progress: bool = True
    #: Whether completions and scores are cached on disk, so an interrupted run resumes without repeating them.
    cache: bool = True
    #: Folder of cached completions, downloads and converted models.
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("sc_duality"))
    #: Maximum size of the cached completions in bytes; the oldest are deleted first.
    cache_size: PositiveInt = 5 * 2**30


settings = Settings()
