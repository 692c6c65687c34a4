"""The cell sentences of an AnnData that a model reads: stored ones, or new ones of the kind that it knows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from anndata import AnnData

from ..cells import (
    Sentences,
    adata_keys,
    check_new_sentences,
    current_sentences,
    default_sentences,
    matrix_name,
    read_sentences,
)
from ..models import ModelSpec

logger = logging.getLogger(__name__)


def sentences_for(
    adata: AnnData, spec: ModelSpec, key: str, layer: str | None, use_raw: bool | None
) -> tuple[Sentences, bool]:
    """The sentences, and whether they were computed and are not in ``adata``."""
    if key not in adata.obsm:
        if key != adata_keys.SENTENCE:
            raise KeyError(f"obsm has no {key!r}: run sd.pp.cell_sentences(adata, key_added={key!r}) first")
        check_new_sentences(adata, key, "sentence_key")
        return default_sentences(adata, layer, use_raw, spec.exclude), True
    stored = read_sentences(adata, key, load=False)
    params = stored.params
    automatic = params.get(adata_keys.AUTOMATIC)
    if (layer is not None or use_raw is not None) and (wanted := matrix_name(layer, bool(use_raw))) != (
        found := source_matrix(params)
    ):
        if automatic:
            return default_sentences(adata, layer, use_raw, spec.exclude), True
        raise ValueError(
            f"obsm[{key!r}] was written from {found}, not from {wanted}: leave layer= and use_raw= out, or write other "
            "sentences with sd.pp.cell_sentences(adata, layer=, use_raw=, key_added=) and pass sentence_key="
        )
    # a general model and an untrained one read sentences of any kind
    if spec.tasks and (excluded := excluded_genes(params, spec)) != _as_list(spec.exclude):
        if automatic:
            return default_sentences(adata, params.get("layer"), bool(params.get("use_raw")), spec.exclude), True
        logger.warning(
            "obsm[%r] was written with exclude=%r, but the model %r was trained on sentences with exclude=%r: its "
            "answers may be worse. Write such sentences with sd.pp.cell_sentences(adata, exclude=, key_added=) and "
            "pass sentence_key=",
            *(key, excluded, spec.name, spec.exclude),
        )
    sentences = current_sentences(adata, key, stored)
    return sentences, sentences is not stored


def excluded_genes(params: Mapping[str, Any], spec: ModelSpec) -> str | list[str] | None:
    """What sentences leave out; as the model's where they were not ranked."""
    return _as_list(params.get("exclude") if "rng" in params else spec.exclude)


def _as_list(exclude: str | Sequence[str] | None) -> str | list[str] | None:
    """``exclude=`` in the form of a model's file: a tuple or an array of names becomes a list."""
    return exclude if exclude is None or isinstance(exclude, str) else [str(one) for one in exclude]


def source_matrix(params: Mapping[str, Any]) -> str:
    """The matrix that sentences were written from."""
    return matrix_name(params.get("layer"), bool(params.get("use_raw")))
