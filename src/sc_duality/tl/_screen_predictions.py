"""Predict and score what a screen lacks, and the settings that decide its scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..cells import adata_keys
from ..models import LanguageModel, ModelSpec, SamplingParams, engine_info, load
from ..models.engines import tool_bar
from ..tasks import Perturbation
from ._model import warn_not_answered
from ._screen_contexts import ScreenContext
from ._screen_file import ScreenFile

#: Predictions that are requested at once, and lost at most if the screen is killed.
N_PREDICTIONS = 2**11


def screen_settings(
    model: str | Path | LanguageModel,
    spec: ModelSpec,
    contexts: Sequence[ScreenContext],
    params: SamplingParams,
    **others: Any,
) -> dict[str, Any]:
    """Everything that decides the scores."""
    fingerprint = spec.fingerprint if isinstance(model, str | Path) else engine_info(model).fingerprint
    task = contexts[0].query.task
    return {
        "model": spec.name,
        "fingerprint": fingerprint,
        "task": task.name,
        "task_version": task.version,
        "n_genes": contexts[0].cells.n_genes,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "max_tokens": params.max_tokens,
        "rng": params.seed,
        **others,
        **{f"cells of {one.name!r}": one.query.fingerprint() for one in contexts},
    }


def add_scores(
    model: str | Path | LanguageModel,
    contexts: Sequence[ScreenContext],
    perturbations: Sequence[Perturbation],
    kept: ScreenFile,
    gene_set: Sequence[str],
    params: SamplingParams,
    n_samples: int,
) -> None:
    """Predict and score what is missing, several perturbations at a time."""
    missing = {one.name: [p for p in perturbations if (one.name, str(p)) not in kept] for one in contexts}
    sizes = {one.name: len(one.cells) * n_samples for one in contexts}
    total = sum(sizes[name] * len(left) for name, left in missing.items())
    if not total:
        return
    engine, finished, n_not_answered = load(model), 0, 0
    with tool_bar(total, "screening") as bar:
        for one in contexts:
            size = max(1, N_PREDICTIONS // sizes[one.name])
            for start in range(0, len(missing[one.name]), size):
                block = missing[one.name][start : start + size]
                n = len(block) * sizes[one.name]
                bar.begin(finished, finished + n, n)
                try:
                    predicted = one.query.predict(engine, block, params, n_samples)
                except (Exception, KeyboardInterrupt) as error:
                    error.add_note(kept.note())
                    raise
                keys = [(one.name, str(p)) for p in block]
                lost = [sum(int((cells.status == adata_keys.NOT_ANSWERED).sum()) for cells in row) for row in predicted]
                changes = dict(zip(keys, one.changes(predicted, gene_set), strict=True))
                kept.add(changes, unfinished=[key for key, n_lost in zip(keys, lost, strict=True) if n_lost])
                finished, n_not_answered = finished + n, n_not_answered + sum(lost)
        bar.begin(finished, finished, 1)
    warn_not_answered(n_not_answered, total)
