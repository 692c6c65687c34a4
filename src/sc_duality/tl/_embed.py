"""Place every cell in the space of a language model."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .._settings import settings
from ..cells import adata_keys, modality
from ..models import LanguageModel, load, resolve
from ..tasks import PromptFormat
from ._ask import provenance, report_unanswered, sentences_for
from ._blocks import blocks

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def embed(
    adata: AnnData | MuData,
    model: str | Path | LanguageModel | None = None,
    *,
    n_genes: int | None = None,
    key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.EMBEDDING,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Embed every cell: the mean of a model's last hidden states over its cell sentence.

    Parameters
    ----------
    adata
        Cells. Sentences are written first if there are none, as in :func:`annotate`.
    model
        Whose space: see :func:`sc_duality.models.load`. The model inside this package by default.
    n_genes
        Genes of a sentence that the model is shown; by default what the model is made for.
    key
        Where the cell sentences lie.
    key_added
        Name of what is written.
    mod
        Modality, if ``adata`` is a MuData.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obsm[key_added]``
        float32 (n_obs, width); NaN for cells of which the model knows no gene, and for cells that it gave no answer.
    ``uns[key_added]``
        ``params``: the model, its fingerprint, versions and all settings.

    Raises
    ------
    ValueError, KeyError
        If something in the input cannot be used, before the model is loaded.
    RuntimeError
        If the model gave no answer at all.

    Notes
    -----
    A cell's vector depends on that cell alone: it is the same in any batch and any order. Embedding of cell
    sentences follows C2S-Scale.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.embed(adata)
    >>> adata.obsm["X_cell_sentence"].shape
    (20, 192)
    """
    result = adata.copy() if copy else adata
    data = modality(result, mod)
    asked = settings.model if model is None else model
    spec = resolve(asked)
    cells = sentences_for(data, spec, key=key, n_genes=n_genes)
    if not cells.readable.any():
        raise ValueError(f"no cell expresses a gene that the model {spec.name!r} knows: there is nothing to embed")
    prompt_format = PromptFormat(spec.prompt_format)
    engine = load(asked)
    vectors = np.empty((data.n_obs, 0), dtype=np.float32)
    for part in blocks(len(cells), "embedding cells"):
        prompts = [prompt_format.say("cell", "text", genes=genes) for genes in cells.genes(part) if genes]
        found = engine.embed(prompts) if prompts else vectors[:0]
        if not vectors.shape[1] and found.shape[1]:  # the width is known with the first answer
            vectors = np.full((data.n_obs, found.shape[1]), np.nan, dtype=np.float32)
        if found.shape[1]:
            vectors[part][cells.readable[part]] = found
    if not vectors.shape[1]:
        raise RuntimeError(f"the model {spec.name!r} gave no answer for any cell, so nothing was written: call again")
    report_unanswered(int((cells.readable & np.isnan(vectors[:, 0])).sum()), len(cells))
    data.obsm[key_added] = vectors
    data.uns[key_added] = provenance(engine, prompt_format, key=key, n_genes=n_genes or spec.n_genes)
    logger.info("wrote obsm[%r] %s", key_added, vectors.shape)
    return result if copy else None
