"""Training examples as tensors, with a loss weight for each token.

The loss is computed on a sample of the genes, because the output layer over the gene vocabulary costs most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from recipes.embedded.corpus import N_GENES

#: Share of the genes with a loss. A gene's weight is below the threshold, a label's above it.
LOSS_SHARE, GENE_WEIGHT = 0.15, 0.025
#: Labels of a contrast: the true one and two wrong ones.
LABELS_PER_CONTRAST = 3
#: Hidden genes sampled for the likelihood of a label in a contrast.
N_CONTRAST_GENES = 16


class TrainingExample(NamedTuple):
    """A prompt with its completion."""

    prompt: str
    completion: str
    #: Loss weight of the whole prompt.
    prompt_weight: float = 0.0


class Batch(NamedTuple):
    """Examples as tensors."""

    #: Token ids, (n_examples, length).
    ids: torch.Tensor
    #: Loss weight of each token, (n_examples, length).
    weight: torch.Tensor
    #: Positions in the flattened ids of the sampled hidden genes of each contrast,
    #: (n_contrasts, LABELS_PER_CONTRAST, N_CONTRAST_GENES); the first label is the true one.
    contrast_positions: torch.Tensor
    #: Number of hidden genes for each sampled one, (n_contrasts,).
    scale: torch.Tensor


def collate(
    examples: Sequence[TrainingExample],
    length: int,
    n_contrasts: int,
    tokenizer: PreTrainedTokenizerFast,
    rng: np.random.Generator,
) -> Batch:
    """Pad examples to ``length`` tokens; the first ``n_contrasts`` groups of them are contrasts."""
    ids = torch.full((len(examples), length), tokenizer.pad_token_id)
    weight = torch.zeros(ids.shape)
    lengths = []
    for i, example in enumerate(examples):
        prompt, completion = (tokenizer.encode(text) for text in (example.prompt, example.completion))
        tokens = [*prompt, *completion, tokenizer.eos_token_id][:length]
        in_prompt = [example.prompt_weight / len(prompt)] * len(prompt)
        each = [*in_prompt, *[1 / len(completion)] * len(completion), 1 / N_GENES]
        ids[i, : len(tokens)] = torch.tensor(tokens)
        weight[i, : len(tokens)] = torch.tensor(_sampled_loss(np.array(each[: len(tokens)]), rng))
        lengths.append((len(prompt), len(completion)))
    positions = torch.zeros((n_contrasts, LABELS_PER_CONTRAST, N_CONTRAST_GENES), dtype=torch.long)
    scale = torch.zeros(n_contrasts)
    for group in range(n_contrasts):
        first = LABELS_PER_CONTRAST * group
        n_hidden = lengths[first][1]
        sampled = torch.tensor(rng.integers(n_hidden, size=N_CONTRAST_GENES))
        scale[group] = n_hidden / N_CONTRAST_GENES
        for i in range(LABELS_PER_CONTRAST):
            positions[group, i] = (first + i) * (length - 1) + lengths[first + i][0] - 1 + sampled
            weight[first + i] *= i == 0  # genes are learned given the true label only
    return Batch(ids, weight, positions, scale)


def _sampled_loss(weight: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Weights with the loss of the genes sampled and scaled up."""
    probability = np.where(weight < GENE_WEIGHT, LOSS_SHARE, 1.0)
    return np.where(rng.random(len(weight)) < probability, weight / probability, 0)
