"""pl.duality draws the accuracy by score, and the AUROC of each score."""

from __future__ import annotations

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pytest

import sc_duality as sd


@pytest.fixture
def scored(annotated: ad.AnnData) -> ad.AnnData:
    """Annotated cells with a duality score, NaN for cells without a label."""
    score = np.random.default_rng(1).uniform(0, 1, annotated.n_obs)
    score[20:35] = np.nan
    annotated.obs["annotation_duality"] = score
    return annotated


def auroc(correct: np.ndarray, score: np.ndarray) -> float:
    """Share of pairs of a correct and a wrong label in which the correct one scores higher."""
    return float((score[correct][:, None] > score[~correct][None]).mean())


def correct_and_scores(adata: ad.AnnData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    obs = adata.obs[adata.obs["annotation_duality"].notna()]
    correct = (obs["annotation"].astype(object) == obs["cell_type"].astype(object)).to_numpy()
    return correct, obs["annotation_duality"].to_numpy(), obs["annotation_confidence"].to_numpy()


def test_dots_are_the_accuracy_of_each_bin(scored: ad.AnnData) -> None:
    ax = sd.pl.duality(scored, "cell_type")
    correct, *scores = correct_and_scores(scored)
    counts = iter(text.get_text() for text in ax.texts)
    for line, score in zip(ax.lines, scores, strict=False):
        x, y = line.get_data()
        within = [(score >= low / 10) & (score < (low + 1) / 10) for low in range(10)]
        within = [members for members in within if members.any()]
        np.testing.assert_allclose(x, [score[members].mean() for members in within])
        np.testing.assert_allclose(y, [correct[members].mean() for members in within])
        assert [next(counts) for _ in within] == [str(members.sum()) for members in within]
    assert next(counts, None) is None


def test_legend_has_the_auroc_and_the_title_the_number_of_correct_labels(scored: ad.AnnData) -> None:
    ax = sd.pl.duality(scored, "cell_type")
    correct, score, confidence = correct_and_scores(scored)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        f"duality score (AUROC {auroc(correct, score):.2f})",
        f"confidence (AUROC {auroc(correct, confidence):.2f})",
    ]
    assert ax.get_title() == f"{correct.sum()} of 185 predictions are correct"
    assert ax.get_xlabel() == "duality score or confidence"


def test_unbounded_score_is_drawn_by_percentile_rank(scored: ad.AnnData) -> None:
    scored.obs["annotation_duality"] = scored.obs["annotation_duality"] * 7 - 3
    ax = sd.pl.duality(scored, "cell_type")
    correct, score, _ = correct_and_scores(scored)
    x, y = ax.lines[0].get_data()
    rank = score.argsort().argsort()
    first = rank < 18  # their share of 185 is below a tenth
    np.testing.assert_allclose(x[0], np.arange(1, 19).mean() / 185)
    np.testing.assert_allclose(y[0], correct[first].mean())
    assert len(ax.lines) == 2  # no diagonal
    assert f"AUROC {auroc(correct, score):.2f}" in ax.get_legend().get_texts()[0].get_text()
    assert ax.get_xlabel() == "percentile rank of duality score or confidence"


@pytest.mark.parametrize(("form", "n_lines"), [("likelihood", 2), ("posterior", 3)])
def test_form_of_the_score_says_whether_it_is_a_probability(scored: ad.AnnData, form: str, n_lines: int) -> None:
    scored.uns["annotation"]["duality"] = {"form": form}
    ax = sd.pl.duality(scored, "cell_type")
    assert len(ax.lines) == n_lines  # with a diagonal for a probability
    assert ax.get_xlabel().startswith("percentile rank") == (form == "likelihood")


def test_duality_score_is_drawn_alone_without_a_confidence(scored: ad.AnnData) -> None:
    del scored.obs["annotation_confidence"]
    ax = sd.pl.duality(scored, "cell_type")
    assert len(ax.get_legend().get_texts()) == 1
    assert ax.get_xlabel() == "duality score"


def test_unknown_and_missing_predictions_do_not_count(scored: ad.AnnData) -> None:
    scored.obs["annotation_duality"] = 0.5
    scored.obs["annotation_confidence"] = 0.5
    scored.obs.loc[scored.obs_names[:5], "cell_type"] = np.nan
    assert sd.pl.duality(scored, "cell_type").get_title() == "165 of 180 predictions are correct"


def test_auroc_is_undefined_if_all_labels_are_correct(scored: ad.AnnData) -> None:
    ax = sd.pl.duality(scored[35:].copy(), "cell_type")
    assert ax.get_title() == "165 of 165 predictions are correct"
    assert all("AUROC undefined" in text.get_text() for text in ax.get_legend().get_texts())


def test_draws_on_the_axes_and_does_not_change_the_object(scored: ad.AnnData) -> None:
    before = scored.obs.copy()
    _, ax = plt.subplots()
    assert sd.pl.duality(scored, "cell_type", ax=ax) is ax
    assert scored.obs.equals(before)


def test_missing_columns_name_the_tool_to_run(scored: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="no column 'nothing'"):
        sd.pl.duality(scored, "nothing")
    with pytest.raises(KeyError, match=r"run sd.tl.annotate\(adata\) first"):
        sd.pl.duality(scored, "cell_type", key="other")
    del scored.obs["annotation_duality"]
    with pytest.raises(KeyError, match=r"'annotation_duality': run sd.tl.duality\(adata, 'annotation'\) first"):
        sd.pl.duality(scored, "cell_type")


def test_a_truth_from_another_label_set_raises(scored: ad.AnnData) -> None:
    scored.obs["other"] = scored.obs["cell_type"].astype(str) + "s"
    with pytest.raises(ValueError, match=r"share no label: annotate with labels='other'"):
        sd.pl.duality(scored, "other")


def test_no_score_raises(scored: ad.AnnData) -> None:
    scored.obs["annotation_duality"] = np.nan
    with pytest.raises(ValueError, match="nothing to draw"):
        sd.pl.duality(scored, "cell_type")
