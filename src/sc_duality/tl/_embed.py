"""Embed every cell by a language model."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..cells import Fields, adata_keys, check_new_fields, drop_written, modality, new_fields, writable
from ..examples import ModelCells
from ..models import LanguageModel, load
from ..tasks import PromptFormat
from ._blocks import blocks
from ._model import provenance, resolve_model, warn_not_answered

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def embed(
    adata: AnnData | MuData,
    model: str | Path | LanguageModel | None = None,
    *,
    n_genes: int | None = None,
    layer: str | None = None,
    use_raw: bool | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.EMBEDDING,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Embed every cell: the mean of a model's last hidden states over its cell sentence.

    Parameters
    ----------
    adata
        Cells. Cell sentences are computed if there are none, as in :func:`annotate`.
    model
        See :func:`annotate`.
    n_genes
        Genes of a cell sentence that the model reads; by default what it was trained on.
    layer, use_raw
        See :func:`annotate`.
    sentence_key
        Where the cell sentences lie.
    key_added
        Name of the result.
    mod
        Modality of a MuData.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obsm[key_added]``
        float32 (n_obs, width); NaN for cells without a gene that the model knows, and without an answer.
    ``obsm[sentence_key]``, ``obsm[sentence_key + "_vocabulary"]``, ``uns[sentence_key]``
        Cell sentences, if there were none.
    ``uns[key_added]``
        ``params``: model, fingerprint, versions and all settings.

    Raises
    ------
    ValueError, KeyError
        The input cannot be used; raised before the model is loaded.
    RuntimeError
        The model gave no answer at all.

    Notes
    -----
    The vector of a cell depends on that cell alone, not on the batch or the order of cells. Embedding of cell sentences
    follows C2S-Scale.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.embed(adata)
    >>> adata.obsm["X_cell_sentence"].shape
    (20, 192)
    """
    fields = Fields(obsm=(key_added,))
    check_new_fields(modality(adata, mod), key_added, fields)
    result, data = writable(adata, mod, copy=copy)
    model, spec = resolve_model(model)
    cells = ModelCells(data, spec, sentence_key=sentence_key, n_genes=n_genes, layer=layer, use_raw=use_raw)
    if not cells.readable.any():
        raise ValueError(f"no cell expresses a gene that the model {spec.name!r} knows: there is nothing to embed")
    prompt_format = PromptFormat(spec.prompt_format)

    engine = load(model)
    cells.store()
    vectors = np.empty((data.n_obs, 0), dtype=np.float32)
    for rows in blocks(len(cells), "embedding cells"):
        prompts = [prompt_format.cell_text(genes) for genes in cells.genes(rows) if genes]
        found = engine.embed(prompts) if prompts else vectors[:0]
        if not vectors.shape[1] and found.shape[1]:  # the width is known with the first answer
            vectors = np.full((data.n_obs, found.shape[1]), np.nan, dtype=np.float32)
        if found.shape[1]:
            vectors[rows][cells.readable[rows]] = found
    if not vectors.shape[1]:
        raise RuntimeError(f"the model {spec.name!r} gave no answer for any cell, so nothing was written: call again")
    warn_not_answered(int((cells.readable & np.isnan(vectors[:, 0])).sum()), len(cells))
    drop_written(data, key_added)
    data.obsm[key_added] = vectors
    settings = {"sentence_key": sentence_key, "n_genes": cells.n_genes}
    data.uns[key_added] = provenance(engine, **settings, **new_fields(data, fields))
    logger.info("wrote obsm[%r] %s", key_added, vectors.shape)
    return result if copy else None
