"""Sentences of any kind of object, and their invariance to blocks, order of cells and genes, and other cells."""

from __future__ import annotations

import logging
import re
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anndata as ad
import dask.array as da
import mudata as md
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import sc_duality as sd
from sc_duality import settings
from sc_duality.cells import _row_blocks


def sentences(adata: ad.AnnData, **arguments: object) -> dict[str, str]:
    """The sentence of every cell, by its name."""
    ranked = sd.pp.cell_sentences(adata, copy=True, **arguments)
    return sd.get.cell_sentences(ranked, mod=arguments.get("mod", "rna")).to_dict()


def test_fields(counts: ad.AnnData) -> None:
    assert sd.pp.cell_sentences(counts, 20, rng=3) is None
    ranks, stored = counts.obsm["cell_sentence"], counts.uns["cell_sentence"]
    assert (ranks.shape, ranks.dtype) == ((60, 20), np.int32)
    assert stored["params"] == {
        "n_genes": 20,
        "use_raw": False,
        "exclude": "housekeeping",
        "rng": 3,
        "version": sd.__version__,
    }
    assert list(stored) == ["genes", "params"]
    housekeeping = {"MT-CO1", "MT-ND4", "RPL3", "RPLP1", "RPS27A", "RPSA", "MALAT1"}
    assert stored["genes"].tolist() == [gene for gene in counts.var_names if gene not in housekeeping]


def test_genes_are_in_the_order_of_expression(counts: ad.AnnData) -> None:
    sd.pp.cell_sentences(counts)
    frame = counts.to_df()
    for cell, genes in zip(counts.obs_names, sd.get.gene_lists(counts), strict=True):
        values = frame.loc[cell, genes].to_numpy()
        assert (values > 0).all()
        assert (np.diff(values) <= 0).all()
        assert len(set(genes)) == len(genes) == (frame.loc[cell, counts.uns["cell_sentence"]["genes"]] > 0).sum()


def test_normalised_counts_give_the_same_sentences(counts: ad.AnnData) -> None:
    logged = counts.copy()
    totals = np.asarray(logged.X.sum(1))
    logged.X = sparse.csr_matrix(np.log1p(logged.X.toarray().astype(float) / totals * 1e4))
    assert sentences(logged) == sentences(counts)


@pytest.mark.parametrize("form", ["csc", "csr array", "dense", "float64", "int64", "dask", "sparse dask", "unsorted"])
def test_any_matrix_gives_the_same_sentences(counts: ad.AnnData, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = sentences(counts)
    X = counts.X
    unsorted = X.copy()
    for start, stop in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        unsorted.data[start:stop] = X.data[start:stop][::-1]
        unsorted.indices[start:stop] = X.indices[start:stop][::-1]
    unsorted.has_canonical_format = False
    counts.X = {
        "csc": X.tocsc(),
        "csr array": sparse.csr_array(X),
        "dense": X.toarray(),
        "float64": X.astype(np.float64),
        "int64": X.astype(np.int64),
        "dask": da.from_array(X.toarray(), chunks=(13, 40)),
        "sparse dask": da.from_array(X.toarray(), chunks=(13, -1)).map_blocks(sparse.csr_matrix),
        "unsorted": unsorted,
    }[form]
    monkeypatch.setattr(_row_blocks, "BLOCK_VALUES", 7 * counts.n_vars)
    assert sentences(counts) == expected


@pytest.mark.parametrize("form", ["csr", "csc", "dense"])
@pytest.mark.parametrize("mode", ["backed", "lazy"])
def test_files_give_the_same_sentences(
    counts: ad.AnnData, form: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = sentences(counts)
    counts.var["symbol"] = counts.var_names.to_numpy()
    counts.X = {"csr": counts.X, "csc": counts.X.tocsc(), "dense": counts.X.toarray()}[form]
    counts.raw = counts.copy()
    path = tmp_path / "counts.h5ad"
    counts.write_h5ad(path)
    monkeypatch.setattr(_row_blocks, "BLOCK_VALUES", 7 * counts.n_vars)
    if mode == "lazy":
        pytest.importorskip("xarray", reason="anndata reads lazily with xarray")
        adata = ad.experimental.read_lazy(path)
    else:
        adata = ad.read_h5ad(path, backed="r")
    sd.pp.cell_sentences(adata)
    assert sd.get.cell_sentences(adata).to_dict() == expected
    for arguments in ({"gene_symbols": "symbol"}, {"use_raw": True}):
        sd.pp.cell_sentences(adata, key_added="again", **arguments)
        assert sd.get.cell_sentences(adata, sentence_key="again").to_dict() == expected


@pytest.mark.parametrize("form", ["csr", "dense", "dask"])
def test_memory_does_not_grow_with_the_matrix(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.random.default_rng(0).poisson(0.5, (4000, 500)).astype(np.float64)
    adata = ad.AnnData(sparse.csr_matrix(X) if form == "csr" else X)
    if form == "dask":
        adata.X = da.random.default_rng(0).poisson(0.5, (4000, 500), chunks=(50, 500)).astype(np.float64)
    else:
        adata.write_h5ad(tmp_path / "counts.h5ad")
        adata = ad.read_h5ad(tmp_path / "counts.h5ad", backed="r")
    sd.pp.cell_sentences(adata, 5)  # compiles
    monkeypatch.setattr(_row_blocks, "BLOCK_VALUES", 50 * 500)
    tracemalloc.start()
    try:
        sd.pp.cell_sentences(adata, 5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 5


@pytest.mark.parametrize("rows", [1, 7, 60])
def test_sentences_are_invariant_to_blocks_order_and_other_cells(
    counts: ad.AnnData, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = sentences(counts)
    monkeypatch.setattr(_row_blocks, "BLOCK_VALUES", rows * counts.n_vars)
    rng = np.random.default_rng(rows)
    shuffled = counts[rng.permutation(60)][:, rng.permutation(counts.n_vars)].copy()
    assert sentences(shuffled) == expected
    alone = counts[rows - 1].copy()
    assert sentences(alone) == {alone.obs_names[0]: expected[alone.obs_names[0]]}


def test_the_seed_changes_only_the_order_of_ties(counts: ad.AnnData) -> None:
    assert sentences(counts, rng=0) == sentences(counts) != sentences(counts, rng=1)
    first, second = sentences(counts, rng=0), sentences(counts, rng=1)
    assert all(sorted(first[cell].split()) == sorted(second[cell].split()) for cell in first)
    sd.pp.cell_sentences(counts, rng=np.random.default_rng(7))
    assert sentences(counts, rng=counts.uns["cell_sentence"]["params"]["rng"]) == sentences(
        counts, rng=np.random.default_rng(7)
    )


def test_layer_and_raw(counts: ad.AnnData) -> None:
    expected = sentences(counts)
    counts.layers["counts"] = counts.X
    counts.raw = counts.copy()
    counts.X = sparse.csr_matrix(counts.shape, dtype=np.float32)
    assert sentences(counts, layer="counts") == sentences(counts, use_raw=True) == expected
    sd.pp.cell_sentences(counts, layer="counts")
    assert counts.uns["cell_sentence"]["params"]["layer"] == "counts"


def test_genes_by_mask_and_by_name(counts: ad.AnnData) -> None:
    selected = ["LYZ", "CD79A", "MALAT1"]
    masks = [counts.var_names.isin(selected), pd.Series(counts.var_names.isin(selected), dtype="boolean")]
    for genes in (selected, set(selected), pd.Index(selected), np.array(selected), *masks):
        sd.pp.cell_sentences(counts, genes=genes)
        assert counts.uns["cell_sentence"]["genes"].tolist() == ["CD79A", "LYZ"], "in the order of the matrix"
    sd.pp.cell_sentences(counts, genes=selected, exclude=None)
    assert counts.uns["cell_sentence"]["genes"].tolist() == ["CD79A", "LYZ", "MALAT1"]


def test_exclude(counts: ad.AnnData) -> None:
    def vocabulary(exclude: object) -> list[str]:
        sd.pp.cell_sentences(counts, exclude=exclude)
        return counts.uns["cell_sentence"]["genes"].tolist()

    assert vocabulary(None) == counts.var_names.tolist()
    assert vocabulary("^ZNF|^MT-") == [g for g in counts.var_names if not re.search("^ZNF|^MT-", g)]
    assert vocabulary(["LYZ", "NOT-A-GENE"]) == counts.var_names.drop("LYZ").tolist()
    assert counts.uns["cell_sentence"]["params"]["exclude"].tolist() == ["LYZ", "NOT-A-GENE"]


def test_housekeeping_in_human_and_mouse(counts: ad.AnnData) -> None:
    excluded = ["MT-CO1", "mt-Nd1", "RPL13A", "Rpl3", "RPLP0", "Rplp1", "RPS4X", "Rps27a", "RPSA", "Malat1", "MALAT1"]
    kept = ["MT1X", "Mtor", "RPS6KA1", "Rps6kb1", "RPL", "RPRD1A", "MRPL10", "MRPS5", "MALAT1-AS", "NEAT1"]
    adata = counts[:, : len(excluded) + len(kept)].copy()
    adata.var_names = excluded + kept
    sd.pp.cell_sentences(adata)
    assert adata.uns["cell_sentence"]["genes"].tolist() == kept


def test_gene_symbols(counts: ad.AnnData) -> None:
    expected = sentences(counts)
    counts.var["symbol"] = counts.var_names.to_numpy()
    counts.var_names = [f"ENSG{i:011}" for i in range(counts.n_vars)]
    assert sentences(counts, gene_symbols="symbol") == expected

    counts.var["ids"] = counts.var_names
    assert all("ENSG" in text for text in sentences(counts, gene_symbols="ids").values()), "ids from a column of var"

    counts.var.loc[counts.var_names[0], "symbol"] = None
    sd.pp.cell_sentences(counts, gene_symbols="symbol")
    assert counts.uns["cell_sentence"]["genes"][0] == "MS4A1", "a gene without a symbol is left out"


def test_length(counts: ad.AnnData) -> None:
    small = counts[:, :10].copy()
    sd.pp.cell_sentences(small)
    assert small.obsm["cell_sentence"].shape == (60, 10), "all genes if there are fewer than 200"
    sd.pp.cell_sentences(small, np.int64(3))
    assert small.obsm["cell_sentence"].shape == (60, 3)
    full = sd.pp.cell_sentences(counts, copy=True)
    sd.pp.cell_sentences(counts, 4)
    np.testing.assert_array_equal(counts.obsm["cell_sentence"], full.obsm["cell_sentence"][:, :4])


def test_cells_without_expression_have_empty_sentences(counts: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    X = counts.X.toarray()
    X[[3, 5]] = 0
    counts.X = sparse.csr_matrix(X)
    sd.pp.cell_sentences(counts)
    assert (counts.obsm["cell_sentence"][[3, 5]] == -1).all()
    assert sd.get.cell_sentences(counts).iloc[[3, 5]].tolist() == ["", ""]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["2 of 60 cells express no gene of the vocabulary: their sentences are empty"]


@pytest.mark.filterwarnings("ignore:Observation names are not unique:UserWarning")
def test_duplicate_cell_names(counts: ad.AnnData) -> None:
    twice = ad.concat([counts, counts])
    sd.pp.cell_sentences(twice)
    ranks = twice.obsm["cell_sentence"]
    np.testing.assert_array_equal(ranks[:60], ranks[60:])


def test_copy_does_not_change_the_original(counts: ad.AnnData) -> None:
    copied = sd.pp.cell_sentences(counts, copy=True)
    assert "cell_sentence" in copied.obsm
    assert not counts.obsm
    assert not counts.uns


def test_a_view_becomes_a_copy(counts: ad.AnnData) -> None:
    expected = sentences(counts)
    view = counts[10:20]
    with pytest.warns(ad.ImplicitModificationWarning):
        sd.pp.cell_sentences(view)
    assert sd.get.cell_sentences(view).to_dict() == dict(list(expected.items())[10:20])
    assert not counts.obsm


@pytest.mark.filterwarnings("ignore::FutureWarning:mudata", "ignore::UserWarning:mudata")
def test_mudata(counts: ad.AnnData) -> None:
    mdata = md.MuData({"rna": counts.copy(), "nuclei": counts[:, 20:].copy()})
    sd.pp.cell_sentences(mdata)
    sd.pp.cell_sentences(mdata, mod="nuclei", key_added="sentences")
    assert "cell_sentence" in mdata["rna"].obsm
    assert "sentences" in mdata["nuclei"].obsm
    assert sentences(mdata) == sentences(counts)
    assert sentences(mdata, mod="nuclei") == sentences(counts[:, 20:].copy())


def test_concurrent_calls(counts: ad.AnnData) -> None:
    expected = sentences(counts)
    with ThreadPoolExecutor(8) as pool:
        assert all(result == expected for result in pool.map(sentences, [counts.copy() for _ in range(16)]))


def test_the_matrix_is_not_changed(counts: ad.AnnData) -> None:
    before = counts.X.copy()
    sd.pp.cell_sentences(counts)
    assert (before != counts.X).nnz == 0


def test_progress_bar_over_blocks(
    counts: ad.AnnData, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "progress", True)
    sd.pp.cell_sentences(counts)
    assert capsys.readouterr().err == "", "no bar for one block"
    monkeypatch.setattr(_row_blocks, "BLOCK_VALUES", 7 * counts.n_vars)
    sd.pp.cell_sentences(counts)
    assert "cell sentences" in capsys.readouterr().err
    monkeypatch.setattr(settings, "progress", False)
    sd.pp.cell_sentences(counts)
    assert capsys.readouterr().err == ""
