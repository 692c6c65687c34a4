from __future__ import annotations

import numpy as np
import pytest
import scanpy as sc

import sc_duality as sd
from sc_duality.cells import marker_genes


@pytest.fixture(scope="module")
def pbmc():
    return sd.datasets.pbmc3k()


def _normalised(adata):
    cells = adata.copy()
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)
    return cells


def test_known_markers_without_housekeeping_genes(pbmc):
    genes = marker_genes(pbmc, "cell_type")
    assert list(genes) == sorted(pbmc.obs["cell_type"].unique())
    assert {"CD79A", "MS4A1", "CD79B"} <= set(genes["B cells"])
    assert {"PPBP", "PF4"} <= set(genes["Megakaryocytes"])
    assert all(len(found) == 10 for found in genes.values())
    assert not any(gene.startswith(("RPL", "RPS", "MT-")) or gene == "MALAT1" for gene in sum(genes.values(), ()))


def test_equals_scanpy_on_normalised_counts_and_on_logarithms(pbmc):
    logged = _normalised(pbmc)
    found = marker_genes(pbmc, "cell_type")
    assert marker_genes(logged, "cell_type") == found
    sc.tl.rank_genes_groups(logged, "cell_type", use_raw=False)
    names = sc.get.rank_genes_groups_df(logged, "B cells")["names"]
    expected = [name for name in names if not name.startswith(("RPL", "RPS", "MT-"))][:10]
    assert list(found["B cells"]) == expected


def test_a_stored_result_of_the_same_groups_is_taken(pbmc):
    logged = _normalised(pbmc)
    sc.tl.rank_genes_groups(logged, "cell_type", use_raw=False)
    swapped = logged.uns["rank_genes_groups"]["names"].copy()
    swapped["B cells"][:2] = ["LYZ", "PPBP"]
    logged.uns["rank_genes_groups"]["names"] = swapped
    assert marker_genes(logged, "cell_type")["B cells"][:2] == ("LYZ", "PPBP")
    logged.uns["rank_genes_groups"]["params"]["groupby"] = "other"
    assert marker_genes(logged, "cell_type")["B cells"][0] != "LYZ"


def test_nothing_is_written_and_small_groups_have_no_genes(pbmc):
    cells = pbmc[:60].copy()
    group = np.array(["a"] * 30 + ["b"] * 28 + ["one"] + [None], dtype=object)
    cells.obs["group"] = group
    before = cells.copy()
    genes = marker_genes(cells, "group", n_genes=3)
    assert list(genes) == ["a", "b", "one"]
    assert genes["one"] == ()
    assert len(genes["a"]) == 3
    assert list(cells.uns) == list(before.uns)
    assert (cells.X != before.X).nnz == 0
    cells.obs["group"] = "all"
    assert marker_genes(cells, "group") == {"all": ()}


def test_a_layer_raw_and_bad_input(pbmc):
    cells = pbmc.copy()
    cells.layers["counts"] = cells.X.copy()
    cells.raw = cells
    expected = marker_genes(cells, "cell_type")
    cells.X = cells.X.toarray() - 1
    assert (
        marker_genes(cells, "cell_type", layer="counts") == expected == marker_genes(cells, "cell_type", use_raw=True)
    )
    with pytest.raises(ValueError, match="negative"):
        marker_genes(cells, "cell_type")
    with pytest.raises(KeyError, match="groupby='leiden' is not an obs column"):
        marker_genes(cells, "leiden")
    with pytest.raises(ValueError, match="n_genes"):
        marker_genes(cells, "cell_type", n_genes=0)
