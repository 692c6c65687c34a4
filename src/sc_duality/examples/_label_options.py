"""Labels to choose from, and the labels of the model that each stands for."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

from ..cells import preview, text_column
from ..models import ModelSpec
from ..tasks import check_labels
from ._known_labels import KnownLabels, Meant

logger = logging.getLogger(__name__)

#: Labels that an error names at most.
_MAX_NAMED = 12


def label_options(
    adata: AnnData,
    spec: ModelSpec,
    labels: Sequence[str] | str | None,
    known: KnownLabels,
    label_sets: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Meant]:
    """Labels as they will be written into ``adata``, each with the labels of the model that it stands for.

    No label of the model belongs to two options: of "T cell" and "CD8 T cell", "T cell" stands for the other T cells.

    Parameters
    ----------
    adata
        Where ``labels`` may name an ``obs`` column.
    spec
        The model.
    labels
        A list, an ``obs`` column, or one of ``label_sets``; all ``known`` labels by default.
    known
        Labels that the model knows; any label where it knows none by itself.
    label_sets
        The model's label sets.
    """
    return options_of(spec, check_labels(_chosen(adata, spec, labels, known.labels, label_sets or {})), known)


def options_of(spec: ModelSpec, labels: Sequence[str], known: KnownLabels) -> dict[str, Meant]:
    """Each label with the labels of the model that it stands for, or an error that names unknown labels."""
    if not known.labels:
        return {label: Meant(label, (label,)) for label in labels}
    found = {label: known.meant(label) for label in labels}
    unknown = [label for label, meant in found.items() if meant is None]
    if unknown:
        relatives = {label: known.relatives(label) for label in unknown}
        hints = [f"for {label!r} choose {' or '.join(map(repr, near))}" for label, near in relatives.items() if near]
        raise ValueError(
            f"the model {spec.name!r} does not know the labels {unknown[:_MAX_NAMED]}"
            + (f" and {len(unknown) - _MAX_NAMED} more" if len(unknown) > _MAX_NAMED else "")
            + (f" ({', '.join(hints[:3])})" if hints else "")
            + f"; it knows {preview(known.labels, _MAX_NAMED)}. Leave them out, rename them, or pass a general model"
        )
    return _without_overlap({label: meant for label, meant in found.items() if meant is not None})


def known_as(spec: ModelSpec, labels: Sequence[str], known: KnownLabels) -> dict[str, str]:
    """Each label with the one label of the model that it stands for.

    Parameters
    ----------
    spec
        The model, which errors name.
    labels
        Labels as the user writes them.
    known
        Labels that the model knows; any label where it knows none by itself.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.examples import KnownLabels, known_as
    >>> spec = sd.models.resolve("embedded")
    >>> known_as(spec, ["NK"], KnownLabels.of_cell_types(spec))
    {'NK': 'natural killer cell'}
    """
    return one_by_one(options_of(spec, labels, known))


def one_by_one(options: Mapping[str, Meant]) -> dict[str, str]:
    """The label of the model that each option stands for, or an error if it is several."""
    several = next((label for label, meant in options.items() if len(meant.members) > 1), None)
    if several is not None:
        raise ValueError(
            f"the label {several!r} stands for {len(options[several].members)} labels of the model "
            f"({preview(options[several].members)}), and one is needed here: choose one of them"
        )
    return {label: meant.members[0] for label, meant in options.items()}


def true_labels(
    values: NDArray[Any], options: Mapping[str, Meant], known: KnownLabels, column: str
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The label of the model that each cell has, ``None`` where it has none of the options, and those of all options.

    Parameters
    ----------
    values
        The true label of each cell, ``None`` where missing, in any spelling or by another name.
    options
        Labels to choose from, each with the one label of the model that it stands for.
    known
        Labels that the model knows.
    column
        The ``obs`` column of the values, which errors name.
    """
    names = one_by_one(options)
    n_cells = Counter(value for value in values if value is not None)
    other = sorted(set(n_cells) - set(names))
    found = names | (_other_names(other, names, options, known) if other else {})
    missing = [value for value in other if value not in found]
    if missing and len(missing) == len(n_cells):
        raise ValueError(
            f"none of the labels in obs[{column!r}] ({preview(missing, _MAX_NAMED)}) is one of the labels to choose "
            f"from ({preview(names, _MAX_NAMED)}): pass labels= that are in the column, or rename its values"
        )
    if missing:
        logger.warning(
            "%d of %d labelled cells have none of the labels to choose from, and count as cells without a label: "
            "obs[%r] is %s",
            *(sum(n_cells[value] for value in missing), n_cells.total(), column, preview(missing, _MAX_NAMED)),
        )
    return np.array([found.get(value) for value in values], dtype=object), tuple(names.values())


def _other_names(
    values: Sequence[str], names: Mapping[str, str], options: Mapping[str, Meant], known: KnownLabels
) -> dict[str, str]:
    """The label of the model of each value that is another name of an option or of what the option stands for."""
    spelled = KnownLabels(tuple(names), cell_types=known.cell_types)
    of_model = {meant.name: meant.members[0] for meant in options.values()} | {own: own for own in names.values()}
    found = {value: names.get(spelled.same(value) or "") or of_model.get(known.same(value) or "") for value in values}
    return {value: own for value, own in found.items() if own is not None}


def column_labels(adata: AnnData, name: str) -> list[str]:
    """The values of an ``obs`` column as labels."""
    return sorted(text_column(adata, name).dropna().unique())


def _without_overlap(options: Mapping[str, Meant]) -> dict[str, Meant]:
    """Options that share no label: a coarse option leaves its labels to finer ones."""
    found = {}
    for label, (name, members) in options.items():
        own = set(members)
        for other, (shared, others) in options.items():
            if other == label or own.isdisjoint(others):
                continue
            if set(members) == set(others):
                raise ValueError(f"labels {[label, other]} all mean the model's {name!r}: keep one of them")
            if not (set(members) < set(others) or set(others) < set(members)):
                common = preview(sorted(set(members) & set(others)))
                raise ValueError(
                    f"the labels {label!r} and {other!r} both stand for the model's {common}, and neither is part of "
                    f"the other: leave out one of them ({name!r}, {shared!r})"
                )
            if set(others) < set(members):
                own -= set(others)
        if not own:
            raise ValueError(
                f"the label {label!r} stands for {preview(members)}, which are all labels of their own: leave it out"
            )
        found[label] = Meant(name, tuple(member for member in members if member in own))
    return found


def _chosen(
    adata: AnnData,
    spec: ModelSpec,
    labels: Sequence[str] | str | None,
    known: Sequence[str],
    label_sets: Mapping[str, Sequence[str]],
) -> Sequence[str]:
    if labels is None:
        if not known:
            raise ValueError(f"the model {spec.name!r} has no labels of its own: pass labels=, a list or an obs column")
        return known
    if not isinstance(labels, Iterable):
        raise TypeError(f"labels={labels!r} must be a list, an obs column or a label set")
    if not isinstance(labels, str):
        return list(labels)
    if labels in adata.obs:
        return column_labels(adata, labels)
    if labels in label_sets:
        return label_sets[labels]
    raise ValueError(
        f"labels={labels!r} is neither an obs column ({preview(adata.obs.columns, _MAX_NAMED)}) nor a label set of the "
        f"model {spec.name!r} ({', '.join(label_sets) or 'it has none'})"
    )
