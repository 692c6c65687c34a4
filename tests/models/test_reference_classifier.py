"""The reference classifier: similarity to reference cells, class scores, and the ensemble with a language model."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics.pairwise import cosine_similarity

import sc_duality as sd
from sc_duality.models import ReferenceClassifier, read_reference_classifier
from sc_duality.models._fitted_reference import FittedReference, fit_reference_classifier
from sc_duality.models._reference_classifier import REFERENCE_FILE
from sc_duality.models._reference_projection import project_cells

SPEC = sd.models.resolve("embedded")


@pytest.fixture(scope="module")
def classifier():
    return read_reference_classifier(SPEC, SPEC.genes)


def synthetic(names, genes, cells, weights):
    """A classifier of the labels a, b, ..., with in-distribution probability 0.5 at a cosine of 0.2."""
    gene_index, label_index = (
        {name: i for i, name in enumerate(order)} for order in (names, "abcdefg"[: weights.shape[1]])
    )
    fitted = FittedReference(genes, cells, weights)
    return ReferenceClassifier(gene_index, label_index, fitted, midpoint=0.2, slope=7.0, temperature=0.8)


def test_similarity_is_the_cosine_to_the_fifth_nearest_cell():
    rng = np.random.default_rng(0)
    names, cells = [f"g{i}" for i in range(30)], rng.normal(size=(12, 4)).astype(np.float32)
    cells /= np.linalg.norm(cells, axis=1, keepdims=True)
    genes = rng.normal(size=(30, 4)).astype(np.float32)
    found = synthetic(names, genes, cells, np.zeros((5, 0), dtype=np.float32))
    for sentence in (["g3"], names[::-1], names[5:20]):
        rows = [names.index(name) for name in sentence]
        vector = sum(genes[row] / np.log2(rank + 4) for rank, row in enumerate(rows))
        expected = np.sort(cosine_similarity(vector[None], cells)[0])[-5]
        assert found.similarity(sentence) == pytest.approx(expected, abs=1e-5)
        probability = 1 / (1 + np.exp(-7 * (expected - 0.2)))
        assert found.in_distribution_probability([sentence]) == pytest.approx(probability, abs=1e-4)


def test_class_scores_are_linear_in_the_embedding_of_a_cell():
    rng = np.random.default_rng(1)
    genes, weights = rng.normal(size=(6, 4)).astype(np.float32), rng.normal(size=(5, 3)).astype(np.float32)
    found = synthetic("uvwxyz", genes, np.zeros((9, 4), dtype=np.float32), weights)
    vector = genes[2] / np.log2(4) + genes[0] / np.log2(5) + genes[5] / np.log2(6)
    expected = np.append(vector / np.linalg.norm(vector), 1) @ weights
    np.testing.assert_allclose(found.class_scores([["w", "u", "z"]], ["c", "a"]), [expected[[2, 0]]], rtol=1e-5)


@given(st.lists(st.floats(-30, 5), min_size=4, max_size=4), st.booleans())
def test_ensemble_is_the_mean_of_model_and_classifier(scores, with_none):
    rng = np.random.default_rng(2)
    genes, weights = rng.normal(size=(6, 4)).astype(np.float32), rng.normal(size=(5, 3)).astype(np.float32)
    found = synthetic("uvwxyz", genes, np.zeros((9, 4), dtype=np.float32), weights)
    of_model, cell = softmax(scores if with_none else scores[:3])[:3], ["w", "u"]
    ensemble = found.ensemble_probabilities(of_model[None], [cell], ["a", "b", "c"])[0]
    of_classifier = of_model.sum() * softmax(found.class_scores([cell], ["a", "b", "c"])[0] / 0.8)
    np.testing.assert_allclose(ensemble, (of_model + of_classifier) / 2, atol=1e-12)
    assert ensemble.sum() == pytest.approx(of_model.sum())


def test_real_cells_are_in_distribution_and_random_genes_are_not(classifier):
    cells = sd.datasets.pbmc3k()[::8].copy()
    sd.pp.cell_sentences(cells)
    real = [[gene for gene in genes if gene in classifier.gene_index] for genes in sd.get.gene_lists(cells)]
    rng = np.random.default_rng(0)
    random = [rng.choice(list(classifier.gene_index), 100, replace=False).tolist() for _ in range(50)]
    assert np.median(classifier.in_distribution_probability(real)) > 0.9
    assert np.median(classifier.in_distribution_probability(random)) < 0.1


@given(st.lists(st.lists(st.integers(0, 11), unique=True), min_size=1), st.sets(st.integers(0, 11)), st.integers(1, 9))
def test_reference_cells_are_embedded_by_the_measured_genes_of_their_sentences(cells, measured, n_genes):
    vectors = np.random.default_rng(3).normal(size=(12, 4)).astype(np.float32)
    genes, lengths = np.array([gene for cell in cells for gene in cell], dtype=np.uint16), np.array([*map(len, cells)])
    found = project_cells(vectors, genes, lengths, np.isin(np.arange(12), list(measured)), n_genes)
    single = synthetic(range(12), vectors, np.zeros((9, 4)), np.zeros((5, 0)))
    for cell, vector in zip(cells, found, strict=True):
        rest = [gene for gene in cell if gene in measured][:n_genes]
        np.testing.assert_allclose(vector, single.project_cell(rest) if rest else np.zeros(4), atol=1e-5)


def test_on_a_gene_panel_the_classifier_is_limited_to_its_genes(classifier):
    """On cells of a panel, a classifier on the genes of the panel is more accurate than one on all genes."""
    cells = sd.datasets.pbmc3k()
    dispersion = np.asarray(cells.X.todense()).var(0) / (np.asarray(cells.X.mean(0)).ravel() + 0.01)
    panel = cells[:, np.argsort(-dispersion * cells.var_names.isin(SPEC.genes))[:200]].copy()
    sd.pp.cell_sentences(panel)
    sentences = sd.get.gene_lists(panel)
    labels = SPEC.known("annotation", "label_sets")["blood"]
    truth = panel.obs["cell_type"].astype(str).map(SPEC.known("annotation", "synonyms")).to_numpy()
    limited = read_reference_classifier(SPEC, panel.var_names)
    accuracy_all, accuracy_panel = (
        (np.array(labels)[one.class_scores(sentences, labels).argmax(1)] == truth).mean()
        for one in (classifier, limited)
    )
    assert accuracy_panel > accuracy_all + 0.02
    in_panel, in_all = (one.in_distribution_probability(sentences) for one in (limited, classifier))
    assert np.median(in_panel) > np.median(in_all)


def test_model_without_reference_cells_has_no_classifier():
    assert read_reference_classifier(SPEC.without("annotation", "in_distribution"), SPEC.genes) is None


def test_a_file_that_was_modified_is_read_again(tmp_path):
    for name in (REFERENCE_FILE, "tokenizer.json"):
        shutil.copy(Path(SPEC.source) / name, tmp_path)
    spec, genes = replace(SPEC, source=str(tmp_path)), sorted(SPEC.genes)[::10]
    fitted = read_reference_classifier(spec, genes).fitted
    assert read_reference_classifier(spec, genes).fitted is fitted
    os.utime(tmp_path / REFERENCE_FILE, ns=(1, 1))
    assert read_reference_classifier(spec, genes).fitted is not fitted


@pytest.mark.parametrize("labels", [[0, 2, 3], [0, 3], [2]])
def test_labels_without_reference_cells_are_left_to_the_language_model(tmp_path, labels):
    """Of the labels a to d, some have cells: each the genes of its own."""
    cells = np.random.default_rng(0).permuted(np.repeat([np.arange(5)], 60, axis=0), axis=1).astype(np.uint16)
    own = np.resize(labels, 60)
    genes = np.tile((5 * own[:, None] + cells).astype(np.uint16).ravel(), 2)
    arrays = {"genes": genes, "lengths": np.full(120, 5, np.uint16), "labels": own.astype(np.uint16)}
    np.savez(tmp_path / REFERENCE_FILE, vectors=np.eye(20, dtype=np.float16), **arrays)
    fitted = fit_reference_classifier(tmp_path / REFERENCE_FILE, range(20), 20, n_labels=4)
    found = ReferenceClassifier(
        {f"g{i}": i for i in range(20)}, dict(zip("abcd", range(4), strict=True)), fitted, 0, 9, 1
    )
    sentences = [[f"g{5 * label + i}" for i in range(3)] for label in labels]
    assert found.class_scores(sentences, "abcd").argmax(1).tolist() == labels
    of_model = np.full((len(labels), 4), 0.25)
    ensemble = found.ensemble_probabilities(of_model, sentences, "abcd")
    np.testing.assert_allclose(np.delete(ensemble, labels, axis=1), 0.25)
    np.testing.assert_allclose(ensemble.sum(1), 1)
    only = found.ensemble_probabilities(of_model[:, :1], sentences, "b")
    np.testing.assert_allclose(only, 0.25)


def test_two_labels_have_the_probabilities_of_scikit_learn(tmp_path):
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    genes, labels = np.array([rng.permutation(8)[:4] for _ in range(40)], dtype=np.uint16), rng.integers(0, 2, 20)
    vectors = rng.normal(size=(8, 3)).astype(np.float16)
    arrays = {"genes": genes.ravel(), "lengths": np.full(40, 4, np.uint16), "labels": labels.astype(np.uint16)}
    np.savez(tmp_path / REFERENCE_FILE, vectors=vectors, **arrays)
    weights = fit_reference_classifier(tmp_path / REFERENCE_FILE, range(8), 8, n_labels=2).weights
    cells = project_cells(vectors.astype(np.float32), genes.ravel(), arrays["lengths"], np.ones(8, bool))
    expected = LogisticRegression(max_iter=200).fit(cells, np.tile(labels, 2)).predict_proba(cells)
    np.testing.assert_allclose(softmax(cells @ weights[:-1] + weights[-1], axis=1), expected, atol=1e-5)
