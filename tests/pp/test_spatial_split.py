"""Splits by space: no cell of the test set has a neighbour in the training set."""

from __future__ import annotations

from typing import Any

import mudata as md
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

import sc_duality as sd


@pytest.fixture(scope="module")
def pbmc():
    adata = sd.datasets.pbmc3k()
    adata.obsm["spatial"] = np.random.default_rng(0).uniform(0, (500, 1000), (adata.n_obs, 2))
    adata.obs["slide"] = np.where(np.arange(adata.n_obs) % 3 == 0, "s1", "s2")
    return adata


@given(
    seed=st.integers(0, 2**16),
    radius=st.floats(1, 60),
    n_stripes=st.integers(2, 12),
    test_fraction=st.floats(0.05, 0.95),
    integers=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_no_test_cell_has_a_training_neighbour(pbmc, seed, radius, n_stripes, test_fraction, integers):
    adata = pbmc[:120].copy()
    points = np.random.default_rng(seed).uniform(0, 1000, (adata.n_obs, 2))
    adata.obsm["spatial"] = points.round() if integers else points
    radius = round(radius) if integers else radius
    try:
        sd.pp.spatial_split(adata, radius, n_stripes=n_stripes, test_fraction=test_fraction, rng=seed)
    except ValueError as error:
        if "pass a smaller radius" in str(error):
            return
        raise
    split, points = adata.obs["split"].to_numpy(), adata.obsm["spatial"]
    train, test = points[split == "train"], points[split == "test"]
    assert len(train) > 0
    assert len(test) > 0
    assert cKDTree(train).query(test)[0].min() > radius


def test_sets_are_stripes_of_the_longest_axis(pbmc):
    adata = sd.pp.spatial_split(pbmc, 10, test_fraction=0.3, copy=True)
    assert "split" not in pbmc.obs
    y, split = adata.obsm["spatial"][:, 1], adata.obs["split"].to_numpy()
    in_order = split[np.argsort(y)]
    in_order = in_order[in_order != "gap"]
    assert (in_order[1:] != in_order[:-1]).sum() <= 6
    assert 0.2 < (in_order == "test").mean() < 0.4
    other = sd.pp.spatial_split(pbmc, 10, axis=0, key_added="by_x", copy=True)
    assert set(other.obs["by_x"]) == {"train", "test", "gap"}


def test_every_sample_has_its_own_stripes(pbmc):
    adata = pbmc.copy()
    adata.obsm["spatial"][adata.obs["slide"] == "s2"] += 1e6
    sd.pp.spatial_split(adata, 10, library_key="slide")
    assert (adata.obs.groupby("slide", observed=True)["split"].nunique() == 3).all()
    again = adata.copy()
    sd.pp.spatial_split(again, 10, library_key="slide")
    assert again.obs["split"].equals(adata.obs["split"])
    sd.pp.spatial_split(again, 10, library_key="slide", rng=7)
    assert not again.obs["split"].equals(adata.obs["split"])


def test_a_table_of_coordinates_and_a_modality(pbmc):
    adata = pbmc[:50].copy()
    expected = sd.pp.spatial_split(adata, 5, copy=True).obs["split"]
    mdata = md.MuData({"rna": adata})
    sd.pp.spatial_split(mdata, 5)
    assert mdata["rna"].obs["split"].equals(expected)


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "radius of zero": ({"radius": 0}, ValueError, "radius=0 must be a positive number"),
    "radius as text": ({"radius": "20 µm"}, ValueError, "radius='20 µm' must be a positive number"),
    "no radius": ({"radius": np.nan}, ValueError, "radius=nan must be a positive number"),
    "wide radius": ({"radius": 900}, ValueError, "radius=900 leaves no test cell, whose coordinates span"),
    "one stripe": ({"n_stripes": 1}, ValueError, "n_stripes=1 leaves no stripe to train on"),
    "half a stripe": ({"n_stripes": 2.5}, ValueError, "n_stripes must be a positive integer, got 2.5"),
    "more stripes than cells": ({"n_stripes": 5000}, ValueError, "the 317 cells do not fill n_stripes=5000"),
    "all for testing": ({"test_fraction": 1.0}, ValueError, "test_fraction=1.0 must lie between 0 and 1"),
    "no such axis": ({"axis": 2}, ValueError, r"axis=2 is not one of the 2 coordinates in obsm\['spatial'\]"),
    "no such coordinates": ({"spatial_key": "X_umap2"}, KeyError, "obsm has no 'X_umap2', .*spatial"),
    "no such sample": ({"library_key": "fov"}, KeyError, "library_key='fov' is not an obs column"),
    "other column": (
        {"key_added": "cell_type"},
        ValueError,
        r"would overwrite obs\['cell_type'\], which .*: pass another key",
    ),
    "key of a path": ({"key_added": "a/b"}, ValueError, "key_added='a/b' contains '/'"),
}


@pytest.mark.parametrize(("arguments", "error", "message"), BAD.values(), ids=BAD)
def test_invalid_input_raises(pbmc, arguments, error, message):
    before = set(pbmc.obs)
    with pytest.raises(error, match=message):
        sd.pp.spatial_split(pbmc, **{"radius": 5, **arguments})
    assert set(pbmc.obs) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda a: a.obsm.update(spatial=np.where(np.arange(2) == 0, np.nan, a.obsm["spatial"])),
            "no finite coordinates for 317 cells",
        ),
        (lambda a: a.obsm.update(spatial=np.zeros((a.n_obs, 2, 2))), r"but is \(317, 2, 2\)"),
        (
            lambda a: setattr(a, "obs", a.obs.replace({"slide": {"s1": "nan"}})),
            "106 cells have no sample: leave them out",
        ),
    ],
)
def test_invalid_cells_raise(pbmc, change, message):
    adata = pbmc.copy()
    change(adata)
    with pytest.raises(ValueError, match=message):
        sd.pp.spatial_split(adata, 5, library_key="slide")
    assert "split" not in adata.obs


def test_a_split_of_the_user_is_not_overwritten(pbmc):
    for own in (["train", "test"] * 158 + ["train"], np.where(np.arange(pbmc.n_obs) % 2, "train", "test")):
        adata = pbmc.copy()
        adata.obs["split"] = own
        with pytest.raises(ValueError, match=r"would overwrite obs\['split'\], which sd.pp.spatial_split did not"):
            sd.pp.spatial_split(adata, 5)
        assert adata.obs["split"].tolist() == list(own)


def test_the_samples_of_a_spatialdata_table(pbmc):
    adata = pbmc.copy()
    expected = sd.pp.spatial_split(adata, 10, library_key="slide", copy=True).obs["split"]
    adata.uns["spatialdata_attrs"] = {"region_key": "slide"}
    sd.pp.spatial_split(adata, 10)
    assert adata.obs["split"].equals(expected)
    with pytest.raises(ValueError, match="leaves no test cell of the sample 's1', whose coordinates span"):
        sd.pp.spatial_split(adata, 900)
