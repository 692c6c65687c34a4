"""Embeddings of cells."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

import sc_duality as sd


def test_cells_of_a_type_are_neighbours():
    adata = sd.datasets.pbmc3k()
    sd.tl.embed(adata)
    vectors, types = adata.obsm["X_cell_sentence"], adata.obs["cell_type"].astype(str)
    classifier = KNeighborsClassifier(5).fit(vectors[::2], types[::2])
    assert classifier.score(vectors[1::2], types[1::2]) > 0.7
    assert vectors.dtype == np.float32


def test_vectors_are_written_for_the_right_cells(cells, scripted_model):
    cells.obsm["cell_sentence"][2] = -1
    model = scripted_model()
    sd.tl.embed(cells, model, n_genes=3, key_added="X_other")
    assert np.isnan(cells.obsm["X_other"][2]).all()
    expected = [len(prompt) for prompt in model.prompts]
    np.testing.assert_array_equal(np.delete(cells.obsm["X_other"], 2, axis=0)[:, 0], expected)
    assert cells.uns["X_other"]["params"]["n_genes"] == 3
    assert " ".join(sd.get.gene_lists(cells, n_genes=3)[0]) in model.prompts[0]


def test_cells_without_any_known_gene_are_refused(cells):
    cells.obsm["cell_sentence"][:] = -1
    with pytest.raises(ValueError, match="no cell expresses a gene that the model 'embedded' knows"):
        sd.tl.embed(cells)
