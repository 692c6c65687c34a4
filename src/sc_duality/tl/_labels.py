"""Which labels a model may choose from, and what it calls them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import pandas as pd
from anndata import AnnData

from ..cells import column
from ..models import ModelSpec
from ..tasks import check_labels, normal_form

#: How a cell may take a drug, where neither the user nor the model has words for it.
SENSITIVITY = ("sensitive", "resistant")


def label_choices(adata: AnnData, spec: ModelSpec, labels: Sequence[str] | str | None) -> dict[str, str]:
    """Labels as they will be written, each with the model's own name for it.

    Parameters
    ----------
    adata
        Where ``labels`` may name an ``obs`` column.
    spec
        The model.
    labels
        ``None`` for all that the model knows; an ``obs`` column; a label set of the model; or a list.
    """
    return own_names(spec, check_labels(_asked(adata, spec, labels)))


def drug_choices(
    adata: AnnData, spec: ModelSpec, drug: str, labels: Sequence[str] | str | None
) -> tuple[str, dict[str, str]]:
    """The model's own name for the drug, and labels as for :func:`label_choices`."""
    if not isinstance(drug, str) or not drug.strip():
        raise ValueError(f"drug must be a name, such as 'erlotinib', got {drug!r}")
    drugs = spec.known("sensitivity", "drugs", {})
    own = {normal_form(name): name for name in drugs}.get(normal_form(drug), drug)
    if drugs and own not in drugs:
        raise ValueError(
            f"the model {spec.name!r} does not know the drug {drug!r}; it knows {', '.join(drugs)}: pass another "
            "drug or a general model"
        )
    known = drugs.get(own, ())
    if isinstance(labels, str) and labels not in adata.obs:
        raise ValueError(f"labels={labels!r} is no obs column; there are {', '.join(adata.obs.columns)}")
    asked = (known or SENSITIVITY) if labels is None else _values(adata, labels)
    return own, own_names(spec, check_labels(asked), known)


def own_names(spec: ModelSpec, asked: Sequence[str], known: Sequence[str] | None = None) -> dict[str, str]:
    """Each of these labels with the model's own name for it, or an error where it has none.

    ``known`` are the labels that the model knows, by default all of its types; where it knows none by itself, any
    will do.
    """
    known = spec.known("annotation", "labels", ()) if known is None else known
    if not known:
        return {label: label for label in asked}
    own = {normal_form(label): label for label in known}
    synonyms = spec.known("annotation", "synonyms", {})
    own |= {normal_form(other): label for other, label in synonyms.items() if label in known}
    strange = [label for label in asked if normal_form(label) not in own]
    if strange:
        near = get_close_matches(normal_form(strange[0]), list(own), n=1, cutoff=0.6)
        raise ValueError(
            f"the model {spec.name!r} does not know the labels {strange}"
            + (f" ({strange[0]!r} may be its {own[near[0]]!r})" if near else "")
            + f"; it knows {', '.join(known)}. Leave them out, rename them, or pass a general model"
        )
    chosen = {label: own[normal_form(label)] for label in asked}
    names = pd.Series(chosen)
    if names.duplicated().any():
        both = names.index[names == names[names.duplicated()].iloc[0]].tolist()
        raise ValueError(f"labels {both} all mean the model's {chosen[both[0]]!r}: keep one of them")
    return chosen


def _asked(adata: AnnData, spec: ModelSpec, labels: Sequence[str] | str | None) -> Sequence[str]:
    if labels is None:
        known: Sequence[str] = spec.known("annotation", "labels", ())
        if not known:
            raise ValueError(f"the model {spec.name!r} has no labels of its own: pass labels=, a list or an obs column")
        return known
    if not isinstance(labels, str) or labels in adata.obs:
        return _values(adata, labels)
    label_sets: Mapping[str, Sequence[str]] = spec.known("annotation", "label_sets", {})
    if labels in label_sets:
        return label_sets[labels]
    raise ValueError(
        f"labels={labels!r} is neither an obs column ({', '.join(adata.obs.columns)}) nor a label set of the model "
        f"{spec.name!r} ({', '.join(label_sets) or 'it has none'})"
    )


def _values(adata: AnnData, labels: Sequence[str] | str) -> list[str]:
    """A list as it is, or the values of an ``obs`` column."""
    if isinstance(labels, str):
        return sorted(column(adata, labels).dropna().astype(str).unique())
    return list(labels)
