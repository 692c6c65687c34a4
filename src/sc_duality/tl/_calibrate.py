"""Set how sure a model says it is, on labelled cells."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._validation import fraction
from ..cells import adata_keys, modality, seed
from ..examples import KnownLabels, LabelExamples, ModelCells, build
from ..models import (
    ModelSpec,
    copy_model,
    load,
    reference_file,
    write_spec,
)
from ..tasks import Annotation
from ._calibration import Calibration, calibration_of, dual_temperature, read_study
from ._model import reference_classifier, resolve_model
from ._new_folder import check_new, make_new
from ._trainer_input import as_list

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Cells of a study at most, and fewest of all studies together.
_MAX_CELLS, _MIN_CELLS = 300, 50


def calibrate(
    adatas: AnnData | MuData | Sequence[AnnData | MuData],
    truth: str,
    model: str | Path | None = None,
    *,
    output_dir: str | Path | None = None,
    max_unknown: float = 0.1,
    dual: bool = False,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
) -> Path:
    """Set how sure a model says it is, and which cells it calls "unknown", on cells that it was not trained on.

    A model is often surer than it is right, or less sure. This compares its probabilities with the true types of your
    cells, and writes a copy of the model whose confidence fits them. On cells of another study it may fit less well.

    Parameters
    ----------
    adatas
        Labelled cells of donors or studies that the model was not trained on, one object or several, such as one a
        study. Nothing is written into them.
    truth
        ``obs`` column with the cell types, in words that the model knows. Cells of other types are left out.
    model
        A model that annotates cells, such as the folder of :func:`train_sft`; the embedded model by default.
    output_dir
        Folder for the calibrated model, to keep and to share. By default a temporary folder that is deleted when Python
        ends.
    max_unknown
        Largest fraction of the cells of any study that may become ``"unknown"``, from 0 to below 1. With a reference
        classifier, the in-distribution probability is 0.5 or more for 95 % of them.
    dual
        Whether to set the temperature of the posterior of :func:`duality` too, which takes longer: 40 cells of each
        object are scored for every label. For a model that was trained on the dual task of annotation.
    sentence_key
        Where the cell sentences lie; they are computed if there are none.
    mod
        Modality of a MuData.
    rng
        Seed of the choice of cells, at most 300 of each object.

    Returns
    -------
    The folder of the new model, for ``model=`` of any tool: the same weights, with other values in ``sc_duality.json``
    of ``temperature``, and of ``unknown`` and ``in_distribution`` of ``knows["annotation"]``; with ``dual``, also of
    ``dual_temperature``.

    Raises
    ------
    ValueError
        Fewer than 50 cells have a type that the model knows, the model has no folder or no labels, or ``max_unknown``
        is not a fraction.
    KeyError
        ``obs`` lacks the column.
    FileExistsError
        ``output_dir`` is not empty.

    Notes
    -----
    Temperature scaling (Guo et al. 2017): label probabilities are the softmax of log-likelihoods divided by the
    temperature with the lowest log-loss, first of the language model, then of the reference classifier as a member of
    the ensemble. The threshold of ``"unknown"`` is the quantile ``max_unknown`` of confidence times in-distribution
    probability, in the study where it is lowest.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[::3].copy()
    >>> model = sd.tl.calibrate(adata, "cell_type", max_unknown=0.05)
    >>> sd.models.resolve(model).known("annotation", "unknown") > 0
    True
    """
    fraction("max_unknown", max_unknown)
    check_new(output_dir)
    chosen, spec = resolve_model(model, Annotation.name)
    if not spec.known(Annotation.name, "labels"):
        raise ValueError(f"the model {spec.name!r} has no list of labels: pass one that was trained to annotate cells")
    if not Path(spec.source).is_dir():
        raise ValueError(f"the model {spec.name!r} is not in a folder: download it, and pass its folder")
    generator = np.random.default_rng(seed(rng))
    cells = [ModelCells(modality(one, mod), spec, sentence_key=sentence_key) for one in as_list(adatas)]
    labelled = [_labelled(one, truth, generator) for one in cells]
    n = sum(len(rows) for _, rows, _ in labelled)
    if n < _MIN_CELLS:
        raise ValueError(
            f"{n} cells have a type in obs[{truth!r}] that the model {spec.name!r} knows, but calibration needs "
            f"{_MIN_CELLS}: its types are {', '.join(spec.known(Annotation.name, 'labels')[:8])}, …"
        )
    if dual and not any(label in one.model_options for one, _, labels in labelled for label in labels):
        raise ValueError(
            f"dual=True needs cells of types that the language model {spec.name!r} was trained on, and its reference "
            "classifier alone knows these: leave it out"
        )
    engine = load(chosen)
    studies = [
        read_study(engine, examples, rows, types, reference_classifier(examples.cells))
        for examples, rows, types in labelled
        if len(rows)
    ]
    found = calibration_of(studies, spec, max_unknown)
    if dual:
        spec = replace(spec, dual_temperature=dual_temperature(engine, labelled, seed(rng)))
    return _write(found, spec, make_new(output_dir, f"{spec.name}-calibrated"), n)


def _labelled(
    cells: ModelCells, truth: str, rng: np.random.Generator
) -> tuple[LabelExamples, NDArray[np.int64], list[str]]:
    """The cells as examples with all labels of the model, and the rows and types of some of them."""
    examples = build(Annotation(), cells)
    assert isinstance(examples, LabelExamples)
    names = KnownLabels.of_cell_types(cells.spec, examples.reference_labels)
    types = [None if label is None else names.same(label) for label in cells.column(truth, "truth")]
    known = np.array([label in examples.options for label in types], dtype=bool)
    rows = np.sort(rng.permutation(np.flatnonzero(known & cells.readable))[:_MAX_CELLS])
    return examples, rows, [str(types[row]) for row in rows]


def _write(found: Calibration, spec: ModelSpec, folder: Path, n: int) -> Path:
    """Write the calibrated model."""
    copy_model(spec, folder)
    if reference_file(spec).is_file():
        shutil.copyfile(reference_file(spec), folder / reference_file(spec).name)
    annotation = {**spec.knows[Annotation.name], "unknown": found.unknown}
    if found.in_distribution:
        annotation["in_distribution"] = found.in_distribution
    knows = {**spec.knows, Annotation.name: annotation}
    write_spec(replace(spec, temperature=found.temperature, knows=knows), folder)
    logger.info(
        "wrote %s, calibrated on %d cells: temperature %s, unknown below a confidence of %s", folder, n,
        found.temperature, found.unknown,
    )  # fmt: skip
    return folder
