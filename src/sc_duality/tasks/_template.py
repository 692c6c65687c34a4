"""The template of one task in one prompt format."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from jinja2 import Template

from ..metrics import normal_form
from ._answer_types import Label
from ._parse import Answer, Failure


class AnswerTemplate(NamedTuple):
    """How answers become completions, and how completions are read."""

    write: Callable[[str], str]
    read: Callable[[str], Answer | Failure]


class TaskTemplate:
    """The macros of one task, with those that all tasks of the prompt format share.

    Parameters
    ----------
    title
        Task and prompt format, for errors.
    own, shared
        Templates: the task's, and the one with the macros that the task does not define.
    read
        Cuts the answer and the reasoning out of a completion.
    """

    def __init__(self, title: str, own: Template, shared: Template, read: Callable[[str], Answer | Failure]) -> None:
        self._title, self._own, self._shared, self._read = title, own.module, shared.module, read
        self._macro = cache(self._find_macro)
        #: One of these options, each as the prompt format writes it; options that come again are written once.
        self.label = lru_cache(maxsize=256)(self._label)

    def render(self, macro: str, *values: Any) -> str:
        """What ``macro`` says of ``values``, without line breaks around it."""
        return str(self._macro(macro)(*values)).strip("\n")

    def answers(self, macro: str) -> AnswerTemplate:
        """How answers are wrapped by ``macro``, ``"answer"`` or ``"dual_answer"``."""
        return AnswerTemplate(lambda text: self.render(macro, text), self._read)

    def _label(self, options: tuple[Any, ...]) -> Label:
        texts = tuple(self.render("label", option) for option in options)
        seen: dict[str, Any] = {}
        for option, text in zip(options, texts, strict=True):
            if seen.setdefault(normal_form(text), option) != option:
                raise ValueError(
                    f"{str(seen[normal_form(text)])!r} and {str(option)!r} are both written {text!r} in {self._title}: "
                    "a completion cannot tell them apart, leave one of them out"
                )
        return Label(options, texts)

    def _find_macro(self, macro: str) -> Any:
        own = getattr(self._own, macro, None)
        shared = getattr(self._shared, macro, None) or getattr(self._shared, macro.removeprefix("dual_"), None)
        if own is None and (shared is None or macro == "dual_prompt"):
            raise ValueError(f"the template of {self._title} has no macro {macro!r}")
        return own or shared
