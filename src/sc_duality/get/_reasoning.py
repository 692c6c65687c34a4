"""What a model reasoned, checked against the genes that it was shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..cells import adata_keys, in_memory, is_result, modality

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def reasoning(adata: AnnData | MuData, key: str = adata_keys.ANNOTATION, *, mod: str = "rna") -> pd.DataFrame:
    """What a language model reasoned about each cell or cluster, and whether the genes that it cites were shown to it.

    Parameters
    ----------
    adata
        Cells with a result of :func:`sc_duality.tl.annotate`, :func:`sc_duality.tl.predict` or
        :func:`sc_duality.tl.sensitivity` with ``method="generate"``, of a model that reasons.
    key
        The result.
    mod
        Modality of a MuData.

    Returns
    -------
    One row a cell or group and sample, with the columns

    ``unit``, ``batch``, ``sample``
        Name of the cell or group; the prompt that it was part of, as ``unit`` in :func:`answers`; number of the sample,
        from 0.
    ``label``
        The label in the answer; empty if it could not be read.
    ``text``
        The sentences about it; all of the reasoning, if the prompt is about one cell or group.
    ``cited``
        Genes that the text cites as expressed in it, separated by spaces, in the order of the text. Genes are called
        as in the data, or by their approved symbol if they are not in it.
    ``shown``, ``invented``
        Those of them that the prompt showed for it, and those that it did not show: the model cannot have read there
        that they are expressed.
    ``absent``
        Genes that the text names as missing or low.
    ``order``
        Position of its first assignment to a label in the text, from 1; 0 without one.
    ``revised``
        Whether the text assigns it to different labels, one after the other.
    ``conclusion``
        The label that the text assigns to it last, which may differ from the answer; empty without one.
    ``completion_tokens``
        Tokens of the whole completion, by the model's tokenizer. Behind an endpoint, where there is none, it is an
        estimate of one token for four characters; ``uns[key]["params"]["usage"]`` has the total that the server counts.

    Raises
    ------
    KeyError
        There is no such result, or its model wrote no reasoning.

    Notes
    -----
    :func:`sc_duality.tasks.read_reasoning` says how texts are read, and what it misses.

    Examples
    --------
    A model of your own that reasons:

    >>> import sc_duality as sd
    >>> class Reasoner:
    ...     spec = sd.models.ModelSpec("reasoner", "nowhere")
    ...     def generate(self, prompts, sampling):
    ...         return ["<think>CD79A and no CD3E.</think><answer>B cell</answer>"] * len(prompts)
    ...     score = likelihood = embed = generate
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.tl.annotate(adata, Reasoner(), groupby="cell_type", labels=["B cell", "T cell"], method="generate")
    >>> sd.get.reasoning(adata).set_index("unit").loc["B cells", ["cited", "absent"]].tolist()
    ['CD79A', 'CD3E']
    """
    data = modality(adata, mod)
    if key not in data.uns or not is_result(data.uns[key]):
        found = [name for name in data.uns if is_result(data.uns[name]) and adata_keys.REASONING in data.uns[name]]
        raise KeyError(f"uns has no result {key!r}; results with reasoning are {', '.join(found) or 'none'}")
    entry: Mapping[str, Any] = data.uns[key]
    table = entry.get(adata_keys.REASONING)
    if table is None:
        raise KeyError(
            f"uns[{key!r}] has no reasoning: run the tool with method='generate' and a model that writes reasoning; "
            "the embedded model writes labels only, and versions up to 0.13 did not check reasoning"
        )
    return in_memory(table).reset_index(drop=True)
