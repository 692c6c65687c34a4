"""The texts that a model generated for a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..cells import adata_keys, in_memory, is_result, modality

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def answers(adata: AnnData | MuData, key: str = adata_keys.ANNOTATION, *, mod: str = "rna") -> pd.DataFrame:
    """What a language model wrote about each cell or cluster, with its reasoning, and how it was read.

    Parameters
    ----------
    adata
        Cells with a result of :func:`sc_duality.tl.annotate`, :func:`sc_duality.tl.predict` or
        :func:`sc_duality.tl.sensitivity` with ``method="generate"`` or ``"choose"``.
    key
        The result.
    mod
        Modality of a MuData.

    Returns
    -------
    One row an answer, with the columns ``unit`` (name of the cell, or of the group of cells), ``sample`` (number of the
    sample, from 0), ``answer`` (the label; empty if it could not be read), ``status`` (``"ok"``, ``"not answered"``,
    ``"unknown"`` or why the text could not be read), ``text``, ``reasoning`` and ``prompt_hash`` (equal for equal
    prompts).

    Raises
    ------
    KeyError
        There is no such result, or its model generated no text.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:5].copy()
    >>> sd.tl.annotate(adata, labels="blood", method="generate")
    >>> sd.get.answers(adata)[["sample", "status"]].drop_duplicates().values.tolist()
    [[0, 'ok']]
    """
    data = modality(adata, mod)
    if key not in data.uns or not is_result(data.uns[key]):
        found = [name for name in data.uns if is_result(data.uns[name]) and adata_keys.ANSWERS in data.uns[name]]
        raise KeyError(f"uns has no result {key!r}; results with generated text are {', '.join(found) or 'none'}")
    entry: Mapping[str, Any] = data.uns[key]
    table = entry.get(adata_keys.ANSWERS)
    if table is None:
        raise KeyError(
            f"uns[{key!r}] has no generated texts: run the tool with method='generate' or 'choose'; method='score' "
            "compares log-likelihoods and generates none, and versions up to 0.12 did not keep them"
        )
    return in_memory(table).reset_index(drop=True)
