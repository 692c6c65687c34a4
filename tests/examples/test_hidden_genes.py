"""Which genes are hidden depends on the seed and the name of the cell alone."""

from itertools import chain

import numpy as np
import pytest

from sc_duality.duality import Duality
from sc_duality.examples import ModelCells, build
from sc_duality.tasks import Annotation

LABELS = ["alpha cell", "beta cell"]


def with_hidden(adata, spec, rows=slice(None), seed=0, **settings):
    settings = {"context": "observed", "hidden_fraction": 0.5} | settings
    return build(Annotation(labels=LABELS), ModelCells(adata, spec), Duality(**settings)).with_hidden(rows, seed)


def test_other_cells_do_not_matter(toy_adata, toy_spec):
    found = with_hidden(toy_adata, toy_spec)
    order = np.random.default_rng(0).permutation(40)[:15]
    assert with_hidden(toy_adata[order].copy(), toy_spec) == [found[i] for i in order]
    assert with_hidden(toy_adata, toy_spec, slice(7, 9)) == found[7:9]


def test_seed_and_name_matter(toy_adata, toy_spec):
    found = with_hidden(toy_adata, toy_spec)
    assert found == with_hidden(toy_adata, toy_spec)
    assert found != with_hidden(toy_adata, toy_spec, seed=1)
    renamed = toy_adata.copy()
    renamed.obs_names = [f"other{i}" for i in range(40)]
    assert found != with_hidden(renamed, toy_spec)


@pytest.mark.parametrize("context", ["label", "observed"])
def test_observed_and_hidden_genes_make_up_the_cell(toy_adata, toy_spec, context):
    cells = ModelCells(toy_adata, toy_spec).genes()
    for example, genes in zip(with_hidden(toy_adata, toy_spec, context=context), cells, strict=True):
        assert len(example.hidden_genes) == 3
        assert example.n_hidden_max == 3
        if context == "label":
            assert (example.genes, example.observed) == (tuple(genes), ())
        else:
            assert example.genes == example.observed
            assert sorted((*example.observed, *example.hidden_genes)) == sorted(genes)


def unlabelled(adata, spec, n_genes, **settings):
    cells = ModelCells(adata, spec, n_genes=n_genes)
    return cells, build(Annotation(labels=LABELS), cells, Duality(**settings)).unlabelled(40, np.random.default_rng(0))


def test_genes_beyond_the_sentence(toy_adata, toy_spec):
    cells, found = unlabelled(toy_adata, toy_spec, 6, hidden="beyond")
    for one in found:
        row = int(one.example.genes[0].removeprefix("G"))
        assert one.example.genes + one.example.hidden_genes == tuple(cells.genes([row], n_genes=12)[0])
    with pytest.raises(ValueError, match="hidden='beyond' hides nothing: no sentence is longer than the 400 genes"):
        unlabelled(toy_adata, toy_spec, 400, hidden="beyond")


@pytest.mark.parametrize("context", ["label", "observed"])
def test_genes_of_the_cluster(toy_adata, toy_spec, context):
    """A cluster has fewer cells than are pooled: all others count, weighted by 1 / rank."""
    cells, found = unlabelled(toy_adata, toy_spec, 6, hidden="cluster", cluster="donor", context=context)
    for one in found:
        row = int(one.example.genes[0].removeprefix("G"))
        others = cells.genes([i for i in range(40) if i % 3 == row % 3 and i != row])
        weight = {
            gene: sum(1 / (1 + genes.index(gene)) for genes in others if gene in genes) for gene in {*chain(*others)}
        }
        expected = sorted(weight, key=lambda gene: (-round(weight[gene], 9), gene))[:6]
        assert [round(weight[gene], 9) for gene in one.example.hidden_genes] == [round(weight[g], 9) for g in expected]
        assert one.example.observed == (one.example.genes if context == "observed" else ())


def test_an_unknown_cluster_column_raises(toy_adata, toy_spec):
    with pytest.raises(KeyError, match="cluster='leiden' is not an obs column"):
        unlabelled(toy_adata, toy_spec, 6, hidden="cluster", cluster="leiden")


def test_cells_without_a_cluster_are_left_out(toy_adata, toy_spec):
    adata = toy_adata.copy()
    adata.obs.loc[adata.obs["donor"] == "d1", "donor"] = None
    _, found = unlabelled(adata, toy_spec, 6, hidden="cluster", cluster="donor")
    assert {int(one.unit.removeprefix("cell")) % 3 for one in found} == {0, 2}
    adata.obs["donor"] = None
    with pytest.raises(ValueError, match="no cell can be used: .*cluster"):
        unlabelled(adata, toy_spec, 6, hidden="cluster", cluster="donor")
