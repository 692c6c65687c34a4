"""The words of a task: templates and answer format that a model understands."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateNotFound
from jinja2.sandbox import SandboxedEnvironment

from ._context import context_sentences
from ._parse import Answer, Failure, read_answer

_SHIPPED = Path(__file__).parent / "prompt_formats"


class PromptFormat:
    """A folder of templates, one ``<task>.jinja`` a task, and a ``format.toml``.

    The templates define macros named after what is to be said (``prompt``, ``answer``,
    ``dual_prompt``, ``dual_answer``). ``format.toml`` holds ``version`` and ``tagged``: whether
    answers stand in ``<answer>…</answer>``. It may name the ``ending`` of an answer, such as a full stop, and a
    ``wording``: a folder with wordings as JSON in an installed package, ``package/folder``, which templates read by
    ``wording(file)``.

    Parameters
    ----------
    name
        A prompt format that is shipped (``"plain"`` English for general models, ``"terse"`` in fewer words,
        ``"compact"`` for the embedded model, ``"c2s"`` and ``"cell-o1"`` for those checkpoints), or a folder.

    Raises
    ------
    ImportError
        If the package that holds the wording is not installed.

    Examples
    --------
    >>> from sc_duality.tasks import PromptFormat
    >>> PromptFormat("compact").say("annotation", "answer", label="B cell")
    'B_cell'
    """

    def __init__(self, name: str | Path = "plain") -> None:
        folder = _SHIPPED / name if (_SHIPPED / name).is_dir() else Path(name)
        if not (folder / "format.toml").is_file():
            shipped = sorted(path.name for path in _SHIPPED.iterdir() if path.is_dir())
            raise ValueError(f"prompt format {str(name)!r} is neither one of {shipped} nor a folder with a format.toml")
        settings = tomllib.loads((folder / "format.toml").read_text(encoding="utf-8"))
        self.name = str(name)
        self.version: int = settings["version"]
        self.tagged: bool = settings["tagged"]
        self.ending: str = settings.get("ending", "")
        #: Whether a model of this format has one token for each gene and each label.
        self.gene_tokens: bool = settings.get("gene_tokens", False)
        #: Whether its models answer in a chat; else they continue a text.
        self.chat: bool = settings.get("chat", True)
        self._environment = SandboxedEnvironment(
            loader=FileSystemLoader(folder), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._environment.filters["sentences"] = context_sentences
        self._environment.globals["refuse"] = _refuse
        if "wording" in settings:
            self._environment.globals["wording"] = partial(_wording, self._installed(settings["wording"]))
        self._macros = cache(self._load)

    def say(self, task: str, what: str, **values: Any) -> str:
        """Render macro ``what`` of ``task`` with ``values``; line breaks before and after it do not count."""
        macro = getattr(self._macros(task).module, what, None)
        if macro is None:
            raise ValueError(f"prompt format {self.name!r} has no words for {what!r} of the task {task!r}")
        return str(macro(**values)).strip("\n")

    def read(self, text: str) -> Answer | Failure:
        """Cut the answer and the reasoning out of what a model wrote, and its ending off."""
        found = read_answer(text, tagged=self.tagged)
        if isinstance(found, Failure):
            return found
        return replace(found, value=found.value.removesuffix(self.ending).rstrip())

    def _load(self, task: str) -> Template:
        try:
            return self._environment.get_template(f"{task}.jinja")
        except TemplateNotFound:
            raise ValueError(f"prompt format {self.name!r} has no words for the task {task!r}") from None

    def _installed(self, where: str) -> Path:
        """A folder in an installed package, which itself is not imported."""
        package, _, folder = where.partition("/")
        found = find_spec(package)
        if found is None or not found.submodule_search_locations:
            raise ImportError(
                f"prompt format {self.name!r} takes its words from {package}, which is not installed: "
                f"pip install --no-deps {package}"
            )
        return Path(found.submodule_search_locations[0]) / folder


def _wording(folder: Path, file: str) -> Any:
    path = folder / f"{file}.json"
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}: this version of the package holds other wordings")
    return json.loads(path.read_text(encoding="utf-8"))


def _refuse(why: str) -> NoReturn:
    """For templates: what is asked cannot be said."""
    raise ValueError(why)


def prompt_format_of(prompt_format: str | Path | PromptFormat) -> PromptFormat:
    """The prompt format itself, or the one of this name."""
    return prompt_format if isinstance(prompt_format, PromptFormat) else PromptFormat(prompt_format)
