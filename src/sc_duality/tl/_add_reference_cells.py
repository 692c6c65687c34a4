"""Give a model cell types of your own, without training."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..cells import adata_keys, check_column, is_labelled, modality, seed, text_column
from ..models import (
    MIN_CELLS,
    ModelSpec,
    copy_model,
    reference_file,
    reference_labels,
    with_classifier,
    with_reference_labels,
    write_reference,
    write_spec,
)
from ..tasks import Annotation
from ._model import resolve_model
from ._new_folder import check_new, make_new
from ._own_labels import model_labels, ontology_terms
from ._reference_study import reference_study
from ._trainer_input import as_list

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def add_reference_cells(
    adatas: AnnData | MuData | Sequence[AnnData | MuData],
    truth: str,
    model: str | Path | None = None,
    *,
    output_dir: str | Path | None = None,
    coarse: Mapping[str, str] | None = None,
    ontology: str | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
) -> Path:
    """Give a model cell types of your own from labelled cells, in seconds and without training.

    The cells join the reference cells of the model, and its reference classifier is fitted on all of them. Labels that
    the model knows, by any of their names, keep their cells and get more; other labels are new types. Twenty cells of
    a type are enough to start with. Label cells of known types too, if you can: the classifier then learns what tells
    them from the new types in your data, also from genes that the model itself does not know.

    Parameters
    ----------
    adatas
        Labelled cells, one object or several, such as one a study. Counts, or their logarithm, as for
        :func:`sc_duality.pp.cell_sentences`. Nothing is written into them.
    truth
        ``obs`` column with the cell types. Cells without a label, or labelled "unknown", are left out.
    model
        The embedded model by default, or the folder of another model with one token a gene, such as one that
        :func:`train_sft` made from :func:`sc_duality.models.new_gene_model`: it gets a reference classifier. Set then
        by :func:`calibrate` what is ``"unknown"``.
    output_dir
        Folder for the model, to keep and to share. By default a temporary folder that is deleted when Python ends.
    coarse
        Coarse type of new types, such as ``{"regulatory T cell": "T cell"}``. A type without one is a coarse type.
    ontology
        ``obs`` column with the Cell Ontology terms of ``truth``; by default ``truth + "_ontology_term_id"``, if there
        is such a column.
    sentence_key
        Cell sentences that tell which matrix is ranked, as in :func:`annotate`.
    mod
        Modality of a MuData.
    rng
        Seed of augmentation, and of the choice of cells where a type has more than 200.

    Returns
    -------
    The folder of the new model, for ``model=`` of any tool: ``tl.annotate(adata, model)`` chooses among all types.

    Raises
    ------
    ValueError
        The model reads any text and can have no reference classifier, a new type has fewer than five cells or the name
        of a coarse type, or no cell is labelled.
    KeyError
        ``obs`` lacks the column.
    FileExistsError
        ``output_dir`` is not empty.

    Notes
    -----
    The language model has no token for a new type, so that the reference classifier alone decides how probable it is:
    the language model counts for the other types. For ``method="generate"``, :func:`duality` and :func:`generate` of
    new types, train the model on them with :func:`train_sft`.

    A model without a reference classifier gets gene vectors from these cells: a singular value decomposition of their
    sentences, whitened by the covariance within types.

    A gene that the model does not know gets a vector from your cells: the covariance of its rank weight with the
    embedding of the cell. Up to 200 cells of a type and object are kept. A new type with fewer than 200 counts as 200.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[::2].copy()
    >>> adata.obs["mine"] = adata.obs["cell_type"].astype(str).replace("NK cells", "my NK cells")
    >>> model = sd.tl.add_reference_cells(adata[:125], "mine", coarse={"my NK cells": "natural killer cell"})
    >>> new = adata[125:].copy()
    >>> sd.tl.annotate(new, model, labels=["my NK cells", "B cell", "CD4 T cell", "CD8 T cell", "CD14+ Monocytes"])
    >>> bool((new.obs["annotation"] == "my NK cells").any())
    True
    """
    _, spec = resolve_model(model, Annotation.name)
    number = seed(rng)
    _check(spec, output_dir)
    objects = [modality(one, mod) for one in as_list(adatas)]
    for one in objects:
        check_column(one, truth, "truth")
    columns = [text_column(one, truth) for one in objects]
    columns = [values.where(is_labelled(values), None) for values in columns]
    names = model_labels(spec, [label for values in columns for label in values if label is not None], coarse)
    terms = ontology_terms(objects, columns, truth, ontology)
    new = [label for label in dict.fromkeys(names.values()) if label not in reference_labels(spec)]
    known = {
        "ontology": {names[label]: term for label, term in terms.items() if names[label] in new},
        "coarse": {names[label]: kind for label, kind in (coarse or {}).items()},
    }
    extended = with_reference_labels(with_classifier(spec), new, known)
    studies = [
        reference_study(one, np.array([names.get(label) for label in values], dtype=object), spec, sentence_key, number)
        for one, values in zip(objects, columns, strict=True)
    ]
    n = Counter(label for study in studies for label in study.labels)
    if few := {label: n[label] for label in new if n[label] < MIN_CELLS}:
        raise ValueError(f"new cell types need at least {MIN_CELLS} cells that the model can read, but have {few}")
    if n.total() < MIN_CELLS and not reference_file(spec).is_file():
        raise ValueError(f"a first reference needs at least {MIN_CELLS} labelled cells, but has {n.total()}")
    folder = make_new(output_dir, f"{spec.name}-with-own-cells")
    copy_model(spec, folder)
    write_reference(extended, spec, studies, folder)
    write_spec(extended, folder)
    logger.info("wrote %s: %d reference cells added, new types: %s", folder, n.total(), ", ".join(new) or "none")
    return folder


def _check(spec: ModelSpec, output_dir: str | Path | None) -> None:
    if spec.genes is None:
        raise ValueError(
            f"the model {spec.name!r} reads any text and can have no reference classifier: pass the embedded model, or "
            "one with one token a gene"
        )
    check_new(output_dir)
