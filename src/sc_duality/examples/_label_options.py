"""Labels to choose from, and the model's own name for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import pandas as pd
from anndata import AnnData

from ..cells import text_column
from ..metrics import normal_form
from ..models import ModelSpec
from ..tasks import check_labels


def label_options(
    adata: AnnData,
    spec: ModelSpec,
    labels: Sequence[str] | str | None,
    known: Sequence[str] = (),
    *,
    label_sets: Mapping[str, Sequence[str]] | None = None,
    synonyms: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Labels as they will be written into ``adata``, each with the model's own name for it.

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
    label_sets, synonyms
        The model's label sets, and other names of its labels.
    """
    return known_as(spec, check_labels(_chosen(adata, spec, labels, known, label_sets or {})), known, synonyms)


def known_as(
    spec: ModelSpec, labels: Sequence[str], known: Sequence[str], synonyms: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Each label with the model's own name for it, or an error that names unknown labels.

    Parameters
    ----------
    spec
        The model, which errors name.
    labels
        Labels as the user writes them.
    known
        Labels that the model knows; any label where it knows none by itself.
    synonyms
        Other names of known labels.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.examples import known_as
    >>> known_as(sd.models.resolve("embedded"), ["NK"], ["natural killer cell"], {"NK": "natural killer cell"})
    {'NK': 'natural killer cell'}
    """
    if not known:
        return {label: label for label in labels}
    own = label_names(known, synonyms)
    unknown = [label for label in labels if normal_form(label) not in own]
    if unknown:
        near = get_close_matches(normal_form(unknown[0]), list(own), n=1, cutoff=0.6)
        raise ValueError(
            f"the model {spec.name!r} does not know the labels {unknown}"
            + (f" ({unknown[0]!r} may be its {own[near[0]]!r})" if near else "")
            + f"; it knows {', '.join(known)}. Leave them out, rename them, or pass a general model"
        )
    chosen = {label: own[normal_form(label)] for label in labels}
    names = pd.Series(chosen)
    if names.duplicated().any():
        both = names.index[names == names[names.duplicated()].iloc[0]].tolist()
        raise ValueError(f"labels {both} all mean the model's {chosen[both[0]]!r}: keep one of them")
    return chosen


def label_names(known: Sequence[str], synonyms: Mapping[str, str] | None = None) -> dict[str, str]:
    """The label of each known name, in normal form.

    Examples
    --------
    >>> from sc_duality.examples import label_names
    >>> label_names(["B cell"], {"B lymphocyte": "B cell"})
    {'b cell': 'B cell', 'b lymphocyte': 'B cell'}
    """
    own = {normal_form(label): label for label in known}
    return own | {normal_form(other): label for other, label in (synonyms or {}).items() if label in known}


def column_labels(adata: AnnData, name: str) -> list[str]:
    """The values of an ``obs`` column as labels."""
    return sorted(text_column(adata, name).dropna().unique())


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
        f"labels={labels!r} is neither an obs column ({', '.join(map(str, adata.obs.columns))}) nor a label set of the "
        f"model {spec.name!r} ({', '.join(label_sets) or 'it has none'})"
    )
