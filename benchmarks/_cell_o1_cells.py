"""Cells of the paper's order in small, split by donor, and the gene-token model that starts from random weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import anndata as ad
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import sc_duality as sd
from recipes.embedded.real_cells import DATA
from sc_duality.models import SPEC_FILE

#: Donors of the studies of training whose cells are tested only.
HELD_OUT_DONORS = ("TUM_25", "HPAP022", "HPAP036", "HPAP040", "heart 3")
#: Studies of the pancreas that are tested only, of other laboratories and technologies.
HELD_OUT_STUDIES = ("Tritschler et al. 2022", "Muraro et al. 2016")
#: Genes of the vocabulary, and of a cell sentence.
N_VOCABULARY, N_GENES = 400, 16
_SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
_CONTROL = ("<annotate>", "<cell>", "<type>", "<inpaint>", "<hidden>", "<joint>", "<types>", "|")
#: Genes that differ more between technologies than between types.
_HOUSEKEEPING = "^MT-|^RP[LS]|^MALAT1$"


class Cells(NamedTuple):
    """Labelled cells with sentences of the same genes, and the genes."""

    train: ad.AnnData
    #: Cells of puzzles by the name of the test set.
    test: dict[str, ad.AnnData]
    genes: list[str]

    @property
    def labels(self) -> list[str]:
        """Cell types of the training cells."""
        return sorted(self.train.obs["cell_type"].unique())


def pancreas_and_heart() -> Cells:
    """Pancreas and heart: training donors, other donors of each tissue, and other studies."""
    parts = []
    for name, file in (("pancreas", "pancreas_4studies"), ("heart", "heart_nuclei")):
        part = ad.read_h5ad(DATA / f"{file}.h5ad")
        part.obs_names = [f"{name} {cell}" for cell in part.obs_names]
        part.obs["tissue"] = name
        part.obs["study"] = part.obs["study"].astype(str) if "study" in part.obs else name
        part.obs["donor"] = part.obs["donor"].astype(str).radd("" if name == "pancreas" else "heart ")
        parts.append(part)
    cells = ad.concat(parts, join="inner")
    tissue, donor = cells.obs["tissue"].to_numpy(str), cells.obs["donor"].to_numpy(str)
    study = np.isin(cells.obs["study"].to_numpy(str), HELD_OUT_STUDIES)
    held = np.isin(donor, HELD_OUT_DONORS)
    tests = {f"held-out donors, {name}": held & (tissue == name) for name in np.unique(tissue)}
    return with_sentences(cells, ~held & ~study, {**tests, "held-out studies, pancreas": study})


def shipped_blood() -> Cells:
    """The shipped cells of PBMC3k: every other one is tested."""
    cells = sd.datasets.pbmc3k()
    cells.obs["tissue"], cells.obs["donor"] = "blood", "PBMC3k"
    test = np.arange(cells.n_obs) % 2 == 0
    return with_sentences(cells, ~test, {"other cells, blood": test})


def with_sentences(cells: ad.AnnData, train: NDArray[np.bool_], tests: dict[str, NDArray[np.bool_]]) -> Cells:
    """Training and test cells with sentences of the marker genes of the training cells."""
    genes = marker_genes(cells[train], N_VOCABULARY)
    parts = {name: cells[rows].copy() for name, rows in {"train": train, **tests}.items()}
    for part in parts.values():
        part.obs["cell_type"] = part.obs["cell_type"].astype(str)
        sd.pp.cell_sentences(part, n_genes=N_GENES, genes=genes)
    return Cells(parts.pop("train"), parts, genes)


def marker_genes(cells: ad.AnnData, n: int) -> list[str]:
    """The ``n`` genes whose mean log expression in a type most exceeds that in all other types of its tissue."""
    counts = cells.X.astype(float)
    log = (counts.multiply(1e4 / np.maximum(counts.sum(1), 1)).tocsr()).log1p()
    housekeeping = cells.var_names.str.contains(_HOUSEKEEPING)
    rank = np.full(cells.n_vars, cells.n_vars)
    for rows in cells.obs.groupby("tissue", observed=True).indices.values():
        types = cells.obs["cell_type"].iloc[rows].to_numpy(str)
        means = np.array([np.asarray(log[rows[types == one]].mean(0)).ravel() for one in np.unique(types)])
        for i, mean in enumerate(means):
            excess = np.where(housekeeping, -np.inf, mean - np.delete(means, i, axis=0).max(0))
            order = np.argsort(-excess)
            rank[order] = np.minimum(rank[order], np.arange(len(order)))
    return cells.var_names[np.sort(np.argsort(rank, kind="stable")[:n])].tolist()


def save_start(folder: Path, cells: Cells, n_cells: int, *, width: int, layers: int, seed: int) -> Path:
    """A model with random weights, with one token for each gene and each label."""
    shutil.rmtree(folder, ignore_errors=True)
    numbers = [f"<{i}>" for i in range(1, n_cells + 1)]
    tokens = [*_SPECIAL, *_CONTROL, *numbers, *cells.genes, *(label.replace(" ", "_") for label in cells.labels)]
    tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    torch.manual_seed(seed)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokens),
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=layers,
            num_attention_heads=width // 32,
            max_position_embeddings=2 * n_cells * (N_GENES + 5),
            tie_word_embeddings=True,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        )
    ).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    spec = {
        "prompt_format": "compact",
        "n_genes": N_GENES,
        "knows": {"annotation": {"labels": cells.labels}},
        "tasks": ["annotation", "joint_annotation"],
    }
    (folder / SPEC_FILE).write_text(json.dumps(spec))
    return folder
