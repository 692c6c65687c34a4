"""Embed every cell, or every group of cells, by a language model."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._validation import choice
from ..cells import Fields, adata_keys, check_new_fields, drop_written, modality, new_fields, writable
from ..examples import ModelCells
from ..models import LanguageModel, load
from ..tasks import PromptFormat
from ._blocks import blocks
from ._grouping import GROUPING, Grouping
from ._model import check_context_length, provenance, resolve_model, warn_not_answered

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def embed(
    adata: AnnData | MuData,
    model: str | Path | LanguageModel | None = None,
    *,
    n_genes: int | None = None,
    groupby: str | Sequence[str] | None = None,
    grouping: str = "pseudobulk",
    layer: str | None = None,
    use_raw: bool | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.EMBEDDING,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Embed every cell, or every group of cells: the mean of a model's last hidden states over a cell sentence.

    Parameters
    ----------
    adata
        Cells. Cell sentences are computed if there are none, as in :func:`annotate`.
    model
        See :func:`annotate`.
    n_genes
        Genes of a cell sentence that the model reads; by default what it was trained on.
    groupby
        ``obs`` column of groups, such as samples or clusters, or several whose values together make a group. Each
        group then gets a vector instead of each cell; cells with a missing value are in none.
    grouping
        ``"pseudobulk"``: the counts of the cells of a group are summed and read as one cell. ``"mean"``: the mean of
        the vectors of its cells.
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
        float32 (n_obs, width); NaN for cells without a gene that the model knows, and without an answer. With
        ``groupby``, not written.
    ``obsm[sentence_key]``, ``obsm[sentence_key + "_vocabulary"]``, ``uns[sentence_key]``
        Cell sentences, if there were none.
    ``uns[key_added]``
        ``params``: model, fingerprint, versions and all settings. With ``groupby`` also ``groups``, a DataFrame with
        one row a group (the columns of ``groupby``, ``n_cells``), and ``vectors``, float32 (n_groups, width), NaN as
        for cells; :func:`sc_duality.get.group_embedding` returns them as AnnData.

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

    Every type as a pseudobulk:

    >>> sd.tl.embed(adata, groupby="cell_type", key_added="X_type")
    >>> sd.get.group_embedding(adata, "X_type").shape == (adata.obs["cell_type"].nunique(), 192)
    True
    """
    choice("grouping", grouping, GROUPING)
    fields = Fields() if groupby is not None else Fields(obsm=(key_added,))
    check_new_fields(modality(adata, mod), key_added, fields)
    result, data = writable(adata, mod, copy=copy)
    model, spec = resolve_model(model)
    cells = ModelCells(data, spec, sentence_key=sentence_key, n_genes=n_genes, layer=layer, use_raw=use_raw)
    if not cells.readable.any():
        raise ValueError(f"no cell expresses a gene that the model {spec.name!r} knows: there is nothing to embed")
    groups = None if groupby is None else Grouping(cells, groupby, grouping)
    read = cells if groups is None else groups.cells
    check_context_length(spec, 0, read)

    engine = load(model)
    cells.store()
    vectors = _vectors(engine, read, "embedding cells" if read is cells else "embedding groups")
    drop_written(data, key_added)
    settings: dict[str, Any] = {"sentence_key": sentence_key, "n_genes": cells.n_genes}
    if groups is None:
        data.obsm[key_added] = vectors
    else:
        settings |= {"groupby": groups.columns, "grouping": grouping}
    entry = provenance(engine, **settings, **new_fields(data, fields))
    data.uns[key_added] = entry if groups is None else {**entry, **groups.result(vectors)}
    where = f"obsm[{key_added!r}]" if groups is None else f"uns[{key_added!r}], groups"
    logger.info("wrote %s %s", where, vectors.shape)
    return result if copy else None


def _vectors(engine: LanguageModel, cells: ModelCells, title: str) -> NDArray[np.float32]:
    """The vector of each cell, float32 (n, width); NaN where the model cannot read it or gave no answer."""
    prompt_format = PromptFormat(cells.spec.prompt_format)
    vectors = np.empty((len(cells), 0), dtype=np.float32)
    for rows in blocks(len(cells), title):
        prompts = [prompt_format.cell_text(genes) for genes in cells.genes(rows) if genes]
        found = engine.embed(prompts) if prompts else vectors[:0]
        if not vectors.shape[1] and found.shape[1]:  # the width is known with the first answer
            vectors = np.full((len(cells), found.shape[1]), np.nan, dtype=np.float32)
        if found.shape[1]:
            vectors[rows][cells.readable[rows]] = found
    if not vectors.shape[1]:
        name = cells.spec.name
        raise RuntimeError(f"the model {name!r} gave no answer for any cell, so nothing was written: call again")
    warn_not_answered(int((cells.readable & np.isnan(vectors[:, 0])).sum()), len(cells))
    return vectors
