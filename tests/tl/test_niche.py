"""Niches and neighbourhoods: predicted, scored and trained from AnnData."""

import anndata as ad
import numpy as np
import pytest
from scipy.special import softmax

import sc_duality as sd

LABELS = ["follicle", "sinus"]


@pytest.fixture
def tissue():
    """B cells and T cells to the left, monocytes to the right, in real cells of one slide."""
    adata = sd.datasets.pbmc3k()
    adata = adata[adata.obs["cell_type"].isin(["B cells", "CD14+ Monocytes", "CD4 T cells"])].copy()
    rng = np.random.default_rng(0)
    left = (adata.obs["cell_type"] != "CD14+ Monocytes").to_numpy()
    adata.obsm["spatial"] = np.column_stack([rng.uniform(0, 40, len(left)) + 60 * ~left, rng.uniform(0, 40, len(left))])
    adata.obs["region"] = np.where(left, "follicle", "sinus")
    adata.obs["group"] = [f"g{i // 5}" for i in range(adata.n_obs)]
    return adata


def test_the_niche_of_every_cell(tissue, scripted_model, tmp_path):
    model = scripted_model(scores=[[0.0, 1.0]], likelihood=lambda prompt, _: -1.0 if "niche sinus" in prompt else -3.0)
    cells = tissue[:12].copy()
    sd.tl.predict(cells, ("niche", {"n_cells": 4, "radius": 200}), model, labels=LABELS)
    assert model.prompts[0].startswith("Which niche of the tissue does this cell lie in?\nIts ")
    assert "The 3 cells around it, the nearest first:\nCell 1, its " in model.prompts[0]
    assert (cells.obs["niche"] == "sinus").all()
    assert cells.obs["niche_confidence"].iloc[0] == pytest.approx(softmax([0, 1])[1])
    params = cells.uns["niche"]["params"]
    assert (params["radius"], params["n_cells"], params["spatial_key"]) == (200, 4, "spatial")
    cells.write_h5ad(tmp_path / "cells.h5ad")
    read = ad.read_h5ad(tmp_path / "cells.h5ad")
    how = sd.Duality(context="observed", hidden_fraction=0.5)
    for adata in (cells, read):
        sd.tl.duality(adata, "niche", model, duality=how)
        np.testing.assert_allclose(adata.obs["niche_duality"], softmax([-1, -3])[0])
    assert "cells around it" in model.scored_pairs[0][0]
    np.testing.assert_array_equal(cells.obsm["niche_probabilities"], read.obsm["niche_probabilities"])


def test_a_cell_alone_needs_no_coordinates(tissue, scripted_model):
    cells = tissue[:3].copy()
    del cells.obsm["spatial"]
    model = scripted_model(scores=[[1.0, 0.0]])
    sd.tl.predict(cells, ("niche", {"n_cells": 1}), model, labels=LABELS)
    assert (cells.obs["niche"] == "follicle").all()
    assert "radius" not in cells.uns["niche"]["params"]


def test_whether_the_cells_of_a_group_are_near(tissue, scripted_model):
    cells = tissue[:15].copy()
    model = scripted_model(scores=[[0.0, 1.0], [2.0, 0.0], [0.0, 3.0]], likelihood=lambda *_: -1.0)
    for task in ("same_neighbourhood", "same_niche"):
        sd.tl.predict(cells, task, model, groupby="group")
        assert len(model.prompts) == 3
        assert cells.obs[task].iloc[::5].tolist() == ["no", "yes", "no"]
        sd.tl.duality(cells, task, model)
        np.testing.assert_allclose(cells.obs[f"{task}_duality"], 0.5)
    cells.obs["group"] = [f"g{i}" for i in range(15)]
    with pytest.raises(ValueError, match=r"compares the cells of a group, and 15 groups .* such as 'g0'"):
        sd.tl.predict(cells, "same_niche", model, groupby="group")


def without_coordinates(adata):
    del adata.obsm["spatial"]


def with_nan(adata):
    adata.obsm["spatial"][4, 1] = np.nan


@pytest.mark.parametrize(
    ("task", "how", "change", "error", "message"),
    [
        ("niche", {}, without_coordinates, KeyError, "obsm has no 'spatial', the coordinates of the cells"),
        ("niche", {}, with_nan, ValueError, "no finite coordinates for 1 cells, such as"),
        (("niche", {"radius": 0}), {}, None, ValueError, "radius=0 must be a positive number"),
        (("niche", {"library_key": "slide"}), {}, None, KeyError, "library_key='slide' is not an obs column"),
        (("niche", {"connectivity_key": "nn"}), {}, None, KeyError, "obsp has no 'nn'"),
        (("niche", {"n_cells": 0}), {}, None, ValueError, "n_cells must be a positive integer"),
        (("niche", {"radii": 3}), {}, None, TypeError, "radii"),
        ("niche", {"labels": None}, None, ValueError, "has no labels of its own: pass labels="),
        ("niche", {"model": "embedded"}, None, ValueError, "'embedded' was not trained for the task 'niche'"),
        ("niche", {"key_added": "region"}, None, ValueError, "region"),
        ("same_niche", {"labels": None}, None, ValueError, "about groups of cells: pass groupby="),
        ("same_niche", {"groupby": "group"}, None, ValueError, "answers 'yes' or 'no', leave labels= out"),
        ("neighbour_generation", {"labels": None}, None, ValueError, "does not label cells one by one"),
    ],
)
def test_bad_input_is_refused_before_a_model_is_loaded(
    tissue, scripted_model, monkeypatch, task, how, change, error, message
):
    def fail(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("sc_duality.tl._predict.load", fail)
    if change is not None:
        change(tissue)
    with pytest.raises(error, match=message):
        sd.tl.predict(tissue, task, **{"model": scripted_model(), "labels": LABELS, **how})
    assert "niche" not in tissue.obs


def test_one_cell_has_no_neighbourhood(tissue, scripted_model):
    with pytest.raises(ValueError, match="no cell has a neighbour: there are 1 cells"):
        sd.tl.predict(tissue[:1].copy(), "niche", scripted_model(), labels=LABELS)


def with_start(folder, adata):
    """The genes that differ most between the niches, and an untrained model of them."""
    counts = np.log1p(np.asarray(adata.X.toarray()))
    left = (adata.obs["region"] == "follicle").to_numpy()
    difference = np.abs(counts[left].mean(0) - counts[~left].mean(0))
    part = adata[:, np.sort(np.argsort(-difference)[:60])].copy()
    start = sd.models.new_gene_model(folder, part.var_names, n_genes=12, context_length=96, width=64, layers=1)
    return part, start


def test_a_niche_is_learned(tissue, tmp_path, monkeypatch):
    pytest.importorskip("trl")
    monkeypatch.setattr(sd.settings, "cache", False)
    tissue, start = with_start(tmp_path / "start", tissue)
    lower = tissue.obsm["spatial"][:, 1] < 25
    train, test = tissue[lower].copy(), tissue[~lower].copy()
    model, history = sd.tl.train_sft(
        train, start, tmp_path / "model", held_out=0.0, num_train_epochs=8,
        tasks={"niche": {"truth": "region", "n_cells": 3}}, batch_size=16, learning_rate=5e-3,
    )  # fmt: skip
    assert np.isfinite(history["loss"]).all()
    assert sd.models.resolve(model).known("niche", "labels") == LABELS
    sd.tl.predict(test, ("niche", {"n_cells": 3}), model)
    agree = (test.obs["niche"].astype(str) == test.obs["region"])[test.obs["niche_status"] == "ok"]
    assert len(agree) > 40
    assert agree.mean() > 0.85
    sd.tl.duality(test, "niche", model)
    assert test.obs["niche_duality"].dropna().between(0, 1).all()


def test_all_tasks_are_trained_with_and_without_labels(tissue, tmp_path, monkeypatch):
    pytest.importorskip("trl")
    monkeypatch.setattr(sd.settings, "cache", False)
    tissue, start = with_start(tmp_path / "start", tissue)
    tasks = {
        "niche": {"truth": "region", "n_cells": 3},
        "same_niche": {"truth": "region", "cell_type": "cell_type", "n_cells": 3},
        "same_neighbourhood": {"cell_type": "cell_type", "n_cells": 3, "hidden": "cells"},
        "neighbour_generation": {"n_cells": 3},
    }
    model, history = sd.tl.train_sft(
        tissue, start, tmp_path / "model", tasks=tasks, held_out=0.1,
        num_train_epochs=0.4, batch_size=16, learning_rate=3e-3,
    )  # fmt: skip
    assert np.isfinite(history["loss"].dropna()).all()
    for task in ("same_niche", "same_neighbourhood"):
        sd.tl.predict(tissue, (task, {"n_cells": 3}), model, groupby="group")
        assert set(tissue.obs[task]) <= {"yes", "no"}

    generation = {"neighbour_generation": tasks.pop("neighbour_generation")}
    del tasks["niche"]["truth"], tasks["same_niche"]["truth"]
    few = {"max_steps": 1, "generation_batch_size": 8, "batch_size": 8, "num_generations": 4}
    aligned, log = sd.tl.train_grpo_duality(tissue, model, tmp_path / "aligned", tasks=tasks, **few)
    assert np.isfinite(log["reward"]).all()
    how = sd.Duality(form="likelihood")
    _, log = sd.tl.train_grpo_duality(tissue, aligned, tmp_path / "generation", tasks=generation, duality=how, **few)
    assert np.isfinite(log["reward"]).all()
