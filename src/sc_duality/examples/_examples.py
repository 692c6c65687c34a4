"""The shape of an examples builder: from the cells of one AnnData to the examples of one task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..duality import Duality
from ..tasks import Task, TrainingExample
from ._model_cells import ModelCells
from ._results import param_list

#: Cells whose sentences are read at once.
_CHUNK = 1024


class Pool(NamedTuple):
    """Cells to sample training examples from, or gene sets."""

    rows: NDArray[np.int64]
    weights: NDArray[np.float64]
    #: Makes the training example that starts from the cell of this row, with these genes.
    example: Callable[[int, list[str], np.random.Generator], TrainingExample]
    #: Whether rows are those of cells; else examples get no genes of a cell.
    of_cells: bool = True


class Examples(ABC):
    """Builds the examples of one task from the cells of one AnnData.

    Parameters
    ----------
    task
        The task with its columns; it is put into the model's prompt format and vocabulary.
    cells
        The cells as the model reads them.
    duality
        What the dual task shows and hides.
    """

    #: The task that is built where only its name is given.
    task_class: ClassVar[type[Task]]
    #: Whether a prompt is about a cell, so that a repeated cell repeats the prompt.
    about_cells: ClassVar[bool] = True
    #: Whether examples are made from cells; else they are the same for every data set.
    of_cells: ClassVar[bool] = True
    #: Whether augmented cells may be training examples; cells that the model learns to write stay as measured.
    augmentable: ClassVar[bool] = True
    #: Whether groups of cells, which ``groupby`` names, get labels.
    labels_groups: ClassVar[bool] = False
    #: Whether the answers to a question are few enough to score each.
    lists_answers: ClassVar[bool] = True
    #: The task that a model must know to score results, if it is another one.
    dual_task: ClassVar[str | None] = None
    #: Whether training adds to what a model knows of the task that it was trained for before.
    extends_knowledge: ClassVar[bool] = False

    def __init__(self, task: Task, cells: ModelCells, duality: Duality | None = None) -> None:
        self.task: Any = task.for_model(cells.spec.prompt_format, cells.spec.genes)
        #: The cells; a column that is the truth of the task is not among the facts that prompts state.
        self.cells = cells.without_fact(self.truth_column)
        self.duality = duality or Duality()

    @property
    def truth_column(self) -> str | None:
        """The ``obs`` column without which the task cannot be trained, if there is one."""
        found = getattr(self.task, "truth", None)
        return found if isinstance(found, str) else None  # reference texts may come as a table

    @property
    def has_truth(self) -> bool:
        """Whether the true answers are in the data."""
        return self.task.truth is not None

    @abstractmethod
    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """The cells among ``rows`` that training examples with a truth can start from."""

    @abstractmethod
    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """``n`` training examples for a reward; the truth is read only ``with_truth``."""

    @classmethod
    def task_from_params(cls, params: Mapping[str, Any]) -> Task:
        """The task of an earlier result, from its ``params``."""
        raise ValueError(f"results of the task {params['task']!r} cannot be scored by duality")

    @classmethod
    def with_params(cls, task: Any, params: Mapping[str, Any]) -> Task:
        """A task of the user's own with the labels of an earlier result, from its ``params``."""
        return replace(task, labels=param_list(params, "labels"))

    def settings(self) -> dict[str, Any]:
        """Settings of the task that a result keeps, next to its labels."""
        return {}

    def from_results(self, key: str, seed: int) -> Results:
        """The examples and predictions of an earlier result; ``seed`` decides which genes are hidden."""
        raise ValueError(f"results of the task {self.task.name!r} in obs[{key!r}] cannot be scored by duality")

    def cell_types(self) -> list[str]:
        """Cell types of the cells in the user's words, if the task is trained on them."""
        return []

    def reference_truth(self) -> NDArray[Any] | None:
        """The cell type of each cell in the model's words, if the task tells it: for the reference classifier."""
        return None

    def of_no_type(self, genes: Sequence[str], answer: str) -> TrainingExample:
        """A cell of none of the types, for which ``answer`` is right; only of a task with a ``reference_truth``."""
        raise TypeError(f"the task {self.task.name!r} gives cells no types")

    def knowledge(self) -> dict[str, Any]:
        """What a model knows of the task after training on these examples."""
        return {}


class Results(ABC):
    """Earlier predictions with their examples, block by block."""

    #: The task in the prompt format of the model.
    task: Task
    #: Options that each prediction competes with in the posterior form; 1 where it does not.
    n_options: int = 1
    #: Index of the group of each cell, −1 where it is in none, if an example is about a group; else ``None``.
    unit_of_cell: NDArray[np.int64] | None = None

    @abstractmethod
    def block(self, rows: slice) -> tuple[list[Any], list[Any]]:
        """Examples and predictions of these cells or groups; ``None`` where there is no prediction."""


def sample_examples(
    cells: ModelCells, pool: Pool, n: int, rng: np.random.Generator, *, augment: bool
) -> Iterator[TrainingExample]:
    """``n`` training examples from cells sampled by their weights; what is not of cells comes once, then again.

    Examples
    --------
    >>> import numpy as np
    >>> import sc_duality as sd
    >>> from sc_duality.examples import ModelCells, build, sample_examples
    >>> from sc_duality.tasks import Annotation
    >>> cells = ModelCells(sd.datasets.pbmc3k()[::20].copy(), sd.models.resolve("embedded"))
    >>> pool = build(Annotation(truth="cell_type"), cells).labelled(np.ones(len(cells), dtype=bool))
    >>> len(list(sample_examples(cells, pool, 4, np.random.default_rng(0), augment=True)))
    4
    """
    if n == 0:
        return
    if not pool.of_cells:
        yield from (pool.example(row, [], rng) for row in every_row(pool.rows, n, rng))
        return
    for start in range(0, n, _CHUNK):
        chosen = rng.choice(pool.rows, min(_CHUNK, n - start), p=pool.weights / pool.weights.sum()).tolist()
        sentences = cells.augmented(chosen, rng) if augment else cells.genes(chosen)
        for row, genes in zip(chosen, sentences, strict=True):
            yield pool.example(row, genes, rng)


def balanced_pool(
    cells: ModelCells,
    truth: NDArray[Any],
    rows: NDArray[np.bool_],
    example: Callable[[int, list[str], np.random.Generator], TrainingExample],
) -> Pool:
    """Cells with a truth among ``rows``, weighted by the square root of their label's frequency."""
    found = np.flatnonzero(rows & cells.readable & np.array([label is not None for label in truth]))
    if len(found) == 0:
        raise ValueError("no cell has both a label and genes that the model knows")
    label = pd.Series(truth[found])
    return Pool(found, label.map(label.value_counts()).to_numpy(dtype=float) ** -0.5, example)


def every_row(rows: NDArray[np.int64], n: int, rng: np.random.Generator) -> list[int]:
    """``n`` rows in random order: each once, then again."""
    if len(rows) == 0:
        raise ValueError(
            "no cell can be used: each lacks genes that the model knows, or the control, cluster or value of match= "
            "that is needed"
        )
    passes = [rng.permutation(rows) for _ in range(-(-n // len(rows)))]
    return [int(row) for row in np.concatenate(passes)[:n]]


def shown_genes(cells: ModelCells, row: int, rng: np.random.Generator, *, augment: bool) -> list[str]:
    """The genes of a cell, augmented if that is wanted."""
    return cells.augmented([row], rng)[0] if augment else cells.genes([row])[0]


def groups(cells: ModelCells, columns: str | Sequence[str], argument: str) -> NDArray[Any]:
    """The values of this ``obs`` column, or of these together, one text a cell; ``None`` where one is missing."""
    values = [cells.column(name, argument) for name in ([columns] if isinstance(columns, str) else columns)]
    texts = [None if None in row else " | ".join(row) for row in zip(*values, strict=True)]
    return np.array(texts or [""] * len(cells), dtype=object)


def cell_rng(seed: int, purpose: str, name: str) -> np.random.Generator:
    """Random numbers of one cell, whatever other cells there are.

    Examples
    --------
    >>> from sc_duality.examples import cell_rng
    >>> bool(cell_rng(0, "hidden", "AAAC-1").random() == cell_rng(0, "hidden", "AAAC-1").random())
    True
    """
    return np.random.default_rng([seed, *blake2b(f"{purpose}\n{name}".encode(), digest_size=16).digest()])
