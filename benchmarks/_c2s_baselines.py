"""Simple baselines of C2S-Scale's tasks, which read training examples and no model."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks._c2s_examples import Cells, conditions, shown_cells, true_cells
from sc_duality.tasks import TrainingExample

Examples = Sequence[TrainingExample]
#: Predicts the answer of every test example.
Baseline = Callable[[Examples, Examples, int], list[Any]]


class GeneFrequency:
    """Genes by the number of training cells whose sentence has them."""

    def __init__(self, cells: Iterable[Sequence[str]]) -> None:
        self.counts = Counter(gene for genes in cells for gene in genes)
        #: Most frequent first; ties in the order of the names.
        self.ranked = [gene for gene, _ in sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))]
        self._total = sum(self.counts.values()) + 1

    def top(self, n: int, without: Iterable[str] = ()) -> tuple[str, ...]:
        """The ``n`` most frequent genes that are not among others."""
        left_out = set(without)
        return tuple(gene for gene in self.ranked if gene not in left_out)[:n]

    def nats(self, genes: Sequence[str]) -> float:
        """Negative log-likelihood of a sentence whose genes are sampled by frequency, each once."""
        counts = np.array([self.counts.get(gene, 0) + 1 for gene in genes], dtype=float)
        left = self._total + len(self.counts) - np.concatenate([[0], counts.cumsum()[:-1]])
        return float(-np.log(counts / np.maximum(left, counts)).sum())


def majority(training: Examples, test: Examples, _seed: int) -> list[Any]:
    """The most frequent answer."""
    return [Counter(one.example.truth for one in training).most_common(1)[0][0]] * len(test)


def nearest(training: Examples, test: Examples, _seed: int) -> list[Any]:
    """The answer of the training example with the most similar genes."""
    return [training[i].example.truth for i in nearest_rows(training, test)]


def nearest_rows(training: Examples, test: Examples) -> NDArray[np.int64]:
    """The training example nearest to each test example: cosine of mean rank weights."""
    index: dict[str, int] = {}
    sides = [_weights([shown_cells(one) for one in side], index) for side in (training, test)]
    one, other = (_normalised(side, len(index)) for side in sides)
    return np.asarray((other @ one.T).argmax(axis=1)).ravel()


def _weights(groups: Sequence[Cells], index: dict[str, int]) -> list[dict[int, float]]:
    rows = []
    for cells in groups:
        row: dict[int, float] = defaultdict(float)
        for genes in cells:
            for rank, gene in enumerate(genes):
                row[index.setdefault(gene, len(index))] += 1 / np.log2(2 + rank)
        rows.append(row)
    return rows


def _normalised(rows: list[dict[int, float]], width: int) -> sparse.csr_matrix:
    values = np.concatenate([list(row.values()) / max(np.linalg.norm(list(row.values())), 1e-9) for row in rows])
    columns = [column for row in rows for column in row]
    return sparse.csr_matrix((values, columns, np.cumsum([0, *map(len, rows)])), shape=(len(rows), width))


def frequency(training: Examples, test: Examples, _seed: int) -> list[Cells]:
    """The genes of most training cells, whatever is asked for."""
    genes = GeneFrequency(cell for one in training for cell in true_cells(one))
    return [tuple(genes.top(len(cell)) for cell in true_cells(one)) for one in test]


def frequency_of_condition(training: Examples, test: Examples, _seed: int) -> list[Cells]:
    """The genes of most training cells of the same condition: no constant answer overlaps more with these cells."""
    found = {name: GeneFrequency(cells) for name, cells in _by_condition(training).items()}
    return [
        tuple(found[name].top(len(cell)) for name, cell in zip(conditions(one), true_cells(one), strict=True))
        for one in test
    ]


def sampled_cells(training: Examples, test: Examples, seed: int) -> list[Cells]:
    """Random training cells of the same condition."""
    found, rng = _by_condition(training), np.random.default_rng(seed)
    return [
        tuple(
            found[name][int(rng.integers(len(found[name])))][: len(cell)]
            for name, cell in zip(conditions(one), true_cells(one), strict=True)
        )
        for one in test
    ]


def _by_condition(training: Examples) -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for one in training:
        for name, cell in zip(conditions(one), true_cells(one), strict=True):
            found[name].append(cell)
    return found


#: Baselines of tasks with a label or a set of labels, and of tasks with genes: the first is that of the table.
OF_LABELS: dict[str, Baseline] = {"majority": majority, "nearest training sample": nearest}
OF_GENES: dict[str, Baseline] = {
    "gene frequency": frequency,
    "gene frequency of the condition": frequency_of_condition,
    "training cells of the condition": sampled_cells,
}
