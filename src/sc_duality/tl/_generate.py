"""Generate cells of given types."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from .._validation import is_missing, positive_integer
from ..cells import adata_keys, in_memory, modality, read_sentences, seed, select_genes
from ..duality import Duality, best_by_duality
from ..examples import KnownLabels, check_generated, known_as
from ..models import LanguageModel, ModelSpec, Sampling, load
from ..tasks import Annotation, Generation, GenerationExample, check_labels
from ._generated_cells import OutputGenes, check_keys, gene_index, generate_cells, output_genes, to_anndata
from ._model import check_context_length, check_task, provenance, resolve_model, warn_not_answered

logger = logging.getLogger(__name__)

#: Default temperature: cells of the embedded model are nearer to real cells than at 1, and more have their type.
_TEMPERATURE = 0.6


def generate(
    counts: Mapping[str, int],
    model: str | Path | LanguageModel | None = None,
    *,
    tissue: str | None = None,
    like: AnnData | None = None,
    n_genes: int | None = None,
    sampling: Sampling | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.GENERATION,
    rng: int | np.random.Generator | None = 0,
) -> AnnData:
    """Generate cells of given types with a language model.

    The model is given a cell type and generates a cell sentence, from which expression is rebuilt. A model with one
    token a gene names no gene twice (with the engine transformers). Otherwise, a gene that is named again counts at its
    first rank; names that are not a gene are left out, and both are counted. A completion without a readable gene stays
    in the result as a cell without genes.

    Parameters
    ----------
    counts
        Number of cells of each type, such as ``{"B cell": 200, "NK cell": 50}``. Synonyms that the model knows are
        accepted.
    model
        See :func:`annotate`.
    tissue
        Tissue of the cells. A model with label sets accepts their names, and only the types in them.
    like
        Cells whose ``var``, vocabulary and expression line (:func:`sc_duality.pp.fit_expression`) the result shares.
    n_genes
        Genes of a cell at most; by default what the model was trained on.
    sampling
        Temperature (0.6 by default; higher ones give more varied cells, and fewer have their type; at 0 all cells of a
        type are equal), ``top_p`` and ``max_tokens``. With ``n_samples`` above 1, so many cells are generated for each
        one, and the one from which the model predicts its cell type with the highest probability is kept (the dual
        task).
    sentence_key
        Where cell sentences are written, and where those of ``like`` lie.
    key_added
        Name of the result.
    rng
        Seed of sampling, or a generator.

    Returns
    -------
    A new AnnData, cells × genes, in the order of ``counts``. Its genes are those of ``like``, else the vocabulary of
    the model, else, for a model that reads any text, all names in its completions.

    ``X``
        CSR float32, log10(1 + counts per 10,000), rebuilt from ranks by the line of ``like``, else the model's. No
        ``X`` where there is neither.
    ``obs[key_added]``
        Requested cell type (categorical), as in ``counts``.
    ``obs[key_added + "_status"]``
        ``"ok"``, ``"not answered"``, or why the completion could not be read.
    ``obs[key_added + "_n_unknown_genes"]``, ``obs[key_added + "_n_duplicate_genes"]``
        Names that are not a gene, and genes named again; 0 where the completion could not be read.
    ``obsm[sentence_key]``, ``obsm[sentence_key + "_vocabulary"]``, ``uns[sentence_key]``
        Cell sentences, as from :func:`sc_duality.pp.cell_sentences`.
    ``uns["log1p"]``
        Base and total (``target_sum``) of the logarithms in ``X``, for scanpy and :func:`sc_duality.pp.fit_expression`.
    ``uns[key_added]``
        ``params``: model, fingerprint, versions and all settings; ``options`` are the types that
        :func:`duality` chooses from.

    Raises
    ------
    ValueError, KeyError, TypeError
        The input cannot be used; raised before the model is loaded.

    Notes
    -----
    The primal task of CellDuality's generation (§3.1, table 1; §3.4.1).

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.tl.generate({"B cell": 3, "NK cell": 2}, tissue="blood", n_genes=10)
    >>> adata.obs["cell_type"].tolist()
    ['B cell', 'B cell', 'B cell', 'NK cell', 'NK cell']
    >>> adata.obsm["cell_sentence"].shape
    (5, 10)
    """
    _check_counts(counts)
    check_keys(sentence_key, key_added)
    model, spec = resolve_model(model, Generation.name)
    names = known_as(spec, list(counts), KnownLabels.of_cell_types(spec))
    options = _options(spec, names, tissue)
    check_generated(spec, names, () if tissue is None else (tissue,))
    sampling = sampling or Sampling()
    _check_samples(spec, sampling, options)
    n_genes = spec.n_genes if n_genes is None else positive_integer("n_genes", n_genes)
    genes = genes_of_model(spec, None if like is None else modality(like), sentence_key)
    task = Generation().for_model(spec.prompt_format, None if genes is None else frozenset(genes.gene_index))
    own = tuple(names.get(option, option) for option in options)
    context = {} if tissue is None else {"tissue": tissue}
    by_label = {
        label: GenerationExample(cell_type=names[label], options=own, n_genes=n_genes, context=context)
        for label in counts
    }
    examples = [by_label[label] for label, n in counts.items() for _ in range(n)]
    max_tokens = spec.max_new_tokens(n_genes)
    params = sampling.params(temperature=_TEMPERATURE, max_tokens=max_tokens, seed=seed(rng))
    params = replace(params, unique=spec.genes is not None)  # a general model writes a gene in several tokens
    check_context_length(spec, params.max_tokens)

    engine = load(model)
    questions = {label: task.question(example) for label, example in by_label.items()}
    requested = [questions[label] for label, n in counts.items() for _ in range(n)] * sampling.n_samples
    found = generate_cells(engine, requested, [n_genes] * len(requested), params)
    if sampling.n_samples > 1:
        n = len(examples)
        samples = [[cell or None for cell in found.cells[i::n]] for i in range(n)]
        best = best_by_duality(engine, task, examples, samples, Duality())
        failed = [(found.status[i::n] == adata_keys.NOT_ANSWERED).any() for i in range(n)]
        found = found.take(np.where((best < 0) | failed, -1, best * n + np.arange(n)))

    if genes is None:
        genes = output_vocabulary(spec, {gene for cell in found.cells for gene in cell})
    labels = [label for label, n in counts.items() for _ in range(n)]
    obs = pd.DataFrame(
        {key_added: pd.Categorical(labels, categories=list(counts))},
        index=[f"{label} {i}" for label, n in counts.items() for i in range(n)],
    )
    result = to_anndata(found, obs, genes, n_genes=n_genes, sentence_key=sentence_key, key_added=key_added)
    result.uns[key_added] = provenance(
        engine,
        task=task.name,
        task_version=task.version,
        options=options,
        tissue=tissue,
        n_genes=n_genes,
        temperature=params.temperature,
        top_p=params.top_p,
        max_tokens=params.max_tokens,
        n_samples=sampling.n_samples,
        sentence_key=sentence_key,
        rng=params.seed,
        columns=list(adata_keys.generated_columns(key_added)),
        arrays=[],
    )
    warn_not_answered(int((found.status == adata_keys.NOT_ANSWERED).sum()), result.n_obs)
    status = result.obs[adata_keys.status(key_added)].value_counts().to_dict()
    logger.info("generated %d cells: %s", result.n_obs, status)
    return result


def _check_counts(counts: Mapping[str, int]) -> None:
    if not isinstance(counts, Mapping) or not counts:
        raise ValueError(f'counts must map cell types to numbers of cells, such as {{"B cell": 200}}, got {counts!r}')
    for label, n in counts.items():
        if not isinstance(label, str) or is_missing(label):
            raise ValueError(f"a cell type in counts must be a name, got {label!r}")
        positive_integer(f"counts[{label!r}]", n)
    if len(counts) > 1:
        check_labels(list(counts))


def _check_samples(spec: ModelSpec, sampling: Sampling, options: list[str]) -> None:
    n = sampling.n_samples
    if n == 1:
        return
    check_task(spec, Annotation.name)  # the dual of generation
    if sampling.temperature == 0:
        raise ValueError(f"n_samples={n} at temperature 0 gives {n} equal cells: pass a higher temperature")
    if len(options) < 2:
        raise ValueError(f"n_samples={n} needs other types to choose from than {options[0]!r}: request two types")


def _options(spec: ModelSpec, names: Mapping[str, str], tissue: str | None) -> list[str]:
    """Types that the dual task chooses from, spelled as in ``counts`` where they are requested."""
    possible = spec.known("annotation", "labels", ()) or tuple(names.values())
    label_sets = spec.known("annotation", "label_sets", {})
    if tissue is not None and label_sets:
        if tissue not in label_sets:
            raise ValueError(
                f"the model {spec.name!r} does not know the tissue {tissue!r}; it knows {', '.join(label_sets)}"
            )
        possible = label_sets[tissue]
        outside = [label for label, own in names.items() if own not in possible]
        if outside:
            raise ValueError(
                f"the model {spec.name!r} does not know {outside} in {tissue!r}, but {', '.join(possible)}: leave them "
                "out, or pass tissue=None"
            )
    requested = {own: label for label, own in names.items()}
    return [requested.get(own, own) for own in possible]


def genes_of_model(spec: ModelSpec, like: AnnData | None, sentence_key: str) -> OutputGenes | None:
    """The genes of the result, and the line; ``None`` where they are what the model will name."""
    if like is None:
        return None if spec.genes is None else output_vocabulary(spec, spec.genes)
    if sentence_key in like.obsm:
        return output_genes(like, spec, read_sentences(like, sentence_key))
    names, _ = select_genes(like, genes=None, exclude=None, gene_symbols=None)
    return OutputGenes(in_memory(like.var).copy(), names, gene_index(names, spec), line=spec.expression_model)


def output_vocabulary(spec: ModelSpec, symbols: Iterable[str]) -> OutputGenes:
    genes = np.array(sorted(symbols), dtype=object)
    var = pd.DataFrame(index=pd.Index(genes, dtype=object))
    return OutputGenes(var, genes, gene_index(genes, spec), line=spec.expression_model)
