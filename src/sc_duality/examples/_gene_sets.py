"""Examples of gene set enumeration and naming, from gene sets and not from cells."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..cells import preview
from ..tasks import GeneSetEnumeration, GeneSetExample, GeneSetNaming, TrainingExample, check_gene_sets
from ._examples import Examples, Pool, cell_rng, every_row
from ._known_genes import model_names

logger = logging.getLogger(__name__)

#: Names to choose from for a model that cannot write a name of its own.
_N_OPTIONS = 10


class GeneSetExamples(Examples):
    """Examples of a task on gene sets."""

    task: GeneSetEnumeration | GeneSetNaming
    about_cells = False
    of_cells = False

    @property
    def has_truth(self) -> bool:
        """Gene sets have a name and genes."""
        return True

    @cached_property
    def sets(self) -> dict[str, tuple[str, ...]]:
        """The genes of each set that the model knows; sets without one are left out."""
        if self.task.gene_sets is None:
            raise ValueError(
                f"the task {self.task.name!r} needs gene sets: pass tasks={{{self.task.name!r}: {{'gene_sets': "
                "sd.io.read_gmt(path)}}"
            )
        sets = check_gene_sets(self.task.gene_sets)
        known = {name: _known(self, genes) for name, genes in sets.items()}
        without = [name for name, genes in known.items() if not genes]
        if len(without) == len(known):
            raise ValueError(f"the model {self.cells.spec.name!r} knows no gene of {preview(without)}")
        if without:
            logger.warning("gene sets without a gene that the model knows are left out: %s", preview(without))
        return {name: genes for name, genes in known.items() if genes}

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """The sets among ``rows``: a random cell stands for each, so that as many sets as cells are held out."""
        names = list(self.sets)
        stands = np.array([int(cell_rng(0, "gene set", name).integers(len(rows))) for name in names])
        found = np.flatnonzero(rows[stands])
        return Pool(found, np.ones(len(found)), self._training_example, of_cells=False)

    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """Every set once, in random order, then again."""
        rows = np.arange(len(self.sets))
        return [self._example(i, rng, with_truth=with_truth) for i in every_row(rows, n, rng)]

    def _training_example(self, i: int, genes: list[str], rng: np.random.Generator) -> TrainingExample:
        return self._example(i, rng, with_truth=True)

    def _example(self, i: int, rng: np.random.Generator, *, with_truth: bool) -> TrainingExample:
        name, genes = list(self.sets.items())[i]
        if len(genes) > self.task.max_genes:
            genes = tuple(genes[j] for j in np.sort(rng.choice(len(genes), self.task.max_genes, replace=False)))
        return TrainingExample(self.task, self.example(name, genes, self._options(name, rng), with_truth=with_truth))

    def _options(self, name: str, rng: np.random.Generator) -> tuple[str, ...]:
        """The name among others in random order, for a model with one token a gene; none for others."""
        if self.cells.spec.genes is None:
            return ()
        others = [other for other in self.sets if other != name]
        chosen = [name, *rng.choice(others, min(_N_OPTIONS - 1, len(others)), replace=False).tolist()]
        return tuple(chosen[j] for j in rng.permutation(len(chosen)))

    @abstractmethod
    def example(
        self, name: str, genes: tuple[str, ...], options: tuple[str, ...], *, with_truth: bool
    ) -> GeneSetExample:
        """The example of a set."""


class GeneSetEnumerationExamples(GeneSetExamples):
    """Examples of gene set enumeration."""

    task_class = GeneSetEnumeration

    def example(
        self, name: str, genes: tuple[str, ...], options: tuple[str, ...], *, with_truth: bool
    ) -> GeneSetExample:
        """A name, and the genes to find."""
        truth = genes if with_truth else None
        return GeneSetExample(name=name, n_genes=len(genes), options=options, reconstructed=True, truth=truth)


class GeneSetNamingExamples(GeneSetExamples):
    """Examples of gene set naming."""

    task_class = GeneSetNaming

    def example(
        self, name: str, genes: tuple[str, ...], options: tuple[str, ...], *, with_truth: bool
    ) -> GeneSetExample:
        """Genes, and the name to find."""
        return GeneSetExample(genes=genes, options=options, reconstructed=True, truth=name if with_truth else None)


def _known(examples: Examples, genes: Sequence[str]) -> tuple[str, ...]:
    """The model's symbols of these genes."""
    names = model_names(np.array(genes, dtype=object), examples.cells.spec)
    return tuple(dict.fromkeys(name for name in names if name is not None))
