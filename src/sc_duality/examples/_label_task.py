"""Examples of label tasks: a cell gets one of several labels."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..tasks import LabelExample, LabelTask, Task, TrainingExample, hide_genes
from ._cell_groups import members_of
from ._examples import Examples, Pool, Results, balanced_pool, cell_rng, every_row, groups, shown_genes
from ._hidden_cells import training_share
from ._hidden_genes import CellParts, hide, hide_for_training
from ._known_labels import KnownLabels, Meant
from ._label_options import column_labels, label_options, one_by_one, true_labels
from ._results import likely_labels, param_list, predictions

logger = logging.getLogger(__name__)

#: Wrong labels that the dual task learns to tell from the true one.
N_WRONG = 2


class LabelExamples(Examples):
    """Examples of a task that gives each cell one of several labels."""

    task: LabelTask
    task_class: ClassVar[type[Any]] = LabelTask

    @cached_property
    def _meant(self) -> dict[str, Meant]:
        labels = self.task.labels
        if labels is None and not self.known_labels and self.task.truth is not None:
            labels = column_labels(self.cells.adata, self.task.truth)
        return self._options(labels)

    @property
    def labels(self) -> dict[str, str]:
        """Labels as they are written into ``obs``, each with the model's own name for it, or that of a coarser type."""
        return {label: meant.name for label, meant in self._meant.items()}

    @cached_property
    def options(self) -> tuple[str, ...]:
        """The labels of the model to choose from; a coarse label stands for several."""
        return tuple(member for meant in self._meant.values() for member in meant.members)

    @property
    def label_of_option(self) -> NDArray[np.int64]:
        """Index of the label that each option belongs to."""
        return np.repeat(np.arange(len(self._meant)), [len(meant.members) for meant in self._meant.values()])

    @cached_property
    def model_options(self) -> tuple[str, ...]:
        """Options that the language model can write, without those that its reference classifier alone knows."""
        return tuple(option for option in self.options if option not in self.reference_labels)

    @property
    def reference_labels(self) -> Sequence[str]:
        """Labels that the model's reference classifier alone knows."""
        return tuple(self.cells.spec.known(self.task.name, "reference_labels", ()))

    @property
    def known_labels(self) -> Sequence[str]:
        """Labels that the model knows for this task; none where it takes any."""
        return tuple(self.cells.spec.known(self.task.name, "labels", ()))

    @property
    def n_genes(self) -> int:
        """Genes of a cell in a prompt at most."""
        return self.cells.n_genes

    def with_other_cells(self, example: Any, row: int) -> Any:
        """The example of the cell ``row`` with what its task shows of other cells; here nothing."""
        return example

    def predict(self, rows: slice, options: Sequence[str] | None = None) -> list[LabelExample | None]:
        """One example a cell, all of its genes shown; ``None`` for a cell without genes that the model knows."""
        genes_of = self.cells.genes(rows, n_genes=self.n_genes)
        cells = zip(range(len(self.cells))[rows], genes_of, self.cells.context(rows), strict=True)
        return [
            self.with_other_cells(self.example(CellParts(tuple(genes), (), ()), context=context, options=options), row)
            if genes
            else None
            for row, genes, context in cells
        ]

    def with_hidden(
        self, rows: slice, seed: int, options: Sequence[Sequence[str] | None] | None = None
    ) -> list[LabelExample]:
        """One example a cell with hidden genes, which depend on the seed and the cell's name alone.

        ``options`` are the labels of each cell that are compared; all by default.
        """
        names, found = self.cells.names[rows], []
        chosen = [None] * len(names) if options is None else options
        genes_of = self.cells.genes(rows, n_genes=self.n_genes)
        cells = zip(range(len(self.cells))[rows], genes_of, self.cells.context(rows), names, chosen, strict=True)
        for row, genes, context, name, compared in cells:
            parts = hide(genes, self.duality, cell_rng(seed, "hidden", name))
            found.append(self.with_other_cells(self.example(parts, context=context, options=compared), row))
        return found

    def example(
        self,
        parts: CellParts,
        *,
        context: Mapping[str, str],
        options: Sequence[str] | None = None,
        truth: str | None = None,
    ) -> LabelExample:
        """The example of one cell."""
        return LabelExample(**self.fields(parts, context, options, truth))

    def fields(
        self, parts: CellParts, context: Mapping[str, str], options: Sequence[str] | None, truth: str | None
    ) -> dict[str, Any]:
        """The fields that the examples of every label task have."""
        return {
            **parts._asdict(),
            "options": self.model_options if options is None else tuple(options),
            "n_hidden_max": round(self.duality.hidden_fraction * self.n_genes),
            "truth": truth,
            "context": context,
        }

    @cached_property
    def _truth(self) -> tuple[NDArray[Any], tuple[str, ...]]:
        """The true label of each cell in the model's names, ``None`` where missing, and the labels of training."""
        if self.task.truth is None:
            raise ValueError(
                f"the task {self.task.name!r} needs the obs column with the true labels: pass tasks={{"
                f"{self.task.name!r}: {{'truth': ...}}}}"
            )
        values = self.cells.column(self.task.truth, "truth")
        labels = self.task.labels
        labels = sorted({value for value in values if value is not None}) if labels is None else labels
        truth, names = true_labels(values, self._options(labels), self._known, self.task.truth)
        if without := [label for label in names if label in self.reference_labels]:
            raise ValueError(
                f"the language model {self.cells.spec.name!r} has no tokens for {without}, which its reference "
                "classifier alone knows: train it on them with sd.tl.train_sft first, or leave them out"
            )
        return truth, names

    @cached_property
    def _known(self) -> KnownLabels:
        """The labels that the model knows, by all of their names."""
        return KnownLabels(self.known_labels)

    def _options(self, labels: Sequence[str] | str | None) -> dict[str, Meant]:
        return label_options(self.cells.adata, self.cells.spec, labels, self._known)

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """Cells with a truth; a label is sampled in proportion to the square root of its number of cells."""
        return balanced_pool(self.cells, self._truth[0], rows, self._training_example)

    def _training_example(self, row: int, genes: list[str], rng: np.random.Generator) -> TrainingExample:
        """Half of the examples show some genes and hide the others, half reconstruct genes from the label alone."""
        values, options = self._truth
        alone, fraction = training_share(rng)
        others = [label for label in options if label != values[row]]
        wrong = rng.choice(others, min(N_WRONG, len(others)), replace=False).tolist()
        genes = genes[: self.n_genes]
        observed, hidden = hide_genes(genes, fraction, rng)
        parts = CellParts(tuple(genes), (), hidden) if alone else CellParts(observed, observed, hidden)
        context = self.cells.context([row])[0]
        return TrainingExample(
            self.task, self.example(parts, context=context, options=options, truth=values[row]), tuple(wrong)
        )

    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """Every cell once, in random order, then again; with ``hidden="cluster"``, every cell of a cluster."""
        truth = self._truth[0] if with_truth else np.full(len(self.cells), None, dtype=object)
        cluster = groups(self.cells, self.duality.cluster or (), "cluster")
        members, found = members_of(cluster, self.cells.readable), []
        for row in every_row(np.flatnonzero(self.cells.readable & (cluster != None)), n, rng):  # noqa: E711
            genes = shown_genes(self.cells, row, rng, augment=augment)[: self.n_genes]
            parts = hide_for_training(self.cells, row, genes, self.duality, members[cluster[row]], rng)
            example = self.example(parts, context=self.cells.context([row])[0], truth=truth[row])
            example = self.with_other_cells(example, row)
            found.append(TrainingExample(self.task, example, unit=str(self.cells.names[row])))
        if not any(one.example.has_hidden for one in found):
            raise ValueError(
                f"hidden={self.duality.hidden!r} hides nothing: no sentence is longer than the {self.cells.n_genes} "
                "genes that the model reads; write longer ones with sd.pp.cell_sentences(adata, n_genes=)"
            )
        return found

    @classmethod
    def task_from_params(cls, params: Mapping[str, Any]) -> Task:
        """The task with the labels of an earlier result."""
        return cls.task_class(labels=param_list(params, "labels"))

    def from_results(self, key: str, seed: int) -> Results:
        """Examples with hidden genes, and the labels in ``obs``."""
        one_by_one(self._meant)
        likely = likely_labels(self.cells.adata, key, self.duality.n_labels)
        return LabelResults(self, predictions(self.cells.adata, key, self.labels), likely, seed)

    def knowledge(self) -> dict[str, Any]:
        """The labels of a task that the model did not know before."""
        return {"labels": list(self._truth[1])}


class LabelResults(Results):
    """Labels in ``obs`` with their examples."""

    def __init__(
        self,
        examples: LabelExamples,
        labels: Sequence[str | None],
        likely: Sequence[Sequence[str]] | None,
        seed: int,
    ) -> None:
        self._examples, self._likely, self._seed = examples, likely, seed
        self.task, self.n_options = examples.task, len(examples.model_options)
        without = [label for label, own in examples.labels.items() if own in examples.reference_labels]
        if self.n_options < 2:
            raise ValueError(f"the language model has no tokens for {without}: nothing can be reconstructed from them")
        if without:
            logger.warning(
                "%s: the reference classifier alone knows these labels, and nothing can be reconstructed from them; "
                "their cells get no score, and the others compare with the other labels",
                ", ".join(without),
            )
        self._labels = [None if label in without else label for label in labels]
        if likely is not None:
            self.n_options = min(self.n_options, max(map(len, likely), default=0) or self.n_options)

    def block(self, rows: slice) -> tuple[list[Any], list[Any]]:
        """Examples and labels in the model's names; of the other labels the most probable ones are compared."""
        names = self._examples.labels
        labels = [None if label is None else names[label] for label in self._labels[rows]]
        options = None if self._likely is None else [
            self._compared(label, likely) for label, likely in zip(labels, self._likely[rows], strict=True)
        ]  # fmt: skip
        return list(self._examples.with_hidden(rows, self._seed, options)), labels

    def _compared(self, label: str | None, likely: Sequence[str]) -> list[str] | None:
        """The label with the likely ones, as many as these, in the order of all; all labels where there are none."""
        names, known = self._examples.labels, self._examples.model_options
        found = dict.fromkeys([label, *(names[other] for other in likely)])
        chosen = [one for one in found if one in known][: len(likely)]
        return [one for one in known if one in chosen] or None
