"""Earlier results in an AnnData: their settings and their predictions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from anndata import AnnData

from ..cells import adata_keys, check_name, column, in_memory
from ._cell_context import Context


def result_params(adata: AnnData, key: str) -> Mapping[str, Any]:
    """The settings of the result under ``key``, or an error if this package did not write it.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.examples import result_params
    >>> adata = sd.datasets.pbmc3k()[:5].copy()
    >>> sd.tl.annotate(adata, labels="blood")
    >>> result_params(adata, "annotation")["task"]
    'annotation'
    """
    check_name("key", key)
    if key not in adata.obs:
        raise KeyError(f"obs has no predictions {key!r}: run sd.tl.annotate(adata, key_added={key!r}) first")
    params: Mapping[str, Any] = adata.uns[key].get(adata_keys.PARAMS, {}) if key in adata.uns else {}
    if "task" not in params or adata_keys.status(key) not in adata.obs:
        raise KeyError(
            f"uns[{key!r}]['params'] does not tell how obs[{key!r}] was predicted: only results of sd.tl.annotate, "
            'predict, sensitivity, generate and perturb can be scored (anndata.concat keeps uns with uns_merge="same")'
        )
    return params


def param_list(params: Mapping[str, Any], name: str) -> list[str]:
    """A list among the settings of a result; files hold it as an array.

    Examples
    --------
    >>> import numpy as np
    >>> from sc_duality.examples import param_list
    >>> param_list({"labels": np.array(["B cell"])}, "labels"), param_list({}, "labels")
    (['B cell'], [])
    """
    return [str(text) for text in np.asarray(params.get(name, ()), dtype=object)]


def param_context(params: Mapping[str, Any]) -> Context:
    """The context of a result: ``obs`` columns, or facts about all cells.

    Examples
    --------
    >>> from sc_duality.examples import param_context
    >>> param_context({"context": ["tissue"]}), param_context({"context": {"tissue": "liver"}}), param_context({})
    (['tissue'], {'tissue': 'liver'}, [])
    """
    context = params.get("context", ())
    if isinstance(context, Mapping):
        return {str(name): str(fact) for name, fact in context.items()}
    return param_list(params, "context")


def stored_context(context: Context) -> Any:
    """The context as ``uns`` keeps it, ``None`` without any.

    Examples
    --------
    >>> from sc_duality.examples import stored_context
    >>> stored_context(()), stored_context(("tissue",)), stored_context({"tissue": "liver"})
    (None, ['tissue'], {'tissue': 'liver'})
    """
    return (dict(context) if isinstance(context, Mapping) else list(context)) or None


def predictions(adata: AnnData, key: str, options: Collection[str] | None) -> list[str | None]:
    """Predictions in ``obs``; ``None`` where there is none or it is ``"unknown"``. Without options, any text counts."""
    values, status = column(adata, key).astype(object), column(adata, adata_keys.status(key))
    found = [str(value) if ok else None for value, ok in zip(values, status == adata_keys.OK, strict=True)]
    given = {value for value in found if value is not None}
    unknown = sorted(given - set(given if options is None else options))
    if unknown:
        raise ValueError(f"obs[{key!r}] holds {unknown}, which were not among the options: keep the names as written")
    return found


def likely_labels(adata: AnnData, key: str, n: int | None) -> list[list[str]] | None:
    """The ``n`` most probable labels of each cell, none of a cell without probabilities; ``None`` if there are none."""
    table = adata.obsm.get(adata_keys.probabilities(key)) if n is not None else None
    if table is None:
        return None
    names = param_list(adata.uns[key][adata_keys.PARAMS], "labels")  # columns have "|" for "/"
    values = in_memory(table).to_numpy(dtype=float)
    order = np.argsort(-values, axis=1, kind="stable")[:, :n]
    return [
        [names[i] for i in row] if known else [] for row, known in zip(order, ~np.isnan(values).any(1), strict=True)
    ]


def check_options(key: str, options: Sequence[str]) -> None:
    """Refuse a single option, which every cell would reconstruct."""
    if len(options) < 2:
        raise ValueError(f"{options[0]!r} is the only option for obs[{key!r}]: score with a model that knows others")
