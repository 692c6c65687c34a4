"""Training examples as the token ids that a trainer learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..models.engines import Tokens
from ..tasks import TrainingExample
from ._traces import Trace

#: Label of a token without a loss.
IGNORED = -100


def plain_rows(
    tokens: Tokens,
    examples: Sequence[TrainingExample | Trace],
    context_length: int,
    *,
    completion_only_loss: bool = True,
) -> list[dict[str, Any]]:
    """A row with ``input_ids`` and ``labels`` for each text.

    Completions and their ends have a loss; prompts too without ``completion_only_loss``.

    Raises
    ------
    ValueError
        A prompt with its completion exceeds the context length of the model, or holds a token that a model with one
        token a gene lacks.
    """
    rows = _encoded(tokens, [text for example in examples for text in example.texts()], context_length)
    return rows if completion_only_loss else [{**row, "labels": row["input_ids"]} for row in rows]


def contrast_rows(
    tokens: Tokens, examples: Sequence[TrainingExample | Trace], context_length: int
) -> list[dict[str, Any]]:
    """Rows as of :func:`plain_rows`, each in a list of its own, and lists of a true and some wrong duals."""
    groups = [[text] for example in examples for text in example.texts()]
    groups += [texts for example in examples if (texts := example.contrast_texts())]
    flat = iter(_encoded(tokens, [text for group in groups for text in group], context_length))
    rows = [[next(flat) for _ in group] for group in groups]
    return [{name: [row[name] for row in group] for name in ("input_ids", "labels")} for group in rows]


def _encoded(tokens: Tokens, texts: Sequence[tuple[str, str]], context_length: int) -> list[dict[str, Any]]:
    prompts = tokens.prompts([prompt for prompt, _ in texts])
    end = [tokens.tokenizer.eos_token_id]
    completions = [ids + end for ids in tokens.answers([completion for _, completion in texts])]
    for text, prompt, completion in zip(texts, prompts, completions, strict=True):
        if tokens.spec.genes is not None and tokens.tokenizer.unk_token_id in (*prompt, *completion):
            vocabulary = tokens.tokenizer.get_vocab()
            missing = dict.fromkeys(token for token in " ".join(text).split() if token not in vocabulary)
            raise ValueError(
                f"the model {tokens.spec.name!r} has no token for {', '.join(list(missing)[:5])}: choose another "
                "model, or leave out the task that needs it"
            )
        tokens.check_context_length([prompt], len(completion), context_length)
    return [
        {"input_ids": prompt + completion, "labels": [IGNORED] * len(prompt) + completion}
        for prompt, completion in zip(prompts, completions, strict=True)
    ]


class GroupCollator:
    """Collates lists of texts into one batch, with the size of each list.

    Parameters
    ----------
    pad
        Token id to pad with, on the right.
    """

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, groups: Sequence[dict[str, list[list[int]]]]) -> dict[str, torch.Tensor]:
        """Tensors (texts, length), and ``sizes`` (groups,)."""
        ids = [torch.tensor(row) for group in groups for row in group["input_ids"]]
        labels = [torch.tensor(row) for group in groups for row in group["labels"]]
        pad = torch.nn.utils.rnn.pad_sequence
        return {
            "input_ids": pad(ids, batch_first=True, padding_value=self._pad),
            "attention_mask": pad([torch.ones_like(row) for row in ids], batch_first=True),
            "labels": pad(labels, batch_first=True, padding_value=IGNORED),
            "sizes": torch.tensor([len(group["input_ids"]) for group in groups]),
        }
