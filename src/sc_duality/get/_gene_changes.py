"""The genes that a perturbation is predicted to change, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._validation import positive_integer
from ..cells import adata_keys, in_memory, modality

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def gene_changes(
    adata: AnnData | MuData, key: str = adata_keys.RESPONSE, *, n_top: int | None = None, mod: str = "rna"
) -> pd.DataFrame:
    """List the genes that :func:`sc_duality.tl.perturb` predicts to change, largest mean change first.

    Parameters
    ----------
    adata
        The result of :func:`sc_duality.tl.perturb`.
    key
        Name of the result.
    n_top
        Genes up, and genes down, at most; all by default.
    mod
        Modality of a MuData.

    Returns
    -------
    DataFrame by gene: ``change`` (mean over predictions, log10(1 + counts per 10,000)), ``sd``, ``up`` and ``down``
    (shares of the predictions in which the gene rises or falls). First the genes whose mean rises, then those whose
    mean falls, each with the largest change first.

    Raises
    ------
    KeyError
        ``adata`` is not a result of :func:`sc_duality.tl.perturb` under this key.

    Examples
    --------
    >>> import sc_duality as sd
    >>> control = sd.datasets.pbmc3k()[:5].copy()
    >>> adata = sd.tl.perturb(control, ("cytokine", "IFNB1"), n_genes=10)
    >>> sd.get.gene_changes(adata, n_top=3).columns.tolist()
    ['change', 'sd', 'up', 'down']
    """
    data = modality(adata, mod)
    columns = list(adata_keys.change_columns(key))
    missing = [name for name in columns if name not in data.var]
    if missing:
        raise KeyError(f"var has no {missing[0]!r}: pass what sd.tl.perturb(..., key_added={key!r}) returned")
    n = None if n_top is None else positive_integer("n_top", n_top)
    table = in_memory(data.var)[columns].set_axis(["change", "sd", "up", "down"], axis=1)
    size = np.abs(table["change"])
    table = table.assign(size=size).sort_values("size", ascending=False, kind="stable").drop(columns="size")
    return pd.concat([table[table["change"] > 0][:n], table[table["change"] < 0][:n]])
