"""From AnnData to lessons with a truth, for supervised training: one function a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..models import ModelSpec
from ..tasks import (
    Annotation,
    Example,
    Generation,
    Perturbation,
    Response,
    Sensitivity,
    annotation_example,
    check_labels,
    generation_example,
    response_example,
    sensitivity_example,
)
from ..train._lesson import Lesson
from ._corpus import Corpus
from ._labels import own_names
from ._perturbations import known_as, perturbation_of

#: Cells whose sentences are made at once.
_AT_ONCE = 1024
#: Share of the duals of a label that see the label alone, and the shares of genes that are hidden from either.
_LABEL_ALONE, _HIDDEN_ALONE, _HIDDEN = 0.5, (0.5, 1.0), (0.2, 0.9)
#: Wrong labels that the dual is to tell from the true one.
_WRONG = 2
#: Share of pairs in which nothing was done: without them, a model writes down the most common change for every cell.
_UNTREATED = 0.5


class Columns(NamedTuple):
    """Which columns of ``obs`` say what is to be learned."""

    labels: str | None = None
    sensitivity: str | None = None
    drug: str | None = None
    perturbation: str | None = None
    #: What was done, by what stands in that column.
    perturbations: Mapping[str, Perturbation | Sequence[str]] = {}
    #: Columns in which a treated cell and its control agree.
    match: Sequence[str] = ()


class Source(NamedTuple):
    """Where the lessons of one task and one AnnData come from."""

    #: Cells to start from, with a weight each.
    rows: NDArray[np.int64]
    weights: NDArray[np.float64]
    #: The lesson that starts from a cell with these genes.
    lesson: Callable[[int, list[str], np.random.Generator], Lesson]


def draw(corpus: Corpus, source: Source, n: int, rng: np.random.Generator, *, augment: bool) -> Iterator[Lesson]:
    """``n`` lessons from cells drawn by their weights."""
    for start in range(0, n, _AT_ONCE):
        rows = rng.choice(source.rows, min(_AT_ONCE, n - start), p=source.weights / source.weights.sum())
        chosen = rows.tolist()
        cells = corpus.harder(chosen, rng) if augment else corpus.genes(chosen)
        for row, genes in zip(chosen, cells, strict=True):
            yield source.lesson(row, genes, rng)


def annotation(corpus: Corpus, spec: ModelSpec, columns: Columns, of: NDArray[np.bool_]) -> Source:
    """A cell's type."""
    truth, labels = _labels(corpus, spec, columns.labels, "labels")
    tasks = Annotation(spec.prompt_format, spec.genes, "observed"), Annotation(spec.prompt_format, spec.genes, "label")

    def example(genes: Sequence[str], row: int, **hidden: Any) -> Example:
        return annotation_example(genes, labels, truth=truth[row], context=corpus.facts(row), **hidden)

    return _labelled(corpus, truth, of, labels, tasks, example)


def sensitivity(corpus: Corpus, spec: ModelSpec, columns: Columns, of: NDArray[np.bool_]) -> Source:
    """How a cell takes a drug."""
    if not columns.drug:
        raise ValueError("the task 'sensitivity' needs drug=, the name of what the cells were given")
    drug = columns.drug
    truth, labels = _labels(
        corpus, spec, columns.sensitivity, "sensitivity", spec.known("sensitivity", "drugs", {}).get(drug, ())
    )
    tasks = (
        Sensitivity(spec.prompt_format, spec.genes, "observed"),
        Sensitivity(spec.prompt_format, spec.genes, "label"),
    )

    def example(genes: Sequence[str], row: int, **hidden: Any) -> Example:
        return sensitivity_example(genes, drug, labels, truth=truth[row], context=corpus.facts(row), **hidden)

    return _labelled(corpus, truth, of, labels, tasks, example)


def generation(corpus: Corpus, spec: ModelSpec, columns: Columns, of: NDArray[np.bool_]) -> Source:
    """A cell of a type."""
    truth, labels = _labels(corpus, spec, columns.labels, "labels")
    task = Generation(spec.prompt_format, spec.genes)

    def lesson(row: int, genes: list[str], _: np.random.Generator) -> Lesson:
        context = corpus.facts(row)
        return Lesson(task, generation_example(truth[row], labels, n_genes=len(genes), truth=genes, context=context))

    return Source(*_balanced(corpus, truth, of), lesson)


def response(corpus: Corpus, spec: ModelSpec, columns: Columns, of: NDArray[np.bool_]) -> Source:
    """A cell after what was done to it; controls are paired with cells that agree in ``match``."""
    done, known = perturbed(corpus, spec, columns)
    group = groups_of(corpus, columns)
    control = np.array([one is not None and one.is_control for one in done])
    members: dict[str, dict[Perturbation, NDArray[np.int64]]] = {}
    for row in np.flatnonzero(of & corpus.readable & np.array([one is not None for one in done])):
        members.setdefault(group[row], {}).setdefault(done[row], []).append(row)  # type: ignore[arg-type,attr-defined]
    treated = {name: [one for one in found if not one.is_control] for name, found in members.items()}
    paired = [name for name, found in treated.items() if found and any(one.is_control for one in members[name])]
    if not paired:
        raise ValueError(
            f"obs[{columns.perturbation!r}] has no control and treated cells that agree in match={list(columns.match)}"
        )
    rows = np.flatnonzero(of & corpus.readable & control & np.isin(group, paired))
    task = Response(spec.prompt_format, spec.genes)

    def lesson(row: int, genes: list[str], rng: np.random.Generator) -> Lesson:
        found = members[group[row]]
        nothing = next(one for one in found if one.is_control)
        cause = nothing if rng.random() < _UNTREATED else treated[group[row]][rng.integers(len(treated[group[row]]))]
        after = corpus.genes([int(rng.choice(found[cause]))])[0]
        return Lesson(task, response_example(genes, cause, known, truth=after, context=corpus.facts(row)))

    return Source(rows, np.ones(len(rows)), lesson)


#: By name of the task.
SOURCES: dict[str, Callable[[Corpus, ModelSpec, Columns, NDArray[np.bool_]], Source]] = {
    "annotation": annotation,
    "sensitivity": sensitivity,
    "generation": generation,
    "response": response,
}


def perturbed(corpus: Corpus, spec: ModelSpec, columns: Columns) -> tuple[NDArray[Any], list[Perturbation]]:
    """What was done to each cell, ``None`` where that is not known, and all that may have been done."""
    if columns.perturbation is None or not columns.perturbations:
        raise ValueError(
            "the task 'response' needs perturbation=, a column of obs, and perturbations=, what each of its values "
            'means, such as {"ctrl": ("control",), "stim": ("cytokine", "IFNB1")}'
        )
    values = corpus.column(columns.perturbation, "perturbation")
    meaning = {value: known_as(spec, perturbation_of(one)) for value, one in columns.perturbations.items()}
    if not any(one.is_control for one in meaning.values()):
        raise ValueError('none of perturbations= is ("control",): nothing can be compared without untreated cells')
    known = [known_as(spec, Perturbation(**fields)) for fields in spec.known("response", "perturbations", ())]
    known = known or list(dict.fromkeys(meaning.values()))
    return np.array([meaning.get(value) for value in values], dtype=object), known


def groups_of(corpus: Corpus, columns: Columns) -> NDArray[Any]:
    """What the columns ``match`` say of each cell, as one word."""
    parts = [corpus.column(name, "match") for name in columns.match]
    words = [" | ".join(map(str, values)) for values in zip(*parts, strict=True)]
    return np.array(words or [""] * len(corpus.names), dtype=object)


def _labels(
    corpus: Corpus, spec: ModelSpec, name: str | None, what: str, known: Sequence[str] | None = None
) -> tuple[NDArray[Any], list[str]]:
    """The true label of each cell in the model's own words, ``None`` where there is none, and all labels."""
    if name is None:
        raise ValueError(f"{what}= must name the obs column with the true labels")
    values = corpus.column(name, what)
    names = own_names(spec, check_labels(sorted({value for value in values if value is not None})), known)
    return np.array([names.get(value) for value in values], dtype=object), list(names.values())


def _balanced(
    corpus: Corpus, truth: NDArray[Any], of: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cells with a truth; a type is drawn in proportion to the square root of its number of cells."""
    rows = np.flatnonzero(of & corpus.readable & np.array([label is not None for label in truth]))
    if len(rows) == 0:
        raise ValueError("no cell has both a label and genes that the model knows")
    label = pd.Series(truth[rows])
    return rows, label.map(label.value_counts()).to_numpy(dtype=float) ** -0.5


def _labelled(
    corpus: Corpus,
    truth: NDArray[Any],
    of: NDArray[np.bool_],
    labels: list[str],
    tasks: tuple[Annotation, Annotation] | tuple[Sensitivity, Sensitivity],
    example: Callable[..., Example],
) -> Source:
    """Half of the lessons show some genes and hide the others, half ask for the genes from the label alone."""

    def lesson(row: int, genes: list[str], rng: np.random.Generator) -> Lesson:
        alone = bool(rng.random() < _LABEL_ALONE)
        share = rng.uniform(*(_HIDDEN_ALONE if alone else _HIDDEN))
        others = [label for label in labels if label != truth[row]]
        wrong = rng.choice(others, min(_WRONG, len(others)), replace=False).tolist()
        found = example(genes, row, hidden_fraction=share, rng=rng)
        if alone:  # its own question shows all genes
            found = Example({**found.known, "genes": tuple(genes)}, found.unknown, found.truth, found.context)
        return Lesson(tasks[alone], found, wrong)

    return Source(*_balanced(corpus, truth, of), lesson)
