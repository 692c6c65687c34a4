"""Further reference cells for a model: a user's labelled cells, with their own types and genes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._gene_vectors import gene_vectors
from ._reference_classifier import REFERENCE_FILE, reference_file, reference_genes, reference_labels
from ._reference_projection import weigh_sentences
from ._spec import ModelSpec

#: Fewest reference cells of a new type, and of all types: similarity is that to the fifth nearest.
MIN_CELLS = 5
#: Cells that a further type counts as, if it has fewer; chosen on crc_scmetalink and cosmx_lung_tumour.
_CELLS_OF_A_TYPE = 200
#: Length of the vector of a gene outside the vocabulary, on average, where one in the vocabulary has 1.
_LENGTH = 0.5
#: In-distribution probability of a new reference classifier: 1 at any similarity.
_UNCALIBRATED = {"midpoint": -1.0, "slope": 30.0, "temperature": 1.0}


class ReferenceCells(NamedTuple):
    """Labelled cells of one study, as sentences of all of their genes.

    Examples
    --------
    >>> from sc_duality.models import ReferenceCells
    >>> ReferenceCells([["ALB", "APOA1"]], [["APOA1"]], ["hepatocyte"]).labels
    ['hepatocyte']
    """

    #: Sentence of each cell as measured, and augmented.
    measured: list[list[str]]
    augmented: list[list[str]]
    labels: list[str]


def with_classifier(spec: ModelSpec) -> ModelSpec:
    """The model with a reference classifier; one that has none counts every cell as in distribution.

    Examples
    --------
    >>> import sc_duality as sd
    >>> spec = sd.models.resolve("embedded").without("annotation", "in_distribution")
    >>> sd.models.with_classifier(spec).known("annotation", "in_distribution")
    {'midpoint': -1.0, 'slope': 30.0, 'temperature': 1.0}
    """
    if spec.known("annotation", "in_distribution"):
        return spec
    annotation = {**spec.knows.get("annotation", {}), "in_distribution": dict(_UNCALIBRATED)}
    return replace(spec, knows={**spec.knows, "annotation": annotation})


def with_reference_labels(spec: ModelSpec, labels: Sequence[str], known: Mapping[str, Mapping[str, str]]) -> ModelSpec:
    """The model with labels that its reference classifier alone knows.

    Parameters
    ----------
    spec
        The model.
    labels
        The new labels.
    known
        ``ontology`` and ``coarse``: Cell Ontology term and coarse type of labels. A label without a coarse type is one.

    Examples
    --------
    >>> import sc_duality as sd
    >>> known = {"ontology": {"hepatocyte": "CL:0000182"}}
    >>> spec = sd.models.with_reference_labels(sd.models.resolve("embedded"), ["hepatocyte"], known)
    >>> spec.known("annotation", "reference_labels")
    ['hepatocyte']
    """
    annotation = dict(spec.knows.get("annotation", {}))
    annotation["reference_labels"] = [*annotation.get("reference_labels", ()), *labels]
    for name in ("ontology", "coarse"):
        if name in annotation or known.get(name):
            annotation[name] = {**annotation.get(name, {}), **known.get(name, {})}
    if "coarse" in spec.knows.get("annotation", {}):
        annotation["coarse"] = {**{label: label for label in labels}, **annotation["coarse"]}
    return replace(spec, knows={**spec.knows, "annotation": annotation})


def write_reference(spec: ModelSpec, before: ModelSpec, studies: Sequence[ReferenceCells], folder: Path) -> None:
    """Write the reference cells of the model ``before`` and those of further studies into ``folder``.

    Where ``before`` has none, its genes get vectors from the cells of ``studies``.

    Parameters
    ----------
    spec
        The model with all labels of the cells.
    before
        The model that the reference cells come from.
    studies
        Cells of each study; their labels are labels of ``spec``.
    folder
        Where the file is written.

    Raises
    ------
    ValueError
        There are fewer than five cells.

    Examples
    --------
    >>> import sc_duality as sd, tempfile
    >>> from pathlib import Path
    >>> from sc_duality.models import ReferenceCells, with_reference_labels, write_reference
    >>> before = sd.models.resolve("embedded")
    >>> sentences = [["TTR", "APOE", "AHSG"]] * 5
    >>> cells = ReferenceCells(sentences, sentences, ["hepatocyte"] * 5)
    >>> with tempfile.TemporaryDirectory() as name:
    ...     write_reference(with_reference_labels(before, ["hepatocyte"], {}), before, [cells], Path(name))
    ...     np.load(Path(name) / "reference.npz")["further_genes"].tolist()
    ['AHSG']
    """
    genes, labels = reference_genes(before), reference_labels(spec)
    has_cells, n = reference_file(before).is_file(), sum(len(cells.labels) for cells in studies)
    if not has_cells and n < MIN_CELLS:
        raise ValueError(
            f"the model {spec.name!r} would have {n} reference cells: label at least {MIN_CELLS} cells that it can read"
        )
    arrays: dict[str, Any] = _stored(before) if has_cells else _none_yet(studies, genes)
    column = np.array([labels.index(label) for label in reference_labels(before)])
    arrays["labels"] = column[arrays["labels"]]
    arrays.setdefault("weights", np.ones(len(arrays["labels"]), np.float32))
    arrays.setdefault("study", np.zeros(len(arrays["labels"]), np.uint16))
    weighted = set(arrays["labels"][arrays["weights"] != 1].tolist())
    weighted |= {labels.index(label) for label in labels if label not in reference_labels(before)}
    for cells in studies:
        genes = _add(arrays, cells, genes, labels)
    arrays["weights"] = _weights(arrays["labels"], weighted)
    n_vocabulary = len(spec.genes or ())
    vectors, means = _further_vectors(arrays, len(genes), n_vocabulary)
    arrays["vectors"], arrays["further_means"] = vectors.astype(np.float16), means
    arrays["further_genes"] = np.array(genes[n_vocabulary:], dtype=str)
    arrays["labels"] = arrays["labels"].astype(np.uint16)
    np.savez_compressed(folder / REFERENCE_FILE, **arrays)


def _stored(spec: ModelSpec) -> dict[str, NDArray[Any]]:
    """The arrays of a model's file."""
    with np.load(reference_file(spec), allow_pickle=False) as content:
        return dict(content)


def _none_yet(studies: Sequence[ReferenceCells], genes: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The arrays of a file without cells, with gene vectors from these studies."""
    measured = [cell for study in studies for cell in study.measured]
    augmented = [cell for study in studies for cell in study.augmented]
    labels = [label for study in studies for label in study.labels]
    none = np.zeros(0, np.uint16)
    vectors = gene_vectors(measured, augmented, labels, genes, seed=0)
    return {"vectors": vectors, "genes": none, "lengths": none, "labels": none.astype(int)}


def _add(arrays: dict[str, NDArray[Any]], cells: ReferenceCells, genes: list[str], labels: list[str]) -> list[str]:
    """Add the cells of a study to the arrays of the file; returns all genes."""
    names, counts = np.unique([gene for cell in cells.measured for gene in cell], return_counts=True)
    genes = [*genes, *sorted(set(names[counts >= MIN_CELLS].tolist()) - set(genes))]
    row = {gene: i for i, gene in enumerate(genes)}
    n = len(arrays["labels"])
    parts = []
    for start, added in ((0, cells.measured), (n, cells.augmented)):
        old = arrays["lengths"][start : start + n]
        first = arrays["lengths"][:start].sum()
        rows = [[row[gene] for gene in cell if gene in row] for cell in added]
        parts.append((arrays["genes"][first : first + old.sum()], old, rows))
    kind = np.uint16 if len(genes) < 2**16 else np.uint32
    arrays["genes"] = np.concatenate(
        [np.append(old, [i for cell in rows for i in cell]).astype(kind) for old, _, rows in parts]
    )
    arrays["lengths"] = np.concatenate(
        [np.append(old, [len(cell) for cell in rows]).astype(np.uint16) for _, old, rows in parts]
    )
    arrays["labels"] = np.append(arrays["labels"], [labels.index(label) for label in cells.labels]).astype(int)
    study = np.full(len(cells.labels), int(arrays["study"].max(initial=0)) + 1, np.uint16)
    arrays["study"] = np.append(arrays["study"], study)
    return genes


def _weights(labels: NDArray[np.int64], weighted: set[int]) -> NDArray[np.float32]:
    """Weight of each reference cell: further types with few cells count as much as others."""
    n = np.bincount(labels)[labels]
    return np.where(np.isin(labels, list(weighted)), np.maximum(1, _CELLS_OF_A_TYPE / n), 1).astype(np.float32)


def _further_vectors(
    arrays: dict[str, NDArray[Any]], n_genes: int, n_vocabulary: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors of all genes, and the mean weight of those outside the vocabulary.

    These are folded in from the cells of further studies.

    The vector of such a gene is the covariance of its weight with the embedding of a cell, within studies.
    """
    vectors = arrays["vectors"][:n_vocabulary].astype(np.float32)
    if n_genes == n_vocabulary:
        return vectors, np.zeros(0, np.float32)
    n = len(arrays["labels"])
    added = arrays["study"] > 0
    lengths = arrays["lengths"][:n]
    genes = arrays["genes"][: lengths.sum()][np.repeat(added, lengths)]
    weights = weigh_sentences(genes, lengths[added], np.ones(n_genes, bool), n_vocabulary=n_vocabulary)
    cells, further = weights[:, :n_vocabulary] @ vectors, weights[:, n_vocabulary:]
    for study in np.unique(arrays["study"][added]):
        of_study = arrays["study"][added] == study
        cells[of_study] -= cells[of_study].mean(0)
    found = further.T @ cells  # the cells are centred, so that the weights need not be
    scale = np.linalg.norm(vectors, axis=1).mean() / max(np.linalg.norm(found, axis=1).mean(), 1e-12)
    n_measured = sum(
        _measured_in(further, arrays["study"][added], study) for study in np.unique(arrays["study"][added])
    )
    means = np.asarray(further.sum(0)).ravel() / np.maximum(n_measured, 1)
    return np.vstack([vectors, _LENGTH * scale * found]), means.astype(np.float32)


def _measured_in(weights: Any, studies: NDArray[np.unsignedinteger], study: int) -> NDArray[np.int64]:
    """Number of cells of the study for each gene that it measured, 0 for the others."""
    of_study = weights[studies == study]
    return np.where(np.asarray(of_study.sum(0)).ravel() > 0, of_study.shape[0], 0)
