"""Examples of clusters: pooled sentences, markers, sizes and context."""

from __future__ import annotations

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.cells import marker_genes
from sc_duality.examples import ModelCells, build
from sc_duality.models import ModelSpec
from sc_duality.tasks import ClusterAnnotation

SPEC = ModelSpec(name="general", source="general", n_genes=30)


@pytest.fixture
def cells():
    adata = sd.datasets.pbmc3k()[::3].copy()
    adata.obs["group"] = adata.obs["cell_type"].astype(object)
    adata.obs["tissue"] = "blood"
    adata.obs["donor"] = ["d1", "d1", "d2", "d1"] * (adata.n_obs // 4) + ["d1"] * (adata.n_obs % 4)
    sd.pp.cell_sentences(adata)
    return adata


def built(adata, context=(), **settings):
    hidden = sd.Duality(context="observed", hidden_fraction=0.5)
    return build(ClusterAnnotation(groupby="group", **settings), ModelCells(adata, SPEC, context=context), hidden)


def test_one_example_a_group(cells):
    cells.obs.loc[cells.obs_names[:5], "group"] = [None, "nan", np.nan, "", None]
    examples = built(cells, ["tissue", "donor"]).predict_groups()
    named = cells.obs["group"][5:]
    assert list(examples) == sorted(named.unique())
    assert {name: one.n_cells for name, one in examples.items()} == named.value_counts().to_dict()
    assert sum(one.share for one in examples.values()) == pytest.approx(1)
    example = examples["B cells"]
    assert example.options == ()
    assert len(example.genes) == 30
    assert example.markers == marker_genes(cells, "group")["B cells"]
    assert example.context["tissue"] == "blood"
    share = (cells.obs["donor"][cells.obs["group"] == "B cells"] == "d1").mean()
    assert example.context["donor"] == f"d1 ({share:.0%} of the cells), d2 ({1 - share:.0%} of the cells)"


def test_pooled_sentence_has_the_highest_mean_rank_weights(cells):
    names = cells.obs["group"] == "NK cells"
    sentences = sd.get.gene_lists(cells[names], n_genes=30)
    genes = sorted({gene for sentence in sentences for gene in sentence})
    mean = {g: np.mean([1 / (s.index(g) + 1) if g in s else 0 for s in sentences]) for g in genes}
    expected = sorted(genes, key=lambda gene: -mean[gene])[:30]
    found = built(cells).predict_groups()["NK cells"].genes
    np.testing.assert_allclose([mean[gene] for gene in found], [mean[gene] for gene in expected])
    assert set(found[:20]) == set(expected[:20])


def test_labels_and_context_of_all_cells(cells):
    examples = built(cells, {"tissue": "liver"}, labels=["B cell", "T cell"])
    assert examples.labels == {"B cell": "B cell", "T cell": "T cell"}
    example = examples.predict_groups()["B cells"]
    assert example.options == ("B cell", "T cell")
    assert example.context == {"tissue": "liver"}


def test_hidden_genes_depend_on_the_seed_and_the_name_of_the_group(cells):
    examples = built(cells)
    first, again, other = (examples.groups_with_hidden(seed)["B cells"] for seed in (0, 0, 1))
    assert first == again != other
    assert set(first.hidden_genes) <= set(examples.predict_groups()["B cells"].genes)
    assert first.has_hidden


def test_without_a_matrix_prompts_have_no_markers(cells, caplog):
    cells.X = -np.asarray(cells.X.todense())
    cells.uns["cell_sentence"]["params"].pop("rng")
    assert built(cells).predict_groups()["B cells"].markers == ()
    assert "prompts have no differentially expressed genes: marker genes cannot be computed" in caplog.text


def test_clusters_are_not_trained_on(cells):
    with pytest.raises(ValueError, match="'cluster_annotation' is for prediction: train on 'annotation'"):
        built(cells).labelled(np.ones(cells.n_obs, dtype=bool))
