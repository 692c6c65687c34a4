"""Ranking in memory, which leaves the AnnData unchanged."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest

import sc_duality as sd
from sc_duality.cells import default_sentences, gene_lists, plan_ranking


def test_default_sentences_are_those_of_the_tool(counts: ad.AnnData) -> None:
    sentences = default_sentences(counts)
    assert not counts.obsm
    assert not counts.uns
    sd.pp.cell_sentences(counts)
    np.testing.assert_array_equal(sentences.ranks, counts.obsm["cell_sentence"])
    assert sentences.ranks.dtype == np.int32
    assert sentences.genes.tolist() == counts.uns["cell_sentence"]["genes"].tolist()
    assert sentences.params == counts.uns["cell_sentence"]["params"]
    assert sentences.gene_lists(3) == sd.get.gene_lists(counts, n_genes=3)


def test_settings(counts: ad.AnnData) -> None:
    counts.layers["counts"] = counts.X * 2
    ranking = plan_ranking(counts, 5, layer="counts", exclude=None, rng=3)
    assert ranking.shape == (60, 5)
    sentences = ranking.compute()
    sd.pp.cell_sentences(counts, 5, layer="counts", exclude=None, rng=3)
    assert gene_lists(sentences.ranks, sentences.genes) == sd.get.gene_lists(counts)


def test_unusable_values(counts: ad.AnnData) -> None:
    counts.X = -counts.X
    with pytest.raises(ValueError, match=r"X holds \d+ negative values"):
        plan_ranking(counts).compute()
