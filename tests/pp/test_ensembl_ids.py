"""Cells whose ``var_names`` are Ensembl ids: sentences of gene symbols, and reconstructed expression."""

from __future__ import annotations

import logging
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import sc_duality as sd
from sc_duality.cells._gene_filter import gene_columns

IDS = {
    "MS4A1": "ENSG00000156738",
    "CD79A": "ENSG00000105369.13",
    "CD3E": "ENSG00000198851",
    "RPL3": "ENSG00000100316",
    "MT-CO1": "ENSG00000198804",
    "no symbol": "ENSG99999999999",
}


@pytest.fixture
def cells() -> ad.AnnData:
    values = np.random.default_rng(0).permuted(np.tile(np.arange(6), (20, 1)), axis=1).astype(np.float32)
    adata = ad.AnnData(sparse.csr_matrix(values), var=pd.DataFrame(index=list(IDS.values())))
    adata.obs_names = [f"cell{i}" for i in range(20)]
    return adata


def vocabulary(adata: ad.AnnData, **arguments: object) -> list[str]:
    return sd.pp.cell_sentences(adata, copy=True, **arguments).uns["cell_sentence"]["genes"].tolist()


def test_ids_are_mapped_to_symbols(cells: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "sc_duality"):
        assert vocabulary(cells) == ["MS4A1", "CD79A", "CD3E", "ENSG99999999999"], "no housekeeping genes"
    assert "mapped 5 Ensembl ids to gene symbols; kept 1 unknown ids" in caplog.text
    assert cells.var_names.tolist() == list(IDS.values())


def test_ids_and_symbols_give_the_same_sentences(cells: ad.AnnData) -> None:
    named = cells.copy()
    named.var_names = list(IDS)
    named = named[:, list(IDS)[:-1]].copy()
    for adata in (cells, named):
        sd.pp.cell_sentences(adata, 3, genes=["MS4A1", "CD79A", "CD3E"])
    assert sd.get.cell_sentences(cells).tolist() == sd.get.cell_sentences(named).tolist()


def test_symbols_in_var_are_used_or_suggested(cells: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    cells.var["feature_name"] = ["a", "b", "c", "d", "e", "ENSG00000105369"]
    assert vocabulary(cells, gene_symbols="feature_name") == list(cells.var["feature_name"])
    assert "Ensembl" not in caplog.text
    with caplog.at_level(logging.INFO, "sc_duality"):
        vocabulary(cells)
    assert "var['feature_name'] may have symbols too: pass gene_symbols='feature_name' to use them" in caplog.text


def test_genes_are_selected_by_id_or_symbol(cells: ad.AnnData) -> None:
    assert vocabulary(cells, genes=cells.var_names[:2]) == ["MS4A1", "CD79A"]
    assert vocabulary(cells, genes=["MS4A1", "ENSG00000198851"]) == ["MS4A1", "CD3E"]
    assert vocabulary(cells, exclude=["MS4A1", "ENSG00000105369.13", "MT-CO1"]) == ["CD3E", "RPL3", "ENSG99999999999"]
    with pytest.raises(KeyError, match="1 of the names in genes= are not among the gene names: CD4"):
        vocabulary(cells, genes=["CD4", "MS4A1"])


@pytest.mark.parametrize("store", [False, True])
def test_expression_is_reconstructed_in_the_columns_of_ids(cells: ad.AnnData, tmp_path: Path, store: bool) -> None:
    sd.pp.cell_sentences(cells, exclude=None)
    if store:
        cells.write_h5ad(tmp_path / "cells.h5ad")
        cells = ad.read_h5ad(tmp_path / "cells.h5ad")
    sd.pp.fit_expression(cells)
    part = cells[:, ::-1].copy()
    for adata in (cells, part):
        sd.pp.reconstruct_expression(adata)
    rebuilt = cells.layers["reconstructed"].toarray()
    assert all(
        (np.argsort(-row, kind="stable")[:3] == np.argsort(-own)[:3]).all()
        for row, own in zip(rebuilt, cells.X.toarray(), strict=True)
    )
    np.testing.assert_array_equal(part.layers["reconstructed"].toarray()[:, ::-1], rebuilt)


def test_raw_and_mixed_names(cells: ad.AnnData) -> None:
    cells.raw = cells.copy()
    mixed = cells[:, :3].copy()
    mixed.var_names = ["MS4A1", "ENSG00000105369", "CD3E"]
    assert vocabulary(mixed) == ["MS4A1", "CD79A", "CD3E"]
    assert vocabulary(mixed, use_raw=True) == ["MS4A1", "CD79A", "CD3E", "ENSG99999999999"]


def test_an_id_in_the_vocabulary_keeps_its_column_after_subsetting(cells: ad.AnnData) -> None:
    two = cells[:, [0, 1, 2]].copy()
    two.var_names = ["ENSG00000156738.1", "ENSG00000156738.2", "CD3E"]
    assert vocabulary(two) == ["MS4A1", "ENSG00000156738.2", "CD3E"]
    sd.pp.cell_sentences(two)
    genes = two.uns["cell_sentence"]["genes"]
    assert gene_columns(genes, two, None).tolist() == [0, 1, 2]
    assert gene_columns(genes, two[:, 1:], None).tolist() == [-1, 0, 1]


def test_sentences_in_a_file(cells: ad.AnnData, tmp_path: Path) -> None:
    cells.write_h5ad(tmp_path / "cells.h5ad")
    sd.io.write_sentences(tmp_path / "cells.h5ad", n_genes=3)
    sd.pp.cell_sentences(cells, 3)
    written = ad.read_h5ad(tmp_path / "cells.h5ad")
    assert sd.get.cell_sentences(written).tolist() == sd.get.cell_sentences(cells).tolist()


def test_ids_of_two_species(cells: ad.AnnData) -> None:
    mouse = ad.AnnData(cells.X, var=pd.DataFrame(index=["ENSG00000156738", *(f"ENSMUSG{i:011d}" for i in range(5))]))
    with pytest.raises(ValueError, match="5 of 6 gene names are Ensembl ids .ENSMUSG.* of unknown or non-human genes"):
        sd.pp.cell_sentences(mouse)
