"""The same cell gets the same sentence, embedding and answer alone, in any batch and in any order."""

import numpy as np

import sc_duality as sd


def answered(adata):
    adata = adata.copy()
    sd.tl.annotate(adata)
    sd.tl.embed(adata)
    return adata


def assert_same(found, expected):
    np.testing.assert_array_equal(found.obsm["cell_sentence"], expected.obsm["cell_sentence"])
    np.testing.assert_array_equal(found.obsm["X_cell_sentence"], expected.obsm["X_cell_sentence"])
    np.testing.assert_array_equal(found.obsm["annotation_probabilities"], expected.obsm["annotation_probabilities"])
    assert found.obs["annotation"].astype(str).tolist() == expected.obs["annotation"].astype(str).tolist()


def test_alone_in_a_batch_and_in_any_order():
    adata = sd.datasets.pbmc3k()[::8].copy()
    together = answered(adata)
    for i in (0, 7, 21):
        assert_same(answered(adata[i]), together[i])
    order = np.random.default_rng(0).permutation(adata.n_obs)
    assert_same(answered(adata[order]), together[order])


def test_in_any_chunks():
    adata = sd.datasets.pbmc3k()[::8].copy()
    together = answered(adata)
    for chunk in (slice(0, 3), slice(3, 20), slice(20, None)):
        assert_same(answered(adata[chunk]), together[chunk])
