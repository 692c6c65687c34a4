"""Ablation of generation, from the supervised weights of the embedded model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sc_duality as sd
from benchmarks import generation
from benchmarks._ablation_setting import Setting
from recipes.embedded.build import ALIGNMENT
from recipes.embedded.training_cells import generation_contexts, labelled_cells
from sc_duality.tasks import Generation

UPDATES = 20


def situation(start: Path) -> Setting:
    """The alignment of the recipe with fewer updates, evaluated by the default call of ``tl.generate``."""
    options: dict[str, Any] = {
        **ALIGNMENT, "max_steps": UPDATES, "context": ["tissue"],
        "tasks": [Generation(labels="label")], "duality": sd.Duality(form="likelihood"),
    }  # fmt: skip
    contexts = generation_contexts(labelled_cells("main", with_validation=False))
    return Setting(lambda _seed: start, contexts, options, scores, has_true_answer=False)


def scores(model: Path, seed: int) -> dict[str, float]:
    """Type fidelity and Fréchet distance of each tissue."""
    found = generation.summary(str(model), seed, quick=False)
    return {
        f"{tissue}: {title}": row[key]
        for key, title in (("type_fidelity", "type fidelity"), ("scFID", "scFID"))
        for tissue, row in found.items()
    }
