"""Score an earlier answer by asking the question backwards."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .._settings import settings
from ..cells import adata_keys, modality, seed
from ..models import LanguageModel, load, resolve
from ..tasks import PromptFormat
from ..train._judge import DRAWS, FORM, GIVEN, HIDDEN_FRACTION, Dual, Form, Given, explain, judgeable
from ._ask import genes_asked, provenance, report_unanswered
from ._backwards import turned_around
from ._blocks import blocks

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def duality(
    adata: AnnData | MuData,
    key: str = adata_keys.ANNOTATION,
    model: str | Path | LanguageModel | None = None,
    *,
    form: Form = FORM,
    given: Given = GIVEN,
    hidden_fraction: float = HIDDEN_FRACTION,
    draws: int = DRAWS,
    n_genes: int | None = None,
    sentence_key: str | None = None,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Score every answer by asking the question backwards: how far it explains the cell.

    Of a label, the model is asked for genes of the cell that it is not shown; of a cell that was written, for the
    type or the perturbation that it was written for. No label is needed. The score says how far the answer explains
    the cell's genes **to that model**. It does not say whether the answer is right: a model may explain a cell well
    by a wrong label. How well the score tells right from wrong answers was measured, beside the model's own
    probability, in ``benchmarks/RESULTS.md``.

    Parameters
    ----------
    adata
        Cells with answers of :func:`annotate`, :func:`sensitivity`, :func:`generate` or :func:`perturb`.
    key
        Where the answers lie.
    model
        Who judges: see :func:`sc_duality.models.load`. It need not be the model that answered, but must know the
        labels. The model inside this package by default.
    form
        ``"posterior"``: probability of the answer among all labels, were all alike before, from how likely each of
        them makes the hidden genes (for cells that were written: probability of what was asked for among all
        candidates). ``"likelihood"``: by how much the answer raises the log-likelihood of the hidden genes, in nats
        a gene (for written cells: logarithm of the probability of what was asked for). ``"sample"``, the paper's:
        the model writes what was hidden, and the score is its rank-weighted Jaccard similarity to the truth (for
        written cells: the share of draws that are right); what cannot be read scores 0.
    given
        What the dual of a label is shown: the ``"label"`` alone, or the ``"observed"`` genes too, as in the paper.
    hidden_fraction
        Share of the cell's genes that are hidden, drawn at random for each cell. Cells that were written have no
        hidden genes: ``given`` and ``hidden_fraction`` do not matter to them.
    draws
        How often ``"sample"`` asks.
    n_genes
        Genes of a sentence that count; by default what the model is made for.
    sentence_key
        Where the cell sentences lie; by default where the answers were made from.
    mod
        Modality, if ``adata`` is a MuData.
    rng
        Seed of hidden genes and of draws. Which genes of a cell are hidden depends on the seed and on the cell's
        name, not on other cells.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obs[key + "_duality"]``
        float64, more is better: 0 to 1, but for ``"likelihood"``, which has no bounds. NaN for cells without an
        answer, without genes, or whose answer is ``"unknown"``, and for cells that the model gave no judgement of.
    ``uns[key]["duality"]``
        The judge, its fingerprint, versions and all settings.

    Raises
    ------
    KeyError
        There are no such answers, their sentences are lost, or they were not made by this package.
    ValueError
        A setting cannot be meant, or the judge does not know the task, the labels or the genes. All errors come
        before the model is loaded.

    Notes
    -----
    The paper rewards its model with the form ``"sample"`` in training (CellDuality §3.4.1, equations 2 and 3); the
    other two forms, and the score's use on answers, are ours.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.annotate(adata, labels="blood")
    >>> sd.tl.duality(adata)
    >>> adata.obs["annotation_duality"].dropna().between(0, 1).all()
    np.True_
    """
    result = adata.copy() if copy else adata
    data = modality(result, mod)
    asked = settings.model if model is None else model
    spec = resolve(asked)
    how = Dual(form, given, hidden_fraction, draws, seed(rng), genes_asked(spec, n_genes))
    backwards = turned_around(data, key, spec, how, sentence_key=sentence_key, n_genes=n_genes)

    engine = load(asked)
    scores, unanswered = np.full(data.n_obs, np.nan), 0
    questions = {"posterior": backwards.n_labels, "likelihood": 2, "sample": how.draws}[how.form]
    for part in blocks(data.n_obs, "duality", questions):
        examples, answers = backwards.part(part)
        scores[part] = explain(engine, backwards.task, examples, answers, how)
        unanswered += int(np.isnan(scores[part][judgeable(examples, answers)]).sum())
    report_unanswered(unanswered, data.n_obs)
    data.obs[adata_keys.duality(key)] = scores
    kept = provenance(
        engine,
        PromptFormat(spec.prompt_format),
        form=how.form,
        given=how.given,
        hidden_fraction=how.hidden_fraction,
        draws=how.draws,
        key=backwards.sentence_key,
        n_genes=how.n_genes,
        rng=how.seed,
    )
    data.uns[key] = {**data.uns[key], "duality": kept[adata_keys.PARAMS]}
    mean = np.nanmean(scores) if not np.isnan(scores).all() else np.nan
    logger.info("wrote obs[%r]: mean %.3f", adata_keys.duality(key), mean)
    return result if copy else None
