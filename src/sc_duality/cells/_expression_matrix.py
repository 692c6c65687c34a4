"""Which matrix of an AnnData holds expression whose order within a cell is known."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
from anndata import AnnData

from . import adata_keys
from ._adata import layer_names
from ._row_blocks import row_blocks
from ._scaled_genes import derived_from_counts, expressed_values, has_negative, scaled_genes

logger = logging.getLogger(__name__)

#: ``layer`` and ``use_raw`` of a matrix.
Choice = tuple[str | None, bool]
X_ITSELF: Choice = (None, False)


def choose_matrix(adata: AnnData) -> Choice:
    """The matrix to rank: ``X``, or the next one with counts or their logarithm if ``X`` was scaled or is missing.

    Next are ``.raw`` and the layers: those with whole numbers first, and of these the one with most expressed values.
    The choice is logged. Only some rows are read.
    """
    doubt = _doubt(adata, *X_ITSELF)
    if doubt is None:
        return X_ITSELF
    for choice in _others(adata):
        if _doubt(adata, *choice) is None:
            logger.info("%s: cell sentences are ranked from %s", doubt, matrix_name(*choice))
            return choice
    return X_ITSELF


def matrix_name(layer: str | None, use_raw: bool) -> str:
    """The matrix in words of messages."""
    return ".raw" if use_raw else "X" if layer is None else f"layer {layer!r}"


def check_order_within_cells(adata: AnnData, X: Any, layer: str | None, use_raw: bool) -> None:
    """Raise an error if every gene was scaled by a factor of its own, or warn where something else may explain it."""
    scaled = scaled_genes(X)
    name = matrix_name(layer, use_raw)
    if scaled is None:
        if not layer and not use_raw and _has_scale_columns(adata) and not derived_from_counts(X):
            logger.warning(
                "var has the columns 'mean' and 'std' of sc.pp.scale: if X was scaled, the order of the genes in its "
                "sentences has no meaning, and you should rank a layer or .raw with values before scaling"
            )
    elif scaled.certain:
        cause = f"every gene of {name} has {scaled.how} (it looks scaled), so genes have no order within a cell"
        raise ValueError(f"{cause}; {other_matrices(adata, layer, use_raw)}")
    else:
        logger.warning(
            "most genes of %s have %s: if each gene was scaled by itself, the sentences have no meaning; %s",
            name,
            scaled.how,
            other_matrices(adata, layer, use_raw),
        )


def other_matrices(adata: AnnData, layer: str | None, use_raw: bool) -> str:
    """The arguments that rank other matrices of the AnnData, as far as those can be ranked."""
    names: dict[Choice, str] = {X_ITSELF: "use_raw=False", (None, True): "use_raw=True"}
    choices = [choice for choice in (X_ITSELF, *_others(adata)) if choice != (layer, use_raw)]
    usable = [
        names.get(choice, f"layer={choice[0]!r}")
        for choice in choices
        if (values := _values(adata, *choice)) is not None and _is_usable(values)
    ]
    if not usable:
        return "no other layer and no .raw has usable values: use raw counts or their logarithm"
    return f"other values can be ranked: pass {' or '.join(usable)}"


def _others(adata: AnnData) -> Iterator[Choice]:
    if adata.raw is not None:
        yield None, True
    found = []
    for name in layer_names(adata):
        X = adata.layers[name]
        if _is_numeric(X) and name not in _reconstructed(adata):
            is_whole, n_expressed = expressed_values(X)
            found.append((is_whole, n_expressed, name))
    for _, _, name in sorted(found, key=lambda one: (-one[0], -one[1], one[2])):
        yield name, False


def _reconstructed(adata: AnnData) -> set[str]:
    """Layers that were made of cell sentences."""
    entries = [entry for entry in adata.uns.values() if isinstance(entry, dict) and adata_keys.GENES in entry]
    return {str(layer) for entry in entries for layer in entry.get(adata_keys.LAYERS, ())}


def _doubt(adata: AnnData, layer: str | None, use_raw: bool) -> str | None:
    """Why the order of genes within a cell is not that of their expression in this matrix, ``None`` if it may be."""
    name, X = matrix_name(layer, use_raw), _values(adata, layer, use_raw)
    if X is None:
        return f"there is no {name}"
    if not _is_numeric(X):
        return None  # an error says so, by name
    if has_negative(X):
        return f"{name} holds negative values (it looks scaled)"
    scaled = scaled_genes(X)
    if scaled is not None:
        return f"{'all' if scaled.certain else 'most'} genes of {name} have {scaled.how} (it looks scaled)"
    if (layer, use_raw) == X_ITSELF and _has_scale_columns(adata) and not derived_from_counts(X):
        return "var has the columns 'mean' and 'std' of sc.pp.scale"
    return None


def _values(adata: AnnData, layer: str | None, use_raw: bool) -> Any:
    if use_raw:
        return None if adata.raw is None else adata.raw.X
    return adata.X if layer is None else adata.layers[layer]


def _has_scale_columns(adata: AnnData) -> bool:
    return {"mean", "std"} <= set(adata.var.columns)


def _is_numeric(X: Any) -> bool:
    return X.dtype.kind in "buif" and X.dtype.itemsize <= 8


def _is_usable(X: Any) -> bool:
    finite = _is_numeric(X) and all(
        bool((rows.data >= 0).all() and np.isfinite(rows.data).all()) for _, rows in row_blocks(X)
    )
    return finite and scaled_genes(X) is None
