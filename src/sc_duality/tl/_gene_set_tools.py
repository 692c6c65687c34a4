"""Name gene sets, and list the genes of a gene set by its name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .._validation import is_missing, positive_integer
from ..cells import adata_keys
from ..examples import model_names
from ..models import LanguageModel, ModelSpec, Sampling, format_tokens, load
from ..tasks import Answer, Failure, GeneSetEnumeration, GeneSetExample, GeneSetNaming, Question, check_gene_sets
from ._model import one_sample, provenance, resolve_model, warn_not_answered

logger = logging.getLogger(__name__)


def name_gene_sets(
    gene_sets: Mapping[str, Sequence[str]] | pd.DataFrame,
    model: str | Path | LanguageModel | None = None,
    *,
    labels: Sequence[str] | None = None,
    max_genes: int = 100,
    context: Mapping[str, str] | None = None,
    sampling: Sampling | None = None,
    rng: int = 0,
) -> pd.DataFrame:
    """Name gene sets, such as the differentially expressed genes of clusters.

    Parameters
    ----------
    gene_sets
        Genes by the name of the set, best first; or a DataFrame, such as
        ``pd.DataFrame(adata.uns["rank_genes_groups"]["names"])``, see :func:`sc_duality.tasks.check_gene_sets`. Prompts
        do not hold the names.
    model
        A general model, see :func:`annotate`; the embedded model cannot name gene sets.
    labels
        Names to choose from; by default the model names each set in its own words.
    max_genes
        Genes of a set in a prompt at most, from the start of the set.
    context
        Facts about all sets, such as ``{"tissue": "lung"}``.
    sampling
        Temperature (0 by default), ``top_p`` and ``max_tokens``.
    rng
        Seed of sampling.

    Returns
    -------
    A table with one row a set: ``name`` (missing where there is none), ``status`` (``"ok"``, ``"not answered"``, or why
    the completion could not be read), ``reasoning``, ``n_genes`` (genes in the prompt). ``attrs["params"]`` holds the
    model, its fingerprint and all settings.

    Raises
    ------
    ValueError, TypeError
        The input cannot be used; raised before the model is loaded.

    Notes
    -----
    Gene set naming of C2S-Scale (table 1).

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.tl.name_gene_sets({"cluster 1": ["CD79A", "MS4A1", "CD79B"]}, "smollm2-135m")  # doctest: +SKIP
    """
    sets = check_gene_sets(gene_sets)
    positive_integer("max_genes", max_genes)
    options = _labels(labels)
    model, spec = resolve_model(model, GeneSetNaming.name)
    if spec.genes is not None and not options:
        raise ValueError(f"the model {spec.name!r} writes no English: pass labels=, names to choose from")
    shown = {name: _known(spec, name, genes)[:max_genes] for name, genes in sets.items()}
    task = GeneSetNaming().for_model(spec.prompt_format, spec.genes)
    questions = {
        name: task.question(GeneSetExample(genes=genes, options=options, context=context or {}))
        for name, genes in shown.items()
    }
    table, params = _answered(model, spec, questions, sampling, rng, lambda answer: {"name": answer.value})
    table["n_genes"] = [len(genes) for genes in shown.values()]
    table.attrs["params"] = {**params, "task": task.name, "task_version": task.version, "max_genes": max_genes}
    return table


def generate_gene_sets(
    names: str | Sequence[str],
    model: str | Path | LanguageModel | None = None,
    *,
    n_genes: int = 50,
    genes: Collection[str] | None = None,
    context: Mapping[str, str] | None = None,
    sampling: Sampling | None = None,
    rng: int = 0,
) -> pd.DataFrame:
    """List the genes of gene sets by their names, such as of a pathway.

    Parameters
    ----------
    names
        Names of gene sets, such as ``["response to type I interferon"]``.
    model
        A general model, or one that was trained on gene sets; see :func:`annotate`.
    n_genes
        Genes of a set at most.
    genes
        Symbols that count, such as ``adata.var_names``; any by default.
    context, sampling, rng
        See :func:`name_gene_sets`.

    Returns
    -------
    A table with one row a set: ``genes`` (a tuple, empty where there are none), ``status``, ``reasoning``,
    ``n_unknown_genes`` (names that do not count) and ``n_duplicate_genes``. ``attrs["params"]`` holds the model, its
    fingerprint and all settings.

    Raises
    ------
    ValueError, TypeError
        The input cannot be used; raised before the model is loaded.

    Notes
    -----
    Gene set enumeration of C2S-Scale (table 1). A model can name genes that are not of the set: check them.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sets = sd.tl.generate_gene_sets("response to type I interferon", "smollm2-135m")  # doctest: +SKIP
    >>> sc.tl.score_genes(adata, sets["genes"].iloc[0])  # doctest: +SKIP
    """
    chosen = [names] if isinstance(names, str) else list(names)
    wrong = [name for name in chosen if not isinstance(name, str) or is_missing(name)]
    if not chosen or wrong:
        raise ValueError(f"names={names!r} must hold the name of a gene set or more, each a text")
    if repeated := sorted({name for name in chosen if chosen.count(name) > 1}):
        raise ValueError(f"names holds {repeated} more than once: pass each once")
    positive_integer("n_genes", n_genes)
    if isinstance(genes, str) or (genes is not None and len(genes) == 0):
        raise ValueError(f"genes={genes!r} must hold gene symbols, such as adata.var_names")
    model, spec = resolve_model(model, GeneSetEnumeration.name)
    vocabulary = spec.genes if genes is None else frozenset(map(str, genes))
    task = GeneSetEnumeration().for_model(spec.prompt_format, vocabulary)
    questions = {
        name: task.question(GeneSetExample(name=name, n_genes=n_genes, context=context or {})) for name in chosen
    }

    def columns(answer: Answer) -> dict[str, Any]:
        genes = (answer.value or ())[:n_genes]
        return {"genes": genes, "n_unknown_genes": answer.n_unknown, "n_duplicate_genes": answer.n_duplicates}

    table, params = _answered(model, spec, questions, sampling, rng, columns)
    table.attrs["params"] = {**params, "task": task.name, "task_version": task.version, "n_genes": n_genes}
    return table


def _labels(labels: Sequence[str] | None) -> tuple[str, ...]:
    if labels is None:
        return ()
    if isinstance(labels, str) or len(set(labels)) < 2:
        raise ValueError(f"labels={labels!r} must hold two names or more to choose from")
    return tuple(dict.fromkeys(labels))


def _known(spec: ModelSpec, name: str, genes: Sequence[str]) -> tuple[str, ...]:
    """The model's symbols of these genes, or an error if there are none."""
    found = model_names(pd.array(list(genes), dtype=object).to_numpy(), spec)
    known = tuple(dict.fromkeys(gene for gene in found if gene is not None))
    if not known:
        raise ValueError(f"the model {spec.name!r} knows no gene of the set {name!r}: {', '.join(genes[:5])}")
    return known


def _check_names(spec: ModelSpec, questions: Mapping[str, Question]) -> None:
    """Refuse names that a model with gene tokens would read as unknown."""
    if spec.genes is None or not Path(spec.source).is_dir():
        return
    for name, question in questions.items():
        texts = [question.prompt, *map(question.completion, question.answer_type.options or ())]
        if missing := format_tokens(spec, texts):
            raise ValueError(
                f"gene set {name!r}: the model {spec.name!r} has no token for {', '.join(missing[:5])}: use names that "
                "it was trained on, or a model that reads English"
            )


def _answered(
    model: str | Path | LanguageModel,
    spec: ModelSpec,
    questions: Mapping[str, Question],
    sampling: Sampling | None,
    rng: int,
    columns: Callable[[Answer], dict[str, Any]],
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """One row a question, and what is kept about the model."""
    _check_names(spec, questions)
    n_tokens = max(question.answer_type.n_tokens for question in questions.values())
    params = one_sample(sampling).params(temperature=0.0, max_tokens=spec.max_new_tokens(n_tokens), seed=rng)
    engine = load(model)
    texts = engine.generate([question.prompt for question in questions.values()], params)
    rows = []
    for question, text in zip(questions.values(), texts, strict=True):
        answer = None if text is None else question.parse_tolerantly(text)
        if answer is None or isinstance(answer, Failure):
            status = adata_keys.NOT_ANSWERED if answer is None else str(answer.reason)
            rows.append({**columns(Answer(None)), "status": status, "reasoning": ""})
        else:
            rows.append({**columns(answer), "status": adata_keys.OK, "reasoning": answer.reasoning})
    table = pd.DataFrame(rows, index=pd.Index(list(questions), name="gene_set"))
    warn_not_answered(int((table["status"] == adata_keys.NOT_ANSWERED).sum()), len(table))
    kept = {"temperature": params.temperature, "top_p": params.top_p, "max_tokens": params.max_tokens, "rng": rng}
    return table, provenance(engine, **kept)[adata_keys.PARAMS]
