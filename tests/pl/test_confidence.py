"""pl.confidence draws the histogram, median and interquartile range of each label, and the threshold."""

from __future__ import annotations

import anndata as ad
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

import sc_duality as sd


def names(ax: Axes) -> list[str]:
    return [tick.get_text() for tick in ax.get_yticklabels()]


def medians(ax: Axes) -> list[float]:
    return [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]


def test_rows_are_sorted_by_median_and_count_their_cells(annotated: ad.AnnData) -> None:
    ax = sd.pl.confidence(annotated)
    obs = annotated.obs.dropna()
    expected = {
        f"{name} ({len(members)})": np.median(members)
        for name, members in obs.groupby("annotation", observed=True)["annotation_confidence"]
    }
    assert names(ax) == sorted(expected, key=lambda name: -expected[name])
    np.testing.assert_allclose(medians(ax), sorted(expected.values(), reverse=True))
    assert names(ax)[-1] == "unknown (10)"
    # The axis points down: the highest median is on top.
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_bars_are_the_interquartile_range(annotated: ad.AnnData) -> None:
    ax = sd.pl.confidence(annotated, groupby="cell_type")
    bars = [line.get_xdata() for line in ax.lines if line.get_linewidth() == 2.5]
    obs = annotated.obs
    for name, bar in zip(names(ax), bars, strict=True):
        values = obs.loc[obs["cell_type"] == name.rsplit(" (", 1)[0], "annotation_confidence"].dropna()
        np.testing.assert_allclose(bar, np.percentile(values, [25, 75]))


def test_ridges_are_histograms_from_zero_to_one(annotated: ad.AnnData) -> None:
    ax = sd.pl.confidence(annotated)
    assert ax.get_xlim() == (0, 1)
    for y, (name, ridge) in enumerate(zip(names(ax), ax.patches, strict=True)):
        heights, edges, baseline = ridge.get_data()
        values = annotated.obs.loc[annotated.obs["annotation"] == name.rsplit(" (", 1)[0], "annotation_confidence"]
        counts, _ = np.histogram(values, edges)
        assert counts.sum() == len(values)
        np.testing.assert_allclose((baseline - heights) / 0.7, counts / counts.max())
        assert baseline == y


def test_threshold_is_marked_if_there_was_one(annotated: ad.AnnData) -> None:
    ax = sd.pl.confidence(annotated)
    assert [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"] == [0.35]
    assert [text.get_text() for text in ax.texts] == ["unknown below 0.35"]
    del annotated.uns["annotation"]["params"]["unknown"]
    ax = sd.pl.confidence(annotated)
    assert not ax.texts
    assert not [line for line in ax.lines if line.get_linestyle() == "--"]


def test_groupby_accepts_any_labels(annotated: ad.AnnData) -> None:
    annotated.obs["cluster"] = [i % 3 for i in range(annotated.n_obs)]
    ax = sd.pl.confidence(annotated, groupby="cluster")
    assert sorted(name[0] for name in names(ax)) == ["0", "1", "2"]
    assert ax.get_ylabel() == "cluster (cells)"


def test_other_keys_and_objects_without_params_are_drawn(annotated: ad.AnnData) -> None:
    annotated.obs = annotated.obs.rename(columns={"annotation": "mine", "annotation_confidence": "mine_confidence"})
    annotated.uns.clear()
    ax = sd.pl.confidence(annotated, key="mine")
    assert ax.get_ylabel() == "mine (cells)"
    assert not ax.texts


def test_one_cell_and_equal_values_are_drawn(annotated: ad.AnnData) -> None:
    one = annotated[50:51].copy()
    one.obs["annotation_confidence"] = 1.0
    assert medians(sd.pl.confidence(one)) == [1.0]


def test_draws_on_the_axes_and_does_not_change_the_object(annotated: ad.AnnData) -> None:
    before = annotated.obs.copy()
    _, ax = plt.subplots()
    assert sd.pl.confidence(annotated, ax=ax) is ax
    assert annotated.obs.equals(before)


def test_missing_predictions_name_the_tool_to_run(annotated: ad.AnnData) -> None:
    with pytest.raises(KeyError, match=r"'other_confidence': run sd.tl.annotate\(adata, key_added='other'\) first"):
        sd.pl.confidence(annotated, key="other")
    del annotated.obs["annotation"]
    with pytest.raises(KeyError, match=r"'annotation': run sd.tl.annotate\(adata\) first"):
        sd.pl.confidence(annotated)


def test_a_missing_groupby_lists_the_candidates(annotated: ad.AnnData) -> None:
    with pytest.raises(KeyError, match=r"no column 'leiden': choose one of \['cell_type', 'annotation'\]"):
        sd.pl.confidence(annotated, groupby="leiden")


def test_no_confidence_raises(annotated: ad.AnnData) -> None:
    annotated.obs["annotation_confidence"] = np.nan
    with pytest.raises(ValueError, match="nothing to draw: no cell has both"):
        sd.pl.confidence(annotated)


def test_confidence_outside_zero_to_one_raises(annotated: ad.AnnData) -> None:
    annotated.obs["annotation_confidence"] = -3.5
    with pytest.raises(ValueError, match=r"ranges from -3.5 to -3.5: pass probabilities from 0 to 1"):
        sd.pl.confidence(annotated)


def test_the_product_that_decides_is_drawn_in_the_colours_of_the_labels() -> None:
    adata = ad.AnnData(np.ones((6, 1), np.float32))
    adata.obs["annotation"] = pd.Categorical(["B cell"] * 3 + ["unknown"] * 3)
    adata.obs["annotation_confidence"] = [0.9, 0.8, 0.9, 0.9, 0.8, 0.5]
    adata.obs["annotation_in_distribution"] = [1, 1, 1, 0.1, 0.2, 0.3]
    adata.uns["annotation_colors"] = ["#a20f9d", "#bdbdbd"]
    adata.uns["annotation"] = {"params": {"unknown": 0.4}}
    ax = sd.pl.confidence(adata)
    assert ax.get_xlabel() == "confidence × in-distribution probability"
    steps = [patch for patch in ax.patches if isinstance(patch, StepPatch)]
    assert [mpl.colors.to_hex(patch.get_facecolor()) for patch in steps] == ["#a20f9d", "#bdbdbd"]
    values, edges, base = steps[1].get_data()
    assert edges[:-1][values != base].max() < 0.4
