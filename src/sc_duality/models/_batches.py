"""Prompts in batches whose shape depends on nothing but the prompt itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch

#: Prompts are padded to multiples of this many tokens, by at least one.
_STEP = 16


class Batch(NamedTuple):
    """Prompts of like length, padded on the left."""

    #: Which prompts the first rows are; rows after them only fill the batch.
    members: list[int]
    #: Token ids, (rows, width).
    ids: torch.Tensor
    #: 1 for tokens, 0 for padding, (rows, width).
    mask: torch.Tensor
    #: Position of each token in its prompt, (rows, width).
    positions: torch.Tensor


def batches(
    prompts: Sequence[Sequence[int]], *, tokens: int, pad: int, device: torch.device, fill: bool
) -> Iterator[Batch]:
    """Batches of about ``tokens`` tokens, longest prompts first.

    A matrix product is rounded in another way when it has another number of rows, and in bfloat16 that
    is enough to change an answer. Therefore the width of a batch follows from the length of its
    prompts, and with ``fill`` its number of rows follows from its width: it is filled up with copies
    of its first prompt. So a prompt meets the same arithmetic alone and in any company.

    Parameters
    ----------
    prompts
        Token ids.
    tokens
        Size of a batch: rows × width, but always at least one row.
    pad
        Token id to pad with.
    device
        Where to put the tensors.
    fill
        Whether all batches of a width have the same number of rows.
    """
    widths = [_STEP * (len(prompt) // _STEP + 1) for prompt in prompts]
    for width in sorted(set(widths), reverse=True):
        same = [i for i, other in enumerate(widths) if other == width]
        size = max(1, tokens // width)
        for start in range(0, len(same), size):
            members = same[start : start + size]
            rows = members + [members[0]] * (size - len(members) if fill else 0)
            yield _padded(members, [prompts[i] for i in rows], width, pad, device)


def _padded(members: list[int], rows: Sequence[Sequence[int]], width: int, pad: int, device: torch.device) -> Batch:
    ids = torch.tensor([[pad] * (width - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return Batch(members, ids, mask, (mask.cumsum(1) - 1).clamp(min=0))
