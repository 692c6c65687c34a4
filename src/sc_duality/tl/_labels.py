"""Which labels a model may choose from, and what it calls them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import pandas as pd
from anndata import AnnData

from ..models import ModelSpec
from ..tasks import check_labels, normal_form


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
    asked = check_labels(_asked(adata, spec, labels))
    if not spec.labels:
        return {label: label for label in asked}
    own = {normal_form(label): label for label in spec.labels}
    own |= {normal_form(other): label for other, label in spec.synonyms.items() if label in spec.labels}
    strange = [label for label in asked if normal_form(label) not in own]
    if strange:
        near = get_close_matches(normal_form(strange[0]), list(own), n=1, cutoff=0.6)
        raise ValueError(
            f"the model {spec.name!r} does not know the labels {strange}"
            + (f" ({strange[0]!r} may be its {own[near[0]]!r})" if near else "")
            + f"; it knows {', '.join(spec.labels)}. Leave them out, rename them, or pass a general model"
        )
    chosen = {label: own[normal_form(label)] for label in asked}
    names = pd.Series(chosen)
    if names.duplicated().any():
        both = names.index[names == names[names.duplicated()].iloc[0]].tolist()
        raise ValueError(f"labels {both} all mean the model's {chosen[both[0]]!r}: keep one of them")
    return chosen


def _asked(adata: AnnData, spec: ModelSpec, labels: Sequence[str] | str | None) -> Sequence[str]:
    if labels is None:
        if not spec.labels:
            raise ValueError(f"the model {spec.name!r} has no labels of its own: pass labels=, a list or an obs column")
        return spec.labels
    if not isinstance(labels, str):
        return list(labels)
    if labels in adata.obs:
        return sorted(adata.obs[labels].dropna().astype(str).unique())
    if labels in spec.label_sets:
        return spec.label_sets[labels]
    raise ValueError(
        f"labels={labels!r} is neither an obs column ({', '.join(adata.obs.columns)}) nor a label set of the model "
        f"{spec.name!r} ({', '.join(spec.label_sets) or 'it has none'})"
    )
