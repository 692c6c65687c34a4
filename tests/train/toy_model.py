"""A tiny model that trains within seconds, and cells for it: three cell types with six marker genes each."""

import errno
import json
from collections.abc import Sequence
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Trainer

from sc_duality.models import SPEC_FILE, resolve
from sc_duality.tasks import Annotation, LabelExample, TrainingExample
from sc_duality.train import Run, fit

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


def save_toy(folder: Path, context_length: int = CONTEXT_LENGTH, more_tokens: Sequence[str] = (), **spec) -> Path:
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


class PrimalOnly(TrainingExample):
    """An example whose dual task is not trained."""

    def texts(self) -> list[tuple[str, str]]:
        return super().texts()[:1]


class DualOnly(TrainingExample):
    """An example whose primal task is not trained."""

    def texts(self) -> list[tuple[str, str]]:
        return super().texts()[1:]


def save_verifier(folder: Path, n: int = 1500) -> Path:
    """A model that predicts random labels in the right format, but whose dual task knows the cell types."""
    start = resolve(save_toy(folder.with_name(f"{folder.name}-start")))
    rng, task, examples = np.random.default_rng(0), Annotation(prompt_format="compact"), []
    for i in range(n):
        truth, guess = rng.integers(3, size=2)
        genes = tuple(f"{'ABG'[truth]}{j}" for j in rng.permutation(6))
        primal = i % 2 == 0
        label = TYPES[guess if primal else truth]
        example = LabelExample(genes=genes, options=tuple(TYPES), hidden_genes=genes, truth=label)
        examples.append((PrimalOnly if primal else DualOnly)(task, example))
    settings = {"contrast": 0.0, "lora": None, "batch_size": 50, "learning_rate": 1e-2, "seed": 0, "options": {}}
    return fit(start, examples, [], Run(folder, {"kind": "toy"}), progress=False, **settings).model


#: Columns of a history that hold durations, which no seed decides.
TIMES = ("seconds", "runtime", "per_second")


def same_history(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Assert equal histories to the last bit, except for durations."""
    kept = [name for name in one if not name.endswith(TIMES)]
    assert kept == [name for name in other if not name.endswith(TIMES)]
    pd.testing.assert_frame_equal(one[kept], other[kept], check_exact=True)


def same_weights(one: Path, other: Path) -> None:
    """Assert equal weights to the last bit."""
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


class StoppedError(Exception):
    """Stops a run in a test."""


def stop(monkeypatch, at: int, *, cause: str) -> None:
    """Stop trainers at checkpoint ``at``: right after it (``"killed"``), or while it is written (``"full"`` disk)."""
    save = Trainer._save_checkpoint

    def saved(self, *args, **kwargs):
        if cause == "full" and self.state.global_step == at:
            half = Path(self.args.output_dir) / f"checkpoint-{at}"
            half.mkdir(parents=True)
            (half / "model.safetensors").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(self, *args, **kwargs)
        if self.state.global_step == at:
            raise StoppedError

    monkeypatch.setattr(Trainer, "_save_checkpoint", saved)
