"""Prompts in batches whose shape depends only on the prompt itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch


class Batch(NamedTuple):
    """Prompts of similar length."""

    #: Indices of the prompts in the first rows; rows after them only fill the batch.
    members: list[int]
    #: Token ids, (rows, width).
    ids: torch.Tensor
    #: Tokens of each row, (rows,); what follows them is padding, which a causal model does not attend to, or with
    #: ``in_front`` what precedes them, which is masked.
    lengths: torch.Tensor
    #: Maximum padding of a row.
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
    in_front: bool = False,
) -> Iterator[Batch]:
    """Batches of about ``tokens`` tokens, longest prompts first.

    The rounding of a matrix product depends on its number of rows, and in bfloat16 that is enough to change an
    answer. Therefore the width of a batch depends only on the length of each of its prompts. With ``fill``, its number
    of rows depends only on that width and on ``rows``: it is filled with copies of its first prompt. The arithmetic
    of a prompt is then the same alone and with any other prompts.

    Parameters
    ----------
    prompts
        Token ids.
    tokens
        Maximum size of a batch, rows × width; a batch has at least one row.
    device
        Device of the tensors.
    fill
        Whether all batches of a width have the same number of rows.
    step
        Widths are multiples of this; above 1, prompts are padded. Fewer widths make fewer batches.
    limit
        Context length of the model; no prompt is padded beyond it.
    rows
        Maximum number of rows of a batch.
    in_front
        Whether prompts are padded in front and not at their end, so that what is generated follows them.
    """
    widths = [max(len(prompt), min(-(-len(prompt) // step) * step, limit)) for prompt in prompts]
    for width in sorted(set(widths), reverse=True):
        indices = [i for i, other in enumerate(widths) if other == width]
        size = max(1, min(tokens // width, tokens if rows is None else rows))
        for start in range(0, len(indices), size):
            members = indices[start : start + size]
            batch_rows = [prompts[i] for i in members + [members[0]] * (size - len(members) if fill else 0)]
            padding = [[0] * (width - len(row)) for row in batch_rows]
            pairs = zip(batch_rows, padding, strict=True)
            ids = torch.tensor([[*pad, *row] if in_front else [*row, *pad] for row, pad in pairs], device=device)
            yield Batch(members, ids, torch.tensor([len(row) for row in batch_rows], device=device), step - 1)
