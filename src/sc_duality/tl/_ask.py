"""Answer questions about cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..cells import adata_keys
from ..examples import Context
from ..models import LanguageModel, Sampling
from ..tasks import QuestionAnswer
from ._text_query import TextSettings, write_texts

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def ask(
    adata: AnnData | MuData,
    question: str,
    model: str | Path | LanguageModel | None = None,
    *,
    groupby: str | Sequence[str] | None = None,
    length: int = 100,
    n_cells: int = 20,
    context: Context = (),
    layer: str | None = None,
    use_raw: bool | None = None,
    sampling: Sampling | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    key_added: str = "answer",
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Answer a question about the cells, or about each group of cells, with a language model that reads some of them.

    Parameters
    ----------
    adata
        Cells. Cell sentences are computed if there are none.
    question
        The question in plain words, such as ``"Do these cells respond to interferon?"``.
    model
        A general model, see :func:`describe`.
    groupby
        ``obs`` column of groups, or several whose values together make one; each group gets an answer. All cells by
        default.
    length
        Words of an answer. A model may write twice as many; a longer text is not read.
    n_cells, context, layer, use_raw, sampling, sentence_key, key_added, mod, rng, copy
        See :func:`describe`.

    Returns
    -------
    ``None``, or the copy. Writes

    ``uns[key_added]``
        ``groups``: one answer a group, see :func:`sc_duality.get.texts`; ``answers``: what the model wrote, see
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
    ...         return ["<answer>They express CD79A, so they make antibodies.</answer>"] * len(prompts)
    ...     score = likelihood = embed = generate
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.tl.ask(adata, "What do these cells do?", Writer(), groupby="cell_type")
    >>> sd.get.texts(adata, "answer").loc["B cells", "cited"]
    'CD79A'
    """
    task = QuestionAnswer(query=question, groupby=groupby, length=length, n_cells=n_cells)
    settings = TextSettings(context, layer, use_raw, sampling, sentence_key, key_added, mod, rng, copy)
    return write_texts(adata, task, model, settings)
