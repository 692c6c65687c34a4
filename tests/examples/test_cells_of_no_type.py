"""Cells of none of the types, made of real cells."""

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.examples import CellsOfNoType, ModelCells, augment_between_studies
from tests.examples.two_studies import all_of, types_of


def test_sentences(studies):
    drawn = CellsOfNoType(studies, types_of(studies), all_of(studies))
    found = drawn.sentences(60, np.random.default_rng(0))
    known = {str(gene) for cells in studies for gene in cells.gene_names}
    assert len(found) == 60
    assert all(len(set(genes)) == len(genes) and set(genes) <= known for genes in found)
    assert all(25 <= len(genes) <= studies[0].n_genes for genes in found)
    assert found == CellsOfNoType(studies, types_of(studies), all_of(studies)).sentences(60, np.random.default_rng(0))
    augment_between_studies(studies, types_of(studies), all_of(studies))
    assert found != drawn.sentences(60, np.random.default_rng(0))


def test_they_are_unlike_the_cells_that_they_are_made_of(studies):
    """The packaged model calls more of them unknown than of the cells."""
    drawn = CellsOfNoType(studies, types_of(studies), all_of(studies)).sentences(60, np.random.default_rng(0))
    cells = sd.datasets.pbmc3k()[:60].copy()
    X = np.zeros(cells.shape, np.float32)
    for row, genes in zip(X, drawn, strict=True):
        row[cells.var_names.get_indexer(genes)] = np.arange(len(genes), 0, -1)
    made = cells.copy()
    made.X = X
    unknown = []
    for one in (cells, made):
        sd.tl.annotate(one)
        unknown.append((one.obs["annotation"] == "unknown").mean())
    assert unknown[0] < 0.1
    assert unknown[1] > 0.5


def test_doublets_are_of_unlike_types(studies):
    """T cells of both kinds are not joined: their doublets would look like either."""
    drawn = CellsOfNoType(studies[:1], types_of(studies)[:1], all_of(studies)[:1])
    names = [name for _, name in drawn._groups]
    likeness = drawn._likeness[names.index("CD4 T cells")]
    assert likeness[names.index("CD8 T cells")] > np.median(likeness)
    assert likeness[names.index("CD14+ Monocytes")] < np.median(likeness)


def test_cells_without_a_type_and_held_out_cells_are_not_used(studies):
    types, training = types_of(studies), all_of(studies)
    types[0][types[0] == "B cells"] = None
    training[0][types[0] == "NK cells"] = False
    drawn = CellsOfNoType(studies[:1], types[:1], training[:1])
    assert {"B cells", "NK cells"}.isdisjoint(name for _, name in drawn._groups)


def test_nothing_is_read_of_held_out_cells(studies):
    """Their counts change nothing, not even the background."""
    training = all_of(studies)
    training[0][::2] = False
    before = CellsOfNoType(studies, types_of(studies), training).sentences(40, np.random.default_rng(0))
    counts = studies[0].adata.X.tolil()
    counts[::2] = 1
    studies[0].adata.X = counts.tocsr()
    changed = [ModelCells(cells.adata, cells.spec) for cells in studies]
    after = CellsOfNoType(changed, types_of(changed), training).sentences(40, np.random.default_rng(0))
    assert after == before


def test_cells_of_one_type(studies, recwarn):
    types = [np.full(len(cells), "blood cell", dtype=object) for cells in studies[:1]]
    drawn = CellsOfNoType(studies[:1], types, all_of(studies)[:1])
    assert len(drawn.sentences(10, np.random.default_rng(0))) == 10
    assert not [warning for warning in recwarn if issubclass(warning.category, RuntimeWarning)]


def test_cells_without_counts(studies):
    cells = studies[0].adata
    cells.X = np.log1p(cells.X.toarray())
    normalised = ModelCells(cells, studies[0].spec)
    with pytest.raises(ValueError, match="unknown_share= needs cells with types and raw counts"):
        CellsOfNoType([normalised, studies[1]], [types_of(studies)[0], None], all_of(studies))
