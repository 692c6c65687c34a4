"""What ``--quick`` takes in place of SmolLM2 and of the encoder: a tiny model of bytes, and vectors of tokens.

Its training cells are dealt to two made-up donors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import ByteLevelBPETokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from benchmarks._c2s_cells import Split, quick_split


def two_donors(seed: int) -> Split:
    """Shipped cells, the training cells of two donors."""
    split = quick_split(seed)
    second = np.random.default_rng(seed).random(split.train.n_obs) < 0.5
    split.train.obs["donor"] = np.where(second, "blood, donor 2", "blood, donor 1")
    return split


def tiny_model(folder: Path, texts: Iterable[str]) -> Path:
    """A Llama with random weights, whose tokens are pieces of these texts."""
    byte_level = ByteLevelBPETokenizer()
    byte_level.train_from_iterator(texts, vocab_size=600, special_tokens=["<pad>", "<s>", "</s>"])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=byte_level._tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=2048, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def token_vectors(texts: Sequence[str]) -> list[tuple[NDArray[np.float64], list[bool]]]:
    """A random vector for each token: texts are compared by the tokens that they share."""
    each = [text.split() or [""] for text in texts]
    return [(np.array([_vector(token) for token in tokens]), [True] * len(tokens)) for tokens in each]


def _vector(token: str) -> NDArray[np.float64]:
    seed = int.from_bytes(sha256(token.lower().encode()).digest()[:4], "little")
    return np.random.default_rng(seed).standard_normal(16)
