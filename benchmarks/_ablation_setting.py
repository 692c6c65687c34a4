"""One task of the ablation: the start of alignment, its data and methods, and the evaluation."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

import sc_duality as sd
from benchmarks import _library as library
from recipes.embedded.perturbed_cells import FOLDS

#: The fold of response whose held-out type and knockdown are evaluated.
HELD_OUT = FOLDS[3]
#: Generated cells of each type.
N_GENERATED = 40
#: The form of the paper: a sampled dual of the hidden 30 % of the genes, given the observed genes and the label.
PAPER = sd.Duality(form="sample", n_samples=1, context="observed", hidden_fraction=0.3)


class Setting(NamedTuple):
    """One task of the ablation."""

    start: Path | str
    #: Options of ``tl.train_grpo_duality`` for all methods.
    options: dict[str, Any]
    #: Options by method.
    methods: dict[str, dict[str, Any]]
    #: From a model and a seed to metrics by set; the first metric of a set is the main one.
    evaluate: Callable[[library.LanguageModel, int], dict[str, dict[str, float]]]
    n_steps: int
    #: Completions of an update.
    batch_size: int = 32


def random_weights(like: str | Path, out: Path) -> Path:
    """The architecture of a model with random weights."""
    source = Path(sd.models.resolve(like).source)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(source)).float().save_pretrained(out)
    AutoTokenizer.from_pretrained(source).save_pretrained(out)
    shutil.copy(source / sd.models.SPEC_FILE, out)
    return out
