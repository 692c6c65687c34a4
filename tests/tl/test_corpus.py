"""Cells as another laboratory might have seen them are still those cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import sc_duality as sd
from sc_duality.cells._gene_symbols import to_known_names
from sc_duality.models import resolve
from sc_duality.tl._corpus import Corpus

SPEC, N = resolve("embedded"), 50


def corpus_of(adata, n_genes=60):
    return Corpus(adata, SPEC, key="cell_sentence", n_genes=n_genes, context=[])


@pytest.fixture(scope="module")
def adata():
    adata = sd.datasets.pbmc3k()[: 6 * N : 6].copy()
    sd.pp.cell_sentences(adata)
    return adata


@pytest.fixture(scope="module")
def corpus(adata):
    return corpus_of(adata)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.lists(st.integers(0, N - 1), min_size=1, max_size=12))
def test_harder(adata, corpus, seed, rows):
    found = corpus.harder(rows, np.random.default_rng(seed))
    assert found == corpus.harder(rows, np.random.default_rng(seed))
    expressed = sparse.csr_matrix(adata.X)
    for row, genes in zip(rows, found, strict=True):
        assert 0 < len(genes) <= corpus.n_genes
        assert len(set(genes)) == len(genes)
        assert set(genes) <= set(to_known_names(adata.var_names[expressed[row].indices], SPEC.genes))
        assert set(genes) <= SPEC.genes


def test_harder_changes_what_is_seen_and_what_is_left_of_it(corpus):
    rows = list(range(N)) * 2
    found, before = corpus.harder(rows, np.random.default_rng(0)), corpus.genes(rows)
    changed = [one != other for one, other in zip(found, before, strict=True)]
    assert np.mean(changed) > 0.8
    lengths = [len(genes) for genes, new in zip(found, changed, strict=True) if new]
    assert min(lengths) >= 18  # 30 % of 60, and no fewer than 25 unless the length was cut
    assert np.std(lengths) > 5
    shared = [len(set(one) & set(other)) / len(one) for one, other in zip(found, before, strict=True)]
    assert 0.5 < np.mean(shared) < 1


def test_poor_cells_are_taken_as_they_are(adata):
    corpus = corpus_of(adata, n_genes=20)
    assert corpus.harder(list(range(N)), np.random.default_rng(0)) == corpus.genes(list(range(N)))


@pytest.mark.parametrize("counts", [True, False])
def test_only_counts_are_thinned(adata, counts):
    """Of expression on another scale genes are dropped and ranks jittered, but nothing is drawn from it."""
    drawn = []

    class Spy(np.random.Generator):
        def binomial(self, *args, **kwargs):
            drawn.append(args)
            return super().binomial(*args, **kwargs)

    cells = adata.copy()
    X = sparse.csr_matrix(cells.X).astype(float)
    X.data = X.data if counts else np.log1p(X.data)
    cells.X = X
    sd.pp.cell_sentences(cells)
    corpus_of(cells).harder([0, 1, 2], Spy(np.random.PCG64(0)))
    assert bool(drawn) == counts


def test_matrix_is_left_alone(adata):
    cells = adata.copy()
    before = sparse.csr_matrix(cells.X).copy()
    corpus_of(cells).harder(list(range(30)), np.random.default_rng(0))
    assert (before != sparse.csr_matrix(cells.X)).nnz == 0


def test_genes_beyond(corpus):
    short, long = corpus.genes([3])[0], corpus.genes([3], beyond=2)[0]
    assert long[: len(short)] == short
    assert len(short) == 60 < len(long) <= 120


def test_columns_and_facts(adata):
    cells = adata.copy()
    cells.obs["tissue"] = np.where(np.arange(N) < 30, "blood", None)
    corpus = Corpus(cells, SPEC, key="cell_sentence", n_genes=None, context=["tissue"])
    assert corpus.facts(0) == {"tissue": "blood"}
    assert corpus.facts(40) == {}
    assert corpus.column("tissue", "donor").tolist() == ["blood"] * 30 + [None] * (N - 30)
    with pytest.raises(KeyError, match="donor names no obs column: 'patient'; there are"):
        corpus.column("patient", "donor")
