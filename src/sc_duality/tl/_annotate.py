"""Name the type of every cell."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from .. import _keys
from .._data import modality, seed
from .._settings import settings
from ..models import LanguageModel, ModelSpec, Sampling, load, resolve
from ..tasks import Annotation
from ._answers import generated, pooled, scored, write
from ._ask import provenance, sentences_for
from ._labels import label_choices

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def annotate(
    adata: AnnData | MuData,
    model: str | Path | LanguageModel | None = None,
    *,
    labels: Sequence[str] | str | None = None,
    method: Literal["score", "generate"] = "score",
    groupby: str | None = None,
    unknown: float | None = None,
    n_genes: int | None = None,
    temperature: float = 0.0,
    max_tokens: int = 256,
    key: str = _keys.SENTENCE,
    key_added: str = _keys.ANNOTATION,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Name the type of every cell with a language model that reads its cell sentence.

    By default each label is scored by its likelihood after the cell, which reads every cell once and
    writes no text, so that the answer is always one of the labels and has a probability.

    Parameters
    ----------
    adata
        Cells. Sentences are written first if there are none, from ``X``; to rank a layer or ``.raw``,
        call :func:`sc_duality.pp.cell_sentences` yourself.
    model
        Who answers: see :func:`sc_duality.models.load`. The model inside this package by default.
    labels
        Types to choose from: a list, an ``obs`` column whose values are taken, or one of the model's
        label sets (the embedded model has ``"blood"``, ``"pancreas"``, ``"lung"``, ``"heart"`` and
        ``"retina"``). By default all types that the model knows.
    method
        ``"score"`` compares likelihoods. ``"generate"`` lets the model write, with reasoning if it
        likes, and reads its answer; there are no probabilities then.
    groupby
        ``obs`` column of clusters. All cells of a cluster get one label: that with the highest summed
        log-probability (or the most votes, for ``"generate"``). Its confidence is the mean probability
        that the cluster's cells give it.
    unknown
        Confidence below which the answer is ``"unknown"``; 0 never says so. By default the model's own
        threshold: for the embedded one, what 98 % of cells from donors held out of its training reach.
    n_genes
        Genes of a sentence that the model is shown; by default what the model is made for.
    temperature, max_tokens
        For ``"generate"``: how freely to draw (0 takes the likeliest word), and how much to write at
        most.
    key
        Where the cell sentences lie.
    key_added
        Name of what is written.
    mod
        Modality, if ``adata`` is a MuData.
    rng
        Seed for drawing text.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obs[key_added]``
        Label (categorical); missing where there is no answer.
    ``obs[key_added + "_status"]``
        ``"ok"``, ``"unknown"``, ``"no genes"`` (no gene that the model knows), ``"no group"`` (``groupby``
        is missing), or why what the model wrote could not be read.
    ``obs[key_added + "_confidence"]``
        Probability of the best label among ``labels``, or with ``groupby`` and ``"generate"`` its share
        of the votes. Not written for ``"generate"`` alone.
    ``obsm[key_added + "_probabilities"]``
        With ``"score"``: DataFrame (n_obs, n_labels) of probabilities; rows add up to 1.
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
    >>> [name for name in adata.obs if name.startswith("annotation")]
    ['annotation', 'annotation_status', 'annotation_confidence']
    >>> adata.obsm["annotation_probabilities"].shape
    (20, 8)
    """
    result = adata.copy() if copy else adata
    data = modality(result, mod)
    asked = settings.model if model is None else model
    spec = resolve(asked)
    names = label_choices(data, spec, labels)
    threshold = _check(data, spec, method, groupby, unknown)
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed(rng))
    cells = sentences_for(data, spec, key=key, n_genes=n_genes)
    task = Annotation(spec.dialect)

    engine = load(asked)
    if method == "score":
        answers = scored(engine, task, cells, list(names.values()))
    else:
        answers = generated(engine, task, cells, list(names.values()), sampling)
    if groupby is not None:
        answers = pooled(answers, data.obs[groupby])

    has_confidence = method == "score" or groupby is not None
    write(data, key_added, answers, list(names), threshold if has_confidence else None)
    if method == "score":
        columns = [name.replace("/", "|") for name in names]  # "/" may stand in no key of a file
        data.obsm[_keys.probabilities(key_added)] = pd.DataFrame(
            answers.probability, index=data.obs_names, columns=columns
        )
    data.uns[key_added] = provenance(
        spec,
        task.dialect,
        task=task.name,
        task_version=task.version,
        labels=list(names),
        method=method,
        groupby=groupby,
        unknown=threshold,
        key=key,
        n_genes=n_genes or spec.n_genes,
        dtype=getattr(engine, "dtype", None),
        temperature=sampling.temperature,
        max_tokens=sampling.max_tokens,
        rng=sampling.seed,
    )
    logger.info("wrote obs[%r]: %s", key_added, data.obs[_keys.status(key_added)].value_counts().to_dict())
    return result if copy else None


def _check(adata: AnnData, spec: ModelSpec, method: str, groupby: str | None, unknown: float | None) -> float:
    """The threshold of "unknown", or an error where an argument cannot be meant."""
    if method not in ("score", "generate"):
        raise ValueError(f"method must be 'score' or 'generate', not {method!r}")
    if groupby is not None and groupby not in adata.obs:
        raise KeyError(f"groupby={groupby!r} is no obs column; there are {', '.join(adata.obs.columns)}")
    if unknown is not None and not 0 <= unknown <= 1:
        raise ValueError(f"unknown is a probability and must lie between 0 and 1, not {unknown}")
    if unknown is not None and method == "generate" and groupby is None:
        raise ValueError(f"unknown={unknown} needs a confidence, which method='generate' has with groupby= only")
    return spec.unknown if unknown is None else unknown
