"""What the spec of the embedded model says beyond what training writes: terms, other names, tissues and cautions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import anndata as ad
import numpy as np

import sc_duality as sd
from recipes.embedded import cell_types
from recipes.embedded.folds import PANELS, TISSUES, tissue_of
from sc_duality.models import SPEC_FILE

#: Warnings of the tools, by task.
CAUTIONS = {
    "response": "its predictions hardly depend on the perturbation; "
    "simple baselines predict responses better (see its card)",
    "sensitivity": "it distinguishes treated from untreated glioblastoma cells, not sensitive from resistant ones",
}


def expression_model(cells: Mapping[str, ad.AnnData], n_genes: int) -> dict[str, float]:
    """The line from ranks to expression: its mean over the studies that measure all genes."""
    lines = []
    for name, study in cells.items():
        if name not in PANELS:
            ranked = study.copy()
            sd.pp.cell_sentences(ranked, n_genes)
            sd.pp.fit_expression(ranked)
            lines.append(ranked.uns["cell_sentence"]["expression_model"])
    return {name: round(float(np.mean([line[name] for line in lines])), 4) for name in ("slope", "intercept")}


def describe(folder: Path, cells: Mapping[str, ad.AnnData]) -> None:
    """Write it into the spec of the model in ``folder``."""
    spec = json.loads((folder / SPEC_FILE).read_text(encoding="utf-8"))
    annotation = spec["knows"]["annotation"]
    labels = [label for label in cell_types.ONTOLOGY if label in annotation["labels"]]
    coarse = {label: cell_types.COARSE[label] for label in labels}
    terms = cell_types.ONTOLOGY | cell_types.COARSE_ONTOLOGY
    label_sets: dict[str, set[str]] = {}
    for name, study in cells.items():
        label_sets.setdefault(tissue_of(name), set()).update(study.obs["label"])
    spec["knows"]["annotation"] = annotation | {
        "labels": labels,
        "label_sets": {tissue: sorted(label_sets[tissue]) for tissue in TISSUES if tissue in label_sets},
        "coarse": coarse,
        "ontology": {name: terms[name] for name in (*labels, *sorted(set(coarse.values()) - set(labels)))},
        "synonyms": {name: label for name, label in cell_types.SYNONYMS.items() if label in labels},
    }
    spec |= {
        "expression_model": expression_model(cells, spec["n_genes"]),
        "cautions": {task: caution for task, caution in CAUTIONS.items() if task in spec["tasks"]},
        "license": "BSD-3-Clause",
        "note": "runs offline on a CPU",
    }
    write_json(folder / SPEC_FILE, spec)


def take_calibration(folder: Path, other: Path) -> None:
    """Write temperatures and thresholds of the model in ``other`` into the spec of the model in ``folder``."""
    spec, calibrated = (json.loads((each / SPEC_FILE).read_text(encoding="utf-8")) for each in (folder, other))
    for name in ("in_distribution", "unknown"):
        spec["knows"]["annotation"][name] = calibrated["knows"]["annotation"][name]
    write_json(folder / SPEC_FILE, spec | {name: calibrated[name] for name in ("temperature", "dual_temperature")})


def write_json(path: Path, content: object) -> None:
    """Write ``content`` with one space a level."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
