"""Pseudobulks: the counts of the cells of each group together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse

from ._adata import matrix
from ._expression_at_rank import expression_source
from ._ranked_expression import normalised
from ._ranking import plan_ranking
from ._row_blocks import row_blocks
from ._storage import Sentences

if TYPE_CHECKING:
    from collections.abc import Sequence


def pseudobulk(
    adata: AnnData, groups: NDArray[np.int64], names: Sequence[str], sentences: Sentences
) -> tuple[AnnData, Sentences]:
    """The pseudobulk of each group with its cell sentence, from the matrix that the cells' sentences were ranked from.

    Parameters
    ----------
    adata
        The cells.
    groups
        Index of the group of each cell, −1 where it is in none.
    names
        Names of the groups.
    sentences
        Sentences of the cells: those of the pseudobulks have the same length and vocabulary.

    Returns
    -------
    AnnData, groups × genes, and its sentences. Counts are summed; of logarithms, the counts per 10,000 are.

    Raises
    ------
    KeyError, ValueError
        The matrix is gone, or the unit of its values cannot be told.

    Examples
    --------
    >>> import numpy as np, sc_duality as sd
    >>> from sc_duality.cells import default_sentences, pseudobulk
    >>> adata = sd.datasets.pbmc3k()[:6].copy()
    >>> bulk, _ = pseudobulk(adata, np.array([0, 0, 0, 1, 1, -1]), ["a", "b"], default_sentences(adata))
    >>> bulk.shape == (2, adata.n_vars), float(bulk.X.sum()) == float(adata.X[:5].sum())
    (True, True)
    """
    source = expression_source(adata, sentences)
    params = sentences.params
    _, holder = matrix(adata, layer=params.get("layer"), use_raw=bool(params.get("use_raw", False)))
    member = sparse.csr_matrix(
        (np.ones((groups >= 0).sum()), (groups[groups >= 0], np.flatnonzero(groups >= 0))), (len(names), len(groups))
    )
    if source.unit.scale == "counts":
        blocks = [member[:, start : start + rows.shape[0]] @ rows for start, rows in row_blocks(source.X)]
        X = sparse.csr_matrix(sum(blocks[1:], blocks[0]))
    else:
        linear = normalised(source)
        linear.data = 10**linear.data - 1
        X = sparse.csr_matrix(member @ linear)
    bulk = AnnData(X, pd.DataFrame(index=pd.Index(names, dtype=str)), pd.DataFrame(holder.var))
    ranking = plan_ranking(
        bulk,
        params.get("n_genes"),
        genes=sentences.genes,
        exclude=None,
        gene_symbols=params.get("gene_symbols"),
        use_raw=False,
        rng=params.get("rng", 0),
    )
    return bulk, ranking.compute()
