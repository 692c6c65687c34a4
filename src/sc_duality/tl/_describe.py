"""Describe clusters in a caption each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..cells import adata_keys
from ..examples import Context
from ..models import LanguageModel, Sampling
from ..tasks import Caption
from ._text_query import TextSettings, write_texts

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def describe(
    adata: AnnData | MuData,
    model: str | Path | LanguageModel | None = None,
    *,
    groupby: str,
    length: int = 60,
    n_markers: int = 10,
    n_cells: int = 20,
    context: Context = (),
    layer: str | None = None,
    use_raw: bool | None = None,
    sampling: Sampling | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    key_added: str = "description",
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Write a caption of every cluster with a language model: its cell type, what it does, and the genes that show it.

    The model reads random cells of the cluster, its differentially expressed genes, its size and ``context``. The genes
    that a caption cites are checked against the expression of the cluster.

    Parameters
    ----------
    adata
        Cells. Cell sentences are computed if there are none.
    model
        A general model: an endpoint, a model of the hub or of vLLM, a folder, or ``"smollm2-135m"``, which runs without
        a network but knows little of cells; see :func:`sc_duality.models.load`. The embedded model writes gene symbols
        only and is refused. ``sd.settings.model`` by default.
    groupby
        ``obs`` column of the clusters.
    length
        Words of a caption. A model may write twice as many; a longer text is not read.
    n_markers
        Differentially expressed genes of the cluster in the prompt: those of ``sc.tl.rank_genes_groups`` if it ran on
        ``groupby``, else of the same test. 0 shows none.
    n_cells
        Cells of a cluster in the prompt, up to 20, sampled at random. The number of genes of each is the largest that
        fits into the context of the model.
    context
        Facts about the cells: ``obs`` columns, such as ``["tissue", "disease"]``, or facts about all cells, such as
        ``{"tissue": "liver", "organism": "human"}``. Of a column, the prompt names the most frequent values.
    layer, use_raw, sentence_key
        See :func:`annotate`.
    sampling
        Temperature and ``max_tokens``; temperature 0 by default.
    key_added
        Name of the result in ``uns``.
    mod
        Modality of a MuData.
    rng
        Seed of the sampled cells and of the text. The cells of a group do not depend on the other groups.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``uns[key_added]``
        ``groups``: one caption a cluster, see :func:`sc_duality.get.texts`; ``answers``: what the model wrote, see
        :func:`sc_duality.get.answers`; ``reasoning``, where it reasoned; ``params``: model, fingerprint, versions and
        all settings.
    ``obsm[sentence_key]``, ``obsm[sentence_key + "_vocabulary"]``, ``uns[sentence_key]``
        Cell sentences, if there were none.

    Raises
    ------
    ValueError, KeyError, TypeError
        The input cannot be used, or the model has gene symbols as tokens and no English; raised before the model is
        loaded.

    Examples
    --------
    A model of your own:

    >>> import sc_duality as sd
    >>> class Writer:
    ...     spec = sd.models.ModelSpec("writer", "nowhere")
    ...     def generate(self, prompts, sampling):
    ...         return ["<answer>B cells: they express CD79A and lack CD3E.</answer>"] * len(prompts)
    ...     score = likelihood = embed = generate
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.tl.describe(adata, Writer(), groupby="cell_type")
    >>> sd.get.texts(adata, "description").loc["B cells", ["expressed", "absent"]].tolist()
    ['CD79A', 'CD3E']
    """
    task = Caption(groupby=groupby, length=length, n_markers=n_markers, n_cells=n_cells)
    settings = TextSettings(context, layer, use_raw, sampling, sentence_key, key_added, mod, rng, copy)
    return write_texts(adata, task, model, settings)
