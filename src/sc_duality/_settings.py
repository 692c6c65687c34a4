"""Package-wide settings, each of which the environment can set as ``SC_DUALITY_<NAME>``."""

from __future__ import annotations

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
    #: Whether long work shows a progress bar.
    progress: bool = True


settings = Settings()
