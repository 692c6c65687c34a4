"""What the figures of puzzles show."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest

import sc_duality as sd


@pytest.fixture(scope="module")
def puzzles() -> ad.AnnData:
    adata = sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", (), n_puzzles=60, n_cells=(3, 5))
    truth, candidate = (adata.obs[name].astype(str) for name in ("cell_type", "candidate"))
    rng = np.random.default_rng(0)
    adata.obs["annotation"] = np.where(rng.random(adata.n_obs) < 0.2, candidate, truth)
    adata.obs["annotation_independent"] = np.where(rng.random(adata.n_obs) < 0.5, candidate, truth)
    return adata


def test_lines_are_the_means_by_number_of_cells(puzzles):
    axes = sd.pl.puzzles(puzzles, {"one by one": "annotation_independent", "joint": "annotation"})
    for metric in ("cell_accuracy", "batch_accuracy"):
        for name, key in (("one by one", "annotation_independent"), ("joint", "annotation")):
            scores = sd.get.puzzle_scores(puzzles, key)
            rows = scores[(scores["metric"] == metric) & (scores["n_cells"] != "all")]
            (line,) = [line for line in axes[metric].get_lines() if line.get_label() == name]
            assert line.get_ydata() == pytest.approx(rows["value"].to_numpy())
            assert line.get_xdata().round().astype(int).tolist() == [3, 4, 5]
            bars = [np.array(bar.get_segments())[:, :, 1] for bar in axes[metric].collections]
            assert any(np.allclose(bounds, rows[["low", "high"]]) for bounds in bars)
    assert axes["cell_accuracy"].figure.legends[0].get_texts()[1].get_text() == "joint"


def test_chance_is_that_of_a_random_order(puzzles):
    axes = sd.pl.puzzles(puzzles)
    for metric, expected in (("cell_accuracy", [1 / 3, 1 / 4, 1 / 5]), ("batch_accuracy", [1 / 6, 1 / 24, 1 / 120])):
        (line,) = [line for line in axes[metric].get_lines() if line.get_linestyle() == ":"]
        assert line.get_ydata() == pytest.approx(expected)


def test_boxes_are_the_quartiles_of_the_puzzles(puzzles):
    ax = sd.pl.puzzles(puzzles, ["annotation", "annotation_independent"], panels="distribution")["distribution"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["annotation", "annotation_independent"]
    for key, box in zip(["annotation", "annotation_independent"], ax.patches, strict=True):
        values = sd.get.puzzles(puzzles, key)["cell_accuracy"]
        edges = box.get_path().vertices[:, 1]
        assert (edges.min(), edges.max()) == pytest.approx((values.quantile(0.25), values.quantile(0.75)))
    means = [line.get_ydata()[0] for line in ax.get_lines() if line.get_marker() == "o"]
    expected = [
        sd.get.puzzles(puzzles, key)["cell_accuracy"].mean() for key in ("annotation", "annotation_independent")
    ]
    assert means == pytest.approx(expected)


def test_panels(puzzles):
    assert list(sd.pl.puzzles(puzzles, panels=["batch_accuracy"])) == ["batch_accuracy"]
    with pytest.raises(KeyError, match="choose from cell_accuracy, batch_accuracy, distribution"):
        sd.pl.puzzles(puzzles, panels=["reward"])


def test_bad_keys(puzzles):
    with pytest.raises(ValueError, match="there are 0 keys: pass 1 to 7"):
        sd.pl.puzzles(puzzles, [])
    with pytest.raises(KeyError, match="key='none' is not an obs column"):
        sd.pl.puzzles(puzzles, ["annotation", "none"])
