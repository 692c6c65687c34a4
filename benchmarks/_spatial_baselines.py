"""Baselines of spatial tasks, which read the cells of the prompts of training examples and no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._c2s_baselines import GeneFrequency, majority
from benchmarks._spatial_features import Side

#: Predicts the answer of every test example.
Baseline = Callable[[Side, Side], list[Any]]


def most_frequent(training: Side, test: Side) -> list[Any]:
    """The most frequent answer."""
    return majority(training.examples, test.examples, 0)


def linear(features: Callable[[Side], NDArray[np.float64]]) -> Baseline:
    """Logistic regression on standardised features of the cells of a prompt."""

    def predicted(training: Side, test: Side) -> list[Any]:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        if len(set(training.truth)) == 1:
            return most_frequent(training, test)
        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
        return [str(one) for one in classifier.fit(features(training), training.truth).predict(features(test))]

    return predicted


def frequent_genes(training: Side, test: Side) -> list[Any]:
    """The genes that most generated cells of the training examples have."""
    found = GeneFrequency(one.example.truth for one in training.examples)
    return [found.top(len(one.example.truth)) for one in test.examples]


def genes_of_types(training: Side, test: Side) -> list[Any]:
    """The most frequent genes of training cells whose neighbours are of the types that the prompt shows.

    The frequency of a gene next to each type, averaged over the cells of the prompt.
    """
    return _top(training, test, training.composition(), test.composition(), _weighted_means)


def linear_genes(training: Side, test: Side) -> list[Any]:
    """The genes that ridge regression on the mean expression of the cells of a prompt gives the highest share."""
    return _top(training, test, training.mean_expression(), test.mean_expression(), _ridge)


Fit = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def _top(training: Side, test: Side, x: NDArray[np.float64], new: NDArray[np.float64], fit: Fit) -> list[Any]:
    genes = sorted(Counter(gene for one in training.examples for gene in one.example.truth))
    index = {gene: i for i, gene in enumerate(genes)}
    has = np.zeros((len(training.examples), len(genes)))
    for row, one in enumerate(training.examples):
        has[row, [index[gene] for gene in one.example.truth]] = 1
    order = np.argsort(-fit(x, has, new), axis=1, kind="stable")
    return [
        tuple(genes[i] for i in ranked[: len(one.example.truth)])
        for ranked, one in zip(order.tolist(), test.examples, strict=True)
    ]


def _weighted_means(x: NDArray[np.float64], y: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of ``y`` weighted by each column of ``x``, pulled to the mean of all by one example, then by ``new``."""
    means = (x.T @ y + y.mean(0)) / (x.sum(0)[:, None] + 1)
    return np.asarray(new @ means)


def _ridge(x: NDArray[np.float64], y: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return np.asarray(make_pipeline(StandardScaler(), Ridge(alpha=100.0)).fit(x, y).predict(new))


#: Baselines of tasks with a label; the spread over cells tells whether they are alike.
OF_LABELS: Mapping[str, Baseline] = {
    "linear_mean_expression": linear(Side.mean_expression),
    "linear_mean_and_spread": linear(Side.mean_and_spread),
    "type_composition": linear(Side.composition),
    "majority": most_frequent,
}
#: Baselines of the generation of a cell.
OF_GENES: Mapping[str, Baseline] = {
    "linear_mean_expression": linear_genes,
    "type_composition": genes_of_types,
    "majority": frequent_genes,
}
