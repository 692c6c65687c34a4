"""Package-wide settings, each of which the environment can set as ``SC_DUALITY_<NAME>``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path
from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of the package.

    Change them in place (``sd.settings.progress = False``) or through the environment
    (``SC_DUALITY_PROGRESS=0``).

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.settings.model
    'embedded'
    """

    model_config = SettingsConfigDict(env_prefix="SC_DUALITY_", validate_assignment=True)

    #: Model that tools use when none is named.
    model: str = "embedded"
    #: Engine that models are loaded with when none is named: ``"auto"`` takes vLLM where it and a CUDA GPU are there.
    engine: Literal["auto", "transformers", "vllm"] = "auto"
    #: Whether long work shows a progress bar.
    progress: bool = True
    #: Whether the answers of models are kept on disk, so that work that was stopped goes on where it was.
    cache: bool = True
    #: Where answers, downloads and converted models are kept.
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("sc_duality"))
    #: Bytes that kept answers may take; the oldest go first.
    cache_size: PositiveInt = 5 * 2**30


settings = Settings()
