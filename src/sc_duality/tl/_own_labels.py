"""A user's labels in the model's names, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from anndata import AnnData

from ..cells import check_column, text_column
from ..examples import KnownLabels
from ..metrics import normal_form
from ..models import ModelSpec, reference_labels

#: Ending of the column with ontology terms, as CELLxGENE names it.
_TERMS = "_ontology_term_id"


def model_labels(spec: ModelSpec, labels: Sequence[str], coarse: Mapping[str, str] | None = None) -> dict[str, str]:
    """The model's name of each label; a label that it does not know keeps its own.

    Parameters
    ----------
    spec
        The model.
    labels
        Labels of cells, repeated or not.
    coarse
        Coarse types by label, which must be labels.
    """
    found: dict[str, str] = {}
    labels_known = set(reference_labels(spec))
    known = KnownLabels.of_cell_types(spec, sorted(labels_known - set(spec.known("annotation", "labels", ()))))
    types = spec.known("annotation", "coarse", {})
    new: dict[str, str] = {}
    for label in sorted(set(labels)):
        own, form = known.same(label), normal_form(label)
        if own is not None and own not in labels_known:
            finer = [one for one, kind in types.items() if kind == own]
            raise ValueError(
                f"{label!r} is a coarse type of the model {spec.name!r}, with the types {', '.join(finer)}: label "
                "these cells by finer types, or leave them out (a missing label)"
            )
        if own is None and new.setdefault(form, label) != label:
            raise ValueError(f"labels {new[form]!r} and {label!r} differ only in case or spacing: rename one of them")
        found[label] = label if own is None else own
    if not found:
        raise ValueError("no cell is labelled: truth= must name an obs column with the cell types of some cells")
    if unknown := [label for label in coarse or () if label not in found]:
        raise ValueError(f"coarse= names {unknown}, which are not among the labels {', '.join(found)}")
    return found


def ontology_terms(
    objects: Sequence[AnnData], columns: Sequence[pd.Series], truth: str, name: str | None
) -> dict[str, str]:
    """The Cell Ontology term of each label, from a column of its own.

    Parameters
    ----------
    objects
        The cells.
    columns
        The label of each cell of each object, ``None`` where there is none.
    truth
        The column of the labels.
    name
        The column of the terms, which is optional where it is ``None``.
    """
    column = f"{truth}{_TERMS}" if name is None else name
    pairs: dict[str, str] = {}
    for one, labels in zip(objects, columns, strict=True):
        if name is None and column not in one.obs:
            continue
        check_column(one, column, "ontology")
        for label, term in zip(labels, text_column(one, column), strict=True):
            if label is not None and term is not None and pairs.setdefault(label, term) != term:
                raise ValueError(
                    f"obs[{column!r}] has {pairs[label]!r} and {term!r} for the label {label!r}: give each label one "
                    "term, or pass ontology= with another column"
                )
    return pairs
