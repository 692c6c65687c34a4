"""Supervised training: a model learns tasks and their duals from labelled cells."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import _keys
from .._data import modality, seed
from .._settings import settings
from ..tasks import Perturbation
from ..train._lesson import Lesson
from ..train._run import Run, Trained, digest
from ..train._trl import check_trl
from ._corpus import Corpus
from ._lessons import SOURCES, Columns, draw
from ._starting import several, start_of

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Lessons of each task that held-out donors are judged on, at most.
_JUDGED = 100


def train_sft(
    adatas: AnnData | MuData | Sequence[AnnData | MuData],
    model: str | Path,
    out: str | Path,
    *,
    tasks: Sequence[str] = ("annotation", "generation"),
    labels: str | None = "cell_type",
    sensitivity: str | None = None,
    drug: str | None = None,
    perturbation: str | None = None,
    perturbations: Mapping[str, Perturbation | Sequence[str]] | None = None,
    match: Sequence[str] = (),
    donor: str | None = None,
    held_out: float | Sequence[str] = 0.1,
    context: Sequence[str] = (),
    n_genes: int | None = None,
    augment: bool = True,
    contrast: float = 0.0,
    lora: int | Mapping[str, Any] | None = None,
    epochs: float = 3,
    batch_size: int = 32,
    learning_rate: float = 1e-5,
    key: str = _keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
    **options: Any,
) -> Trained:
    columns = Columns(labels, sensitivity, drug, perturbation, perturbations or {}, tuple(match))
    spec = start_of(model, tasks, SOURCES)
    if epochs <= 0 or contrast < 0 or learning_rate <= 0:
        raise ValueError("epochs and learning_rate must be positive, contrast must not be negative")
    number = seed(rng)
    draws = np.random.default_rng(number)
    learned: list[Lesson] = []
    judged: list[Lesson] = []
    for adata in several(adatas):
        corpus = Corpus(modality(adata, mod), spec, key=key, n_genes=n_genes, context=context)
        held = _held_out(corpus, donor, held_out, draws)
        for task in tasks:
            source = SOURCES[task](corpus, spec, columns, ~held)
            learned += draw(corpus, source, round(epochs * len(source.rows)), draws, augment=augment)
            if held.any():
                other = SOURCES[task](corpus, spec, columns, held)
                judged += draw(corpus, other, min(_JUDGED, len(other.rows)), draws, augment=False)
    order = draws.permutation(len(learned))
    run = Run(
        out,
        {
            "kind": "sft", "model": spec.name, "fingerprint": spec.fingerprint, "tasks": list(tasks),
            "data": digest(learned), "contrast": contrast, "lora": lora, "epochs": epochs, "batch_size": batch_size,
            "learning_rate": learning_rate, "rng": number, "options": options,
        },
    )  # fmt: skip
    finished = run.finished()
    if finished is not None:
        logger.info("%s holds this run, finished", run.folder)
        return finished
    check_trl()
    from ..train._sft import fit

    logger.info("%d lessons, %d more to judge by", len(learned), len(judged))
    return fit(
        spec,
        [learned[i] for i in order],
        judged,
        run,
        contrast=contrast,
        lora=lora,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=number,
        progress=settings.progress,
        options=options,
    )


def _held_out(
    corpus: Corpus, donor: str | None, held_out: float | Sequence[str], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which cells are held out: those of some donors, or, where none are named, of a share drawn at random."""
    if donor is None:
        if not isinstance(held_out, int | float) or not 0 <= held_out < 1:
            raise ValueError(f"held_out must be from 0 to below 1, or donor= must be named, got {held_out!r}")
        if held_out:
            logger.warning("donor= is not named: cells are held out at random, which flatters what they measure")
        return rng.random(len(corpus.names)) < held_out
    donors = corpus.column(donor, "donor")
    known = sorted({one for one in donors if one is not None})
    if isinstance(held_out, int | float):
        if not 0 <= held_out < 1:
            raise ValueError(f"held_out must be from 0 to below 1, or names of donors, got {held_out!r}")
        n = min(max(1, round(held_out * len(known))), len(known) - 1) if held_out else 0
        chosen = rng.choice(known, n, replace=False).tolist()
    else:
        chosen = [name for name in held_out if name in known]
    return np.isin(donors.astype(str), chosen)
