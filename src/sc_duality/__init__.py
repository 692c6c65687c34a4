"""Language models that read and write single cells, and score their predictions by duality."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets, examples, get, io, metrics, models, pl, pp, rewards, tasks, tl
    from ._settings import settings
    from .duality import Duality
    from .models import Sampling

__version__ = version("sc-duality")
__all__ = [
    "Duality",
    "Sampling",
    "datasets",
    "examples",
    "get",
    "io",
    "metrics",
    "models",
    "pl",
    "pp",
    "rewards",
    "settings",
    "tasks",
    "tl",
]
#: Names that lie in a subpackage.
_FROM = {"Duality": "duality", "Sampling": "models", "settings": "_settings"}


def __getattr__(name: str) -> Any:
    """Import a subpackage at first use, so that the import itself stays light."""
    if name in _FROM:
        return getattr(import_module(f".{_FROM[name]}", __name__), name)
    if name in __all__:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
