"""Log-likelihoods with transformers: of many choices after each prompt, and of one answer after each prompt."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ._batches import Batch
from ._last_logits import last_logits

#: Maximum number of rows scored at once after a shared prefix; limits the memory of the copied key-value cache.
_MAX_ROWS = 256


class SplitChoices(NamedTuple):
    """Choices, split into their common prefix and the rest of each."""

    shared: list[int]
    #: At least one token per choice.
    rest: list[list[int]]


def split_choices(choices: Sequence[Sequence[int]]) -> SplitChoices:
    """Split choices (token ids) after their common prefix; each keeps at least one token of its own."""
    columns = zip(*(choice[:-1] for choice in choices), strict=False)
    shared = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns)]
    return SplitChoices(shared, [list(choice[len(shared) :]) for choice in choices])


@torch.inference_mode()
def score_choices(model: Any, batch: Batch, choices: SplitChoices, pad: int) -> torch.Tensor:
    """Log-likelihood of every choice after every prompt, summed over the choice's tokens.

    One forward pass reads the prompts and the common prefix of the choices. Its keys and values are reused for every
    choice, so that only the other tokens of a choice need a second pass, and choices of one token need none.

    Parameters
    ----------
    model
        A causal language model of transformers.
    batch
        Prompts, each followed by ``choices.shared`` already; without padding, unless every choice is one token.
    choices
        Possible completions.
    pad
        Token id to pad with.

    Returns
    -------
    float64 (rows of the batch, n_choices) on the CPU.
    """
    shared, rest = choices
    single = all(len(tail) == 1 for tail in rest)
    kept = len(shared) + 1 + batch.slack
    out = None if single else model(input_ids=batch.ids, use_cache=True, logits_to_keep=kept)
    logits = last_logits(model, batch.ids, kept) if out is None else out.logits
    last = batch.lengths - 1 - (batch.ids.shape[1] - logits.shape[1])
    positions = last[:, None] - torch.arange(len(shared), -1, -1, device=last.device)
    logits = torch.log_softmax(logits[torch.arange(len(last))[:, None], positions].float(), -1)
    total = logits[:, -1, [tail[0] for tail in rest]].cpu().double()
    for i, token in enumerate(shared):
        total += logits[:, i, token, None].cpu().double()
    if out is not None:
        _add_tails(total, model, out, batch.ids, rest, pad)
    return total


@torch.inference_mode()
def score_answers(model: Any, batch: Batch, lengths: NDArray[np.int64], longest: int) -> torch.Tensor:
    """Log-likelihood of the answer at the end of each row of the batch.

    Parameters
    ----------
    model
        A causal language model of transformers.
    batch
        Prompts, each followed by its answer.
    lengths
        Number of tokens of the answer of each prompt, by its index in ``batch.members``; rows without an index only
        fill the batch.
    longest
        At least as many tokens as any answer has. It must not depend on the other rows, as the number of logits may
        change their rounding.

    Returns
    -------
    float64 (rows with an answer,) on the CPU.
    """
    logits = last_logits(model, batch.ids, longest + 1 + batch.slack)[:, :-1]
    targets = batch.ids[:, -logits.shape[1] :]
    # Subtracting logsumexp touches half the memory of a log-softmax over the vocabulary, and row by row it stays in
    # buffers that the allocator keeps.
    total = torch.stack([torch.logsumexp(row.float(), -1) for row in logits])
    values = logits.gather(-1, targets[..., None])[..., 0].float() - total
    lengths = lengths[batch.members]
    width, ends = batch.ids.shape[1], batch.lengths[: len(lengths), None]
    positions = torch.arange(width - targets.shape[1], width, device=ends.device)
    starts = ends - torch.as_tensor(lengths, device=ends.device)[:, None]
    is_answer = (positions >= starts) & (positions < ends)
    return values[: len(lengths)].masked_fill(~is_answer, 0).sum(1).cpu().double()


def _cache_name(model: Any, out: Any) -> str:
    """Name of the key-value cache: newer transformers renamed it, and a model with code of its own may not have."""
    old = "past_key_values"
    return "cache" if "cache" in out and old not in inspect.signature(model.forward).parameters else old


def _add_tails(
    total: torch.Tensor, model: Any, read: Any, prefix: torch.Tensor, rest: list[list[int]], pad: int
) -> None:
    """Add to ``total`` the log-likelihoods of all but the first token of each tail.

    ``read`` is the output of the model for ``prefix``.
    """
    cache = _cache_name(model, read)
    longer = [i for i, tail in enumerate(rest) if len(tail) > 1]
    n_prompts, length = prefix.shape
    step = max(1, _MAX_ROWS // n_prompts)
    for start in range(0, len(longer), step):
        part = longer[start : start + step]
        width = max(len(rest[i]) for i in part) - 1
        inputs = torch.full((len(part), width), pad, device=prefix.device)
        targets = torch.full((len(part), width), -1, device=prefix.device)
        for row, i in enumerate(part):
            inputs[row, : len(rest[i]) - 1] = torch.tensor(rest[i][:-1])
            targets[row, : len(rest[i]) - 1] = torch.tensor(rest[i][1:])
        repeated = copy.deepcopy(getattr(read, cache))
        repeated.batch_repeat_interleave(len(part))
        # Shorter tails are padded at their end, where no target attends to the padding.
        out = model(
            input_ids=inputs.repeat(n_prompts, 1),
            position_ids=torch.arange(length, length + width, device=prefix.device).expand(n_prompts * len(part), -1),
            **{cache: repeated},
        )
        targets = targets.repeat(n_prompts, 1)
        values = torch.log_softmax(out.logits.float(), -1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]
        total[:, part] += values.masked_fill(targets < 0, 0).sum(1).view(n_prompts, len(part)).cpu().double()
