"""The genes of cell sentences that a model knows, and the cells of whose genes it knows enough."""

from __future__ import annotations

import logging
from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..cells import Sentences, adata_keys, preview, to_known_names
from ..models import ModelSpec

logger = logging.getLogger(__name__)

#: Share and number of the genes of a cell that a model with a gene vocabulary must know. Of 46,000 human cells of 19
#: studies and panels none falls below either; mouse cells with 30 % of ambient human RNA stay below the share, and of
#: cells with fewer known genes two in five labels are wrong.
_MIN_SHARE, _MIN_GENES = 0.2, 5


def model_names(genes: NDArray[np.object_], spec: ModelSpec) -> NDArray[np.object_]:
    """The model's symbol of each gene, ``None`` where it knows none; the gene itself where it reads any text.

    Examples
    --------
    >>> import numpy as np
    >>> import sc_duality as sd
    >>> from sc_duality.examples import model_names
    >>> genes = np.array(["CD79A", "ENSG00000105369", "FOO"], dtype=object)
    >>> model_names(genes, sd.models.resolve("embedded")).tolist()
    ['CD79A', 'CD79A', None]
    """
    return genes if spec.genes is None else to_known_names(genes, spec.genes)


def known_vocabulary(
    sentences: Sentences, spec: ModelSpec, genes: Collection[str] | None = None
) -> tuple[NDArray[np.int32], NDArray[np.object_]]:
    """Index among the model's genes of each gene (last: of padding), −1 for unknown genes; and the model's genes.

    ``genes`` replaces the vocabulary of the model.
    """
    names = model_names(sentences.genes, spec) if genes is None else to_known_names(sentences.genes, genes)
    codes, known = pd.factorize(names)
    other = np.flatnonzero((codes >= 0) & (names != sentences.genes))
    if len(other) and genes is None:  # once a tool, not again for the reference classifier
        pairs = [f"{sentences.genes[i]} as {names[i]}" for i in other[:5]]
        logger.info("the model %r reads %d genes by another symbol: %s", spec.name, len(other), preview(pairs, 4))
    return np.append(codes, -1).astype(np.int32), known


def check_known(sentences: Sentences, codes: NDArray[np.int32], spec: ModelSpec) -> NDArray[np.object_]:
    """The status of each cell; a model that reads any text can read every cell with a gene."""
    n_known, n_named = np.zeros((2, sentences.ranks.shape[0]), np.int64)
    unknown: list[str] = []
    start = 0
    for ranks in sentences.blocks():
        part = slice(start, start + len(ranks))
        known, named = codes[ranks] >= 0, ranks != adata_keys.PADDING
        n_known[part], n_named[part] = known.sum(axis=1), named.sum(axis=1)
        if len(unknown) < 5:
            unknown += sentences.genes[pd.unique(ranks[named & ~known])[:5]].tolist()
        start = part.stop
    status = np.where(n_known > 0, adata_keys.OK, adata_keys.NO_GENES).astype(object)
    if spec.genes is None:
        return status
    cut = n_named == sentences.ranks.shape[1]  # the cell may express more genes than its sentence has
    few = (n_known < _MIN_SHARE * n_named) | (n_known < _MIN_GENES) & ~cut & (n_named > 0)
    if few[n_named > 0].all() and n_named.any():
        raise ValueError(
            f"the model {spec.name!r} knows {n_known.sum()} of the {n_named.sum()} genes in the sentences. It reads "
            f"human gene symbols; unknown are, for example, {', '.join(unknown[:5])}"
        )
    status[few & (n_known > 0)] = adata_keys.FEW_GENES
    if few.any():
        logger.warning(
            "%d of %d cells have fewer than %d genes that the model %r knows, or fewer than %.0f %%: they get no "
            "prediction",
            *(few.sum(), len(few), _MIN_GENES, spec.name, 100 * _MIN_SHARE),
        )
    return status
