"""What all tools need of a model: its specification before it is loaded, and what is kept about it afterwards."""

from __future__ import annotations

import logging
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .._settings import settings
from ..cells import adata_keys
from ..examples import ModelCells
from ..models import (
    LanguageModel,
    ModelSpec,
    ReferenceClassifier,
    Sampling,
    engine_info,
    packaged_names,
    read_reference_classifier,
    reference_genes,
    resolve,
)
from ..tasks import Annotation, PromptFormat

logger = logging.getLogger(__name__)


def resolve_model(
    model: str | Path | LanguageModel | None, *tasks: str
) -> tuple[str | Path | LanguageModel, ModelSpec]:
    """The model and its specification, or an error if it lacks one of ``tasks``.

    By default ``sd.settings.model``, or another model inside the package if that one was not trained for ``tasks``.
    """
    chosen = (packaged_model(*tasks) or settings.model) if model is None else model
    try:
        spec = resolve(chosen)
    except (ValueError, FileNotFoundError) as error:
        if model is not None:
            raise
        raise type(error)(f"sd.settings.model, or the variable SC_DUALITY_MODEL: {error}") from error
    for task in tasks:
        check_task(spec, task)
    return chosen, spec


def packaged_model(*tasks: str) -> str | None:
    """The first model inside the package that was trained for ``tasks``; none if ``sd.settings.model`` is another."""
    if settings.model not in packaged_names():
        return None
    names = dict.fromkeys((settings.model, *packaged_names()))
    return next((name for name in names if set(tasks) <= set(resolve(name).tasks or ())), None)


def check_task(spec: ModelSpec, task: str) -> None:
    """Refuse a model that was not trained for this task, and log what users have to know about its predictions."""
    if spec.tasks is not None and task not in spec.tasks:
        raise ValueError(
            f"the model {spec.name!r} was not trained for the task {task!r}, only for {', '.join(spec.tasks)}: pass "
            "another model, see sd.models.available()"
        )
    if task in spec.cautions:
        logger.warning("%s by the model %r: %s", task, spec.name, spec.cautions[task])


def reference_classifier(cells: ModelCells) -> ReferenceClassifier | None:
    """The reference classifier of the model for these cells, if it has one."""
    if not cells.spec.known(Annotation.name, "in_distribution"):
        return None
    genes = frozenset(reference_genes(cells.spec))
    seen = cells if genes == cells.spec.genes else cells.with_genes(genes)
    return read_reference_classifier(cells.spec, seen.measured_genes())


def provenance(model: LanguageModel, **params: Any) -> dict[str, Any]:
    """What ``uns`` keeps about a result; ``None`` is left out, as AnnData cannot store it."""
    spec, info = model.spec, engine_info(model)
    prompt_format = PromptFormat(spec.prompt_format)
    kept = {
        "model": spec.name,
        "engine": info.name,
        "fingerprint": info.fingerprint,
        "dtype": info.dtype,
        "prompt_format": prompt_format.name,
        "prompt_format_version": prompt_format.version,
        "versions": {name: version(name) for name in ("sc-duality", "anndata", *info.packages)},
        **params,
    }
    return {adata_keys.PARAMS: {name: value for name, value in kept.items() if value is not None}}


def one_sample(sampling: Sampling | None, instead: str = "another rng=") -> Sampling:
    """The sampling of a tool that takes one completion a prompt; several samples are refused."""
    found = sampling or Sampling()
    if found.n_samples > 1:
        raise ValueError(
            f"n_samples={found.n_samples}: no sample is chosen here and none votes, pass n_samples=1 and {instead}"
        )
    return found


def check_context_length(spec: ModelSpec, max_tokens: int, cells: ModelCells | None = None) -> None:
    """Refuse cells, and answers of ``max_tokens``, that exceed the context length of a model with one token a gene."""
    if spec.genes is None or (cells.n_genes if cells else 0) + max_tokens <= spec.context_length:
        return
    longest = max(map(len, cells.genes()), default=0) if cells else 0
    if longest + max_tokens > spec.context_length:
        raise ValueError(
            f"a cell of {longest} genes and an answer of up to {max_tokens} tokens exceed the context length of the "
            f"model {spec.name!r}, {spec.context_length} tokens: pass a smaller n_genes= or max_tokens="
        )


def sampling_settings(sampling: Sampling, method: str) -> dict[str, Any]:
    """What ``uns`` keeps of the sampling of labels; scored labels have the number of samples only."""
    kept: dict[str, Any] = {"n_samples": sampling.n_samples}
    if method != "score":
        kept |= {"temperature": sampling.temperature or 0.0, "top_p": sampling.top_p, "max_tokens": sampling.max_tokens}
    return kept


def warn_not_answered(n: int, n_cells: int) -> None:
    """Warn about cells without an answer from the model."""
    if n:
        logger.warning("%d of %d cells got no answer from the model: call again to query only those", n, n_cells)
