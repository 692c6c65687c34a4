"""Cells of none of the types, made of labelled cells: doublets, empty droplets, and cells with exchanged genes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._model_cells import ModelCells

#: Shares of doublets and of empty droplets; the others have exchanged genes.
_P_DOUBLET, _P_DROPLET = 0.4, 0.2
#: Counts of a doublet, and the largest share of one of its cells; counts of an empty droplet.
_DOUBLET, _MAX_SHARE, _DROPLET = 1000, 0.75, (60, 3000)
#: Fewest and most of a cell's genes that are exchanged.
_EXCHANGED = (0.5, 1.0)
#: Jitter of log counts; fewest genes of a sentence, and the shortest as a fraction of the longest.
_JITTER, _MIN_GENES, _MIN_LENGTH = 0.25, 25, 0.3
#: How often a cell with too few genes is drawn anew.
_TRIES = 20


class _Study(NamedTuple):
    """The typed training cells of one object."""

    cells: ModelCells
    #: Index of each gene that the model knows among those of all studies.
    columns: NDArray[np.int64]
    #: Rows of each type.
    rows: dict[str, NDArray[np.int64]]
    #: Share of each gene in the counts of the training cells, (n_genes,).
    background: NDArray[np.float64]


class CellsOfNoType:
    """Draws cells that are of none of the types of their study, or of several at once.

    They are made of cells as augmentation draws them, so that augmentation does not tell the two apart.

    Parameters
    ----------
    studies
        The cells of each.
    types
        The type of each cell, ``None`` where it is missing; ``None`` for a study without types, which is left out.
    training
        Which cells of each study may be used.

    Raises
    ------
    ValueError
        No study with types has raw counts.

    Examples
    --------
    >>> import numpy as np
    >>> import sc_duality as sd
    >>> from sc_duality.examples import CellsOfNoType, ModelCells
    >>> adata = sd.datasets.pbmc3k()
    >>> cells = ModelCells(adata, sd.models.resolve("embedded"))
    >>> drawn = CellsOfNoType([cells], [adata.obs["cell_type"].to_numpy(object)], [np.ones(len(cells), dtype=bool)])
    >>> [len(genes) > 20 for genes in drawn.sentences(3, np.random.default_rng(0))]
    [True, True, True]
    """

    def __init__(
        self,
        studies: Sequence[ModelCells],
        types: Sequence[NDArray[Any] | None],
        training: Sequence[NDArray[np.bool_]],
    ) -> None:
        found = []
        for cells, known, trained in zip(studies, types, training, strict=True):
            study = None if known is None else cells.augmenter.study(known, trained & cells.readable)
            if study is not None:
                found.append((cells, study))
        if not found:
            raise ValueError("unknown_share= needs cells with types and raw counts: pass such cells, or leave it out")
        genes = sorted({str(gene) for cells, _ in found for gene in cells.gene_names})
        index = {gene: i for i, gene in enumerate(genes)}
        self._genes = np.array(genes, dtype=object)
        self._studies: list[_Study] = []
        for cells, study in found:
            named = sorted({str(name) for name in study.types[study.training] if name is not None})
            rows = {name: np.flatnonzero((study.types == name) & study.training) for name in named}
            total = np.zeros(len(genes))
            np.add.at(
                total,
                [index[str(gene)] for gene in study.genes],
                np.asarray(study.counts[study.training].sum(0)).ravel(),
            )
            columns = np.array([index[str(gene)] for gene in cells.gene_names])
            self._studies.append(_Study(cells, columns, rows, total / max(total.sum(), 1)))
        self._groups = [(i, name) for i, study in enumerate(self._studies) for name in study.rows]
        self._frequency = np.sqrt(np.mean([study.background for study in self._studies], axis=0))
        self._frequency /= self._frequency.sum()
        self._likeness = self._likeness_of_types()

    def sentences(self, n: int, rng: np.random.Generator) -> list[list[str]]:
        """The sentences of ``n`` cells of no type."""
        return [self._sentence(rng) for _ in range(n)]

    def _sentence(self, rng: np.random.Generator) -> list[str]:
        """The sentence of a cell of no type, with as many genes as augmented cells have, if that can be had."""
        genes: list[str] = []
        for _ in range(_TRIES):
            kind = rng.random()
            if kind < _P_DOUBLET and len(self._groups) > 1:
                genes = self._ranked(self._doublet(rng), rng)
            elif kind < _P_DOUBLET + _P_DROPLET:
                genes = self._ranked(self._droplet(rng), rng)
            else:
                genes = self._ranked(self._exchanged(rng), rng)
            if len(genes) >= _MIN_GENES:
                break
        return genes

    def _cell(self, group: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """The counts of an augmented cell of this study and type, (n_genes,)."""
        which, name = self._groups[group]
        study = self._studies[which]
        part, codes = study.cells.augmenter.counts([int(rng.choice(study.rows[name]))], rng)
        part.eliminate_zeros()
        code = codes[part.indices]
        counts = np.zeros(len(self._genes))
        np.add.at(counts, study.columns[code[code >= 0]], part.data[code >= 0])
        return counts

    def _doublet(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Two cells of unlike types in one droplet."""
        one = int(rng.integers(len(self._groups)))
        unlike = np.flatnonzero(self._likeness[one] <= np.median(self._likeness[one]))
        cells = [self._cell(one, rng), self._cell(int(rng.choice(unlike)), rng)]
        share = rng.uniform(1 - _MAX_SHARE, _MAX_SHARE)
        rates = [part * cell / max(cell.sum(), 1) for part, cell in zip((share, 1 - share), cells, strict=True)]
        return np.asarray(rng.poisson(_DOUBLET * np.sum(rates, axis=0)), dtype=np.float64)

    def _droplet(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """The background RNA of a study."""
        background = self._studies[int(rng.integers(len(self._studies)))].background
        return np.asarray(rng.poisson(background * np.exp(rng.uniform(*np.log(_DROPLET)))), dtype=np.float64)

    def _exchanged(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """A cell with half or more of its genes exchanged for random ones."""
        counts = self._cell(int(rng.integers(len(self._groups))), rng)
        expressed = np.flatnonzero(counts)
        moved = expressed[rng.random(len(expressed)) < rng.uniform(*_EXCHANGED)]
        values, counts[moved] = counts[moved], 0
        np.add.at(counts, rng.choice(len(counts), len(moved), p=self._frequency), values)
        return counts

    def _ranked(self, counts: NDArray[np.float64], rng: np.random.Generator) -> list[str]:
        """The genes with the most counts, ranks jittered."""
        n_genes = self._studies[0].cells.n_genes
        expressed = np.flatnonzero(counts)
        values = np.log(counts[expressed]) + rng.normal(0, _JITTER, len(expressed))
        length = int(rng.integers(round(_MIN_LENGTH * n_genes), n_genes + 1))
        return [str(gene) for gene in self._genes[expressed[np.argsort(-values)[:length]]]]

    def _likeness_of_types(self) -> NDArray[np.float64]:
        """Correlation of the mean expression of each two types, of the same study or not."""
        means = []
        for study in self._studies:
            expression = study.cells.expression()
            for rows in study.rows.values():
                mean = np.zeros(len(self._genes))
                mean[study.columns] = np.asarray(expression[rows].mean(0)).ravel()
                means.append(mean)
        table = np.array(means)
        return np.corrcoef(table - table.mean(0)) if len(table) > 1 else np.ones((1, 1))
