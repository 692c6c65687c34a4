"""Statistics of a screen, against scipy row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sc_duality.tl._screen_library import read_library
from sc_duality.tl._screen_table import ContextScores, neutral_context, screen_table

NAMES = [f"d{i}" for i in range(8)]


def made(seed: int, n_cells: int = 12, n_samples: int = 4) -> ContextScores:
    """Changes of 8 perturbations in cells of unequal samples, 3 replicates, some of them missing."""
    rng = np.random.default_rng(seed)
    change = rng.normal(np.linspace(-2, 6, 8)[:, None, None], 3, (8, n_cells, 3))
    change[rng.random(change.shape) < 0.1] = np.nan
    samples = np.sort(np.concatenate([np.arange(n_samples), rng.integers(0, n_samples, n_cells - n_samples)]))
    return ContextScores(change, samples)


def by_sample(scores: ContextScores) -> np.ndarray:
    """Means of replicates, then of the cells of each sample, in plain loops."""
    found = np.empty((len(scores.change), scores.samples.max() + 1))
    for i, change in enumerate(scores.change):
        cells = np.array([np.mean([value for value in row if value == value]) for row in change])
        for sample in range(found.shape[1]):
            found[i, sample] = np.mean(cells[scores.samples == sample])
    return found


@pytest.mark.parametrize("test", ["t-test", "wilcoxon"])
def test_columns_of_one_context(test: str) -> None:
    scores, library = made(0), read_library(NAMES, "drug")
    found = screen_table(library, {"all": scores}, test).set_index("target").loc[NAMES]
    samples = by_sample(scores)
    effect = samples.mean(axis=1)
    np.testing.assert_allclose(found["effect"], effect)
    np.testing.assert_allclose(found["z"], stats.zscore(effect))
    expected = [stats.ttest_rel(row, np.zeros(4)) if test == "t-test" else stats.wilcoxon(row) for row in samples]
    np.testing.assert_allclose(found["statistic"], [one.statistic for one in expected])
    p = np.array([one.pvalue for one in expected])
    np.testing.assert_allclose(found["p"], p)
    np.testing.assert_allclose(found["q"], benjamini_hochberg(p))
    assert found["n_samples"].tolist() == [4] * 8
    assert found["n_failed"].tolist() == np.isnan(scores.change).sum(axis=(1, 2)).tolist()
    assert found[["difference", "p_difference", "q_difference"]].isna().all(axis=None)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """The smallest false discovery rate at which each is rejected, by its definition."""
    m = len(p)
    return np.array([min(m * other / (p <= other).sum() for other in p if other >= own) for own in p])


def test_difference_from_the_neutral_context() -> None:
    library = read_library(NAMES, "drug")
    contexts = {"tumour": made(0), "neutral": made(1, 9, 3), "blood": made(2)}
    found = screen_table(library, contexts, "t-test")
    assert found["context"].tolist() == ["tumour"] * 8 + ["neutral"] * 8 + ["blood"] * 8
    table = found.set_index(["context", "target"])
    for name in ("tumour", "blood"):
        own, neutral = table.loc[name].loc[NAMES], table.loc["neutral"].loc[NAMES]
        np.testing.assert_allclose(own["difference"], own["z"] - neutral["z"])
        pairs = zip(by_sample(contexts[name]), by_sample(contexts["neutral"]), strict=True)
        p = np.array([stats.ttest_ind(a, b, equal_var=False).pvalue for a, b in pairs])
        np.testing.assert_allclose(own["p_difference"], p)
        np.testing.assert_allclose(own["q_difference"], benjamini_hochberg(p))
    assert table.loc["neutral", ["difference", "p_difference"]].isna().all(axis=None)
    assert all(part["effect"].is_monotonic_decreasing for _, part in found.groupby("context"))


def test_the_neutral_context_is_the_last_one_without_that_name() -> None:
    assert neutral_context({"a": 0, "neutral": 0, "b": 0}) == "neutral"
    assert neutral_context({"a": 0, "b": 0}) == "b"


def table_of(change: np.ndarray, test: str = "t-test") -> pd.DataFrame:
    scores = ContextScores(change[:, :, None].astype(float), np.arange(change.shape[1]))
    library = read_library(NAMES[: len(change)], "drug")
    return screen_table(library, {"all": scores}, test).set_index("target").loc[NAMES[: len(change)]]


@pytest.mark.parametrize("test", ["t-test", "wilcoxon"])
def test_without_any_change_p_is_one(test: str) -> None:
    found = table_of(np.array([[0, 0, 0], [1, 2, 4]]), test)
    assert found["p"].iloc[0] == found["q"].iloc[0] == 1
    assert found["effect"].iloc[0] == found["statistic"].iloc[0] == 0


def test_equal_changes_and_single_samples_have_no_p() -> None:
    found = table_of(np.array([[0.1, 0.1, 0.1], [1, 2, 4], [np.nan, np.nan, 5], [np.nan] * 3]))
    assert found["p"].isna().tolist() == [True, False, True, True]
    np.testing.assert_allclose(found["q"].iloc[1], found["p"].iloc[1])  # one test only
    assert found["n_samples"].tolist() == [3, 3, 1, 0]
    assert found["effect"].isna().tolist() == [False, False, False, True]
    assert found["z"].isna().tolist() == [False, False, False, True]
    np.testing.assert_allclose(found["z"].iloc[:3], stats.zscore([0.1, 7 / 3, 5]))


def test_equal_effects_have_no_z() -> None:
    assert table_of(np.array([[1, 2], [2, 1]]))["z"].isna().all()
    assert table_of(np.array([[1, 2]]))["z"].isna().all()
    assert table_of(np.full((3, 2), np.nan))[["effect", "z", "p", "q"]].isna().all(axis=None)
