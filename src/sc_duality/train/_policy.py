"""The policy under training, asked like any other model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from ..models import Engine, ModelSpec, Sampling, TransformersModel
from ..models._batches import Batch, batches
from ..models._engine import Finished
from ..models._tokens import Tokens
from ._trl import live_weights, rollout_engine, writes_with_vllm


class Policy(TransformersModel):
    """The model in a trainer of TRL, with the weights that it has at each call.

    Texts come from where the trainer's own rollouts come from, be it vLLM or transformers; likelihoods from the module
    that is trained. Nothing is kept, since the weights change.

    Parameters
    ----------
    spec
        How the model wants to be asked.
    trainer
        Who trains it.
    """

    transient: ClassVar[bool] = True

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

    def pass_over(self) -> None:
        """Stand in for a call of :meth:`generate` where this process has nothing to ask and others may."""
        if writes_with_vllm(self._trainer):
            rollout_engine(self._trainer, [], Sampling(max_tokens=1))

    def _generate(self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[int]) -> Iterator[Finished]:
        if not writes_with_vllm(self._trainer):
            yield from super()._generate(prompts, sampling, seeds)
            return
        ids = self._encode(prompts, sampling.max_tokens)
        found = rollout_engine(self._trainer, ids, sampling)
        yield list(enumerate(self.tokenizer.batch_decode(found, skip_special_tokens=True)))

    def _batches(self, ids: list[list[int]]) -> Iterator[Batch]:
        # No answer is compared with one of another day: batches need not be filled up.
        return batches(ids, tokens=4 * self.batch_tokens, device=self.model.device, fill=False)
