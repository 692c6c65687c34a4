"""Examples of gene sets, language modelling and samples, on real cells."""

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.examples import ModelCells, build, sample_examples
from sc_duality.models import ModelSpec
from sc_duality.tasks import (
    CellLanguageModelling,
    GeneSetEnumeration,
    GeneSetNaming,
    SampleByAbstract,
    SampleByCellTypes,
    SampleByTissue,
    SampleLanguageModelling,
)

SETS = {f"set {i}": ("ISG15", "MX1", "IFI6", "CD79A", "MS4A1")[: i % 4 + 1] for i in range(40)}


@pytest.fixture(scope="module")
def cells():
    adata = sd.datasets.pbmc3k()[::5].copy()
    adata.obs["sample"] = ["s1", "s2", "s3"] * (adata.n_obs // 3) + ["s1"] * (adata.n_obs % 3)
    adata.obs["tissue"] = adata.obs["sample"].map({"s1": "blood", "s2": "lung", "s3": "blood"})
    adata.uns["abstract"] = "We profiled blood cells of healthy donors."
    return ModelCells(adata, ModelSpec("general", "general"), n_genes=30)


TASKS = [
    CellLanguageModelling(),
    SampleLanguageModelling(groupby="sample", n_cells=5),
    SampleByTissue(truth="tissue", groupby="sample", n_cells=5),
    SampleByCellTypes(truth="cell_type", groupby="sample", n_cells=5),
    SampleByAbstract(groupby="sample", n_cells=5),
    GeneSetEnumeration(gene_sets=SETS),
    GeneSetNaming(gene_sets=SETS),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_examples_have_questions_whose_targets_are_read(cells, task):
    rng = np.random.default_rng(0)
    for one in build(task, cells).unlabelled(4, rng, with_truth=True):
        for question in one.questions():
            assert question.parse(question.completion(question.target)).value == question.target
            assert question.similarity(question.target) == pytest.approx(1)
    assert all(one.example.truth is None for one in build(task, cells).unlabelled(4, rng))


def test_sets_are_held_out_of_both_parts(cells):
    builder = build(GeneSetEnumeration(gene_sets=SETS), cells)
    held = np.random.default_rng(0).random(len(cells)) < 0.3
    train, test = builder.labelled(~held).rows, builder.labelled(held).rows
    assert sorted([*train, *test]) == list(range(len(SETS)))
    assert 0 < len(test) < len(train)


def test_every_set_comes_once_before_one_comes_again(cells):
    sets = {f"set {i}": genes for i, genes in enumerate([*SETS.values()] * 4)}
    pool = build(GeneSetEnumeration(gene_sets=sets), cells).labelled(np.ones(len(cells), dtype=bool))
    rng = np.random.default_rng(0)
    found = [one.example.name for one in sample_examples(cells, pool, 2 * len(sets), rng, augment=True)]
    assert sorted(found[: len(sets)]) == sorted(found[len(sets) :]) == sorted(sets)


def test_cells_of_a_sample_share_their_tissue_and_the_types_match(cells):
    task = SampleByCellTypes(truth="cell_type", groupby="sample", n_cells=5)
    types = dict(zip(map(tuple, cells.genes()), cells.adata.obs["cell_type"], strict=True))
    for one in build(task, cells).unlabelled(6, np.random.default_rng(1), with_truth=True):
        for genes, label in zip(one.example.truth, one.example.condition, strict=True):
            assert {kind for full, kind in types.items() if full[: len(genes)] == genes} >= {label}
        assert set(one.example.hidden) == set(one.example.condition)


@pytest.mark.parametrize(
    ("task", "error", "match"),
    [
        (SampleByTissue(groupby="sample"), ValueError, "needs the obs column with the tissues"),
        (SampleByCellTypes(groupby="sample"), ValueError, "needs the obs column with the cell types"),
        (SampleLanguageModelling(), ValueError, "about samples: pass groupby="),
        (SampleByTissue(truth="organ", groupby="sample"), KeyError, "organ"),
        (GeneSetNaming(), ValueError, "needs gene sets"),
        (GeneSetNaming(gene_sets={"x": "ISG15"}), TypeError, "must be a list of symbols"),
        (GeneSetNaming(gene_sets="sets.gmt"), TypeError, "read_gmt"),
    ],
)
def test_bad_settings_are_named(cells, task, error, match):
    with pytest.raises(error, match=match):
        build(task, cells).labelled(np.ones(len(cells), dtype=bool))


def test_no_abstract(cells):
    adata = cells.adata.copy()
    del adata.uns["abstract"]
    with pytest.raises(ValueError, match="uns\\['abstract'\\]"):
        build(SampleByAbstract(groupby="sample"), ModelCells(adata, cells.spec)).labelled(np.ones(len(cells), bool))


def test_too_many_cells_raise():
    with pytest.raises(ValueError, match="at most 20 cells"):
        SampleByTissue(truth="tissue", groupby="sample", n_cells=21)


def test_an_empty_column_of_abstracts(cells):
    adata = cells.adata.copy()
    adata.obs["study"] = None
    with pytest.raises(ValueError, match=r"obs\['study'\] has no abstract: all of its values are missing"):
        build(SampleByAbstract(truth="study", groupby="sample"), ModelCells(adata, cells.spec)).labelled(
            np.ones(len(cells), dtype=bool)
        )
