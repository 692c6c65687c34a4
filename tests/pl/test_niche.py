"""pl.niche draws every cell where it lies, truth next to prediction, in the same colours."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import sc_duality as sd


@pytest.fixture
def tissue(annotated):
    rng = np.random.default_rng(0)
    annotated.obsm["spatial"] = rng.uniform(0, 100, (annotated.n_obs, 3))
    annotated.obs["niche"], annotated.obs["region"] = annotated.obs["annotation"], annotated.obs["cell_type"]
    annotated.obs["slide"] = ["a", "b"] * (annotated.n_obs // 2)
    return annotated


def points(ax):
    """Positions and colours of the cells."""
    [drawn] = ax.collections
    return np.asarray(drawn.get_offsets()), [to_hex(color) for color in drawn.get_facecolors()]


def test_cells_lie_where_their_coordinates_say(tissue):
    panels = sd.pl.niche(tissue, "region")
    assert list(panels) == ["region", "niche"]
    for ax in panels.values():
        np.testing.assert_array_equal(points(ax)[0], tissue.obsm["spatial"][:, :2])
        assert ax.yaxis_inverted()
    assert panels["niche"].get_title() == "niche\n82 % of 200 cells agree"


def test_a_label_has_one_colour_and_cells_without_are_grey(tissue):
    tissue.uns["region_colors"] = ["#111111", "#222222", "#333333", "#444444"]
    panels = sd.pl.niche(tissue, "region")
    names = dict(zip(tissue.obs["region"].cat.categories, tissue.uns["region_colors"], strict=True))
    for column, ax in panels.items():
        expected = [names.get(label, "#bdbdbd") for label in tissue.obs[column].astype(object)]
        assert points(ax)[1] == expected
    assert [text.get_text() for text in panels["niche"].get_legend().get_texts()] == list(names)


def test_every_sample_has_a_row(tissue):
    panels = sd.pl.niche(tissue, "region", library_key="slide", size=3)
    assert list(panels) == ["a: region", "a: niche", "b: region", "b: niche"]
    assert len(points(panels["b: niche"])[0]) == 100
    assert panels["b: niche"].collections[0].get_sizes().tolist() == [3]
    assert list(sd.pl.niche(tissue)) == ["niche"]
    assert list(sd.pl.niche(tissue[::2].copy(), library_key="slide")) == ["a: niche"]


@pytest.mark.parametrize("n", [5, 15, 40])
def test_labels_have_different_colours(tissue, n):
    tissue.obs["niche"] = pd.Categorical([f"niche {i % n}" for i in range(tissue.n_obs)])
    assert len(set(points(sd.pl.niche(tissue)["niche"])[1])) == n


@pytest.mark.parametrize("own", [[], ["region"], ["region", "niche"]])
def test_columns_of_other_labels_share_no_colour(tissue, own):
    tissue.obs["region"] = pd.Categorical(["a", "b", "c", "b"] * 50)
    tissue.obs["niche"] = pd.Categorical(["a", "d", "c", "e"] * 50)
    for column in own:
        tissue.uns[f"{column}_colors"] = ["#1F77B4", "#ff7f0e", "#2ca02c", "#d62728"][: 3 + (column == "niche")]
    found = {}
    for column, ax in sd.pl.niche(tissue, "region").items():
        for label, color in zip(tissue.obs[column], points(ax)[1], strict=True):
            assert found.setdefault(label, color) == color
    assert len(set(found.values())) == len(found) == 5
    if own:
        assert [found[label] for label in "abc"] == ["#1f77b4", "#ff7f0e", "#2ca02c"]


def test_bad_input_is_named(tissue):
    with pytest.raises(KeyError, match=r"no column 'zone': choose one of"):
        sd.pl.niche(tissue, "zone")
    with pytest.raises(KeyError, match=r"no column 'other': run sd.tl.predict\(adata, 'niche', model\) first"):
        sd.pl.niche(tissue, key="other")
    with pytest.raises(KeyError, match="obsm has no 'X_umap'"):
        sd.pl.niche(tissue, spatial_key="X_umap")
    tissue.obs["slide"] = None
    with pytest.raises(ValueError, match=r"nothing to draw: obs\['slide'\] is missing"):
        sd.pl.niche(tissue, library_key="slide")
