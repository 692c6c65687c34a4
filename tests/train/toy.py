"""A world in which a tiny model learns within seconds: three types of cells with six marker genes each."""

import errno
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Trainer

from sc_duality.models import SPEC_FILE, ModelSpec
from sc_duality.tasks import Annotation, Example
from sc_duality.train._lesson import Lesson, Row
from sc_duality.train._run import Run
from sc_duality.train._sft import fit

TYPES = ["alpha cell", "beta cell", "gamma cell"]
GENES = [f"{letter}{i}" for letter in "ABGN" for i in range(6)]
PERTURBATIONS = {"ctrl": ("control",), "stim": ("cytokine", "IFNB1")}
N_GENES, CONTEXT = 6, 32
_WORDS = [
    *("<pad>", "<s>", "</s>", "<unk>", "<annotate>", "<inpaint>", "<generate>", "<respond>", "<cause>", "<cell>"),
    *("<type>", "<hidden>", "<after>", "<by>", "<control>", "<cytokine>", "<IFNB1>"),
    *("<sensitivity>", "<response>", "<dexamethasone>", "<sensitive>", "<resistant>"),
]


def toy_cells(n: int = 60, seed: int = 0) -> ad.AnnData:
    """Counts, with a type, a column of labels of which a third are wrong, donors and a treatment."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(3, size=n)
    means = np.full((n, len(GENES)), 0.2)
    for i, one in enumerate(kind):
        means[i, 6 * one : 6 * one + 6] = 8
    doubtful = np.where(rng.random(n) < 0.5, rng.integers(3, size=n), kind)
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(np.array(TYPES)[kind]),
            "doubtful": np.array(TYPES)[doubtful],
            "donor": [f"d{i % 4}" for i in range(n)],
            "cluster": kind.astype(str),
            "treatment": [["ctrl", "stim"][i // 4 % 2] for i in range(n)],
            "taken": [["sensitive", "resistant"][i // 2 % 2] for i in range(n)],
        },
        index=[f"cell{i}" for i in range(n)],
    )
    return ad.AnnData(rng.poisson(means).astype(np.float32), obs, pd.DataFrame(index=GENES))


def save_toy(folder: Path, context: int = CONTEXT, **spec) -> Path:
    """A model with random weights that knows these words."""
    words = [*_WORDS, *GENES, *(name.replace(" ", "_") for name in TYPES)]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words),
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=context,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        )
    )
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    tasks = ["annotation", "generation", "response", "sensitivity"]
    known = {
        "prompt_format": "compact",
        "n_genes": N_GENES,
        "knows": {"annotation": {"labels": TYPES}},
        "tasks": tasks,
        **spec,
    }
    (folder / SPEC_FILE).write_text(pd.Series(known).to_json())
    return folder


def toy_spec(folder: Path) -> ModelSpec:
    """What is known of the model in this folder."""
    return ModelSpec(
        "toy", str(folder), prompt_format="compact", n_genes=N_GENES, knows={"annotation": {"labels": TYPES}}
    )


class Guess(Lesson):
    """Only the question, whose answer here is anything."""

    def rows(self) -> list[Row]:
        return super().rows()[:1]


class Backwards(Lesson):
    """Only what is asked back."""

    def rows(self) -> list[Row]:
        return super().rows()[1:]


def save_judge(folder: Path, n: int = 1500) -> Path:
    """A model that answers at random, in the right form, but whose dual knows the types."""
    spec, rng = toy_spec(save_toy(folder.with_name(folder.name + "-start"))), np.random.default_rng(0)
    task = Annotation("compact", given="label")
    lessons = []
    for i in range(n):
        truth, guess = rng.integers(3, size=2)
        genes = [f"{'ABG'[truth]}{j}" for j in rng.permutation(6)]
        known = {"genes": tuple(genes), "labels": tuple(TYPES)}
        lessons.append((Guess, Backwards)[i % 2](task, Example(known, tuple(genes), TYPES[(truth, guess)[i % 2 == 0]])))
    run = Run(folder, {"kind": "toy"})
    how = {"contrast": 0.0, "lora": None, "batch_size": 50, "learning_rate": 1e-2, "seed": 0, "progress": False}
    return fit(spec, lessons, [], run, options={}, **how).model


#: Columns of a history that say how long something took, which no seed decides.
TIMES = ("seconds", "runtime", "per_second")


def same_history(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Equal to the last bit, but for times."""
    kept = [name for name in one if not name.endswith(TIMES)]
    assert kept == [name for name in other if not name.endswith(TIMES)]
    pd.testing.assert_frame_equal(one[kept], other[kept], check_exact=True)


def same_weights(one: Path, other: Path) -> None:
    """Equal to the last bit."""
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


class StoppedError(Exception):
    """What stops a run in a test."""


def stop(monkeypatch, at: int, *, how: str) -> None:
    """Stop trainers when checkpoint ``at`` is written: right after it (``"killed"``), or in the middle (``"full"``)."""
    save = Trainer._save_checkpoint

    def saved(self, *args, **kwargs):
        if how == "full" and self.state.global_step == at:
            half = Path(self.args.output_dir) / f"checkpoint-{at}"
            half.mkdir(parents=True)
            (half / "model.safetensors").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(self, *args, **kwargs)
        if self.state.global_step == at:
            raise StoppedError

    monkeypatch.setattr(Trainer, "_save_checkpoint", saved)
