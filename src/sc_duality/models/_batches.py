"""Prompts in batches whose shape depends on nothing but the prompt itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch


class Batch(NamedTuple):
    """Prompts of like length."""

    #: Which prompts the first rows are; rows after them only fill the batch.
    members: list[int]
    #: Token ids, (rows, width).
    ids: torch.Tensor
    #: Tokens of each row, (rows,); what follows them is padding, which a causal model does not look at.
    lengths: torch.Tensor
    #: How much padding a row may have.
    slack: int


def batches(
    prompts: Sequence[Sequence[int]],
    *,
    tokens: int,
    device: torch.device,
    fill: bool,
    step: int = 1,
    limit: int = 0,
    rows: int | None = None,
) -> Iterator[Batch]:
    """Batches of about ``tokens`` tokens, longest prompts first.

    A matrix product is rounded in another way when it has another number of rows, and in bfloat16 that
    is enough to change an answer. Therefore a batch has a width that follows from the length of each of its
    prompts alone and, with ``fill``, as many rows as that width and ``rows`` allow: it is filled up with copies
    of its first prompt. So a prompt meets the same arithmetic alone and in any company.

    Parameters
    ----------
    prompts
        Token ids.
    tokens
        Size of a batch at most: rows × width, but always at least one row.
    device
        Where to put the tensors.
    fill
        Whether all batches of a width have the same number of rows.
    step
        Widths are multiples of this; above 1, prompts are padded at their end. Few widths make few batches.
    limit
        The most tokens that the model reads; no prompt is padded beyond it.
    rows
        Rows of a batch at most.
    """
    widths = [max(len(prompt), min(-(-len(prompt) // step) * step, limit)) for prompt in prompts]
    for width in sorted(set(widths), reverse=True):
        same = [i for i, other in enumerate(widths) if other == width]
        size = max(1, min(tokens // width, tokens if rows is None else rows))
        for start in range(0, len(same), size):
            members = same[start : start + size]
            shown = [prompts[i] for i in members + [members[0]] * (size - len(members) if fill else 0)]
            ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in shown], device=device)
            yield Batch(members, ids, torch.tensor([len(row) for row in shown], device=device), step - 1)
