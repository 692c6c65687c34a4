"""The policy under training, and the model that it started from, asked like any other model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any, ClassVar

import torch

from ..models import ModelSpec, SamplingParams
from ..models.engines import Batch, Engine, Finished, SeededSampler, Tokens, TransformersModel, batches
from ._trl import live_weights, rollout_engine, writes_with_vllm

#: How much more is read at once than where every prompt has to get the same answer in any company.
_LARGER = 4


class Reference(TransformersModel):
    """The model that a run starts from, frozen.

    What it is asked is asked only once: nothing is kept, no bar is shown, and batches may hold what is at hand.
    """

    transient: ClassVar[bool] = True

    def _generate(self, prompts: Sequence[str], sampling: SamplingParams, seeds: Sequence[int]) -> Iterator[Finished]:
        writing = copy(self._generation)
        writing.max_new_tokens = sampling.max_tokens
        for members, ids, shown in self._padded(self._encode(prompts, sampling.max_tokens), sampling.max_tokens):
            how: dict[str, Any] = {}
            if sampling.temperature > 0:
                drawing = {"temperature": sampling.temperature, "top_p": sampling.top_p}
                own = [seeds[i] for i in members]
                how["logits_processor"] = [SeededSampler(own, ids.shape[1], sampling.max_tokens, **drawing)]
            with torch.inference_mode():
                out = self.model.generate(input_ids=ids, attention_mask=shown, generation_config=writing, **how)
            texts = self.tokenizer.batch_decode(out[:, ids.shape[1] :], skip_special_tokens=True)
            yield list(zip(members, texts, strict=True))

    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Finished]:
        tails = self._tokens.answers(choices)
        if any(len(tail) > 1 for tail in tails):
            yield from super()._score(prompts, choices)
            return
        words = [tail[0] for tail in tails]
        for members, ids, shown in self._padded(self._encode(prompts, 1), room=1):
            places = (shown.cumsum(1) - 1).clamp(min=0)
            with torch.inference_mode():
                out = self.model(
                    input_ids=ids, attention_mask=shown, position_ids=places, use_cache=False, logits_to_keep=1
                )
                found = torch.log_softmax(out.logits[:, -1].float(), -1)[:, words]
            yield list(zip(members, found.double().cpu().numpy(), strict=True))

    def _padded(self, prompts: list[list[int]], room: int) -> Iterator[tuple[list[int], torch.Tensor, torch.Tensor]]:
        """Prompts of any lengths together: their places, their ids, padded on the left, and a mask of what is shown."""
        order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))
        rows = max(1, _LARGER * self.batch_tokens // (len(prompts[order[0]]) + room))
        for start in range(0, len(order), rows):
            members = order[start : start + rows]
            length = len(prompts[members[0]])
            missing = [length - len(prompts[i]) for i in members]
            ids = [[self._pad] * n + prompts[i] for i, n in zip(members, missing, strict=True)]
            shown = [[0] * n + [1] * (length - n) for n in missing]
            device = self.model.device
            yield members, torch.tensor(ids, device=device), torch.tensor(shown, device=device)

    def _batches(self, ids: list[list[int]], step: int = 1, rows: int | None = None) -> Iterator[Batch]:
        tokens, device = _LARGER * self.batch_tokens, self.model.device
        return batches(ids, tokens=tokens, device=device, fill=False, step=step, limit=self._limit)


class Policy(Reference):
    """The model in a trainer of TRL, with the weights that it has at each call.

    Texts come from where the trainer's own rollouts come from, be it vLLM or transformers; likelihoods from the module
    that is trained.

    Parameters
    ----------
    spec
        How the model wants to be asked.
    trainer
        Who trains it.
    """

    def __init__(self, spec: ModelSpec, trainer: Any) -> None:
        Engine.__init__(self, spec)
        self._tokens = Tokens(spec)
        self._trainer = trainer
        self.model = trainer.accelerator.unwrap_model(trainer.model)
        self._prepare(None)

    @contextmanager
    def live(self) -> Iterator[Policy]:
        """Where the weights are whole and at rest; all processes enter together, and ask in here alone."""
        with live_weights(self._trainer) as self.model:
            yield self

    def skip_generate(self) -> None:
        """Stand in for a call of :meth:`generate` where this process has nothing to ask and others may."""
        if writes_with_vllm(self._trainer):
            rollout_engine(self._trainer, [], SamplingParams(max_tokens=1))

    def _generate(self, prompts: Sequence[str], sampling: SamplingParams, seeds: Sequence[int]) -> Iterator[Finished]:
        if not writes_with_vllm(self._trainer):
            yield from super()._generate(prompts, sampling, seeds)
            return
        ids = self._encode(prompts, sampling.max_tokens)
        found = rollout_engine(self._trainer, ids, sampling)
        yield list(enumerate(self.tokenizer.batch_decode(found, skip_special_tokens=True)))
