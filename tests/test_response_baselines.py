"""Baselines and scores of response prediction, on cells with a known change."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
from scipy import sparse

from benchmarks import _response_baselines as baselines
from benchmarks._response_baselines import BASELINES, Pair
from benchmarks._response_scores import ResponseScores
from benchmarks._response_sets import HeldOutGroup, _split, is_control, is_reference, log_normalised
from recipes.embedded.real_cells import CONTROL, INTERFERON

N_GENES = 40


def group(kind: int, rng: np.random.Generator, n: int = 60) -> Pair:
    """Cells of one of two kinds, which respond with different genes."""
    mean = np.full(N_GENES, 2.0)
    mean[kind * 10 : kind * 10 + 10] = 4.0
    change = np.zeros(N_GENES)
    change[20 + kind * 10 : 25 + kind * 10] = 1.5
    control, treated = mean + rng.normal(0, 0.3, (2, n, N_GENES))
    return Pair(np.maximum(control, 0), np.maximum(treated + change, 0))


@pytest.fixture
def pairs() -> list[Pair]:
    rng = np.random.default_rng(0)
    return [group(kind, rng) for kind in (0, 0, 1, 1)]


@pytest.fixture
def cells() -> ad.AnnData:
    """Counts of three types, each control and treated; gene 0 rises, and by more in type C."""
    rng = np.random.default_rng(0)
    X = rng.poisson(5, (240, N_GENES))
    found = ad.AnnData(sparse.csr_matrix(X.astype(np.int32)))
    found.obs["label"] = np.repeat(["A", "B", "C"], 80)
    found.obs["group"] = found.obs["label"]
    treated = np.tile(np.repeat([False, True], 40), 3)
    found.obs["perturbation"] = np.where(treated, str(INTERFERON), str(CONTROL))
    X[treated, 0] += 30
    X[treated & (found.obs["label"] == "C"), 0] += 30
    found.X = sparse.csr_matrix(X.astype(np.int32))
    return found


def test_mean_shift_adds_the_mean_change_of_the_groups(pairs: list[Pair]) -> None:
    found = baselines.mean_shift(pairs, pairs[0].control)
    expected = np.mean([pair.treated.mean(0) - pair.control.mean(0) for pair in pairs], axis=0)
    np.testing.assert_allclose(found.change, expected)
    np.testing.assert_allclose(found.cells, np.maximum(pairs[0].control + expected, 0))


def test_similarity_weights_follow_the_group_with_like_control_cells(pairs: list[Pair]) -> None:
    for kind in (0, 1):
        held_out = group(kind, np.random.default_rng(9))
        weighted = baselines.similarity_weighted_shift(pairs, held_out.control)
        mean = baselines.mean_shift(pairs, held_out.control)
        error = np.abs(weighted.change - held_out.shift).mean()
        assert error < 0.5 * np.abs(mean.change - held_out.shift).mean()


def test_weights_of_strength_zero_are_equal(pairs: list[Pair]) -> None:
    equal = baselines.weighted_shift(pairs, pairs[0].control, 0.0)
    np.testing.assert_allclose(equal, baselines.mean_shift(pairs, pairs[0].control).change)


def test_a_slope_predicts_that_low_expression_falls_less() -> None:
    rng = np.random.default_rng(0)

    def halved() -> Pair:
        control = np.tile(rng.uniform(0, 4, N_GENES), (5, 1))
        return Pair(control, control / 2)

    pairs, held_out = [halved() for _ in range(4)], halved()
    np.testing.assert_allclose(baselines.sloped_shift(pairs, held_out.control).change, held_out.shift)


def test_ridge_of_change_follows_the_control_cells(pairs: list[Pair]) -> None:
    held_out = group(1, np.random.default_rng(9))
    found = baselines.ridge_change(pairs, held_out.control)
    assert np.corrcoef(found.change, held_out.shift)[0, 1] > 0.9


@pytest.mark.parametrize("name", list(BASELINES))
def test_a_prediction_has_a_cell_for_each_control_cell(name: str, pairs: list[Pair]) -> None:
    control = pairs[0].control[:7]
    found = BASELINES[name](pairs, control)
    assert found.cells.shape == control.shape
    assert found.change.shape == (N_GENES,)
    assert (found.cells >= 0).all()


def held_out(cells: ad.AnnData) -> HeldOutGroup:
    return _split("made", cells, "label", "C", INTERFERON)


def test_the_held_out_group_is_in_no_training_group(cells: ad.AnnData) -> None:
    found = held_out(cells)
    inside = {name for part in (found.control, found.reference, found.treated) for name in part.obs_names}
    outside = {name for each in found.training for part in each[1:] for name in part.obs_names}
    assert inside | outside == set(cells.obs_names)
    assert not inside & outside
    assert not set(found.control.obs_names) & set(found.reference.obs_names)


def test_half_of_the_control_cells_of_each_group_are_the_reference(cells: ad.AnnData) -> None:
    reference = is_reference(cells)
    assert not (reference & ~is_control(cells)).any()
    assert cells.obs["label"][reference].value_counts().to_dict() == {"A": 20, "B": 20, "C": 20}


def test_the_true_change_scores_one_and_the_real_cells_have_no_distance(cells: ad.AnnData) -> None:
    found = held_out(cells)
    scores = ResponseScores(found)
    perfect = scores(log_normalised(found.treated), scores.change)
    assert perfect["pearson"] == pytest.approx(1)
    assert perfect["pearson_top50"] == pytest.approx(1)
    assert perfect["scFID"] == pytest.approx(0, abs=1e-4)
    untreated = scores(log_normalised(found.control), np.zeros(N_GENES))
    assert np.isnan(untreated["pearson"])
    assert untreated["scFID"] > perfect["scFID"] + 0.1


def test_the_ceiling_is_below_one_and_falls_without_a_change(cells: ad.AnnData) -> None:
    strong = ResponseScores(held_out(cells)).ceiling()
    unchanged = cells.copy()
    unchanged.X = sparse.csr_matrix(np.random.default_rng(1).poisson(5, cells.shape).astype(np.int32))
    weak = ResponseScores(held_out(unchanged)).ceiling()
    assert 0.6 < strong["split_half"] < strong["ceiling"] < 1
    assert weak["split_half"] < 0.3


def test_log_normalised_cells_have_10000_counts(cells: ad.AnnData) -> None:
    np.testing.assert_allclose(np.expm1(log_normalised(cells)).sum(1), 1e4)
