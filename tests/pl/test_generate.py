"""pl.generate draws both sides on components of real cells that are not drawn."""

from __future__ import annotations

import anndata as ad
import matplotlib.pyplot as plt
import mudata as md
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

import sc_duality as sd


@pytest.fixture(scope="module")
def pbmc() -> ad.AnnData:
    adata = sd.datasets.pbmc3k()
    sd.pp.cell_sentences(adata, 100)
    return adata


@pytest.fixture
def halves(pbmc: ad.AnnData) -> tuple[ad.AnnData, ad.AnnData]:
    return pbmc[::2].copy(), pbmc[1::2].copy()


def dots(ax: Axes, *, outlined: bool) -> np.ndarray:
    """Coordinates of the dots that are outlined, or filled."""
    lines = [line for line in ax.lines if (line.get_markerfacecolor() == "none") is outlined]
    return np.concatenate([line.get_xydata() for line in lines])


def legend(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_all_generated_cells_and_half_of_the_real_ones_are_drawn(halves: tuple[ad.AnnData, ad.AnnData]) -> None:
    generated, real = halves
    ax = sd.pl.generate(generated, real, "cell_type")
    per_type = real.obs["cell_type"].value_counts()
    n_real = int(np.ceil(per_type / 2).sum())
    assert dots(ax, outlined=True).shape == (generated.n_obs, 2)
    assert dots(ax, outlined=False).shape == (n_real, 2)
    assert legend(ax)[:2] == [f"real ({n_real} cells)", f"generated ({generated.n_obs} cells)"]
    assert ax.get_title() == "top 100 of 12,509 shared genes"


def test_generated_types_are_nearest_to_real_cells_of_the_type(halves: tuple[ad.AnnData, ad.AnnData]) -> None:
    ax = sd.pl.generate(*halves, "cell_type")
    names = legend(ax)[3:]
    real, generated = ax.lines[: len(names)], ax.lines[len(names) :]
    index = [names.index(name) for name in ("B cells", "CD4 T cells", "CD14+ Monocytes", "NK cells")]
    centres = [np.array([side[i].get_xydata().mean(0) for i in index]) for side in (real, generated)]
    distance = np.linalg.norm(centres[0][:, None] - centres[1][None], axis=2)
    assert (distance.argmin(axis=1) == np.arange(4)).all()


def test_all_real_cells_are_drawn_with_fit(pbmc: ad.AnnData) -> None:
    generated, real, fit = (pbmc[i::3].copy() for i in range(3))
    ax = sd.pl.generate(generated, real, "cell_type", fit=fit)
    assert len(dots(ax, outlined=False)) == real.n_obs
    with_itself = sd.pl.generate(real, real, "cell_type", fit=fit)
    np.testing.assert_allclose(dots(with_itself, outlined=True), dots(with_itself, outlined=False))


def test_max_cells_limits_each_condition_and_cells_without_one_are_left_out(
    halves: tuple[ad.AnnData, ad.AnnData],
) -> None:
    generated, real = halves
    generated.obs.iloc[:10, 0] = np.nan
    ax = sd.pl.generate(generated, real, "cell_type", max_cells=4)
    n = generated.obs["cell_type"].value_counts().clip(upper=4).sum()
    assert len(dots(ax, outlined=True)) == n
    assert np.isfinite(dots(ax, outlined=True)).all()


def test_every_condition_has_its_own_colour_and_marker(halves: tuple[ad.AnnData, ad.AnnData]) -> None:
    generated, real = halves
    for adata in halves:
        adata.obs["one"] = [f"condition {i % 21}" for i in range(adata.n_obs)]
    ax = sd.pl.generate(generated, real, "one")
    styles = {(line.get_marker(), to_rgb(line.get_color())) for line in ax.lines}
    assert len(styles) == 21
    assert set(legend(ax)[3:]) == set(real.obs["one"])
    generated.obs["one"] = [f"condition {i % 22}" for i in range(generated.n_obs)]
    with pytest.raises(ValueError, match="22 conditions are too many to tell apart: subset to 21 or fewer"):
        sd.pl.generate(generated, real, "one")


def test_conditions_of_only_one_side_are_drawn(halves: tuple[ad.AnnData, ad.AnnData]) -> None:
    generated, real = halves
    real = real[real.obs["cell_type"] != "NK cells"].copy()
    generated = generated[generated.obs["cell_type"] != "B cells"].copy()
    ax = sd.pl.generate(generated, real, "cell_type")
    assert {"NK cells", "B cells"} <= set(legend(ax))
    assert len(dots(ax, outlined=True)) == generated.n_obs


def test_draws_on_the_axes_and_accepts_mudata(halves: tuple[ad.AnnData, ad.AnnData]) -> None:
    generated, real = halves
    _, ax = plt.subplots()
    mdata = [md.MuData({"rna": adata}) for adata in halves]
    assert sd.pl.generate(*mdata, "cell_type", ax=ax) is ax
    same = sd.pl.generate(generated, real, "cell_type")
    np.testing.assert_array_equal(dots(ax, outlined=True), dots(same, outlined=True))


def test_invalid_input_raises(halves: tuple[ad.AnnData, ad.AnnData]) -> None:
    generated, real = halves
    with pytest.raises(KeyError, match="no column 'type': choose one of"):
        sd.pl.generate(generated, real, "type")
    with pytest.raises(ValueError, match="max_cells must be at least 1, got 0"):
        sd.pl.generate(generated, real, "cell_type", max_cells=0)
    with pytest.raises(KeyError, match=r"no cell sentences in obsm\['other'\]"):
        sd.pl.generate(generated, real, "cell_type", sentence_key="other")
    with pytest.raises(ValueError, match="too few for principal components"):
        sd.pl.generate(generated, real[:3], "cell_type")
