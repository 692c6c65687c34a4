"""A tiny model that trains within seconds, and cells for it: three cell types with six marker genes each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from sc_duality.models import SPEC_FILE

TYPES = ["alpha cell", "beta cell", "gamma cell"]
GENES = [f"{letter}{i}" for letter in "ABGN" for i in range(6)]
PERTURBATIONS = {"ctrl": ("control",), "stim": ("cytokine", "IFNB1")}
N_GENES, CONTEXT_LENGTH = 6, 32
_TOKENS = [
    *("<pad>", "<s>", "</s>", "<unk>", "<annotate>", "<inpaint>", "<generate>", "<respond>", "<cause>", "<cell>"),
    *("<type>", "<hidden>", "<after>", "<by>", "<control>", "<cytokine>", "<IFNB1>"),
    *("<sensitivity>", "<response>", "<dexamethasone>", "<sensitive>", "<resistant>"),
]


def toy_cells(n: int = 60, seed: int = 0) -> ad.AnnData:
    """Counts, with cell type, donor, cluster, treatment, drug response and tissue."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(3, size=n)
    means = np.full((n, len(GENES)), 0.2)
    for i, one in enumerate(kind):
        means[i, 6 * one : 6 * one + 6] = 8
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(np.array(TYPES)[kind]),
            "donor": [f"d{i % 4}" for i in range(n)],
            "cluster": kind.astype(str),
            "treatment": [["ctrl", "stim"][i // 4 % 2] for i in range(n)],
            "drug_response": [["sensitive", "resistant"][i // 2 % 2] for i in range(n)],
            "tissue": np.array(["blood", "lung", "lung"])[kind],
        },
        index=[f"cell{i}" for i in range(n)],
    )
    return ad.AnnData(rng.poisson(means).astype(np.float32), obs, pd.DataFrame(index=GENES))


def save_toy(folder: Path, context_length: int = CONTEXT_LENGTH, more_tokens: Sequence[str] = (), **spec: Any) -> Path:
    """A model with random weights, with one token for each gene and each label."""
    tokens = [*_TOKENS, *GENES, *(name.replace(" ", "_") for name in TYPES), *more_tokens]
    tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokens),
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=context_length,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        )
    )
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    known = {
        "prompt_format": "compact",
        "n_genes": N_GENES,
        "knows": {"annotation": {"labels": TYPES}},
        "tasks": ["annotation", "generation", "response", "sensitivity"],
        **spec,
    }
    (folder / SPEC_FILE).write_text(json.dumps(known))
    return folder
