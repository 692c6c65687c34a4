"""Augmentation between studies: each as the others might have measured its cells."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._model_cells import ModelCells
from ._study_shifts import StudyShifts

logger = logging.getLogger(__name__)


def augment_between_studies(
    studies: Sequence[ModelCells], types: Sequence[NDArray[Any] | None], training: Sequence[NDArray[np.bool_]]
) -> None:
    """From now on, augmented sentences of each study are of cells as the others might have measured them too.

    Parameters
    ----------
    studies
        The cells of each.
    types
        The type of each cell, ``None`` where it is missing; ``None`` for a study without types, whose cells count as
        one type.
    training
        Which cells of each study the differences are measured on.

    Raises
    ------
    ValueError
        No study has raw counts.

    Examples
    --------
    >>> import numpy as np
    >>> import sc_duality as sd
    >>> from sc_duality.examples import ModelCells, augment_between_studies
    >>> cells = ModelCells(sd.datasets.pbmc3k()[::20].copy(), sd.models.resolve("embedded"))
    >>> augment_between_studies([cells], [None], [np.ones(len(cells), dtype=bool)])
    >>> len(cells.augmented([0, 1], np.random.default_rng(0)))
    2
    """
    found = [
        cells.augmenter.study(np.full(len(cells), "", dtype=object) if known is None else known, trained)
        for cells, known, trained in zip(studies, types, training, strict=True)
    ]
    if all(study is None for study in found):
        raise ValueError(
            "augment='studies' needs raw counts in the matrix that the cell sentences were ranked from: pass cells "
            "with counts, or augment=True"
        )
    shifts = StudyShifts([study for study in found if study is not None])
    index = 0
    for i, (cells, study) in enumerate(zip(studies, found, strict=True)):
        if study is None:
            logger.warning("object %d has no raw counts: its cells are augmented as by augment=True", i)
            continue
        cells.augmenter.measure_as(shifts, index, study)
        index += 1
