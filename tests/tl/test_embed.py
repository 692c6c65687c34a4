"""Embeddings of cells."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from sklearn.neighbors import KNeighborsClassifier

import sc_duality as sd


def test_cells_of_a_type_are_neighbours():
    adata = sd.datasets.pbmc3k()
    sd.tl.embed(adata)
    vectors, types = adata.obsm["X_cell_sentence"], adata.obs["cell_type"].astype(str)
    classifier = KNeighborsClassifier(5).fit(vectors[::2], types[::2])
    assert classifier.score(vectors[1::2], types[1::2]) > 0.7
    assert vectors.dtype == np.float32


def test_vectors_are_written_for_the_right_cells(cells, scripted_model):
    cells.obsm["cell_sentence"][2] = -1
    model = scripted_model()
    sd.tl.embed(cells, model, n_genes=3, key_added="X_other")
    assert np.isnan(cells.obsm["X_other"][2]).all()
    expected = [len(prompt) for prompt in model.prompts]
    np.testing.assert_array_equal(np.delete(cells.obsm["X_other"], 2, axis=0)[:, 0], expected)
    assert cells.uns["X_other"]["params"]["n_genes"] == 3
    assert " ".join(sd.get.gene_lists(cells, n_genes=3)[0]) in model.prompts[0]


def test_cells_without_any_known_gene_are_refused(cells):
    cells.obsm["cell_sentence"][:] = -1
    with pytest.raises(ValueError, match="no cell expresses a gene that the model 'embedded' knows"):
        sd.tl.embed(cells)


def test_cells_beyond_the_context_length_are_refused_before_a_model_is_loaded(cells, monkeypatch):
    sd.pp.cell_sentences(cells, n_genes=1000)
    sd.tl.embed(cells[:2].copy(), n_genes=300)
    monkeypatch.setattr("sc_duality.tl._embed.load", lambda _: pytest.fail("the model was loaded"))
    with pytest.raises(ValueError, match="'embedded', 416 tokens: pass a smaller n_genes="):
        sd.tl.embed(cells, n_genes=1000)


# --- groups ---------------------------------------------------------------------------------------------------------


def test_groups_are_embedded_as_pseudobulks_of_their_counts():
    adata = sd.datasets.pbmc3k()
    sd.tl.embed(adata, groupby="cell_type", key_added="X_bulk")
    bulk = sc.get.aggregate(adata, by="cell_type", func="sum")
    bulk.X = bulk.layers["sum"]
    sd.tl.embed(bulk)
    groups = sd.get.group_embedding(adata, "X_bulk")
    assert groups.obs_names.tolist() == sorted(adata.obs["cell_type"].unique())
    np.testing.assert_allclose(groups.X, bulk[groups.obs_names].obsm["X_cell_sentence"], atol=1e-5)
    counts = adata.obs["cell_type"].value_counts()
    assert groups.obs["n_cells"].tolist() == [counts[name] for name in groups.obs_names]
    assert groups.obs["cell_type"].tolist() == groups.obs_names.tolist()
    assert "X_bulk" not in adata.obsm
    assert adata.uns["X_bulk"]["params"]["groupby"] == ["cell_type"]


def test_a_bulk_is_nearest_to_the_cells_of_its_type():
    adata = sd.datasets.pbmc3k()
    sd.tl.embed(adata)
    sd.tl.embed(adata, groupby="cell_type", key_added="X_bulk")
    groups = sd.get.group_embedding(adata, "X_bulk")
    own = groups.obs_names.get_indexer(adata.obs["cell_type"].astype(str))
    found = sd.metrics.foscttm(adata.obsm["X_cell_sentence"], groups.X, own)
    assert max(found) < 0.2


def test_logarithms_are_summed_as_counts():
    adata = sd.datasets.pbmc3k()[:80].copy()
    logs = adata.copy()
    sc.pp.normalize_total(logs, target_sum=1e4)
    scaled = logs.copy()
    sc.pp.log1p(logs)
    for one in (scaled, logs):
        one.obsm.clear(), one.uns.clear()
        sd.tl.embed(one, groupby="cell_type")
    np.testing.assert_allclose(*(sd.get.group_embedding(one).X for one in (scaled, logs)), atol=1e-4)


def test_the_mean_of_the_cells_and_several_columns():
    cells = sd.datasets.pbmc3k()[:40].copy()
    cells.obs["donor"] = pd.Categorical(["d1", "d2"] * 20)
    cells.obs.loc[cells.obs_names[:3], "donor"] = np.nan
    sd.tl.embed(cells)
    sd.tl.embed(cells, groupby=["donor", "cell_type"], grouping="mean", key_added="X_mean")
    groups = sd.get.group_embedding(cells, "X_mean")
    assert groups.obs["n_cells"].sum() == 37
    for name, row in groups.obs.iterrows():
        assert name == f"{row['donor']} | {row['cell_type']}"
        inside = ((cells.obs["donor"] == row["donor"]) & (cells.obs["cell_type"] == row["cell_type"])).to_numpy()
        expected = cells.obsm["X_cell_sentence"][inside].mean(0)
        np.testing.assert_allclose(groups[name].X[0], expected, atol=1e-5)


def test_groups_survive_files_and_give_way_to_cells(tmp_path):
    adata = sd.datasets.pbmc3k()[:30].copy()
    sd.tl.embed(adata, groupby="cell_type")
    adata.write_h5ad(tmp_path / "a.h5ad")
    adata.write_zarr(tmp_path / "a.zarr")
    for again in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr"), adata[:5].copy()):
        groups = sd.get.group_embedding(again)
        np.testing.assert_array_equal(groups.X, sd.get.group_embedding(adata).X)
        pd.testing.assert_frame_equal(groups.obs, sd.get.group_embedding(adata).obs)
    sd.tl.embed(adata)
    assert "vectors" not in adata.uns["X_cell_sentence"]
    with pytest.raises(KeyError, match=r"uns\['X_cell_sentence'\] has no vectors of groups: run sd.tl.embed"):
        sd.get.group_embedding(adata)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"groupby": "sample"}, KeyError, "groupby='sample' is not an obs column"),
        ({"groupby": []}, ValueError, r"groupby=\[\] names no column"),
        ({"groupby": "empty"}, ValueError, "groupby='empty' names no group: all of its values are missing"),
        ({"groupby": "donor", "grouping": "sum"}, ValueError, "grouping='sum' is not an option: choose from 'pseudo"),
        ({"groupby": "donor", "key_added": "a/b"}, ValueError, "key_added='a/b' contains '/'"),
        ({"groupby": "donor", "key_added": "mine"}, ValueError, r"would overwrite uns\['mine'\]"),
    ],
)
def test_bad_groups(cells, settings, error, message):
    cells.obs["donor"], cells.obs["empty"], cells.uns["mine"] = "d1", np.nan, 3
    with pytest.raises(error, match=message):
        sd.tl.embed(cells, **settings)
