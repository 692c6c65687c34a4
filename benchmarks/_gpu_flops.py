"""Floating-point operations of a causal transformer, and the share of a card's rate that they reach (MFU).

As in PaLM (Chowdhery et al., 2022, appendix B): a matrix of N weights takes 2·N operations a token forward and 4·N
backward. Attention takes 4·L·d·S² forward for a text of S tokens (L layers, d the width of all query heads together)
and twice that backward: the half that a causal mask leaves out is counted too. Embedding look-ups, norms and softmax
are not counted, nor is padding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch


class ModelSize(NamedTuple):
    """What the operations of a model depend on."""

    #: Weights of the matrix products in all layers.
    body: int
    #: Weights of the product that makes the logits, tied or not.
    head: int
    #: Number of layers.
    layers: int
    #: Query heads × width of a head.
    width: int


def model_size(model: Any) -> ModelSize:
    """The size of a causal language model of transformers."""
    config = model.config.get_text_config()
    head = int(model.get_output_embeddings().weight.numel())
    every = sum(one.weight.numel() for one in model.modules() if isinstance(one, torch.nn.Linear))
    head_width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return ModelSize(every - head, head, config.num_hidden_layers, config.num_attention_heads * head_width)


def training_flops(size: ModelSize, lengths: Iterable[int]) -> int:
    """Operations of a forward and a backward pass over texts of these lengths, with logits at every token."""
    lengths = list(lengths)
    attention = 12 * size.layers * size.width * sum(length**2 for length in lengths)
    return 6 * (size.body + size.head) * sum(lengths) + attention


def forward_flops(size: ModelSize, lengths: Iterable[int]) -> int:
    """Operations of a forward pass over texts of these lengths, with logits at the last token of each."""
    lengths = list(lengths)
    attention = 4 * size.layers * size.width * sum(length**2 for length in lengths)
    return 2 * size.body * sum(lengths) + 2 * size.head * len(lengths) + attention


def mfu(flops: float, seconds: float, peak_tflop_per_s: float | None) -> float | None:
    """Operations a second over the measured rate of matrix products; ``None`` where that was not measured."""
    return None if not peak_tflop_per_s else round(flops / seconds / 1e12 / peak_tflop_per_s, 6)
