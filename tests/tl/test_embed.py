"""Embeddings of cells."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

import sc_duality as sd


def test_cells_of_a_type_lie_together():
    adata = sd.datasets.pbmc3k()
    sd.tl.embed(adata)
    vectors, types = adata.obsm["X_cell_sentence"], adata.obs["cell_type"].astype(str)
    near = KNeighborsClassifier(5).fit(vectors[::2], types[::2])
    assert near.score(vectors[1::2], types[1::2]) > 0.7
    assert vectors.dtype == np.float32


def test_what_the_model_returns_is_written_for_the_right_cells(cells, parrot):
    cells.obsm["cell_sentence"][2] = -1
    model = parrot()
    sd.tl.embed(cells, model, n_genes=3, key_added="X_mine")
    assert np.isnan(cells.obsm["X_mine"][2]).all()
    expected = [len(prompt) for prompt in model.prompts]
    np.testing.assert_array_equal(np.delete(cells.obsm["X_mine"], 2, axis=0)[:, 0], expected)
    assert cells.uns["X_mine"]["params"]["n_genes"] == 3
    assert " ".join(sd.get.gene_lists(cells, n_genes=3)[0]) in model.prompts[0]


def test_nothing_to_embed_is_an_error(cells):
    cells.obsm["cell_sentence"][:] = -1
    with pytest.raises(ValueError, match="no cell expresses a gene that the model 'embedded' knows"):
        sd.tl.embed(cells)
