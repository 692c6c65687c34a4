"""Models with random weights in the shape of real ones, and one token for each gene: nothing is downloaded."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import torch
from transformers import AutoConfig, LlamaConfig, LlamaForCausalLM

import sc_duality as sd

#: Width, width of the feed-forward layers, layers, query heads, and key and value heads: Qwen2.5's, and a tiny one. The
#: models are Llamas: transformers would give a Qwen2 its own tokenizer.
SHAPES = {
    "tiny": (64, 128, 2, 2, 1),
    "0.5b": (896, 4864, 24, 14, 2),
    "1.5b": (1536, 8960, 28, 12, 2),
    "3b": (2048, 11008, 36, 16, 2),
}
#: What the model knows of annotation, as the embedded one.
_KNOWN = ("labels", "label_sets", "synonyms")
_CONTEXT_LENGTH = 512


def config_of(shape: str, vocabulary: int) -> LlamaConfig:
    """The configuration of a shape with a vocabulary of this size, and tied embeddings."""
    width, feed_forward, layers, heads, key_value_heads = SHAPES[shape]
    return LlamaConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=feed_forward, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=key_value_heads, max_position_embeddings=_CONTEXT_LENGTH,
        tie_word_embeddings=True, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip


def random_model(folder: Path, shape: str, *, n_genes: int, seed: int) -> Path:
    """Folder of a model with random weights and the embedded model's tokenizer; one that lies there is kept."""
    if folder.is_dir():
        return folder
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    start = sd.models.resolve("embedded")
    sd.models.copy_model(start, part)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config_of(shape, AutoConfig.from_pretrained(start.source).vocab_size))
    model.to(torch.bfloat16).save_pretrained(part)
    known = {name: start.known("annotation", name) for name in _KNOWN}
    spec = replace(
        start, name=shape, n_genes=n_genes, tasks=("annotation", "generation"), knows={"annotation": known},
        temperature=1.0, dual_temperature=1.0, expression_model={}, cautions={}, n_parameters=model.num_parameters(),
        note="random weights",
    )  # fmt: skip
    sd.models.write_spec(spec, part)
    part.replace(folder)
    return folder
