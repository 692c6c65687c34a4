"""Interpret a data set in natural language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..cells import adata_keys
from ..examples import Context
from ..models import LanguageModel, Sampling
from ..tasks import Interpretation
from ._text_query import TextSettings, write_texts

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def interpret(
    adata: AnnData | MuData,
    model: str | Path | LanguageModel | None = None,
    *,
    groupby: str | Sequence[str] | None = None,
    length: int = 150,
    n_cells: int = 20,
    context: Context = (),
    layer: str | None = None,
    use_raw: bool | None = None,
    sampling: Sampling | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    key_added: str = "interpretation",
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Write a text like an abstract about a data set, or about each of its samples, with a language model.

    The model reads random cells and ``context``, and says what tissue and condition they are likely from, which cell
    types there are, and what their genes tell.

    Parameters
    ----------
    adata
        Cells. Cell sentences are computed if there are none.
    model
        A general model, see :func:`describe`.
    groupby
        ``obs`` column of samples, or several whose values together make one; all cells by default.
    length
        Words of a text. A model may write twice as many; a longer text is not read.
    n_cells, context, layer, use_raw, sampling, sentence_key, key_added, mod, rng, copy
        See :func:`describe`.

    Returns
    -------
    ``None``, or the copy. Writes

    ``uns[key_added]``
        ``groups``: one text a sample, see :func:`sc_duality.get.texts`; ``answers``: what the model wrote, see
        :func:`sc_duality.get.answers`; ``reasoning``, where it reasoned; ``params``: model, fingerprint, versions and
        all settings.
    ``obsm[sentence_key]``, ``obsm[sentence_key + "_vocabulary"]``, ``uns[sentence_key]``
        Cell sentences, if there were none.

    Raises
    ------
    ValueError, KeyError, TypeError
        The input cannot be used, or the model has gene symbols as tokens and no English; raised before the model is
        loaded.

    Notes
    -----
    Natural language interpretation of C2S-Scale (Rizvi et al. 2025), table 1. Models with the prompt format ``"c2s"``
    get the prompt of the paper. At most 20 cells are read: rare cell types may be missing among them.

    Examples
    --------
    A model of your own:

    >>> import sc_duality as sd
    >>> class Writer:
    ...     spec = sd.models.ModelSpec("writer", "nowhere")
    ...     def generate(self, prompts, sampling):
    ...         return ["<answer>Blood cells that express LYZ.</answer>"] * len(prompts)
    ...     score = likelihood = embed = generate
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.tl.interpret(adata, Writer())
    >>> sd.get.texts(adata, "interpretation").loc["all cells", "text"]
    'Blood cells that express LYZ.'
    """
    task = Interpretation(groupby=groupby, length=length, n_cells=n_cells)
    settings = TextSettings(context, layer, use_raw, sampling, sentence_key, key_added, mod, rng, copy)
    return write_texts(adata, task, model, settings)
