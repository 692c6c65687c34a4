"""A cell gets the same sentence, embedding and label alone, in any batch and in any order."""

import numpy as np
import pytest

import sc_duality as sd


def run_tools(adata):
    adata = adata.copy()
    sd.tl.annotate(adata, labels="blood", unknown=0)
    sd.tl.embed(adata)
    sd.tl.annotate(adata, labels="blood", unknown=0, sampling=sd.Sampling(n_samples=2), key_added="best")
    sd.tl.duality(adata, n_genes=20)
    how = sd.Duality(form="likelihood", context="observed", hidden_fraction=0.3)
    sd.tl.duality(adata, "best", duality=how, n_genes=20)
    return adata


def assert_same(found, expected):
    np.testing.assert_array_equal(found.obsm["cell_sentence"], expected.obsm["cell_sentence"])
    np.testing.assert_array_equal(found.obsm["X_cell_sentence"], expected.obsm["X_cell_sentence"])
    np.testing.assert_array_equal(found.obsm["annotation_probabilities"], expected.obsm["annotation_probabilities"])
    for column in ("annotation", "best"):
        assert found.obs[column].astype(str).tolist() == expected.obs[column].astype(str).tolist()
        np.testing.assert_array_equal(found.obs[f"{column}_duality"], expected.obs[f"{column}_duality"])


@pytest.fixture(scope="module")
def adata():
    return sd.datasets.pbmc3k()[::32].copy()


@pytest.fixture(scope="module")
def together(adata):
    return run_tools(adata)


def test_alone_in_a_batch_and_in_any_order(adata, together):
    for i in (0, 7):
        assert_same(run_tools(adata[i]), together[i])
    order = np.random.default_rng(0).permutation(adata.n_obs)
    assert_same(run_tools(adata[order]), together[order])


def test_in_any_part(adata, together):
    for part in (slice(0, 3), slice(3, None)):
        assert_same(run_tools(adata[part]), together[part])
