"""The policy under training and the reference policy that it started from, queried like any other model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from typing import Any, ClassVar

import torch

from ..models import LanguageModel, ModelSpec, SamplingParams
from ..models.engines import Engine, Finished, SeededSampler, Tokens, TransformersModel
from ._trl import generates_with_vllm, live_weights, rollout_engine

#: Batches are this much larger than where every prompt has to get the same answer in any batch.
_LARGER = 4


class Reference(TransformersModel):
    """The reference policy: the model that a run starts from, frozen.

    A prompt is sent only once: nothing is cached, no bar is shown, and batches hold whatever prompts there are.
    """

    transient: ClassVar[bool] = True

    def _generate(self, prompts: Sequence[str], sampling: SamplingParams, seeds: Sequence[int]) -> Iterator[Finished]:
        config = copy(self._generation)
        config.max_new_tokens = sampling.max_tokens
        for members, ids, mask in self._padded(self._encode(prompts, sampling.max_tokens), sampling.max_tokens):
            options: dict[str, Any] = {}
            if sampling.temperature > 0:
                settings = {"temperature": sampling.temperature, "top_p": sampling.top_p}
                own = [seeds[i] for i in members]
                options["logits_processor"] = [SeededSampler(own, ids.shape[1], sampling.max_tokens, **settings)]
            with torch.inference_mode():
                out = self.model.generate(input_ids=ids, attention_mask=mask, generation_config=config, **options)
            texts = self.tokenizer.batch_decode(out[:, ids.shape[1] :], skip_special_tokens=True)
            yield list(zip(members, texts, strict=True))

    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Finished]:
        tails = self._tokens.answers(choices)
        if any(len(tail) > 1 for tail in tails):
            yield from super()._score(prompts, choices)
            return
        tokens = [tail[0] for tail in tails]
        for members, ids, mask in self._padded(self._encode(prompts, 1), 1):
            positions = (mask.cumsum(1) - 1).clamp(min=0)
            with torch.inference_mode():
                out = self.model(
                    input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=1
                )
                scores = torch.log_softmax(out.logits[:, -1].float(), -1)[:, tokens]
            yield list(zip(members, scores.cpu().double().numpy(), strict=True))

    def _padded(
        self, prompts: list[list[int]], max_new_tokens: int
    ) -> Iterator[tuple[list[int], torch.Tensor, torch.Tensor]]:
        """Prompts of any lengths together: their indices, their ids padded on the left, and the attention mask."""
        order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))
        rows = max(1, self._batch_size // (len(prompts[order[0]]) + max_new_tokens))
        for start in range(0, len(order), rows):
            members = order[start : start + rows]
            length = len(prompts[members[0]])
            missing = [length - len(prompts[i]) for i in members]
            ids = [[self._pad] * n + prompts[i] for i, n in zip(members, missing, strict=True)]
            mask = [[0] * n + [1] * (length - n) for n in missing]
            device = self.model.device
            yield members, torch.tensor(ids, device=device), torch.tensor(mask, device=device)

    @property
    def _batch_size(self) -> int:
        return _LARGER * self.batch_tokens

    @property
    def _fills(self) -> bool:
        return False


class Policy(Reference):
    """The model in a TRL trainer, with the weights that it has at each call.

    Texts come from where the trainer's own rollouts come from, vLLM or transformers; log-likelihoods from the module
    that is trained.

    Parameters
    ----------
    spec
        The model.
    trainer
        The TRL trainer.
    """

    def __init__(self, spec: ModelSpec, trainer: Any) -> None:
        Engine.__init__(self, spec)
        self._tokens = Tokens(spec)
        self._trainer = trainer
        self.model = trainer.accelerator.unwrap_model(trainer.model)
        self._prepare(None)

    @contextmanager
    def live(self) -> Iterator[Policy]:
        """Gather the weights; all processes enter together, and query the policy only inside."""
        with live_weights(self._trainer) as self.model:
            yield self

    def skip_generate(self) -> None:
        """Take part in a collective call of :meth:`generate` without a prompt."""
        if generates_with_vllm(self._trainer):
            rollout_engine(self._trainer, [], SamplingParams(max_tokens=1))

    def _generate(self, prompts: Sequence[str], sampling: SamplingParams, seeds: Sequence[int]) -> Iterator[Finished]:
        if not generates_with_vllm(self._trainer):
            yield from super()._generate(prompts, sampling, seeds)
            return
        ids = self._encode(prompts, sampling.max_tokens)
        found = rollout_engine(self._trainer, ids, sampling)
        yield list(enumerate(self.tokenizer.batch_decode(found, skip_special_tokens=True)))


class RunModels:
    """The models of a run that rewards query: the policy once there is a trainer, and the reference policy."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self.policy: Policy | None = None

    @cached_property
    def reference(self) -> Reference:
        """The model before training."""
        return Reference(self._spec)

    def verifier(self, which: str | LanguageModel) -> LanguageModel:
        """The model that scores: ``"policy"``, ``"reference"``, or another one."""
        if not isinstance(which, str):
            return which
        if which == "reference":
            return self.reference
        assert self.policy is not None
        return self.policy
