"""pl.screen draws the columns of the table, marks what is highlighted, and labels points without overlap."""

from __future__ import annotations

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color

import sc_duality as sd

N = 120


@pytest.fixture
def result() -> pd.DataFrame:
    """120 compounds in two contexts; the first three act, the first one in the tumour alone."""
    rng = np.random.default_rng(0)
    parts = []
    for context in ("tumour", "neutral"):
        effect = rng.normal(0, 10, N)
        effect[: 3 if context == "tumour" else 0] += 80
        effect[1:3] += 40 if context == "neutral" else 0
        q = np.clip(10 ** -(np.abs(effect) / 15) * rng.uniform(0.5, 2, N), 0, 1)
        names = [f"compound-{i}" for i in range(N)]
        part = pd.DataFrame({"perturbation": [f"drug {name}" for name in names], "target": names, "context": context})
        parts.append(part.assign(effect=effect, z=(effect - effect.mean()) / effect.std(), q=q))
    found = pd.concat(parts, ignore_index=True)
    found["difference"] = np.concatenate([parts[0]["z"] - parts[1]["z"], np.full(N, np.nan)])
    found["q_difference"] = np.where((found["context"] == "tumour") & (found.index == 0), 0.001, 0.5)
    return found


def points(ax: Axes, colour: str | None = None) -> np.ndarray:
    """Coordinates of the points, of one colour if it is given."""
    lines = [line for line in ax.lines if line.get_linestyle() == "None"]
    chosen = [line.get_xydata() for line in lines if colour is None or same_color(line.get_color(), colour)]
    return np.concatenate(chosen)


def in_order(xy: np.ndarray) -> np.ndarray:
    return xy[np.lexsort(xy.T)]


@pytest.mark.parametrize("x", ["effect", "z"])
def test_volcano_draws_effect_and_q(result: pd.DataFrame, x: str) -> None:
    ax = sd.pl.screen(result, x=x)
    one = result[result["context"] == "tumour"]
    expected = np.column_stack([one[x], -np.log10(one["q"])])
    np.testing.assert_allclose(in_order(points(ax)), in_order(expected))
    hits = one["q"] <= 0.05
    np.testing.assert_allclose(in_order(points(ax, "#0072B2")), in_order(expected[hits]))
    assert ax.get_title() == f"tumour\n{hits.sum()} of 120 perturbations with q ≤ 0.05"
    other = sd.pl.screen(result, context="neutral", alpha=0.01)
    assert len(points(other, "#0072B2")) == ((result["context"] == "neutral") & (result["q"] <= 0.01)).sum()
    assert -np.log10(0.01) in [line.get_ydata()[0] for line in other.lines if line.get_linestyle() == "--"]


def test_contexts_draws_z_against_z(result: pd.DataFrame) -> None:
    ax = sd.pl.screen(result, "contexts")
    z = result.pivot(index="perturbation", columns="context", values="z")
    np.testing.assert_allclose(in_order(points(ax)), in_order(z[["neutral", "tumour"]].to_numpy()))
    np.testing.assert_allclose(points(ax, "#0072B2"), [z.loc["drug compound-0", ["neutral", "tumour"]]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("z-score, neutral", "z-score, tumour")
    assert ax.get_xlim() == ax.get_ylim()
    assert "compound-0" in [text.get_text() for text in ax.texts]
    swapped = sd.pl.screen(result, "contexts", context="neutral", neutral="tumour")
    np.testing.assert_allclose(in_order(points(swapped)), in_order(z[["tumour", "neutral"]].to_numpy()))


def test_q_of_the_difference_is_that_of_the_two_contexts(result: pd.DataFrame) -> None:
    hit = result.pivot(index="perturbation", columns="context", values="z").loc["drug compound-0"]
    swapped = sd.pl.screen(result, "contexts", neutral="tumour")  # rows of "neutral" have no q of their own
    assert swapped.get_ylabel() == "z-score, neutral"
    np.testing.assert_allclose(points(swapped, "#0072B2"), [hit[["tumour", "neutral"]]])
    first = sd.pl.screen(result.sort_values("context"), "contexts")  # "neutral" comes first
    assert (first.get_xlabel(), first.get_ylabel()) == ("z-score, neutral", "z-score, tumour")
    np.testing.assert_allclose(points(first, "#0072B2"), [hit[["neutral", "tumour"]]])
    tumour, neutral = (result[result["context"] == name] for name in ("tumour", "neutral"))
    blood = tumour.assign(context="blood", z=-tumour["z"], difference=-tumour["z"] - neutral["z"].to_numpy())
    three = pd.concat([tumour, blood, neutral])
    assert len(points(sd.pl.screen(three, "contexts", context="blood"), "#0072B2")) == 1
    with pytest.raises(ValueError, match="does not compare the contexts 'tumour' and 'blood': pass these two alone"):
        sd.pl.screen(three, "contexts", neutral="blood")


@pytest.mark.parametrize("kind", ["volcano", "contexts"])
def test_highlighted_perturbations_are_marked_and_labelled(result: pd.DataFrame, kind: str) -> None:
    ax = sd.pl.screen(result, kind, highlight=["compound-7", "drug compound-0"], n_top=0)
    assert sorted(text.get_text() for text in ax.texts) == ["compound-0", "compound-7"]
    marked = points(ax, "#D55E00")
    assert len(marked) == 2
    assert {tuple(text.xy) for text in ax.texts} == {tuple(xy) for xy in marked}
    assert len(points(ax)) == N


def test_labels_do_not_overlap_and_lie_inside(result: pd.DataFrame) -> None:
    for kind in ("volcano", "contexts"):
        ax = sd.pl.screen(result.assign(q_difference=np.nan), kind, n_top=15)
        assert len(ax.texts) >= 8
        ax.figure.draw_without_rendering()
        boxes = [plt.Text.get_window_extent(text) for text in ax.texts]
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
        assert all(ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1 for box in boxes)


def test_hits_are_labelled_first(result: pd.DataFrame) -> None:
    def labelled(**arguments) -> set[str]:
        return {text.get_text() for text in sd.pl.screen(result, **arguments).texts}

    one = result[result["context"] == "tumour"]
    assert labelled(n_top=3) == {"compound-0", "compound-1", "compound-2"} == set(one.nsmallest(3, "q")["target"])
    assert labelled(n_top=30) <= set(one["target"][one["q"] <= 0.05])
    assert labelled(kind="contexts") == {"compound-0"}
    assert len(labelled(alpha=1e-9)) == 10


def test_one_target_at_two_doses_is_named_in_full(result: pd.DataFrame) -> None:
    result.loc[result["target"] == "compound-1", "target"] = "compound-0"
    ax = sd.pl.screen(result, highlight=["compound-0"], n_top=0)
    assert sorted(text.get_text() for text in ax.texts) == ["drug compound-0", "drug compound-1"]


def test_perturbations_without_values_are_left_out(result: pd.DataFrame) -> None:
    result.loc[0, ["effect", "z", "q"]] = np.nan
    assert len(points(sd.pl.screen(result))) == len(points(sd.pl.screen(result, "contexts"))) == N - 1
    ax = sd.pl.screen(result, highlight=["compound-0"], n_top=0)
    assert not ax.texts
    result.loc[1, "q"] = 0.0
    assert np.isfinite(points(sd.pl.screen(result))).all()


def test_draws_on_the_axes_and_does_not_change_the_table(result: pd.DataFrame) -> None:
    before = result.copy()
    _, (left, right) = plt.subplots(1, 2)
    assert sd.pl.screen(result, ax=left) is left
    assert sd.pl.screen(result, "contexts", ax=right) is right
    pd.testing.assert_frame_equal(result, before)


def test_invalid_input_raises(result: pd.DataFrame) -> None:
    one = result[result["context"] == "tumour"]
    for arguments, error, message in [
        ((result, "bars"), ValueError, "kind='bars' is not an option: choose from 'volcano', 'contexts'"),
        (([1, 2],), TypeError, "result must be the DataFrame that sd.tl.screen returned, got list"),
        ((result.drop(columns=["z", "q"]),), KeyError, "result has no column z, q: pass the table"),
        ((result[:0],), ValueError, "result has no rows"),
        ((pd.concat([one, one]),), ValueError, "a perturbation twice in one context"),
        ((one, "contexts"), ValueError, "one context only, 'tumour'"),
        ((one.assign(q=np.nan),), ValueError, "no perturbation has effect and q in the context 'tumour'"),
        ((result.assign(z=np.nan), "contexts"), ValueError, "no perturbation has z-scores in both contexts"),
    ]:
        with pytest.raises(error, match=message):
            sd.pl.screen(*arguments)
    for arguments, error, message in [
        ({"context": "blood"}, ValueError, "context='blood' is not an option: choose from 'tumour', 'neutral'"),
        (
            {"kind": "contexts", "context": "tumour", "neutral": "tumour"},
            ValueError,
            "neutral='tumour' is not an option: choose from 'neutral'",
        ),
        ({"x": "p"}, ValueError, "x='p' is not an option"),
        ({"highlight": "compound-0"}, TypeError, "highlight must be a list of names, got the string 'compound-0'"),
        ({"highlight": ["aspirin"]}, ValueError, "highlight: 'aspirin' is not in the screen"),
    ]:
        with pytest.raises(error, match=message):
            sd.pl.screen(result, **arguments)
