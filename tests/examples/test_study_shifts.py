"""Study shifts against differences written out, and cells as another study measures them."""

import numpy as np
import pytest
from scipy import sparse

from sc_duality.examples._other_study import OtherStudy
from sc_duality.examples._study_shifts import StudyCells, StudyShifts

GENES = np.array(["A", "B", "C", "D"], dtype=object)
N = 400


def study(profiles, genes=GENES, seed=0):
    """Cells of the types "x" and "y" with Poisson counts around these profiles."""
    rng = np.random.default_rng(seed)
    types = np.array(["x", "y"], dtype=object)[np.arange(N) % 2]
    counts = rng.poisson(np.array([profiles[name] for name in types]))
    return StudyCells(sparse.csr_matrix(counts.astype(float)), genes, types, np.ones(N, dtype=bool))


@pytest.fixture
def two():
    """In the second study, gene A has a quarter of the counts in both types, and D was not measured."""
    first = study({"x": [800, 100, 400, 100], "y": [800, 400, 100, 100]})
    second = study({"x": [200, 100, 400], "y": [200, 400, 100]}, GENES[:3], seed=1)
    return first, second


def test_the_shift_of_two_studies(two):
    found = StudyShifts(two)._shifts
    assert len(found) == 2
    share = {"x": (800 / 1400, 200 / 700), "y": (800 / 1400, 200 / 700)}
    expected = np.mean([np.log((1e4 * b + 0.5) / (1e4 * a + 0.5)) for a, b in share.values()])
    assert found[0][0] == pytest.approx(expected, abs=0.02)
    assert found[1][0] == pytest.approx(-expected, abs=0.02)
    assert found[0][3] == -3  # a gene without counts is shifted by no more
    assert np.abs(found).max() <= 3


def test_cells_that_are_held_out_are_not_measured(two):
    """Held-out cells of the second study have none of gene A's counts, which nothing shows."""
    first, second = two
    training = np.arange(N) < N // 2
    counts = second.counts.toarray()
    counts[~training, 0] = 0
    changed = second._replace(counts=sparse.csr_matrix(counts), training=training)
    found = [StudyShifts((first, one))._shifts[0] for one in (changed, second._replace(training=training))]
    np.testing.assert_array_equal(*found)


def test_the_total_stays(two):
    shifts = StudyShifts(two)
    counts = two[0].counts.toarray()
    found = shifts.shifted(counts, 0, two[0].types, np.random.default_rng(0))
    assert found.shape == counts.shape
    assert found.sum() == pytest.approx(counts.sum(), rel=0.01)
    assert (found == np.round(found)).all()
    assert (found >= 0).all()
    again = shifts.shifted(counts, 0, two[0].types, np.random.default_rng(0))
    np.testing.assert_array_equal(found, again)


def test_one_study_has_random_shifts_alone(two):
    shifts = StudyShifts(two[:1])
    assert shifts._shifts == []
    counts = two[0].counts.toarray()
    assert not np.array_equal(shifts.shifted(counts, 0, two[0].types, np.random.default_rng(0)), counts)


def test_studies_without_a_common_type(two):
    renamed = two[1]._replace(types=np.full(N, "z", dtype=object))
    assert StudyShifts((two[0], renamed))._shifts == []


def test_genes_that_differ_between_types_have_the_larger_spread(two):
    spread = StudyShifts(two[:1]).spread(0)
    assert spread.mean() == pytest.approx(1)
    assert spread[[1, 2]].min() > spread[[0, 3]].max()


def test_cells_of_another_study(two):
    shifts = StudyShifts(two)
    other = OtherStudy(shifts, 0, two[0])
    found = other.draw(two[0].counts, np.arange(N), np.random.default_rng(0)).toarray()
    same = (found == two[0].counts.toarray()).all(1)
    # 0.4 of the cells are not drawn, and 0.4 * 0.5 of the others get neither a shift nor background
    assert 0.42 < same.mean() < 0.62
    assert (found == np.round(found)).all()
    assert found.min() >= 0


def test_panels_leave_genes_out():
    genes = np.array([f"G{i}" for i in range(1000)], dtype=object)
    types, training = np.full(N, "x", dtype=object), np.ones(N, dtype=bool)
    cells = StudyCells(sparse.csr_matrix(np.full((N, 1000), 20.0)), genes, types, training)
    other = OtherStudy(StudyShifts([cells]), 0, cells)
    found = other.draw(cells.counts, np.arange(N), np.random.default_rng(0))
    expressed = np.diff(found.indptr)
    assert expressed.min() >= 150
    assert 0.1 < (expressed < 900).mean() < 0.4  # 0.6 of the cells change, 0.4 of these are on a panel
