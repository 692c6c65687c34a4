"""The prompt format of a model: templates of prompts and answers, and what its models can do."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateNotFound
from jinja2.sandbox import SandboxedEnvironment

from ._context import context_sentences
from ._parse import Answer, Failure, split_completion
from ._template import TaskTemplate

_SHIPPED = Path(__file__).parent / "prompt_formats"
#: Template with the macros that all tasks of a prompt format share.
_SHARED = "_shared.jinja"
#: Template of the text by which a cell is embedded.
_CELL = "_cell"


class PromptFormat:
    """A folder of templates, one ``<task>.jinja`` a task, with ``_shared.jinja`` and ``format.toml``.

    ``format.toml`` holds ``version``; ``tagged`` (answers stand in ``<answer>…</answer>``); ``gene_tokens`` (models
    have one token for each gene and each label); ``chat`` (models answer in a chat, else they continue text); and
    optionally ``reasoning`` (prompts invite the model to reason first), ``ending``, which ends an answer, and
    ``prompts``: a folder of JSON files in an installed package, as ``package/folder``, which templates read by
    ``prompts(file)``.

    Parameters
    ----------
    name
        A prompt format that is shipped (``"plain"`` English for general models, ``"terse"`` in fewer words,
        ``"compact"`` for the embedded model, ``"c2s"`` and ``"cell-o1"`` for those checkpoints), or a folder.

    Raises
    ------
    ImportError
        The package that holds the prompts is not installed.

    Examples
    --------
    >>> from sc_duality.tasks import PromptFormat
    >>> PromptFormat("compact").gene_tokens
    True
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
        self.gene_tokens: bool = settings.get("gene_tokens", False)
        self.chat: bool = settings.get("chat", True)
        self.reasoning: bool = settings.get("reasoning", False)
        self._folder = folder
        self._globals: dict[str, Any] = {"refuse": _refuse}
        if "prompts" in settings:
            self._globals["prompts"] = partial(_read_prompts, self._installed(settings["prompts"]))
        #: Template of a task, by its name and by the folder of its templates if it is not part of the package.
        self.template = cache(self._template)

    def __reduce__(self) -> tuple[type[PromptFormat], tuple[str]]:
        return PromptFormat, (self.name,)  # templates cannot be pickled, and are read anew

    @staticmethod
    def load(prompt_format: str | Path | PromptFormat) -> PromptFormat:
        """The prompt format of this name or folder, or the object itself."""
        return prompt_format if isinstance(prompt_format, PromptFormat) else PromptFormat(prompt_format)

    def read(self, completion: str) -> Answer | Failure:
        """Cut the answer and the reasoning out of a completion, and the ending off the answer."""
        found = split_completion(completion, tagged=self.tagged)
        if isinstance(found, Failure) or not self.ending:
            return found
        return replace(found, value=found.value.removesuffix(self.ending).rstrip())

    def has_template(self, task: str) -> bool:
        """Whether there is a template of this task of the package."""
        return (self._folder / f"{task}.jinja").is_file()

    def cell_text(self, genes: Sequence[str]) -> str:
        """The text by which a model embeds a cell with these genes."""
        return self.template(_CELL, None).render("text", genes)

    def _template(self, task: str, folder: Path | None) -> TaskTemplate:
        file = f"{task}.jinja" if folder is None else f"{Path(self.name).name}.jinja"
        try:
            own, shared = self._files(file, folder)
        except TemplateNotFound:
            raise ValueError(
                f"the prompt format {self.name!r} has no template for the task {task!r}: write {file} in "
                f"{str(folder or self._folder)!r}"
            ) from None
        return TaskTemplate(f"the task {task!r} in the prompt format {self.name!r}", own, shared, self.read)

    def _files(self, file: str, folder: Path | None) -> tuple[Template, Template]:
        """A template and the shared one, which both see those of this prompt format."""
        folders = [self._folder] if folder is None else [folder, self._folder]
        environment = SandboxedEnvironment(
            loader=FileSystemLoader(folders), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters["sentences"] = context_sentences
        environment.globals |= self._globals
        return environment.get_template(file), environment.get_template(_SHARED)

    def _installed(self, where: str) -> Path:
        """A folder in an installed package, which itself is not imported."""
        package, _, folder = where.partition("/")
        found = find_spec(package)
        if found is None or not found.submodule_search_locations:
            raise ImportError(
                f"prompt format {self.name!r} reads its prompts from {package}, which is not installed: "
                f"pip install --no-deps {package}"
            )
        return Path(found.submodule_search_locations[0]) / folder


def _read_prompts(folder: Path, file: str) -> Any:
    path = folder / f"{file}.json"
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}: this version of the package has other prompts")
    return json.loads(path.read_text(encoding="utf-8"))


def _refuse(why: str) -> NoReturn:
    """For templates: this prompt cannot be written."""
    raise ValueError(why)
