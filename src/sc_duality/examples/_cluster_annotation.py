"""Examples of cell type annotation of clusters: one a group of cells."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..tasks import ClusterAnnotation, ClusterExample
from ._annotation import cell_type_options
from ._examples import Examples, cell_rng
from ._group_facts import group_context, group_markers
from ._hidden_genes import CellParts, hide

#: Differentially expressed genes in a prompt.
_N_MARKERS = 10
#: Cells of a group whose sentences are pooled at most.
_MAX_CELLS = 2000


class ClusterExamples(Examples):
    """Examples of cell type annotation of clusters."""

    task: ClusterAnnotation
    has_truth = False
    task_class = ClusterAnnotation

    @cached_property
    def groups(self) -> dict[str, NDArray[np.int64]]:
        """Rows of each group by its name, in the order of the names; cells without a group are in none."""
        values = pd.Series(self.cells.column(self.task.groupby, "groupby"))
        found: dict[str, NDArray[np.int64]] = dict(values.groupby(values).indices)
        return {name: np.asarray(found[name]) for name in sorted(found)}

    @cached_property
    def labels(self) -> dict[str, str]:
        """Options, each with the model's own name for it; none where the model names cell types freely."""
        if self.task.labels is None and not self.cells.spec.known("annotation", "labels", ()):
            return {}
        return {label: meant.name for label, meant in cell_type_options(self.cells, self.task.labels).items()}

    @cached_property
    def markers(self) -> dict[str, tuple[str, ...]]:
        """Differentially expressed genes of each group, from the matrix that its sentences were ranked from."""
        return group_markers(self.cells, self.task.groupby, _N_MARKERS)

    def predict_groups(self) -> dict[str, ClusterExample | None]:
        """One example a group by its name; ``None`` for a group without genes that the model knows."""
        return {
            name: self._example(name, CellParts(tuple(genes), (), ())) if genes else None
            for name, genes in self._sentences.items()
        }

    def groups_with_hidden(self, seed: int) -> dict[str, ClusterExample]:
        """One example a group with hidden genes, which depend on the seed and the group's name alone."""
        return {
            name: self._example(name, hide(genes, self.duality, cell_rng(seed, "hidden", name)))
            for name, genes in self._sentences.items()
        }

    @cached_property
    def _sentences(self) -> dict[str, list[str]]:
        return {name: self._pooled_sentence(name, rows) for name, rows in self.groups.items()}

    def _pooled_sentence(self, name: str, rows: NDArray[np.int64]) -> list[str]:
        """The genes with the highest mean rank weight over the readable cells of a group, or a random part of them."""
        rows = rows[self.cells.readable[rows]]
        if len(rows) > _MAX_CELLS:
            rows = np.sort(cell_rng(0, "pooled", name).choice(rows, _MAX_CELLS, replace=False))
        weight: dict[str, float] = {}
        for genes in self.cells.genes(rows):
            for rank, gene in enumerate(genes, 1):
                weight[gene] = weight.get(gene, 0.0) + 1 / rank
        return sorted(weight, key=lambda gene: (-weight[gene], gene))[: self.cells.n_genes]

    def _example(self, name: str, parts: CellParts) -> ClusterExample:
        rows = self.groups[name]
        return ClusterExample(
            **parts._asdict(),
            options=tuple(self.labels.values()),
            n_hidden_max=round(self.duality.hidden_fraction * self.cells.n_genes),
            context=group_context(self.cells, rows),
            markers=self.markers.get(name, ()),
            n_cells=len(rows),
            share=len(rows) / sum(map(len, self.groups.values())),
        )

    def labelled(self, rows: NDArray[np.bool_]) -> NoReturn:
        """Clusters are not trained on: a data set has too few."""
        raise ValueError(f"the task {self.task.name!r} is for prediction: train on 'annotation', whose unit is a cell")

    def unlabelled(self, n: int, rng: np.random.Generator, **_: Any) -> NoReturn:
        """Clusters are not trained on: a data set has too few."""
        self.labelled(self.cells.readable)
