"""The words of a task: templates and answer format that a model understands."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateNotFound
from jinja2.sandbox import SandboxedEnvironment

from ._context import context_sentences

_SHIPPED = Path(__file__).parent / "dialects"


class Dialect:
    """A folder of templates, one ``<task>.jinja`` a task, and a ``dialect.toml``.

    The templates define macros named after what is to be said (``prompt``, ``answer``,
    ``dual_prompt``, ``dual_answer``). ``dialect.toml`` holds ``version`` and ``tagged``: whether
    answers stand in ``<answer>…</answer>``.

    Parameters
    ----------
    name
        A dialect that is shipped (``"plain"`` English for general models, ``"compact"`` for the
        embedded one, ``"cell-o1"`` for that checkpoint), or the path of a folder.

    Examples
    --------
    >>> from sc_duality.tasks import Dialect
    >>> Dialect("compact").say("annotation", "answer", label="B cell")
    'B_cell'
    """

    def __init__(self, name: str | Path = "plain") -> None:
        folder = _SHIPPED / name if (_SHIPPED / name).is_dir() else Path(name)
        if not (folder / "dialect.toml").is_file():
            shipped = sorted(path.name for path in _SHIPPED.iterdir() if path.is_dir())
            raise ValueError(f"dialect {str(name)!r} is neither one of {shipped} nor a folder with a dialect.toml")
        settings = tomllib.loads((folder / "dialect.toml").read_text(encoding="utf-8"))
        self.name = str(name)
        self.version: int = settings["version"]
        self.tagged: bool = settings["tagged"]
        self._environment = SandboxedEnvironment(
            loader=FileSystemLoader(folder), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._environment.filters["sentences"] = context_sentences
        self._macros = cache(self._load)

    def _load(self, task: str) -> Template:
        try:
            return self._environment.get_template(f"{task}.jinja")
        except TemplateNotFound:
            raise ValueError(f"dialect {self.name!r} has no words for the task {task!r}") from None

    def say(self, task: str, what: str, **values: Any) -> str:
        """Render macro ``what`` of ``task`` with ``values``."""
        macro = getattr(self._macros(task).module, what)
        return str(macro(**values)).strip()


def dialect_of(dialect: str | Path | Dialect) -> Dialect:
    """The dialect itself, or the one of this name."""
    return dialect if isinstance(dialect, Dialect) else Dialect(dialect)
