"""Name the type of every cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .._settings import settings
from ..cells import adata_keys, modality
from ..models import LanguageModel, resolve
from ..tasks import Annotation
from ._ask import check_task
from ._labelling import How, Method, label_cells
from ._labels import label_choices
from ._questions import annotation_question

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def annotate(
    adata: AnnData | MuData,
    model: str | Path | LanguageModel | None = None,
    *,
    labels: Sequence[str] | str | None = None,
    method: Method = "score",
    groupby: str | None = None,
    unknown: float | None = None,
    n_genes: int | None = None,
    temperature: float = 0.0,
    max_tokens: int | None = None,
    duality: bool = False,
    best_of: int = 1,
    context: Sequence[str] = (),
    key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.ANNOTATION,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Name the type of every cell with a language model that reads its cell sentence.

    By default each label is scored by its likelihood after the cell, which reads every cell once and
    writes no text, so that the answer is always one of the labels and has a probability. A model may have a second
    voice in it, the reference beside its weights (see ``method``).

    Parameters
    ----------
    adata
        Cells, in memory, backed or lazy; the model is asked about them in blocks. Sentences are written
        first if there are none, from ``X``; to rank a layer or ``.raw``, call
        :func:`sc_duality.pp.cell_sentences` yourself. Where the data lie in a file,
        :func:`sc_duality.io.write_results` brings the answers there.
    model
        Who answers: see :func:`sc_duality.models.load`. The model inside this package by default.
    labels
        Types to choose from: a list, an ``obs`` column whose values are taken, or one of the model's
        label sets (the embedded model has ``"blood"``, ``"pancreas"``, ``"lung"``, ``"heart"`` and
        ``"retina"``). By default all types that the model knows.
    method
        ``"score"`` compares likelihoods, and takes the mean with what the model's reference says, if it has one (the
        embedded model has: cells that it learned its labels from, by the genes that yours were measured by, in a
        space where studies lie together, and a linear classifier in it, which holds better in studies and on panels of
        genes unlike those). ``"generate"`` lets the model write, with
        reasoning if it likes, and reads its answer; ``"choose"`` lets it write one of ``labels`` and nothing else,
        for servers that tell no likelihoods. There are no probabilities then.
    groupby
        ``obs`` column of clusters, best fine ones of one type each. All cells of a cluster get one label: that with
        the highest summed log-probability (or the most votes, where the model writes). Its confidence is the mean
        probability that the cluster's cells give it.
    unknown
        Confidence below which the answer is ``"unknown"``, where there is a familiarity times that; 0 never says
        so. By default the model's own threshold: for the embedded one, what at least 90 % of the cells of every
        study reach, of donors held out of its training. It was taught to tell cells that are of none of its
        types, and what it gives to that lowers its confidence.
    n_genes
        Genes of a sentence that the model is shown; by default what the model is made for.
    temperature, max_tokens
        For ``"generate"`` and ``"choose"``: how freely to draw (0 takes the likeliest word), and how much
        to write at most, by default one word by a model whose types are words, and 264 tokens by another;
        ``"choose"`` writes no more than its longest label, but on servers, which have to be told.
    duality
        Whether to run :func:`duality` on the answers, with the same model and its defaults.
    best_of
        Above 1, so many labels are drawn for each cell, from its probabilities or by writing (which then
        needs a ``temperature``), and the one with the best duality score is kept. What that is worth
        is measured in ``benchmarks/RESULTS.md``.
    context
        Columns of ``obs`` with facts about each cell, such as ``["tissue", "disease"]``, that a general
        model is told; missing values are left out. The embedded model reads genes only.
    key
        Where the cell sentences lie.
    key_added
        Name of what is written.
    mod
        Modality, if ``adata`` is a MuData.
    rng
        Seed for drawing text and labels.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obs[key_added]``
        Label (categorical); missing where there is no answer.
    ``obs[key_added + "_status"]``
        ``"ok"``, ``"unknown"``, ``"no genes"`` (no gene that the model knows), ``"no group"`` (``groupby``
        is missing), ``"not answered"`` (the model gave no answer, as an endpoint that failed; calling again
        asks only for those), or why what the model wrote could not be read.
    ``obs[key_added + "_confidence"]``
        Probability of the answer among ``labels``, or, where the model writes, with ``groupby`` the share
        of the votes. Not written for ``"generate"`` and ``"choose"`` alone.
    ``obs[key_added + "_in_distribution"]``
        With ``"score"`` and a model that keeps some of the cells that it learned its labels from (the embedded one):
        probability that the cell is like those, by the cosine of their sentences; in a cluster the mean.
    ``obsm[key_added + "_probabilities"]``
        With ``"score"``: DataFrame (n_obs, n_labels) of probabilities. Rows add up to 1, or, by a model that was
        taught to say that a cell is none of its types (the embedded one), to 1 less the probability of that.
    ``obs[key_added + "_ontology_term_id"]``
        Cell Ontology term of the label (categorical); missing where there is no answer, where it is ``"unknown"``,
        and where the model knows no term for it. Not written if it knows none for any of ``labels``.
    ``obs[key_added + "_coarse"]``
        The coarse type, such as ``"T cell"`` (categorical), if the model knows that of all ``labels``. With
        ``"score"`` it is the one whose labels have the highest sum of probabilities, in a cluster of mean
        probabilities, and ``"unknown"`` where that sum, times the familiarity, is below the threshold: a cell that may
        be a CD4 or a CD8 T cell can be ``"unknown"`` and still be a ``"T cell"``, and two labels of one type may
        together outweigh the likeliest label, which is of another. Where the model writes, it is the type of the label.
    ``obs[key_added + "_coarse_confidence"]``
        With ``"score"``: that sum.
    ``obs[key_added + "_coarse_ontology_term_id"]``
        Cell Ontology term of the coarse type, as for the label.
    ``obs[key_added + "_duality"]``
        With ``duality``: see :func:`duality`.
    ``uns[key_added]``
        ``params``: the model, its fingerprint, versions and all settings.

    Raises
    ------
    ValueError, KeyError
        If something in the input cannot be used, before the model is loaded; says what and how to mend
        it.

    Notes
    -----
    This is the primal side of CellDuality's annotation task (§3.1, table 1).

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.annotate(adata, labels="blood")
    >>> of_t_cells = adata.obs["annotation_coarse"] == "T cell"
    >>> set(adata.obs["annotation_coarse_ontology_term_id"][of_t_cells])
    {'CL:0000084'}
    >>> adata.obsm["annotation_probabilities"].shape
    (20, 8)
    """
    result = adata.copy() if copy else adata
    data = modality(result, mod)
    asked = settings.model if model is None else model
    spec = resolve(asked)
    check_task(spec, Annotation.name)
    question = annotation_question(spec, label_choices(data, spec, labels))
    how = How(
        method=method,
        groupby=groupby,
        unknown=unknown,
        n_genes=n_genes,
        temperature=temperature,
        max_tokens=max_tokens,
        duality=duality,
        best_of=best_of,
        context=context,
        key=key,
        key_added=key_added,
        rng=rng,
    )
    label_cells(data, asked, spec, question, how)
    return result if copy else None
