"""The dotplot of the genes that decided: sizes, colours and bold names are those of the tables."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.pl import _evidence


@pytest.fixture
def explained():
    adata = ad.AnnData(np.ones((4, 3), np.float32))
    adata.obs["annotation"] = ["B", "B", "T", "T"]
    genes = pd.DataFrame(
        {
            "group": ["B", "B", "T"],
            "label": ["B", "B", "T"],
            "runner_up": ["T", "T", "B"],
            "gene": ["CD79A", "CD74", "CD3E"],
            "drop": [0.5, 0.1, 0.2],
            "contrast": [0.2, 0.6, 0.3],
            "rank": [1, 2, 1],
            "contrast_rank": [2, 1, 1],
            "is_marker": [True, False, True],
            "fraction": [1.0, 0.75, 0.5],
        }
    )
    expression = pd.DataFrame(
        {
            "group": ["B", "B", "B", "T", "T", "T"],
            "gene": ["CD79A", "CD74", "CD3E"] * 2,
            "fraction": [1.0, 0.75, 0.0, 0.25, 0.5, 0.5],
            "mean_expression": [2.0, 1.0, 0.0, 1.0, 1.0, 3.0],
        }
    )
    groups = pd.DataFrame({"group": ["B", "T"], "label": ["B", "T"], "n_cells": [2, 2]})
    tables = {"genes": genes, "groups": groups, "expression": expression, "params": {"n_genes": 2}}
    adata.uns["annotation"] = {"params": {}, "evidence": tables}
    return adata


def test_dots(explained):
    ax = sd.pl.evidence(explained)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["CD79A", "CD74", "CD3E"]
    assert [tick.get_fontweight() for tick in ax.get_xticklabels()] == ["bold", "normal", "bold"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["B (2)", "T (2)"]
    grey, decided = ax.collections
    assert decided.get_offsets().tolist() == [[0, 0], [1, 0], [2, 1]]
    np.testing.assert_allclose(decided.get_sizes(), np.array([1.0, 0.75, 0.5]) * _evidence.MAX_AREA)
    assert decided.get_array().tolist() == [0.5, 0.1, 0.2]
    assert grey.get_offsets().tolist() == [[2, 0], [0, 1], [1, 1]]
    shade = grey.get_facecolors()[:, 0]
    assert shade[2] < shade[1] < shade[0]  # expression as high as in the other group, half of it, none


def test_by_contrast_and_the_first_gene_of_each_group(explained):
    ax = sd.pl.evidence(explained, by="contrast", n_genes=1)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["CD74", "CD3E"]
    assert ax.collections[1].get_array().tolist() == [0.6, 0.3]


def test_groups_that_are_not_labels_have_both_names(explained):
    for table in ("genes", "groups", "expression"):
        frame = explained.uns["annotation"]["evidence"][table]
        frame["group"] = frame["group"].map({"B": "0", "T": "$1$"})
    ax = sd.pl.evidence(explained)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0: B (2)", "$1$: T (2)"]
    ax.figure.draw_without_rendering()


def test_what_cannot_be_drawn(explained):
    with pytest.raises(ValueError, match="n_genes must be a positive integer"):
        sd.pl.evidence(explained, n_genes=0)
    explained.uns["annotation"]["evidence"]["genes"]["drop"] = 0.0
    with pytest.raises(ValueError, match="no gene speaks for a label"):
        sd.pl.evidence(explained)
    del explained.uns["annotation"]["evidence"]
    with pytest.raises(KeyError, match=r"run sd.tl.explain\(adata, 'annotation'\) first"):
        sd.pl.evidence(explained)
