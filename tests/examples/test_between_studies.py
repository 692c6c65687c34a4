"""Augmentation between studies, on real cells."""

import numpy as np
import pytest

from sc_duality.examples import ModelCells, augment_between_studies
from tests.examples.two_studies import all_of, types_of


def test_other_studies_find_genes_that_a_cell_lacked(studies):
    """Background and the mean of the type add genes; thinning and dropping only take some away."""
    rows = list(range(len(studies[0])))
    names = studies[0].gene_names
    expressed = [set(names[row.indices]) for row in studies[0].expression()]
    before = studies[0].augmented(rows, np.random.default_rng(0))
    augment_between_studies(studies, types_of(studies), all_of(studies))
    after = studies[0].augmented(rows, np.random.default_rng(0))
    new = [
        np.mean([bool(set(genes) - own) for genes, own in zip(of, expressed, strict=True)]) for of in (before, after)
    ]
    assert new[0] == 0
    assert 0.2 < new[1] < 0.7
    assert after == studies[0].augmented(rows, np.random.default_rng(0))
    known = set(studies[0].gene_names)
    assert all(set(genes) <= known and len(set(genes)) == len(genes) for genes in after)


def test_cells_without_types(studies):
    augment_between_studies(studies, [None, types_of(studies)[1]], all_of(studies))
    assert len(studies[0].augmented([0, 1], np.random.default_rng(0))) == 2


def test_a_study_without_counts_keeps_its_augmentation(studies, caplog):
    cells = studies[1].adata
    cells.X = np.log1p(cells.X.toarray())
    normalised = ModelCells(cells, studies[1].spec)
    augment_between_studies([studies[0], normalised], types_of(studies), all_of(studies))
    assert "object 1 has no raw counts" in caplog.text
    with pytest.raises(ValueError, match="augment='studies' needs raw counts"):
        augment_between_studies([normalised], types_of(studies)[1:], all_of(studies)[1:])
