"""From AnnData to lessons for alignment: questions whose answers are not read, one function a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ..models import ModelSpec
from ..tasks import (
    Annotation,
    Example,
    Generation,
    Response,
    Sensitivity,
    annotation_example,
    generation_example,
    response_example,
    sensitivity_example,
)
from ..train._judge import Dual
from ..train._lesson import Lesson
from ._corpus import Corpus
from ._labels import drug_choices, label_choices, own_names
from ._lessons import Columns, groups_of, perturbed

Hidden = Literal["random", "beyond", "cluster"]
#: Other cells of a cluster whose genes are pooled.
_MATES = 20


class Asked(NamedTuple):
    """What alignment is to ask."""

    columns: Columns
    #: Labels to choose from, as in ``tl.annotate``.
    labels: Sequence[str] | str | None
    how: Dual
    hidden: Hidden
    cluster: str | None
    #: Whether true answers are read, for the oracle.
    truth: bool
    augment: bool


def check_hidden(hidden: str, cluster: str | None) -> None:
    """Refuse what cannot be meant."""
    if hidden not in get_args(Hidden):
        raise ValueError(f"hidden must be one of {', '.join(get_args(Hidden))}, not {hidden!r}")
    if (hidden == "cluster") != (cluster is not None):
        raise ValueError("hidden='cluster' needs cluster=, the obs column with the clusters, and nothing else does")


def questions(
    corpus: Corpus, spec: ModelSpec, task: str, asked: Asked, n: int, rng: np.random.Generator
) -> list[Lesson]:
    """``n`` lessons of a task: every cell once, in random order, then again."""
    return _QUESTIONS[task](corpus, spec, asked, n, rng)


def _annotation(corpus: Corpus, spec: ModelSpec, asked: Asked, n: int, rng: np.random.Generator) -> list[Lesson]:
    names = label_choices(corpus.adata, spec, asked.labels)
    task = Annotation(spec.prompt_format, spec.genes, asked.how.given)

    def example(genes: Sequence[str], row: int, truth: str | None, **hidden: Any) -> Example:
        own = list(names.values())
        return annotation_example(genes, own, truth=truth, context=corpus.facts(row), **hidden)

    truth = _truth(corpus, spec, asked, asked.columns.labels, names)
    return _labelled(corpus, task, example, truth, asked, n, rng)


def _sensitivity(corpus: Corpus, spec: ModelSpec, asked: Asked, n: int, rng: np.random.Generator) -> list[Lesson]:
    if not asked.columns.drug:
        raise ValueError("the task 'sensitivity' needs drug=, the name of what the cells were given")
    drug, names = drug_choices(corpus.adata, spec, asked.columns.drug, asked.columns.sensitivity)
    task = Sensitivity(spec.prompt_format, spec.genes, asked.how.given)

    def example(genes: Sequence[str], row: int, truth: str | None, **hidden: Any) -> Example:
        own = list(names.values())
        return sensitivity_example(genes, drug, own, truth=truth, context=corpus.facts(row), **hidden)

    truth = _truth(corpus, spec, asked, asked.columns.sensitivity, names)
    return _labelled(corpus, task, example, truth, asked, n, rng)


def _generation(corpus: Corpus, spec: ModelSpec, asked: Asked, n: int, rng: np.random.Generator) -> list[Lesson]:
    """Each type as often as the others, in the surroundings of random cells."""
    names = label_choices(corpus.adata, spec, asked.labels)
    own = list(names.values())
    task = Generation(spec.prompt_format, spec.genes)
    truth = _truth(corpus, spec, asked, asked.columns.labels, names)
    found = []
    for i, row in enumerate(_rows(np.flatnonzero(corpus.readable), n, rng)):
        label, cell = own[i % len(own)], None
        if asked.truth:
            cell = tuple(corpus.genes([int(rng.choice(_cells_of(truth, label)))])[0])
        context = corpus.facts(row)
        found.append(Lesson(task, generation_example(label, own, n_genes=corpus.n_genes, truth=cell, context=context)))
    return [found[i] for i in rng.permutation(n)]


def _response(corpus: Corpus, spec: ModelSpec, asked: Asked, n: int, rng: np.random.Generator) -> list[Lesson]:
    """Every control cell under each perturbation in turn."""
    done, known = perturbed(corpus, spec, asked.columns)
    treatments = [one for one in known if not one.is_control]
    causes = [one for one in treatments if one in set(done)] or treatments
    group = groups_of(corpus, asked.columns)
    control = np.array([one is not None and one.is_control for one in done])
    task = Response(spec.prompt_format, spec.genes)
    found = []
    for i, row in enumerate(_rows(np.flatnonzero(control & corpus.readable), n, rng)):
        cause, after = causes[i % len(causes)], None
        if asked.truth:
            same = np.flatnonzero((group == group[row]) & np.array([one == cause for one in done]) & corpus.readable)
            if len(same) == 0:
                raise ValueError(f"no cell that agrees with {corpus.names[row]!r} in match= has {str(cause)!r}")
            after = tuple(corpus.genes([int(rng.choice(same))])[0])
        genes = _shown(corpus, row, asked, rng)
        context = corpus.facts(row)
        found.append(Lesson(task, response_example(genes, cause, known, truth=after, context=context)))
    return found


_QUESTIONS: dict[str, Callable[[Corpus, ModelSpec, Asked, int, np.random.Generator], list[Lesson]]] = {
    "annotation": _annotation,
    "sensitivity": _sensitivity,
    "generation": _generation,
    "response": _response,
}


def _labelled(
    corpus: Corpus,
    task: Annotation | Sensitivity,
    example: Callable[..., Example],
    truth: NDArray[Any],
    asked: Asked,
    n: int,
    rng: np.random.Generator,
) -> list[Lesson]:
    """Cells that are to get a label, with the genes that the dual has to give back."""
    cluster = corpus.column(asked.cluster, "cluster") if asked.cluster is not None else None
    found = []
    for row in _rows(np.flatnonzero(corpus.readable), n, rng):
        shown = _shown(corpus, row, asked, rng)
        hidden: Sequence[str] = ()
        if asked.hidden == "beyond":
            hidden = corpus.genes([row], beyond=2)[0][corpus.n_genes :]
        elif cluster is not None:
            hidden = _pooled(corpus, row, np.flatnonzero((cluster == cluster[row]) & corpus.readable), rng)
        if asked.hidden == "random":
            one = example(shown, row, truth[row], hidden_fraction=asked.how.hidden_fraction, rng=rng)
            if asked.how.given == "label":  # the question itself shows all genes
                one = replace(one, known={**one.known, "genes": tuple(shown)})
        else:
            one = replace(example(shown, row, truth[row]), unknown=tuple(hidden))
        found.append(Lesson(task, one))
    if not any(lesson.example.unknown for lesson in found):
        raise ValueError(
            f"hidden={asked.hidden!r} leaves nothing to give back: no sentence is longer than the {corpus.n_genes} "
            "genes that the model reads; write longer ones with sd.pp.cell_sentences(adata, n_genes=)"
        )
    return found


def _pooled(corpus: Corpus, row: int, cluster: NDArray[np.int64], rng: np.random.Generator) -> list[str]:
    """The genes that rank best over other cells of the cluster."""
    mates = cluster[cluster != row]
    chosen = rng.choice(mates, min(_MATES, len(mates)), replace=False) if len(mates) else np.array([row])
    weight: dict[str, float] = {}
    for genes in corpus.genes(chosen.tolist()):
        for rank, gene in enumerate(genes, 1):
            weight[gene] = weight.get(gene, 0.0) + 1 / rank
    return sorted(weight, key=lambda gene: (-weight[gene], gene))[: corpus.n_genes]


def _shown(corpus: Corpus, row: int, asked: Asked, rng: np.random.Generator) -> list[str]:
    return corpus.harder([row], rng)[0] if asked.augment else corpus.genes([row])[0]


def _rows(rows: NDArray[np.int64], n: int, rng: np.random.Generator) -> list[int]:
    if len(rows) == 0:
        raise ValueError("there is no cell to ask about: none has genes that the model knows, or none is a control")
    passes = [rng.permutation(rows) for _ in range(-(-n // len(rows)))]
    return [int(row) for row in np.concatenate(passes)[:n]]


def _truth(corpus: Corpus, spec: ModelSpec, asked: Asked, name: str | None, names: dict[str, str]) -> NDArray[Any]:
    """True labels in the model's words where they may be read, else nothing."""
    if not asked.truth:
        return np.full(len(corpus.names), None, dtype=object)
    if name is None:
        raise ValueError("reward='ground_truth' needs truth=, the obs column with the true labels")
    values = corpus.column(name, "truth")
    own = {value: _own(spec, value, names) for value in set(values) - {None}}
    return np.array([own.get(value) for value in values], dtype=object)


def _own(spec: ModelSpec, value: str, names: dict[str, str]) -> str | None:
    """The model's own name of a true label, ``None`` where it is none of those to choose from."""
    try:
        found = names.get(value) or own_names(spec, [value])[value]
    except ValueError:  # a type that the model does not know is no answer that it could give
        return None
    return found if found in names.values() else None


def _cells_of(truth: NDArray[Any], label: str) -> NDArray[np.int64]:
    rows = np.flatnonzero(truth == label)
    if len(rows) == 0:
        raise ValueError(
            f"no cell is a {label!r}, and reward='ground_truth' compares with real cells: leave it out of labels="
        )
    return rows
