"""Scores of predicted labels against true labels, by the Cell Ontology."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from ..cells import adata_keys, column, is_labelled, is_result, ontology_ancestors, ontology_term, preview, text_column
from ..examples import param_list
from ..metrics import label_relations, normal_form, scores_by_label
from ._score_table import ALL, MEAN, conditions

logger = logging.getLogger(__name__)

#: Scores of all cells of a condition, and of each label.
SUMMARIES = (
    "accuracy",
    "accuracy_ontology",
    "coarser",
    "finer",
    "wrong",
    "macro_precision",
    "macro_recall",
    "macro_f1",
)
BY_LABEL = ("precision", "recall", "f1")
COLUMNS = ["metric", "condition", "label", "value", "n_cells", "n_predicted", "note"]


class _Compared(NamedTuple):
    """Labels of both sides: Cell Ontology ids, or the normal form of labels without one."""

    true: NDArray[np.object_]
    predicted: NDArray[np.object_]
    #: Predictions at the level of the true labels: a finer one is the nearest true label above it.
    collapsed: NDArray[np.object_]
    #: The coarser types of each label, itself included.
    ancestors: Mapping[str, Collection[str]]
    #: The name of each true label in ``obs``.
    names: Mapping[str, str]
    #: Labels that could be predicted, at the level of the true labels.
    possible: Collection[str]
    #: Why the labels cannot be compared; empty if they can.
    apart: str
    has_truth: NDArray[np.bool_]
    by_hand: NDArray[np.bool_]


def label_scores(data: AnnData, truth: str, groupby: str | None, key: str, chosen: Sequence[str]) -> pd.DataFrame:
    """The table of :func:`sc_duality.tl.evaluate` for labels."""
    both = _compared(data, truth, key)
    n_without = int((~both.has_truth).sum())
    if n_without:
        logger.info("%d cells without a true label in obs[%r] are left out", n_without, truth)
    side = conditions(data, groupby, "annotated").to_numpy()
    groups = {name: np.flatnonzero((side == name) & both.has_truth) for name in sorted(set(side) - {None})}
    left_out = {name: int(((side == name) & ~both.has_truth).sum()) for name in groups}
    every = np.concatenate(list(groups.values()))
    summaries = {name: _summaries(both, rows) for name, rows in groups.items() if len(rows)}
    found = []
    for metric in (name for name in SUMMARIES if name in chosen):
        for name, rows in groups.items():
            value, note = (summaries[name][metric], "") if len(rows) else (np.nan, "no cell has a true label")
            found.append(_row(both, rows, value, note, left_out[name], metric=metric, condition=name))
        if groupby is not None:
            mean = float(np.mean([one[metric] for one in summaries.values()]))
            n_missing = len(groups) - len(summaries)
            note = f"{n_missing} of {len(groups)} conditions are missing" if n_missing else ""
            found.append(_row(both, every, mean, note, sum(left_out.values()), metric=metric, condition=MEAN))
    for label, scores in scores_by_label(both.true[every], both.collapsed[every]).items():
        note = "" if label in both.possible else "the predictions have no such label"
        rows = every[both.true[every] == label]
        for metric in (name for name in BY_LABEL if name in chosen):
            value = getattr(scores, metric)
            found.append(_row(both, rows, value, note, metric=metric, condition=ALL, label=both.names[label]))
    return pd.DataFrame(found, columns=COLUMNS)


def _compared(data: AnnData, truth: str, key: str) -> _Compared:
    labels, predicted = text_column(data, truth), text_column(data, key)
    has_truth = is_labelled(labels).to_numpy()
    if not has_truth.any():
        raise ValueError(
            f"obs[{truth!r}] is missing or {adata_keys.UNKNOWN!r} for every cell: there is nothing to compare with"
        )
    result = data.uns.get(key)
    options = param_list(result[adata_keys.PARAMS], "labels") if is_result(result) else []
    predicted = predicted.where(is_labelled(predicted))
    predictions = {*predicted.dropna(), *options}
    known = {name: ontology_term(name) or normal_form(name) for name in {*labels.dropna(), *predictions}}
    ancestors = {label: ontology_ancestors(label) for label in known.values() if label.startswith("CL:")}
    true, found = (side.map(known).to_numpy(dtype=object) for side in (labels, predicted))
    possible, labelled = {known[name] for name in predictions}, set(true[has_truth])
    level = {label: _collapse(label, labelled, ancestors) for label in possible}
    pairs = list(product(labelled, possible))
    sides = [list(labels) for labels in zip(*pairs, strict=True)]
    met = not pairs or set(label_relations(sides[0], sides[1], ancestors)) != {"wrong"}
    texts = [preview(sorted(set(names))) for names in (labels[has_truth], predictions)]
    apart = f"no label of obs[{truth!r}] ({texts[0]}) can be one of obs[{key!r}] ({texts[1]}): rename those of one side"
    status = adata_keys.status(key)
    by_hand = (column(data, status) == adata_keys.BY_HAND).to_numpy(bool) if status in data.obs else ~has_truth & False
    names = dict(zip(true[has_truth], labels[has_truth], strict=True))
    collapsed = np.array([level.get(label) for label in found], dtype=object)
    possible = set(level.values())
    return _Compared(true, found, collapsed, ancestors, names, possible, "" if met else apart, has_truth, by_hand)


def _collapse(label: str, labelled: Collection[str], ancestors: Mapping[str, Collection[str]]) -> str:
    """The label, or the nearest true label above one that is finer than all true labels."""
    above = [one for one in ancestors.get(label, ()) if one in labelled]
    return label if label in labelled else max(above, key=lambda one: (len(ancestors[one]), one), default=label)


def _summaries(both: _Compared, rows: NDArray[np.int64]) -> dict[str, float]:
    true, predicted = both.true[rows], both.predicted[rows]
    relations = np.array(label_relations(true, predicted, both.ancestors))
    by_label = scores_by_label(true, both.collapsed[rows]).values()
    share = {name: float((relations == name).mean()) for name in ("coarser", "finer", "wrong")}
    return {
        "accuracy": float((relations == "exact").mean()),
        "accuracy_ontology": float((relations != "wrong").mean()),
        **share,
        "macro_precision": float(np.mean([one.precision for one in by_label])),
        "macro_recall": float(np.mean([one.recall for one in by_label])),
        "macro_f1": float(np.mean([one.f1 for one in by_label])),
    }


def _row(
    both: _Compared, rows: NDArray[np.int64], value: float, note: str, n_left_out: int = 0, **names: str
) -> dict[str, str | float | int]:
    n_by_hand = int(both.by_hand[rows].sum())
    left_out = f"{n_left_out} cells without a true label are left out" if n_left_out else ""
    notes = both.apart, note, left_out, f"{n_by_hand} labels are set by hand" if n_by_hand else ""
    return {
        "label": "",
        **names,
        "value": np.nan if both.apart else value,
        "n_cells": len(rows),
        "n_predicted": int(pd.notna(both.predicted[rows]).sum()),
        "note": "; ".join(filter(None, notes)),
    }
