from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.cells import project_cells, sample_cells, to_shared_genes


def test_rank_weights_depend_only_on_ranks_among_shared_genes(counts: ad.AnnData) -> None:
    other = counts[:20, ::-2].copy()
    for adata in (counts, other):
        sd.pp.cell_sentences(adata)
    shared = to_shared_genes([counts, other], "cell_sentence", 4)
    assert set(shared.genes) == set(counts.uns["cell_sentence"]["genes"]) & set(other.uns["cell_sentence"]["genes"])
    assert str(shared) == f"top 4 of {len(shared.genes)} shared genes"
    for adata, weights in zip((counts, other), shared.rank_weights, strict=True):
        frame = pd.DataFrame(weights.toarray(), adata.obs_names, shared.genes)
        for cell, genes in zip(adata.obs_names, sd.get.gene_lists(adata), strict=True):
            first = [gene for gene in genes if gene in set(shared.genes)][:4]
            np.testing.assert_allclose(frame.loc[cell, first], np.log10(5 / np.arange(1, len(first) + 1)))
            assert (frame.loc[cell].drop(first) == 0).all()


def test_default_length_is_the_smallest_median(counts: ad.AnnData) -> None:
    other = counts.copy()
    sd.pp.cell_sentences(counts)
    sd.pp.cell_sentences(other, 7)
    assert to_shared_genes([counts, other], "cell_sentence").n_genes == 7


def test_invalid_input(counts: ad.AnnData) -> None:
    other = counts.copy()
    other.var_names = [f"GENE{i}" for i in range(other.n_vars)]
    for adata in (counts, other):
        sd.pp.cell_sentences(adata)
    with pytest.raises(ValueError, match=r"obsm\['cell_sentence'\] share no gene: .* against GENE0"):
        to_shared_genes([counts, other], "cell_sentence")
    with pytest.raises(ValueError, match="n_genes must be a positive integer, got 0"):
        to_shared_genes([counts, counts], "cell_sentence", 0)


def test_components_are_those_of_cells_that_are_not_compared(counts: ad.AnnData) -> None:
    sd.pp.cell_sentences(counts)
    settings = {"sentence_key": "cell_sentence", "n_genes": 20, "n_components": 3, "seed": 0}
    found = project_cells(counts, counts[:10], None, np.arange(30), **settings)
    expected = project_cells(counts, counts[:10], counts[30:], np.arange(30), **settings)
    assert (found.real.shape, found.generated.shape) == ((60, 3), (10, 3))
    np.testing.assert_allclose(found.real, expected.real)
    np.testing.assert_allclose(found.generated, found.real[:10])
    with pytest.raises(ValueError, match="2 real cells are too few for principal components"):
        project_cells(counts, counts[:10], None, np.arange(58), **settings)


def test_samples_of_a_label_do_not_depend_on_other_labels() -> None:
    labels = pd.Series(["B"] * 9 + ["T"] * 4 + [None])
    samples = sample_cells(labels, 5, 0)
    assert {name: len(rows) for name, rows in samples.items()} == {"B": 5, "T": 4}
    assert samples["B"].tolist() == sample_cells(labels[labels == "B"], 5, 0)["B"].tolist()
    assert len(sample_cells(labels, None, 0, half=True)["B"]) == 5
