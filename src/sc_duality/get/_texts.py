"""Texts about groups of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..cells import adata_keys, in_memory, is_result, modality

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def texts(adata: AnnData | MuData, key: str = "description", *, mod: str = "rna") -> pd.DataFrame:
    """Texts that a language model wrote about groups of cells, with the genes that they cite.

    Parameters
    ----------
    adata
        Cells with a result of :func:`sc_duality.tl.describe`, :func:`sc_duality.tl.interpret` or
        :func:`sc_duality.tl.ask`.
    key
        The result.
    mod
        Modality of a MuData.

    Returns
    -------
    One row a group, by its name, with the columns

    ``text``, ``status``, ``model``
        The text; ``"ok"``, or why there is none; the name of the model.
    ``n_cells``, ``n_shown``, ``n_genes``
        Cells of the group, those in the prompt, and genes of each.
    ``prompt_tokens``
        Tokens of the prompt by the model's tokenizer, or an estimate of one for four characters behind an endpoint.
    ``markers``
        Differentially expressed genes in the prompt, separated by spaces.
    ``cited``
        Genes that the text cites as expressed, in its order.
    ``expressed``, ``unexpressed``
        Those of them that at least 10 % of the cells of the group express, and the others, which fewer cells express
        or which were not measured.
    ``shown``, ``invented``
        Those of them that the prompt showed, and the others.
    ``absent``
        Genes that the text names as missing or low.

    Raises
    ------
    KeyError
        There is no such result.

    Notes
    -----
    Genes are read from texts as :func:`sc_duality.tasks.read_reasoning` says.

    Examples
    --------
    >>> import sc_duality as sd
    >>> class Writer:
    ...     spec = sd.models.ModelSpec("writer", "nowhere")
    ...     def generate(self, prompts, sampling):
    ...         return ["<answer>These cells express CD79A and PPBP.</answer>"] * len(prompts)
    ...     score = likelihood = embed = generate
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.tl.describe(adata, Writer(), groupby="cell_type")
    >>> sd.get.texts(adata).loc["B cells", ["expressed", "unexpressed"]].tolist()
    ['CD79A', 'PPBP']
    """
    data = modality(adata, mod)
    entry = data.uns.get(key)
    table = entry.get(adata_keys.GROUPS) if is_result(entry) else None
    if table is None or "text" not in table:
        found = [name for name, one in data.uns.items() if is_result(one) and "text" in one.get(adata_keys.GROUPS, ())]
        raise KeyError(
            f"uns has no texts under {key!r}: run sd.tl.describe, sd.tl.interpret or sd.tl.ask; results with texts are "
            f"{', '.join(found) or 'none'}"
        )
    return in_memory(table)
