"""pl.duality draws the share of right answers by score, and says how well each score tells right from wrong."""

from __future__ import annotations

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pytest

import sc_duality as sd


@pytest.fixture
def scored(annotated: ad.AnnData) -> ad.AnnData:
    """Cells of conftest with a score that is NaN where there is no answer."""
    score = np.random.default_rng(1).uniform(0, 1, annotated.n_obs)
    score[20:35] = np.nan
    annotated.obs["annotation_duality"] = score
    return annotated


def auroc(right: np.ndarray, score: np.ndarray) -> float:
    """Share of pairs of a right and a wrong answer in which the right one scores higher."""
    return float((score[right][:, None] > score[~right][None]).mean())


def right_and_scores(adata: ad.AnnData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    obs = adata.obs[adata.obs["annotation_duality"].notna()]
    right = (obs["annotation"].astype(object) == obs["cell_type"].astype(object)).to_numpy()
    return right, obs["annotation_duality"].to_numpy(), obs["annotation_confidence"].to_numpy()


def test_dots_are_the_share_of_right_answers_in_each_tenth(scored: ad.AnnData) -> None:
    ax = sd.pl.duality(scored, "cell_type")
    right, *scores = right_and_scores(scored)
    counts = iter(text.get_text() for text in ax.texts)
    for line, score in zip(ax.lines, scores, strict=False):
        x, y = line.get_data()
        within = [(score >= low / 10) & (score < (low + 1) / 10) for low in range(10)]
        within = [members for members in within if members.any()]
        np.testing.assert_allclose(x, [score[members].mean() for members in within])
        np.testing.assert_allclose(y, [right[members].mean() for members in within])
        assert [next(counts) for _ in within] == [str(members.sum()) for members in within]
    assert next(counts, None) is None


def test_legend_and_title_say_what_the_scores_are_worth(scored: ad.AnnData) -> None:
    ax = sd.pl.duality(scored, "cell_type")
    right, score, confidence = right_and_scores(scored)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        f"duality score (AUROC {auroc(right, score):.2f})",
        f"confidence (AUROC {auroc(right, confidence):.2f})",
    ]
    assert ax.get_title() == f"{right.sum()} of 185 answers are right"
    assert ax.get_xlabel() == "duality score or confidence"


def test_score_without_bounds_is_drawn_by_rank(scored: ad.AnnData) -> None:
    scored.obs["annotation_duality"] = scored.obs["annotation_duality"] * 7 - 3
    ax = sd.pl.duality(scored, "cell_type")
    right, score, _ = right_and_scores(scored)
    x, y = ax.lines[0].get_data()
    rank = score.argsort().argsort()
    first = rank < 18  # their share of 185 is below a tenth
    np.testing.assert_allclose(x[0], np.arange(1, 19).mean() / 185)
    np.testing.assert_allclose(y[0], right[first].mean())
    assert len(ax.lines) == 2  # no diagonal
    assert f"AUROC {auroc(right, score):.2f}" in ax.get_legend().get_texts()[0].get_text()
    assert ax.get_xlabel() == "share of cells with no higher duality score or confidence"


def test_answers_without_a_confidence_are_drawn_alone(scored: ad.AnnData) -> None:
    del scored.obs["annotation_confidence"]
    ax = sd.pl.duality(scored, "cell_type")
    assert len(ax.get_legend().get_texts()) == 1
    assert ax.get_xlabel() == "duality score"


def test_unknown_and_missing_answers_count_for_nothing(scored: ad.AnnData) -> None:
    scored.obs["annotation_duality"] = 0.5
    scored.obs["annotation_confidence"] = 0.5
    scored.obs.loc[scored.obs_names[:5], "cell_type"] = np.nan
    assert sd.pl.duality(scored, "cell_type").get_title() == "165 of 180 answers are right"


def test_only_right_answers_have_no_auroc(scored: ad.AnnData) -> None:
    ax = sd.pl.duality(scored[35:].copy(), "cell_type")
    assert ax.get_title() == "165 of 165 answers are right"
    assert all("AUROC undefined" in text.get_text() for text in ax.get_legend().get_texts())


def test_given_axes_are_drawn_on_and_the_object_is_left_alone(scored: ad.AnnData) -> None:
    before = scored.obs.copy()
    _, ax = plt.subplots()
    assert sd.pl.duality(scored, "cell_type", ax=ax) is ax
    assert scored.obs.equals(before)


def test_missing_columns_say_what_to_do(scored: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="no column 'nothing'"):
        sd.pl.duality(scored, "nothing")
    with pytest.raises(KeyError, match=r"run sd.tl.annotate\(adata\) first"):
        sd.pl.duality(scored, "cell_type", key="other")
    del scored.obs["annotation_duality"]
    with pytest.raises(KeyError, match=r"'annotation_duality': run sd.tl.duality\(adata, 'annotation'\) first"):
        sd.pl.duality(scored, "cell_type")


def test_a_reference_in_other_words_is_refused(scored: ad.AnnData) -> None:
    scored.obs["other"] = scored.obs["cell_type"].astype(str) + "s"
    with pytest.raises(ValueError, match=r"no label of obs\['other'\] is among the answers .* labels='other'"):
        sd.pl.duality(scored, "other")


def test_nothing_to_draw_is_said(scored: ad.AnnData) -> None:
    scored.obs["annotation_duality"] = np.nan
    with pytest.raises(ValueError, match="nothing to draw"):
        sd.pl.duality(scored, "cell_type")
