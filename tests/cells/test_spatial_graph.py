"""Neighbours in space, against a comparison of all pairs, and coordinates that cannot be used."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import cdist

from sc_duality.cells import modality, spatial_graph, spatial_samples, writable

POINTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=25)


def placed(points, samples=None):
    """Cells at these points."""
    obs = pd.DataFrame(index=[f"c{i}" for i in range(len(points))])
    adata = ad.AnnData(np.ones((len(points), 2), np.float32), obs=obs)
    adata.obsm["spatial"] = np.array(points, dtype=float)
    if samples is not None:
        adata.obs["slide"] = samples
    return adata


def line(n=6):
    return placed([(i, 0) for i in range(n)])


@given(points=POINTS, radius=st.integers(1, 12), n_samples=st.integers(1, 3))
def test_neighbours_are_all_cells_of_the_sample_within_the_radius(points, radius, n_samples):
    samples = np.array([f"s{i % n_samples}" for i in range(len(points))])
    adata = placed(points, samples)
    if np.bincount(np.arange(len(points)) % n_samples).max() < 2:
        return
    graph = spatial_graph(adata, radius, library_key="slide")
    distance = cdist(adata.obsm["spatial"], adata.obsm["spatial"])
    for row in range(len(points)):
        found = graph.neighbours(row)
        near = (distance[row] <= radius) & (samples == samples[row])
        near[row] = False
        assert set(found) == set(np.flatnonzero(near))
        assert (np.diff(distance[row][found]) >= 0).all()


def test_the_default_radius_is_three_times_the_median_nearest_distance():
    assert spatial_graph(line()).radius == 3
    adata = placed([(0, 0), (0, 2), (0, 4), (50, 0), (50, 2), (50, 4)], ["a"] * 3 + ["b"] * 3)
    assert spatial_graph(adata, library_key="slide").radius == 6


def test_cells_without_a_sample_have_no_neighbours():
    adata = line()
    adata.obs["slide"] = ["a", "a", None, "a", "b", "b"]
    assert spatial_graph(adata, 2, library_key="slide").n_neighbours.tolist() == [1, 2, 0, 1, 1, 1]


def test_connectivities_of_squidpy_are_read_without_stored_zeros():
    adata = line(4)
    matrix = sparse.csr_matrix(([1.0, 1.0, 0.0, 1.0], ([0, 1, 2, 3], [3, 0, 3, 3])), shape=(4, 4))
    adata.obsp["spatial_connectivities"] = matrix
    graph = spatial_graph(adata, connectivity_key="spatial_connectivities")
    assert [graph.neighbours(row).tolist() for row in range(4)] == [[3], [0], [], []]
    assert graph.radius is None
    del adata.obsm["spatial"]
    assert spatial_graph(adata, connectivity_key="spatial_connectivities").n_neighbours.sum() == 2


def test_a_table_of_spatialdata_names_its_samples():
    adata = line(4)
    adata.obs["region"] = ["a", "a", "b", "b"]
    adata.uns["spatialdata_attrs"] = {"region": ["a", "b"], "region_key": "region", "instance_key": "id"}
    assert spatial_samples(adata).tolist() == ["a", "a", "b", "b"]
    assert spatial_graph(adata, 9).n_neighbours.tolist() == [1] * 4


def test_tables_of_spatialdata_are_read_as_modalities():
    class SpatialData:
        def __init__(self, **tables):
            self.tables = tables

    one, two = line(), line(3)
    assert modality(SpatialData(table=one)) is one
    assert modality(SpatialData(table=one, other=two), "other") is two
    with pytest.raises(KeyError, match=r"no table 'rna'; it has \['other', 'table'\]: pass mod="):
        modality(SpatialData(table=one, other=two))
    with pytest.raises(ValueError, match="copy=True cannot copy a SpatialData"):
        writable(SpatialData(table=one), copy=True)


def test_several_images_without_a_sample_column_are_warned_about(caplog):
    adata = line()
    adata.uns["spatial"] = {"one": {}, "two": {}}
    spatial_samples(adata)
    assert "uns['spatial'] has 2 samples" in caplog.text


def shared_points(adata):
    adata.obsm["spatial"] = np.zeros((adata.n_obs, 2))


def other_units(adata):
    adata.obsm["spatial"][3:, 0] *= 1000


def put(adata, values):
    adata.obsm["spatial"] = values


@pytest.mark.parametrize(
    ("change", "settings", "error", "message"),
    [
        (lambda a: a.obsm.clear(), {}, KeyError, r"obsm has no 'spatial', the coordinates .* pass spatial_key="),
        (None, {"spatial_key": "X_spatial"}, KeyError, r"obsm has no 'X_spatial'.*one of \['spatial'\]"),
        (lambda a: put(a, np.full((6, 2), np.nan)), {}, ValueError, "no finite coordinates for 6 cells, such as 'c0'"),
        (lambda a: put(a, np.ones((6, 1))), {}, ValueError, r"must have 2 or 3 columns.*\(6, 1\)"),
        (lambda a: put(a, np.full((6, 2), "x")), {}, ValueError, "must hold numbers"),
        (shared_points, {}, ValueError, "share their coordinates .* pass radius="),
        (None, {"radius": 0}, ValueError, "radius=0 must be a positive number"),
        (None, {"radius": -3.0}, ValueError, "radius=-3.0 must be a positive number"),
        (None, {"radius": np.nan}, ValueError, "radius=nan must be a positive number"),
        (None, {"radius": "20 µm"}, ValueError, "radius='20 µm' must be a positive number"),
        (None, {"radius": True}, ValueError, "radius=True must be a positive number"),
        (None, {"library_key": "sample"}, KeyError, "library_key='sample' is not an obs column"),
        (
            None,
            {"library_key": "each"},
            ValueError,
            "there are 6 cells, and library_key='each' puts no two",
        ),
        (other_units, {"library_key": "slide"}, ValueError, "is 1 in one sample and 1000 in another: bring obsm"),
        (None, {"connectivity_key": "spatial"}, KeyError, "obsp has no 'spatial'.*run squidpy"),
        (None, {"connectivity_key": "spatial", "radius": 3}, ValueError, "both say which cells are neighbours"),
    ],
)
def test_bad_input_is_named(change, settings, error, message):
    adata = line()
    adata.obs["slide"], adata.obs["each"] = ["a"] * 3 + ["b"] * 3, list("abcdef")
    if change is not None:
        change(adata)
    with pytest.raises(error, match=message):
        spatial_graph(adata, **settings)


def test_one_cell_and_a_radius_that_takes_everything():
    with pytest.raises(ValueError, match="no cell has a neighbour: there are 1 cells"):
        spatial_graph(line(1))
    with pytest.raises(ValueError, match=r"radius=9000 gives a cell 1,499 neighbours on average: pass a smaller one"):
        spatial_graph(line(1500), 9000)
