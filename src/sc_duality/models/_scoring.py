"""Log-likelihoods: of many choices after many prompts, each prompt read once, and of one answer after each."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import torch

from ._batches import Batch

#: Rows that are scored at once after a shared prefix; bounds the memory of the copied cache.
_ROWS = 256


class Choices(NamedTuple):
    """Choices, cut into what all of them begin with and the rest of each."""

    shared: list[int]
    #: At least one token a choice.
    rest: list[list[int]]


def split(choices: Sequence[Sequence[int]]) -> Choices:
    """Cut choices (token ids) where they part; each keeps at least one token of its own."""
    columns = zip(*(choice[:-1] for choice in choices), strict=False)
    shared = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns)]
    return Choices(shared, [list(choice[len(shared) :]) for choice in choices])


@torch.inference_mode()
def score_choices(model: Any, batch: Batch, choices: Choices, pad: int) -> torch.Tensor:
    """Log-likelihood of every choice after every prompt, summed over the choice's tokens.

    The prompts are read in one pass, together with the tokens that all choices begin with; its keys and
    values then serve every choice, so that only their other tokens cost anything. Choices of one token
    cost nothing at all.

    Parameters
    ----------
    model
        A causal language model of transformers.
    batch
        Prompts, each followed by ``choices.shared`` already; without padding, unless every choice is one token.
    choices
        What might follow.
    pad
        Token id to pad with.

    Returns
    -------
    float64 (rows of the batch, n_choices) on the CPU.
    """
    shared, rest = choices
    single = all(len(tail) == 1 for tail in rest)
    out = model(input_ids=batch.ids, use_cache=not single, logits_to_keep=len(shared) + 1 + batch.slack)
    last = batch.lengths - 1 - (batch.ids.shape[1] - out.logits.shape[1])
    places = last[:, None] - torch.arange(len(shared), -1, -1, device=last.device)
    logits = torch.log_softmax(out.logits[torch.arange(len(last))[:, None], places].float(), -1)
    total = logits[:, -1, [tail[0] for tail in rest]].double().cpu()
    for i, token in enumerate(shared):
        total += logits[:, i, token, None].double().cpu()
    if not single:
        _add_tails(total, model, out.past_key_values, batch.ids, rest, pad)
    return total


@torch.inference_mode()
def score_answers(model: Any, batch: Batch, length: int) -> torch.Tensor:
    """Log-likelihood of what each row of the batch ends with.

    Parameters
    ----------
    model
        A causal language model of transformers.
    batch
        Prompts, each followed by its answer.
    length
        Tokens of an answer; the same in all rows.

    Returns
    -------
    float64 (rows of the batch,) on the CPU.
    """
    logits = model(input_ids=batch.ids, use_cache=False, logits_to_keep=length + 1 + batch.slack).logits[:, :-1]
    asked = batch.ids[:, -logits.shape[1] :]
    # Less the logarithm of the sum, instead of a softmax over all words: half the memory is touched.
    found = logits.gather(-1, asked[..., None])[..., 0].float() - torch.logsumexp(logits.float(), -1)
    width, ends = batch.ids.shape[1], batch.lengths[:, None]
    places = torch.arange(width - asked.shape[1], width, device=ends.device)
    of_answer = (places >= ends - length) & (places < ends)
    return found.masked_fill(~of_answer, 0).sum(1).double().cpu()


def _add_tails(
    total: torch.Tensor, model: Any, cache: Any, read: torch.Tensor, rest: list[list[int]], pad: int
) -> None:
    """Add to ``total`` the log-likelihoods of all but the first token of each tail."""
    longer = [i for i, tail in enumerate(rest) if len(tail) > 1]
    n_prompts, length = read.shape
    step = max(1, _ROWS // n_prompts)
    for start in range(0, len(longer), step):
        part = longer[start : start + step]
        width = max(len(rest[i]) for i in part) - 1
        given = torch.full((len(part), width), pad, device=read.device)
        asked = torch.full((len(part), width), -1, device=read.device)
        for row, i in enumerate(part):
            given[row, : len(rest[i]) - 1] = torch.tensor(rest[i][:-1])
            asked[row, : len(rest[i]) - 1] = torch.tensor(rest[i][1:])
        repeated = copy.deepcopy(cache)
        repeated.batch_repeat_interleave(len(part))
        # Shorter tails are padded at their end, where nothing that counts looks at the padding.
        out = model(
            input_ids=given.repeat(n_prompts, 1),
            position_ids=torch.arange(length, length + width, device=read.device).expand(n_prompts * len(part), -1),
            past_key_values=repeated,
        )
        asked = asked.repeat(n_prompts, 1)
        found = torch.log_softmax(out.logits.float(), -1).gather(-1, asked.clamp(min=0)[..., None])[..., 0]
        total[:, part] += found.masked_fill(asked < 0, 0).sum(1).view(n_prompts, len(part)).double().cpu()
