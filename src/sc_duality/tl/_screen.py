"""Screen a library of perturbations for those that change a gene set in one context of cells more than in another."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from .._validation import choice
from ..cells import adata_keys, seed
from ..examples import Context, check_context, stored_context
from ..models import LanguageModel, Sampling
from ..tasks import Perturbation
from ._model import check_context_length
from ._response_form import response_model
from ._screen_contexts import (
    check_same_genes,
    genes_on_panel,
    named_contexts,
    sample_numbers,
    screen_context,
)
from ._screen_file import ScreenFile
from ._screen_library import check_known, read_gene_set, read_library
from ._screen_predictions import add_scores, screen_settings
from ._screen_table import TESTS, ContextScores, Test, screen_table

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def screen(
    adatas: AnnData | MuData | Mapping[str, AnnData | MuData],
    library: pd.DataFrame | Iterable[str | Perturbation | Sequence[str]],
    model: str | Path | LanguageModel | None = None,
    *,
    gene_set: Iterable[str] | Mapping[str, Iterable[str]],
    operation: str = "drug",
    sample: str | None = None,
    test: Test = "t-test",
    form: Literal["changes", "cell"] | None = None,
    context: Context = (),
    n_genes: int | None = None,
    sampling: Sampling | None = None,
    output: str | Path | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Screen a library of perturbations for those that change a gene set, in one context of cells or in several.

    The response of every cell to every perturbation is predicted several times. The effect is the change of the gene
    set's score (:func:`sc_duality.metrics.ssgsea`) from the control cell to the predicted one: replicates are averaged,
    then the cells of a sample, then samples. Compounds that act in one context alone, such as tumours with interferon,
    stand out in the difference from the neutral context.

    Parameters
    ----------
    adatas
        Control cells by context, such as ``{"tumour": tumour, "neutral": cell_lines}``, or of one context; nothing is
        written into them. All need the same genes. Other contexts are compared with ``"neutral"``, or without a context
        of this name with the last one. Cell sentences are computed where there are none.
    library
        Names, perturbations (see :func:`perturb`), or a DataFrame with the column ``name``, or ``operation`` and
        ``target``, and optionally ``dose`` and ``time``; its other columns are kept. See also
        :func:`sc_duality.io.read_compounds`.
    model
        See :func:`perturb`. A model that lists its perturbations, as those inside the package do, accepts no other.
    gene_set
        Gene symbols, or one set by name. See :func:`sc_duality.io.read_gmt`.
    operation
        Operation of perturbations that are given by name alone.
    sample
        ``obs`` column with the donor or sample of each cell. Tests compare samples, since cells of one donor are not
        independent. By default each cell is a sample, as for bulk profiles.
    test
        ``"t-test"`` or ``"wilcoxon"``: paired test of predicted against control samples.
    form
        See :func:`perturb`.
    context
        ``obs`` columns with facts about each cell for a general model, such as ``["tissue", "disease"]``.
    n_genes
        See :func:`perturb`.
    sampling
        Temperature and number of replicates (``n_samples``) of each prediction. By default
        ``Sampling(temperature=0.3, n_samples=3)``.
    output
        File that keeps finished scores, such as ``"screen.sqlite"``. A call with the same settings resumes there after
        an interruption, and predicts only what is new after an extension of the library.
    sentence_key
        Where the cell sentences lie.
    mod
        Modality of a MuData.
    rng
        Seed of sampling, or a generator.

    Returns
    -------
    DataFrame with one row a perturbation and context; contexts in the order of ``adatas``, within a context the largest
    effect first. ``attrs["params"]`` holds the settings. Columns:

    ``perturbation``, ``operation``, ``target``, ``dose``, ``time``
        The perturbation.
    ``context``
        The context; ``"all"`` if there is only one.
    ``effect``
        Mean change of the score over samples, in ranks: positive if the gene set rises.
    ``z``
        z-score of the effect over the perturbations in this context; NaN if all effects are equal.
    ``statistic``, ``p``, ``q``
        Statistic and p-value of the test over samples, and p after Benjamini and Hochberg over the library in this
        context. NaN with one sample, and where all samples change by the same amount; p is 1 if none changes.
    ``n_samples``, ``n_failed``
        Samples with a prediction, and predictions that failed.
    ``difference``, ``p_difference``, ``q_difference``
        ``z`` minus that in the neutral context, and p and q of Welch's t-test between the changes of the samples of
        both. NaN in the neutral context.
    others
        Columns of ``library``.

    Raises
    ------
    ValueError, KeyError, TypeError
        The input cannot be used; raised before the model is loaded.
    FileExistsError
        ``output`` holds a screen with other settings, or something else.

    Notes
    -----
    The virtual screen of C2S-Scale (section 4.9), which leaves open what the z-scores and tests compare: the choices
    above are ours.

    Examples
    --------
    >>> import sc_duality as sd
    >>> monocytes = sd.datasets.pbmc3k()[:4].copy()
    >>> library = [("cytokine", "IFNB1"), ("knockdown", "STAT1")]
    >>> found = sd.tl.screen(monocytes, library, gene_set=["ISG15", "IFI6", "IFIT3"], n_genes=10)
    >>> found[["perturbation", "context", "n_samples"]].shape
    (2, 3)
    """
    choice("test", test, TESTS)
    cells = named_contexts(adatas, mod)
    for data in cells.values():
        check_context(data, context)
    samples = {name: sample_numbers(name, data, sample) for name, data in cells.items()}
    entries, (set_name, genes) = read_library(library, operation), read_gene_set(gene_set)
    model, spec, make_query = response_model(model, form)
    check_known(spec, entries)
    queries = {
        name: make_query(data, spec, sentence_key=sentence_key, n_genes=n_genes, context=context)
        for name, data in cells.items()
    }
    contexts = [screen_context(name, query, samples[name]) for name, query in queries.items()]
    check_same_genes(contexts)
    scored = genes_on_panel(genes, set_name, contexts[0])
    logger.info("%d of the %d genes in %r are among those of the cells", len(scored), len(genes), set_name)
    sampling = sampling or Sampling(n_samples=3)
    params = sampling.params(temperature=0.3, max_tokens=contexts[0].query.max_tokens, seed=seed(rng))
    for query in queries.values():
        check_context_length(spec, params.max_tokens, query.cells)
    settings = screen_settings(
        model,
        spec,
        contexts,
        params,
        gene_set=[set_name, *scored],
        n_samples=sampling.n_samples,
        context=stored_context(context),
    )
    kept = ScreenFile(output, settings)

    add_scores(model, contexts, entries.perturbations, kept, scored, params, sampling.n_samples)
    scores = {
        one.name: ContextScores(np.stack([kept[one.name, str(p)] for p in entries.perturbations]), one.samples)
        for one in contexts
    }
    _warn(scores)
    table = screen_table(entries, scores, test)
    table.attrs["params"] = settings | {"test": test, "sample": sample}
    logger.info("screened %d perturbations in %d contexts", len(entries.perturbations), len(contexts))
    return table


def _warn(scores: Mapping[str, ContextScores]) -> None:
    """Warn about failed predictions, and about contexts in which nothing can be tested."""
    for name, (change, samples) in scores.items():
        n_failed = int(np.isnan(change).sum())
        if n_failed:
            logger.warning("context %r: %d of %d predictions failed, see n_failed", name, n_failed, change.size)
        if samples.max() == 0:
            logger.warning("context %r has one sample: p and q are NaN, as a test needs two or more", name)
