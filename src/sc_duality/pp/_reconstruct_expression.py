"""Reconstruct expression from cell sentences."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..cells import (
    UNITS,
    adata_keys,
    check_name,
    expression_model,
    gene_columns,
    read_sentences,
    rebuild_expression,
    writable,
    written_fields,
)

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def reconstruct_expression(
    adata: AnnData | MuData,
    *,
    sentence_key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.RECONSTRUCTED,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Reconstruct expression from cell sentences with the line of :func:`sc_duality.pp.fit_expression`.

    The expression of a gene is 0 if its cell's sentence lacks it, or if the line is 0 or negative at its rank; zeros
    are not stored. Genes of the vocabulary that are no longer in ``var`` are left out, with a warning.

    Parameters
    ----------
    adata
        Cells with sentences and a fit.
    sentence_key
        ``obsm`` key of the sentences.
    key_added
        Layer to write.
    mod
        Modality of a MuData.
    copy
        Return a copy and leave ``adata`` unchanged.

    Returns
    -------
    None, or the copy if ``copy`` is set, with ``layers[key_added]``: CSR float32 (n_obs, n_vars) in units of
    log10(1 + counts per 10,000), and its name in ``uns[sentence_key]["layers"]``.

    Raises
    ------
    KeyError
        There are no sentences, no fit, or no gene of the vocabulary is in ``var``.
    ValueError
        ``layers[key_added]`` exists and was not written by this function.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> sd.pp.fit_expression(adata)
    >>> sd.pp.reconstruct_expression(adata)
    >>> adata.layers["reconstructed"].shape == adata.shape
    True
    """
    result, data = writable(adata, mod, copy=copy)
    sentences = read_sentences(data, sentence_key)
    check_name("key_added", key_added)
    written = written_fields(data, sentence_key).layers
    if key_added in data.layers and key_added not in written:
        raise ValueError(
            f"key_added={key_added!r} would overwrite layers[{key_added!r}], which sc_duality did not write: pass "
            "another key_added="
        )
    model = expression_model(sentences, sentence_key)
    columns = gene_columns(sentences.genes, data, sentences.params.get("gene_symbols"))
    n_missing = int((columns < 0).sum())
    if n_missing == len(columns):
        raise KeyError(f"none of the {n_missing} genes of uns[{sentence_key!r}] is in var: were the genes renamed?")
    line = {name: float(model[name]) for name in ("slope", "intercept")}
    expression = rebuild_expression(sentences.ranks, columns, data.n_vars, **line)

    data.layers[key_added] = expression
    layers = list(dict.fromkeys([*written, key_added]))
    data.uns[sentence_key] = {**data.uns[sentence_key], adata_keys.LAYERS: layers}
    if n_missing:
        logger.warning("%d of %d genes of the vocabulary are not in var and were left out", n_missing, len(columns))
    logger.info("wrote layers[%r] in units of %s", key_added, UNITS)
    return result if copy else None
