"""The spec of the embedded model (``sc_duality.json``) without its calibration, and the tokens of its vocabulary."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import anndata as ad
import numpy as np

import sc_duality as sd
from recipes.embedded import cell_types
from recipes.embedded.corpus import N_GENES
from recipes.embedded.folds import PANELS, TISSUES, tissue_of
from recipes.embedded.perturbed_cells import PERTURBATIONS
from recipes.embedded.training_examples import ANNOTATION, DRUG, EXPOSURE, NONE, RESPONSE, SENSITIVITY, completion_of

#: Tokens of the prompt format besides genes and labels.
FORMAT_TOKENS = (
    *("annotate", "inpaint", "generate", "respond", "cause", "sensitivity"),
    *("cell", "type", "hidden", "after", "by", "response"),
)
#: Warnings of the tools, by task.
CAUTIONS = {
    "response": "its predictions hardly depend on the perturbation; "
    "simple baselines predict responses better (see its card)",
    "sensitivity": "it distinguishes treated from untreated glioblastoma cells, not sensitive from resistant ones",
}


def tokens(labels: list[str], genes: list[str]) -> list[str]:
    """The vocabulary of the model."""
    names = [*TISSUES, DRUG, *EXPOSURE, *(perturbation.operation for perturbation in PERTURBATIONS)]
    names += [each.target for each in PERTURBATIONS if each.operation in ("drug", "cytokine")]
    control = dict.fromkeys(f"<{name}>" for name in (*FORMAT_TOKENS, *names))
    return [*control, *(completion_of(label) for label in labels), *genes, NONE]


def expression_model(studies: dict[str, ad.AnnData]) -> dict[str, float]:
    """The line from ranks to expression: its mean over the studies that measure all genes."""
    lines = []
    for name, cells in studies.items():
        if name not in PANELS:
            ranked = cells.copy()
            sd.pp.cell_sentences(ranked, N_GENES)
            sd.pp.fit_expression(ranked)
            lines.append(ranked.uns["cell_sentence"]["expression_model"])
    return {name: round(float(np.mean([line[name] for line in lines])), 4) for name in ("slope", "intercept")}


def describe(studies: dict[str, ad.AnnData], labels: list[str], n_parameters: int, perturbed: bool) -> dict[str, Any]:
    """The spec of a model without its calibration."""
    perturbations = [{name: value for name, value in asdict(each).items() if value} for each in PERTURBATIONS]
    coarse = {label: cell_types.COARSE[label] for label in labels}
    terms = cell_types.ONTOLOGY | cell_types.COARSE_ONTOLOGY
    label_sets: dict[str, set[str]] = {}
    for name, cells in studies.items():
        label_sets.setdefault(tissue_of(name), set()).update(cells.obs["label"])
    return {
        "prompt_format": "compact",
        "n_genes": N_GENES,
        "knows": {
            ANNOTATION.name: {
                "labels": labels,
                "label_sets": {tissue: sorted(label_sets[tissue]) for tissue in TISSUES if tissue in label_sets},
                "none_of_these": NONE,
                "coarse": coarse,
                "ontology": {name: terms[name] for name in (*labels, *sorted(set(coarse.values()) - set(labels)))},
                "synonyms": {name: label for name, label in cell_types.SYNONYMS.items() if label in labels},
            },
            **({RESPONSE.name: {"perturbations": perturbations}} if perturbed else {}),
            **({SENSITIVITY.name: {"drugs": {DRUG: list(EXPOSURE)}}} if perturbed else {}),
        },
        "expression_model": expression_model(studies),
        "cautions": CAUTIONS if perturbed else {},
        "tasks": [ANNOTATION.name, "generation", *((RESPONSE.name, SENSITIVITY.name) if perturbed else ())],
        "n_parameters": n_parameters,
        "license": "BSD-3-Clause",
        "note": "runs offline on a CPU",
    }
