"""Genes that decided the predicted labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from .._validation import choice, positive_integer
from ..cells import adata_keys, evidence_table, modality, preview

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def evidence(
    adata: AnnData | MuData,
    key: str = adata_keys.ANNOTATION,
    *,
    by: Literal["drop", "contrast"] = "drop",
    group: str | None = None,
    n_genes: int | None = None,
    mod: str = "rna",
) -> pd.DataFrame:
    """Genes that decided the predicted labels, as :func:`sc_duality.tl.explain` found them.

    Parameters
    ----------
    adata
        Explained cells.
    key
        The predictions.
    by
        ``"drop"``: by the fall of the label's log-probability when the gene is hidden. ``"contrast"``: by the fall
        against the log-probability of the runner-up.
    group
        One group only.
    n_genes
        Genes of each group at most; by default all.
    mod
        Modality of a MuData.

    Returns
    -------
    DataFrame with one row a gene and group, the first genes of each group first; the columns are described in
    :func:`sc_duality.tl.explain`.

    Raises
    ------
    KeyError
        The predictions have not been explained, or there is no such group.
    ValueError
        ``by`` or ``n_genes`` is not an option.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[::12].copy()
    >>> sd.pp.cell_sentences(adata, n_genes=50)  # fewer genes to hide take less time
    >>> sd.tl.annotate(adata, labels="blood")
    >>> sd.tl.explain(adata, n_cells=2)
    >>> len(sd.get.evidence(adata, group="B cell", n_genes=3))
    3
    """
    choice("by", by, ("drop", "contrast"))
    table = evidence_table(modality(adata, mod), key, adata_keys.EVIDENCE_GENES)
    if group is not None:
        groups = list(dict.fromkeys(table["group"].astype(str)))
        if group not in groups:
            raise KeyError(f"group={group!r} was not explained: choose from {preview(groups, 100)}")
        table = table[table["group"].astype(str) == group]
    rank = "rank" if by == "drop" else "contrast_rank"
    table = table[table[by] > 0]
    if n_genes is not None:
        table = table[table[rank] <= positive_integer("n_genes", n_genes)]
    position = pd.factorize(table["group"].astype(str))[0]
    return table.iloc[np.lexsort((table[rank], position))].reset_index(drop=True)
