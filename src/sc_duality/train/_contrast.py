"""SFT in which the dual task learns to tell the true answer from wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from ._completion_loss import CompletionLosses, TextMeanSFT

#: Factor of summed log-likelihoods: at 1, one surprising gene would decide.
_SHARPNESS = 0.3


class ContrastiveSFT(TextMeanSFT):
    """SFT with a contrastive loss: which of several duals holds the true answer.

    Without it, a dual task may ignore the label where other genes are shown.

    Parameters
    ----------
    contrast
        Weight of the contrastive loss.
    mean
        The mean of the losses of all completions but the wrong duals.
    """

    def __init__(
        self, *args: Any, contrast: float, mean: Callable[[CompletionLosses], torch.Tensor], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._contrast, self._mean = contrast, mean

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Cross-entropy of all completions but the wrong duals, and of the true dual within its group."""
        sizes = inputs["sizes"].tolist()
        found, out = self.completion_losses(model, inputs)
        single = torch.tensor([size == 1 for size in sizes for _ in range(size)], device=found.nats.device)
        loss = self._mean(CompletionLosses(found.nats[single], found.n_tokens[single]))
        contrasts = [
            functional.log_softmax(-_SHARPNESS * group, 0)[0]
            for group in torch.split(found.nats, sizes)
            if len(group) > 1
        ]
        if contrasts:
            loss = loss - self._contrast * torch.stack(contrasts).mean()
        return (loss, out) if return_outputs else loss
