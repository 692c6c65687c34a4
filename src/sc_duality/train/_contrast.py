"""SFT in which the dual task learns to tell the true answer from wrong ones."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional
from trl import SFTTrainer

#: Factor of summed log-likelihoods: at 1, one surprising gene would decide.
_SHARPNESS = 0.3


class ContrastiveSFT(SFTTrainer):
    """SFT with a contrastive loss: which of several duals holds the true answer.

    Likelihood single lets a dual task ignore the label where other genes are shown.

    Parameters
    ----------
    contrast
        Weight of the contrastive loss.
    """

    def __init__(self, *args: Any, contrast: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._contrast = contrast
        self.model_accepts_loss_kwargs = False  # a mean over the batch, which the trainer averages

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Cross-entropy of all completions but the wrong duals, and of the true dual within its group."""
        sizes = inputs["sizes"].tolist()
        out = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False)
        labels = inputs["labels"][:, 1:]
        each = functional.cross_entropy(out.logits[:, :-1].float().transpose(1, 2), labels, reduction="none")
        groups = torch.split(each.sum(1), sizes)
        single = torch.tensor([size == 1 for size in sizes for _ in range(size)], device=each.device)
        loss = each[single].sum() / (labels[single] != -100).sum().clamp(min=1)
        contrasts = [functional.log_softmax(-_SHARPNESS * group, 0)[0] for group in groups if len(group) > 1]
        if contrasts:
            loss = loss - self._contrast * torch.stack(contrasts).mean()
        return (loss, out) if return_outputs else loss
