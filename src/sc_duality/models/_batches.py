"""Prompts in batches whose shape depends on nothing but the prompt itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch


class Batch(NamedTuple):
    """Prompts of one length: nothing is padded."""

    #: Which prompts the first rows are; rows after them only fill the batch.
    members: list[int]
    #: Token ids, (rows, length).
    ids: torch.Tensor


def batches(prompts: Sequence[Sequence[int]], *, tokens: int, device: torch.device, fill: bool) -> Iterator[Batch]:
    """Batches of about ``tokens`` tokens, longest prompts first.

    A matrix product is rounded in another way when it has another number of rows, and in bfloat16 that
    is enough to change an answer. Therefore a batch holds prompts of one length and, with ``fill``, as
    many rows as that length allows: it is filled up with copies of its first prompt. So a prompt meets
    the same arithmetic alone and in any company.

    Parameters
    ----------
    prompts
        Token ids.
    tokens
        Size of a batch: rows × length, but always at least one row.
    device
        Where to put the tensors.
    fill
        Whether all batches of a length have the same number of rows.
    """
    lengths = [len(prompt) for prompt in prompts]
    for length in sorted(set(lengths), reverse=True):
        same = [i for i, other in enumerate(lengths) if other == length]
        size = max(1, tokens // length)
        for start in range(0, len(same), size):
            members = same[start : start + size]
            rows = members + [members[0]] * (size - len(members) if fill else 0)
            yield Batch(members, torch.tensor([prompts[i] for i in rows], device=device))
