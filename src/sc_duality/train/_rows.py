"""Lessons as the token ids that a trainer learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..models.engines import Tokens
from ._distil import Trace
from ._lesson import Lesson, Row

#: Label of a token that nothing is learned from.
_IGNORED = -100


def plain_rows(tokens: Tokens, lessons: Sequence[Lesson | Trace], context: int) -> list[dict[str, Any]]:
    """A row with ``input_ids`` and ``labels`` for each text; only answers and their ends are learned.

    Raises
    ------
    ValueError
        If a prompt with its answer is longer than the ``context`` of the model.
    """
    return _encoded(tokens, [row for lesson in lessons for row in lesson.rows()], context)


def contrast_rows(tokens: Tokens, lessons: Sequence[Lesson | Trace], context: int) -> list[dict[str, Any]]:
    """Rows as of :func:`plain_rows`, each in a list of its own, and lists of a true and wrong ones to be told apart."""
    groups = [[row] for lesson in lessons for row in lesson.rows()]
    groups += [rows for lesson in lessons if (rows := lesson.contrast())]
    flat = iter(_encoded(tokens, [row for group in groups for row in group], context))
    found = [[next(flat) for _ in group] for group in groups]
    return [{name: [row[name] for row in group] for name in ("input_ids", "labels")} for group in found]


def _encoded(tokens: Tokens, rows: Sequence[Row], context: int) -> list[dict[str, Any]]:
    prompts = tokens.prompts([row.prompt for row in rows])
    end = [tokens.tokenizer.eos_token_id]
    answers = [answer + end for answer in tokens.answers([row.answer for row in rows])]
    for prompt, answer in zip(prompts, answers, strict=True):
        tokens.check_context_length([prompt], len(answer), context)
    return [
        {"input_ids": prompt + answer, "labels": [_IGNORED] * len(prompt) + answer}
        for prompt, answer in zip(prompts, answers, strict=True)
    ]


class Groups:
    """Collates lists of texts: all of them below each other, and how many belong together.

    Parameters
    ----------
    pad
        Token id to pad with, on the right.
    """

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, groups: Sequence[dict[str, list[list[int]]]]) -> dict[str, torch.Tensor]:
        """Tensors (texts, length), and ``sizes`` (groups,)."""
        ids = [torch.tensor(one) for group in groups for one in group["input_ids"]]
        labels = [torch.tensor(one) for group in groups for one in group["labels"]]
        pad = torch.nn.utils.rnn.pad_sequence
        return {
            "input_ids": pad(ids, batch_first=True, padding_value=self._pad),
            "attention_mask": pad([torch.ones_like(one) for one in ids], batch_first=True),
            "labels": pad(labels, batch_first=True, padding_value=_IGNORED),
            "sizes": torch.tensor([len(group["input_ids"]) for group in groups]),
        }
