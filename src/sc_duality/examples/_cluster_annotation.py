"""Examples of cell type annotation of clusters: one a group of cells."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..cells import marker_genes
from ..tasks import ClusterAnnotation, ClusterExample
from ._annotation import cell_type_options
from ._examples import Examples, cell_rng
from ._hidden_genes import CellParts, hide

logger = logging.getLogger(__name__)

#: Differentially expressed genes in a prompt.
_N_MARKERS = 10
#: Cells of a group whose sentences are pooled at most.
_MAX_CELLS = 2000
#: Values of an obs column that a prompt names, and the smallest share of such a value.
_N_VALUES, _MIN_SHARE = 3, 0.05


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
        params = self.cells.sentences.params
        try:
            return marker_genes(
                self.cells.adata,
                self.task.groupby,
                n_genes=_N_MARKERS,
                layer=params.get("layer"),
                use_raw=bool(params.get("use_raw")),
                gene_symbols=params.get("gene_symbols"),
            )
        except (KeyError, ValueError) as error:
            logger.warning("prompts have no differentially expressed genes: %s", error.args[0])
            return {}

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
            context=self._group_context(rows),
            markers=self.markers.get(name, ()),
            n_cells=len(rows),
            share=len(rows) / sum(map(len, self.groups.values())),
        )

    def _group_context(self, rows: NDArray[np.int64]) -> dict[str, str]:
        """Facts about a group by column: its only value, or its most frequent ones with their shares."""
        facts = pd.DataFrame(self.cells.context(rows))
        return {str(name): _frequent_values(facts[name]) for name in facts}

    def labelled(self, rows: NDArray[np.bool_]) -> NoReturn:
        """Clusters are not trained on: a data set has too few."""
        raise ValueError(f"the task {self.task.name!r} is for prediction: train on 'annotation', whose unit is a cell")

    def unlabelled(self, n: int, rng: np.random.Generator, **_: Any) -> NoReturn:
        """Clusters are not trained on: a data set has too few."""
        self.labelled(self.cells.readable)


def _frequent_values(values: pd.Series) -> str:
    """The only value of a column, or the most frequent values with their shares of the cells that have one."""
    share = values.value_counts(normalize=True)
    if len(share) == 1:
        return str(share.index[0])
    order = sorted(share.items(), key=lambda pair: (-pair[1], str(pair[0])))
    kept = [pair for i, pair in enumerate(order) if i == 0 or (i < _N_VALUES and pair[1] >= _MIN_SHARE)]
    return ", ".join(f"{value} ({part:.0%} of the cells)" for value, part in kept)
