"""Gene vectors: cells of a type lie close, and what separates studies within a type counts little."""

import numpy as np
import pytest

from sc_duality.models._gene_vectors import gene_vectors

TYPES = {"t": ["T1", "T2", "T3"], "b": ["B1", "B2", "B3"]}
GENES = [*TYPES["t"], *TYPES["b"], "S1", "S2", *[f"N{i}" for i in range(20)]]


def cells(n=300, seed=0):
    """Sentences of two types from two studies; genes S1 and S2 tell the studies apart."""
    rng = np.random.default_rng(seed)
    found, labels, studies = [], [], []
    for i in range(n):
        label, study = ("t", "b")[i % 2], ("S1", "S2")[i // 2 % 2]
        genes = [*rng.permutation(TYPES[label])[:2], study, *rng.choice(GENES[8:], 6, replace=False)]
        found.append(rng.permutation(genes).tolist())
        labels.append(label)
        studies.append(study)
    return found, labels, np.array(studies)


def embedded(vectors, sentences):
    index = {gene: i for i, gene in enumerate(GENES)}
    points = np.array([sum(vectors[index[gene]] for gene in cell) for cell in sentences])
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def vectors():
    sentences, labels, _ = cells()
    return gene_vectors(sentences, sentences, labels, GENES, seed=0)


def test_shape_and_scale(vectors):
    assert vectors.shape == (len(GENES), len(GENES) - 1)
    assert np.abs(vectors).max() == pytest.approx(1)


def test_types_are_further_apart_than_studies(vectors):
    sentences, labels, studies = cells(seed=1)
    points, labels = embedded(vectors, sentences), np.array(labels)

    def distance(one):
        means = [points[one == name].mean(0) for name in np.unique(one)]
        return np.linalg.norm(means[0] - means[1])

    assert distance(labels) > 5 * distance(studies)


def test_the_same_cells_give_the_same_vectors(vectors):
    sentences, labels, _ = cells()
    np.testing.assert_allclose(gene_vectors(sentences, sentences, labels, GENES, seed=0), vectors, atol=1e-5)


def test_genes_of_no_cell_have_no_length():
    sentences, labels, _ = cells()
    found = gene_vectors(sentences, sentences, labels, [*GENES, "ABSENT"], seed=0)
    assert np.abs(found[-1]).max() == 0
