"""Sentences are decoded only with the vocabulary that they were written with."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd


@pytest.fixture
def ranked(counts: ad.AnnData) -> ad.AnnData:
    sd.pp.cell_sentences(counts, 20)
    return counts


def texts(adata: ad.AnnData) -> dict[str, str]:
    return sd.get.cell_sentences(adata).to_dict()


def test_text_and_lists(ranked: ad.AnnData) -> None:
    found = sd.get.cell_sentences(ranked)
    assert isinstance(found, pd.Series)
    assert found.name == "cell_sentence"
    assert found.index.equals(ranked.obs_names)
    lists = sd.get.gene_lists(ranked)
    assert [text.split(" ") for text in found] == lists
    assert all(type(gene) is str for gene in lists[0])
    assert sd.get.gene_lists(ranked, n_genes=3) == [genes[:3] for genes in lists]
    assert sd.get.cell_sentences(ranked, n_genes=3).tolist() == [" ".join(genes[:3]) for genes in lists]
    assert sd.get.gene_lists(ranked, n_genes=999) == lists


@pytest.mark.parametrize("n_genes", [0, -1, 2.0, True])
def test_invalid_length(ranked: ad.AnnData, n_genes: int) -> None:
    with pytest.raises(ValueError, match="n_genes must be a positive integer, got"):
        sd.get.gene_lists(ranked, n_genes=n_genes)


def test_sentence_key(counts: ad.AnnData) -> None:
    sd.pp.cell_sentences(counts, 5, key_added="short")
    assert sd.get.cell_sentences(counts, sentence_key="short").name == "short"


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_files(ranked: ad.AnnData, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"cells.{suffix}"
    getattr(ranked, f"write_{suffix}")(path)
    loaded = getattr(ad, f"read_{suffix}")(path)
    assert texts(loaded) == texts(ranked)
    assert loaded.obsm["cell_sentence"].dtype == np.int32
    params = loaded.uns["cell_sentence"]["params"]
    assert {name: type(params[name])(value) for name, value in ranked.uns["cell_sentence"]["params"].items()} == params


def test_backed(ranked: ad.AnnData, tmp_path: Path) -> None:
    ranked.write_h5ad(tmp_path / "cells.h5ad")
    assert texts(ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")) == texts(ranked)


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_lazy(ranked: ad.AnnData, suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("xarray", reason="anndata reads lazily with xarray")
    path = tmp_path / f"cells.{suffix}"
    getattr(ranked, f"write_{suffix}")(path)
    assert texts(ad.experimental.read_lazy(path)) == texts(ranked)


@pytest.mark.filterwarnings("ignore::FutureWarning:mudata")
def test_mudata_file(ranked: ad.AnnData, tmp_path: Path) -> None:
    md.MuData({"rna": ranked}).write(tmp_path / "cells.h5mu")
    loaded = md.read(tmp_path / "cells.h5mu")
    assert sd.get.cell_sentences(loaded).to_dict() == texts(ranked)
    assert sd.get.gene_lists(loaded) == sd.get.gene_lists(ranked)


def test_subset_of_cells(ranked: ad.AnnData) -> None:
    subset = ranked.obs["donor"] == "d1"
    assert texts(ranked[subset]) == texts(ranked[subset].copy()) == sd.get.cell_sentences(ranked)[subset].to_dict()


def test_genes_subset_reordered_or_renamed_after_ranking(ranked: ad.AnnData) -> None:
    expected = texts(ranked)
    assert texts(ranked[:, ::-1].copy()) == expected
    assert texts(ranked[:, 50:].copy()) == expected
    ranked.var_names = [f"GENE{i}" for i in range(ranked.n_vars)]
    assert texts(ranked) == expected


def test_concat_of_one_vocabulary(ranked: ad.AnnData) -> None:
    joined = ad.concat([ranked[:20], ranked[20:]], uns_merge="same")
    assert texts(joined) == texts(ranked)
    narrower = sd.pp.cell_sentences(ranked[:20].copy(), 5, copy=True)
    joined = ad.concat([narrower, ranked[20:]], uns_merge="same")
    assert texts(joined) == sd.get.cell_sentences(ranked, n_genes=5).to_dict(), "an inner concat keeps common ranks"


@pytest.mark.filterwarnings("ignore::anndata.ImplicitModificationWarning")
def test_concat_on_disk_with_the_vocabulary_of_a_part(ranked: ad.AnnData, tmp_path: Path) -> None:
    paths = [tmp_path / "a.h5ad", tmp_path / "b.h5ad"]
    ranked[:20].write_h5ad(paths[0])
    ranked[20:].write_h5ad(paths[1])
    ad.experimental.concat_on_disk(paths, tmp_path / "ab.h5ad")
    joined = ad.read_h5ad(tmp_path / "ab.h5ad")
    joined.uns["cell_sentence"] = ad.read_h5ad(paths[0]).uns["cell_sentence"]
    assert texts(joined) == texts(ranked)


def test_concat_that_drops_uns(ranked: ad.AnnData) -> None:
    with pytest.raises(KeyError, match=r'lost its vocabulary .* concatenate with uns_merge=\\?"same\\?"'):
        sd.get.cell_sentences(ad.concat([ranked[:20], ranked[20:]]))


@pytest.mark.parametrize("uns_merge", ["first", "only"])
def test_concat_that_keeps_another_vocabulary(ranked: ad.AnnData, uns_merge: str) -> None:
    other = ranked[:25, ::-1].copy()
    sd.pp.cell_sentences(other, 20)
    other.obs_names = "other-" + other.obs_names
    if uns_merge == "only":
        del other.uns["cell_sentence"]
    joined = ad.concat([ranked, other], uns_merge=uns_merge)
    with pytest.raises(ValueError, match=r"25 of 85 cells .* were written with another vocabulary"):
        sd.get.gene_lists(joined)
    sd.pp.cell_sentences(joined, 20)
    assert {name: text for name, text in texts(joined).items() if name in ranked.obs_names} == texts(ranked)


def test_outer_concat_of_unequal_widths(ranked: ad.AnnData) -> None:
    narrower = sd.pp.cell_sentences(ranked[:20].copy(), 5, copy=True)
    joined = ad.concat([narrower, ranked[20:]], join="outer", uns_merge="same")
    with pytest.raises(ValueError, match=r"20 cells with NaN, as an outer concat .* rank all parts with"):
        sd.get.cell_sentences(joined)


def test_no_sentences(counts: ad.AnnData) -> None:
    with pytest.raises(KeyError, match=r"no cell sentences in obsm\['mine'\]: run .*key_added='mine'"):
        sd.get.cell_sentences(counts, sentence_key="mine")


def test_indices_beyond_the_vocabulary(ranked: ad.AnnData) -> None:
    ranked.uns["cell_sentence"]["genes"] = ranked.uns["cell_sentence"]["genes"][:30]
    with pytest.raises(ValueError, match="but its vocabulary has 30 genes: the sentences were written with another"):
        sd.get.cell_sentences(ranked)


def test_changed_vocabulary(ranked: ad.AnnData) -> None:
    ranked.uns["cell_sentence"]["genes"] = ranked.uns["cell_sentence"]["genes"][::-1]
    with pytest.raises(ValueError, match=r"60 of 60 cells .* another vocabulary"):
        sd.get.cell_sentences(ranked)


def test_missing_fingerprint(ranked: ad.AnnData) -> None:
    del ranked.obsm["cell_sentence_vocabulary"]
    with pytest.raises(KeyError, match=r"obsm\['cell_sentence_vocabulary'\], .* is missing: run sd.pp.cell_sentences"):
        sd.get.cell_sentences(ranked)


def test_not_a_matrix_of_indices(ranked: ad.AnnData) -> None:
    ranked.obsm["cell_sentence"] = ranked.obsm["cell_sentence"].astype(float)
    with pytest.raises(ValueError, match="must be an integer matrix, cells × ranks, got float64"):
        sd.get.cell_sentences(ranked)
