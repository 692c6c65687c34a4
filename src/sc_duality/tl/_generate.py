"""Write cells of given types."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from .._settings import settings
from ..cells import adata_keys, in_memory, modality, seed, select_genes
from ..models import LanguageModel, ModelSpec, SamplingParams, load, resolve
from ..tasks import Annotation, Generation, check_labels, generation_example
from ._answers import NOT_ANSWERED
from ._ask import check_task, genes_asked, provenance, report_unanswered
from ._best_of import best_written, check_best_of
from ._cells import Frame, frame_of, places, to_anndata, written
from ._labels import own_names

logger = logging.getLogger(__name__)


def generate(
    model: str | Path | LanguageModel | None,
    counts: Mapping[str, int],
    *,
    tissue: str | None = None,
    like: AnnData | None = None,
    n_genes: int | None = None,
    temperature: float = 1.0,
    top_p: float = 1.0,
    max_tokens: int | None = None,
    best_of: int = 1,
    key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.GENERATION,
    rng: int | np.random.Generator | None = 0,
) -> AnnData:
    """Write cells of given types with a language model.

    The model is told a type and writes a cell sentence, from which expression is rebuilt. What it writes is taken as
    it is: a gene that is named again keeps its first place, what is no gene is left out, and both are counted. A text
    that holds no cell at all stays in the result as a cell without genes.

    Parameters
    ----------
    model
        Who writes: see :func:`sc_duality.models.load`; ``None`` takes the model inside this package.
    counts
        How many cells of each type, as in ``{"B cell": 200, "NK cell": 50}``. A model with types of its own knows
        them by their synonyms too.
    tissue
        Where the cells are from. A model with label sets knows their names only, and no other types in them.
    like
        Cells to be like: ``var`` is theirs, names count that may stand in their sentences (or in ``var_names`` if
        they have none), and expression follows their fit (:func:`sc_duality.pp.fit_expression`).
    n_genes
        Genes of a cell at most; by default what the model is made for.
    temperature, top_p
        How freely to draw. At 0, all cells of a type are the same.
    max_tokens
        How much to write at most; by default what ``n_genes`` genes need.
    best_of
        Above 1, so many cells are written for each one that is asked for, and that one is kept from which the model
        reads back its type with the highest probability (the dual). Takes as many times as long; what that is worth
        is measured in ``benchmarks/RESULTS.md``.
    key
        Where the cell sentences are written, and where those of ``like`` lie.
    key_added
        Name of what else is written.
    rng
        Seed of the draws, or a generator.

    Returns
    -------
    A new AnnData, cells × genes, with the cells in the order of ``counts``. Genes are those of ``like``, else the
    words of the model, else, for a model that reads any text, all names that it wrote, whether they are genes or not.

    ``X``
        CSR float32, log10(1 + counts per 10,000), rebuilt by :func:`sc_duality.pp.reconstruct_expression` with the line
        that ``like`` was fitted with, else the model's own. There is no ``X`` where there is neither.
    ``obs[key_added]``
        The type that was asked for (categorical), as it stands in ``counts``.
    ``obs[key_added + "_status"]``
        ``"ok"``, ``"not answered"`` (the model gave no answer, as an endpoint that failed), or why what it wrote
        could not be read.
    ``obs[key_added + "_n_unknown_genes"]``, ``obs[key_added + "_n_duplicate_genes"]``
        How many names were no gene, and how many genes were named again; 0 where the text could not be read.
    ``obsm[key]``, ``uns[key]``
        The sentences, as from :func:`sc_duality.pp.cell_sentences`.
    ``uns[key_added]``
        ``params``: the model, its fingerprint, versions and all settings; ``candidates`` are the types that
        :func:`sc_duality.tl.duality` chooses from.

    Raises
    ------
    ValueError, KeyError, TypeError
        If something in the input cannot be used, before the model is loaded; says what and how to mend it.

    Notes
    -----
    The primal side of CellDuality's generation task (§3.1, table 1; §3.4.1).

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.tl.generate("embedded", {"B cell": 3, "NK cell": 2}, tissue="blood", n_genes=10)
    >>> adata.obs["cell_type"].tolist()
    ['B cell', 'B cell', 'B cell', 'NK cell', 'NK cell']
    >>> adata.obsm["cell_sentence"].shape
    (5, 10)
    """
    asked = settings.model if model is None else model
    spec = resolve(asked)
    check_task(spec, Generation.name)
    _check_counts(counts)
    names = own_names(spec, list(counts))
    candidates = _candidates(spec, names, tissue)
    _check_best_of(best_of, spec, candidates, temperature)
    n_genes = genes_asked(spec, n_genes)
    max_tokens = spec.max_new_tokens(n_genes) if max_tokens is None else max_tokens
    sampling = SamplingParams(max_tokens=max_tokens, temperature=temperature, top_p=top_p, seed=seed(rng))
    frame = _frame(spec, None if like is None else modality(like), key)
    task = Generation(spec.prompt_format, known_genes=None if frame is None else frozenset(frame.place))

    context = {} if tissue is None else {"tissue": tissue}
    own = [names.get(name, name) for name in candidates]
    examples = {label: generation_example(names[label], own, n_genes=n_genes, context=context) for label in counts}
    labels = [label for label, n in counts.items() for _ in range(n)]
    engine = load(asked)
    questions = [examples[label] for label in labels] * best_of
    found = written(engine, task, questions, [n_genes] * len(questions), sampling)
    if best_of > 1:
        found = best_written(engine, task, questions, found, len(labels))

    if frame is None:
        frame = _over(spec, {gene for cell in found.cells for gene in cell})
    obs = pd.DataFrame(
        {key_added: pd.Categorical(labels, categories=list(counts))},
        index=[f"{label} {i}" for label, n in counts.items() for i in range(n)],
    )
    result = to_anndata(found, obs, frame, n_genes=n_genes, key=key, key_added=key_added)
    result.uns[key_added] = provenance(
        engine,
        task.prompt_format,
        task=task.name,
        task_version=task.version,
        candidates=candidates,
        tissue=tissue,
        key=key,
        n_genes=n_genes,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        best_of=best_of,
        rng=sampling.seed,
    )
    report_unanswered(int((found.status == NOT_ANSWERED).sum()), result.n_obs)
    logger.info("wrote %d cells: %s", result.n_obs, result.obs[adata_keys.status(key_added)].value_counts().to_dict())
    return result


def _check_counts(counts: Mapping[str, int]) -> None:
    if not isinstance(counts, Mapping) or not counts:
        raise ValueError(f'counts must say how many cells of each type, such as {{"B cell": 200}}, got {counts!r}')
    for label, n in counts.items():
        if not isinstance(label, str) or not label.strip():
            raise ValueError(f"a type in counts must be a name, got {label!r}")
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"counts[{label!r}] must be a positive integer, got {n!r}")
    if len(counts) > 1:
        check_labels(list(counts))


def _check_best_of(best_of: int, spec: ModelSpec, candidates: list[str], temperature: float) -> None:
    check_best_of(best_of)
    if best_of == 1:
        return
    check_task(spec, Annotation.name)  # which reads the type back
    if temperature <= 0:
        raise ValueError(f"best_of={best_of} would write {best_of} times the same: pass temperature=, such as 1.0")
    if len(candidates) < 2:
        raise ValueError(f"best_of={best_of} needs other types to choose from than {candidates[0]!r}: ask for two")


def _candidates(spec: ModelSpec, names: Mapping[str, str], tissue: str | None) -> list[str]:
    """The types that the dual may choose from, spelled as in ``counts`` where they are asked for."""
    possible = spec.known("annotation", "labels", ()) or tuple(names)
    label_sets = spec.known("annotation", "label_sets", {})
    if tissue is not None and label_sets:
        if tissue not in label_sets:
            raise ValueError(
                f"the model {spec.name!r} does not know the tissue {tissue!r}; it knows {', '.join(label_sets)}"
            )
        possible = label_sets[tissue]
        foreign = [label for label, own in names.items() if own not in possible]
        if foreign:
            raise ValueError(
                f"the model {spec.name!r} knows no {foreign} in {tissue!r}, but {', '.join(possible)}: leave them out, "
                "or pass tissue=None"
            )
    asked = {own: label for label, own in names.items()}
    return [asked.get(own, own) for own in possible]


def _frame(spec: ModelSpec, like: AnnData | None, key: str) -> Frame | None:
    """The genes to write over, and the line; ``None`` where they are what the model will name."""
    if like is None:
        return None if spec.genes is None else _over(spec, spec.genes)
    if key not in like.obsm:
        names, _ = select_genes(like, genes=None, exclude=None, gene_symbols=None)
        return Frame(in_memory(like.var).copy(), names, places(names, spec), line=spec.expression_model)
    return frame_of(like, spec, key)


def _over(spec: ModelSpec, words: Iterable[str]) -> Frame:
    """These words as genes."""
    genes = np.array(sorted(words), dtype=object)
    index = pd.Index(genes, dtype=object)
    return Frame(pd.DataFrame(index=index), genes, places(genes, spec), line=spec.expression_model)
