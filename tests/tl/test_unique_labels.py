"""Each label at most once: by exact assignment, and by prompts about all groups of a batch."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd

TYPES = ["B cells", "CD4 T cells", "CD8 T cells", "CD14+ Monocytes", "NK cells", "Dendritic cells"]


@pytest.fixture(scope="module")
def blood() -> ad.AnnData:
    """Six types of blood cells, in clusters of two batches."""
    sd.settings.progress = False
    adata = sd.datasets.pbmc3k()
    adata = adata[adata.obs["cell_type"].isin(TYPES)].copy()
    adata.obs["cell_type"] = adata.obs["cell_type"].astype(object)
    first = adata.obs.groupby("cell_type", observed=True).head(8)
    return adata[first.index].copy()


@pytest.fixture
def puzzles(blood: ad.AnnData) -> ad.AnnData:
    """Four batches of six cells, each of another type."""
    rows = [blood[blood.obs["cell_type"] == name].obs_names[i] for i in range(4) for name in TYPES]
    adata = blood[rows].copy()
    adata.obs["puzzle"] = np.repeat([f"p{i}" for i in range(4)], len(TYPES))
    adata.obs["candidate"] = np.concatenate([np.roll(TYPES, i + 1) for i in range(4)])
    return adata


def test_no_two_groups_share_a_label_and_the_other_label_is_kept(blood):
    adata = blood.copy()
    adata.obs["cluster"] = adata.obs["cell_type"].map({name: str(i) for i, name in enumerate(TYPES)})
    sd.tl.annotate(adata, groupby="cluster", unique=True, labels="blood")
    table = adata.uns["annotation"]["groups"]
    assert list(table.index) == [str(i) for i in range(6)]
    assert (table["batch"] == "all groups").all()
    assert table["n_cells"].tolist() == adata.obs["cluster"].value_counts().sort_index().tolist()
    assert table["label"].is_unique
    assert (table["status"] == "ok").all()
    for name, row in table.iterrows():
        cells = adata.obs[adata.obs["cluster"] == name]
        assert (cells["annotation"] == row["label"]).all()
        assert (cells["annotation_confidence"] == row["confidence"]).all()
    assert set(adata.obs["annotation_independent"]) <= set(adata.obs["annotation"].cat.categories)
    assert adata.obs["annotation_independent_confidence"].between(0, 1).all()
    probability = adata.obsm["annotation_probabilities"]
    one_a_group = probability[~adata.obs["cluster"].duplicated()]
    np.testing.assert_allclose(one_a_group.sum(axis=1), 1)
    assert (one_a_group.sum(axis=0) < 1 + 1e-9).all()
    assert adata.uns["annotation"]["params"]["unique"] is True


def test_a_batch_chooses_from_its_own_candidates(puzzles):
    puzzles.obs["candidate"] = puzzles.obs["candidate"].where(puzzles.obs["puzzle"] != "p1", None)
    puzzles.obs.loc[puzzles.obs["puzzle"] == "p1", "candidate"] = [*TYPES[1:], "Megakaryocytes"]
    sd.tl.annotate(puzzles, unique="puzzle", labels="candidate")
    for name, cells in puzzles.obs.groupby("puzzle"):
        assert cells["annotation"].is_unique
        assert set(cells["annotation"]) == set(cells["candidate"])
        assert set(cells["annotation_independent"]) <= set(cells["candidate"]), name
    right = puzzles.obs["annotation"].astype(str) == puzzles.obs["cell_type"]
    alone = puzzles.obs["annotation_independent"].astype(str) == puzzles.obs["cell_type"]
    kept = puzzles.obs["puzzle"] != "p1"
    assert right[kept].mean() >= alone[kept].mean() > 0.6


def test_a_batch_does_not_depend_on_the_others(puzzles):
    sd.tl.annotate(puzzles, unique="puzzle", labels="candidate")
    alone = puzzles[puzzles.obs["puzzle"] == "p2"].copy()
    sd.tl.annotate(alone, unique="puzzle", labels="candidate")
    together = puzzles[alone.obs_names]
    assert (alone.obs["annotation"].astype(str) == together.obs["annotation"].astype(str)).all()
    np.testing.assert_allclose(
        alone.obs["annotation_confidence"], together.obs["annotation_confidence"], rtol=0, atol=1e-6
    )


def test_groups_beyond_the_labels_are_unknown(blood):
    adata = blood.copy()
    sd.tl.annotate(adata, groupby="cell_type", unique=True, labels=["B cells", "Monocytes", "NK cells"])
    table = adata.uns["annotation"]["groups"]
    assert table["label"].value_counts().to_dict() == {"unknown": 3, "B cells": 1, "Monocytes": 1, "NK cells": 1}
    assert (table["status"] == np.where(table["label"] == "unknown", "unknown", "ok")).all()
    assert table.loc["B cells", "label"] == "B cells"
    assert table.loc["CD14+ Monocytes", "label"] == "Monocytes"
    assert table["confidence"].between(0, 1).all()
    of_cells = adata.obs.groupby("cell_type", observed=True)["annotation"].first()
    assert (of_cells.astype(str) == table["label"].loc[of_cells.index]).all()


def test_cells_of_no_group_have_no_label(blood):
    adata = blood.copy()
    adata.obs["cluster"] = adata.obs["cell_type"].where(np.arange(adata.n_obs) > 4, None)
    sd.tl.annotate(adata, groupby="cluster", unique=True, labels="blood")
    assert (adata.obs["annotation_status"][:5] == "no group").all()
    assert adata.obs["annotation"][:5].isna().all()
    assert adata.obs["annotation_independent"][:5].isna().all()


def test_results_survive_files(puzzles, tmp_path):
    sd.tl.annotate(puzzles, unique="puzzle", labels="candidate")
    puzzles.write_h5ad(tmp_path / "a.h5ad")
    puzzles.write_zarr(tmp_path / "a.zarr")
    for again in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
        pd.testing.assert_frame_equal(again.obs, puzzles.obs, check_dtype=False, check_categorical=False)
        assert again.uns["annotation"]["params"]["unique"] == "puzzle"
        sd.tl.annotate(again, labels="blood")  # leaves nothing of the first result
        assert "annotation_independent" not in again.obs


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"unique": True}, ValueError, "pass groupby=, such as 'leiden'"),
        ({"unique": "sample"}, KeyError, "unique='sample' is not an obs column"),
        ({"unique": 3}, TypeError, "unique=3 must be the name of one obs column"),
        ({"unique": "puzzle", "method": "choose"}, ValueError, "would list every order of the labels"),
        ({"unique": "puzzle", "method": "generate"}, ValueError, "'embedded' reads one cell at a time"),
        ({"unique": "puzzle", "sampling": sd.Sampling(n_samples=3)}, ValueError, "n_samples=3 with unique= are votes"),
        ({"unique": True, "groupby": "one"}, ValueError, "groupby='one' has one group"),
        ({"unique": "single"}, ValueError, "the batch 'p0' of unique='single' has one cell"),
        ({"unique": "missing"}, ValueError, "no cell is left, all values are missing"),
        ({"unique": "puzzle", "groupby": "cell_type"}, ValueError, "'B cells' of groupby='cell_type' has cells of sev"),
        ({"unique": "puzzle", "labels": ["B cell", "B cells"]}, ValueError, "B cells"),
        ({"unique": "puzzle", "labels": "partly"}, ValueError, "'partly' has no label in 1 batches .* such as 'p0'"),
        ({"unique": "puzzle", "labels": "unsure"}, ValueError, "'unsure' has no label in 1 batches .* such as 'p0'"),
        ({"unique": "puzzle", "labels": "blod"}, ValueError, "labels='blod' is neither an obs column"),
    ],
)
def test_bad_arguments(puzzles, arguments, error, text):
    puzzles.obs["one"] = "a"
    puzzles.obs["partly"] = puzzles.obs["cell_type"].where(puzzles.obs["puzzle"] != "p0", None)
    puzzles.obs["unsure"] = puzzles.obs["cell_type"].where(puzzles.obs["puzzle"] != "p0", "unknown")
    puzzles.obs["single"] = np.where(np.arange(puzzles.n_obs) == 0, "p0", "p1")
    puzzles.obs["missing"] = np.nan
    before = puzzles.copy()
    with pytest.raises(error, match=text):
        sd.tl.annotate(puzzles, **{"labels": "blood"} | arguments)
    pd.testing.assert_frame_equal(puzzles.obs, before.obs)
    assert set(puzzles.uns) == set(before.uns)
