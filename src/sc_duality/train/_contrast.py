"""Supervised training in which the dual learns to tell the true answer from wrong ones."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional
from trl import SFTTrainer

#: What summed log-likelihoods are multiplied by: at 1, one surprising gene would decide.
_SHARPNESS = 0.3


class ContrastiveSFT(SFTTrainer):
    """Learns texts, and which of several texts is the true one.

    Likelihood alone lets a dual ignore the label where other genes are in view; this makes a judge of it.

    Parameters
    ----------
    contrast
        How much telling apart counts beside the texts.
    """

    def __init__(self, *args: Any, contrast: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._contrast = contrast
        self.model_accepts_loss_kwargs = False  # a mean over the batch, which the trainer averages

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Cross-entropy of all texts but the wrong ones, and of the true text among those of its group."""
        sizes = inputs["sizes"].tolist()
        out = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False)
        labels = inputs["labels"][:, 1:]
        each = functional.cross_entropy(out.logits[:, :-1].float().transpose(1, 2), labels, reduction="none")
        groups = torch.split(each.sum(1), sizes)
        alone = torch.tensor([size == 1 for size in sizes for _ in range(size)], device=each.device)
        loss = each[alone].sum() / (labels[alone] != -100).sum().clamp(min=1)
        apart = [functional.log_softmax(-_SHARPNESS * group, 0)[0] for group in groups if len(group) > 1]
        if apart:
            loss = loss - self._contrast * torch.stack(apart).mean()
        return (loss, out) if return_outputs else loss
