"""Language models that read and write single cells, and check their answers by asking backwards."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets, get, io, metrics, models, pl, pp, rewards, tasks, tl
    from ._settings import settings

__version__ = version("sc-duality")
__all__ = ["datasets", "get", "io", "metrics", "models", "pl", "pp", "rewards", "settings", "tasks", "tl"]


def __getattr__(name: str) -> Any:
    """Load a room when it is first used, so that the import itself stays light."""
    if name == "settings":
        from ._settings import settings

        return settings
    if name in __all__:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
