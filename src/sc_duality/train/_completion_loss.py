"""SFT whose loss is a mean over texts, so that a label counts as much as a whole cell."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.nn import functional
from transformers.modeling_outputs import CausalLMOutput
from trl import SFTTrainer

from ..models.engines import last_logits
from ._training_rows import IGNORED
from ._trl import log_token_accuracy


class CompletionLosses(NamedTuple):
    """Sums over the completion of each text, (n_texts,)."""

    #: Negative log-likelihood, in nats.
    nats: torch.Tensor
    n_tokens: torch.Tensor


class TextMeanSFT(SFTTrainer):
    """SFT with the mean over texts of their mean loss a token.

    With the mean over all tokens, one cell sentence of 200 genes weighs as much as 200 labels. Only tokens with a loss
    get logits, and the last layer starts with the first of them: for a label that saves a quarter of an update or more.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.model_accepts_loss_kwargs = False  # a mean over the batch, which the trainer averages
        self._counted: torch.Tensor | None = None
        head = self.accelerator.unwrap_model(self.model).get_output_embeddings()
        head.register_forward_pre_hook(self._select)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean over texts of the mean loss a token."""
        found, out = self.completion_losses(model, inputs)
        loss = text_mean(found)
        return (loss, out) if return_outputs else loss

    def completion_losses(self, model: Any, inputs: Any) -> tuple[CompletionLosses, CausalLMOutput]:
        """The losses of the completions in a batch, and the output with the logits of their tokens."""
        labels = inputs["labels"][:, 1:]
        counted = labels != IGNORED
        first = counted.any(0).int().argmax()
        self._counted = counted[:, first:]
        try:
            with self.accelerator.autocast():
                # Texts are padded at their end, so that no counted token attends to padding.
                logits = last_logits(model, inputs["input_ids"][:, :-1], self._counted.shape[1])
        finally:
            self._counted = None
        tokens = labels[counted]
        each = functional.cross_entropy(logits.float(), tokens, reduction="none")
        log_token_accuracy(self, logits.argmax(-1) == tokens)
        nats = each.new_zeros(labels.shape).masked_scatter(counted, each)
        return CompletionLosses(nats.sum(1), counted.sum(1)), CausalLMOutput(logits=logits)  # type: ignore[arg-type]

    def _select(self, head: Any, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor] | None:
        """The hidden states before the tokens with a loss, (n_tokens, width), of those of the last tokens."""
        return None if self._counted is None else (args[0][self._counted],)


def text_mean(losses: CompletionLosses) -> torch.Tensor:
    """Mean over texts of the mean loss a token."""
    return (losses.nats / losses.n_tokens.clamp(min=1)).sum() / max(len(losses.nats), 1)


def token_mean(losses: CompletionLosses) -> torch.Tensor:
    """Mean over the tokens of all texts."""
    return losses.nats.sum() / losses.n_tokens.sum().clamp(min=1)
