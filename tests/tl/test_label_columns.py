"""Columns of labels, coarse types and Cell Ontology terms."""

import json
from pathlib import Path

import anndata as ad
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sc_duality as sd
from sc_duality.cells import label_colors
from sc_duality.models import ModelSpec
from sc_duality.tl._label_predictions import sum_by_type

KNOWN = {
    "labels": ["CD4 T cell", "CD8 T cell", "B cell"],
    "synonyms": {"helper": "CD4 T cell"},
    "coarse": {"CD4 T cell": "T cell", "CD8 T cell": "T cell", "B cell": "B cell"},
    "ontology": {"CD4 T cell": "CL:0000624", "B cell": "CL:0000236", "T cell": "CL:0000084"},
    "unknown": 0.5,
}
TYPES = {"knows": {"annotation": KNOWN}}
#: A model that was trained on cells, and gets no prompts about clusters.
CELLS_ONLY = {**TYPES, "tasks": ["annotation"]}
#: A CD4 T cell, a T cell of either kind, a B cell, and a cell that may be anything.
CELLS = np.log([[0.8, 0.1, 0.1], [0.4, 0.3, 0.3], [0.1, 0.1, 0.8], [0.21, 0.2, 0.59]])
COARSE = ["annotation_coarse", "annotation_coarse_confidence", "annotation_coarse_ontology_term_id"]


def column(adata, name):
    """The first four values, ``None`` where one is missing."""
    values = adata.obs[name][:4].astype(object)
    return values.where(values.notna(), None).tolist()


@given(st.integers(1, 9).flatmap(lambda n: st.lists(st.integers(0, 4), min_size=n, max_size=n)), st.integers(0, 99))
def test_sums_are_those_of_a_loop(types, seed):
    probability = np.random.default_rng(seed).dirichlet(np.ones(len(types)), size=5)
    probability[3] = np.nan
    found = sum_by_type(probability, np.array(types))
    for cell in range(5):
        for kind in range(max(types) + 1):
            naive = sum(probability[cell, label] for label in range(len(types)) if types[label] == kind)
            np.testing.assert_allclose(found[cell, kind], naive, rtol=0, atol=1e-12)
    assert not (found > 1).any()


def test_sum_of_a_cell_does_not_depend_on_other_cells():
    rng = np.random.default_rng(0)
    probability, types = rng.dirichlet(np.ones(41), size=300), rng.integers(0, 5, 41)
    alone = np.concatenate([sum_by_type(row[None], types) for row in probability])
    np.testing.assert_array_equal(sum_by_type(probability, types), alone)
    np.testing.assert_array_equal(sum_by_type(np.asfortranarray(probability), types), alone)


def test_coarse_type_is_that_of_the_highest_sum_and_unknown_below_the_threshold(cells, scripted_model):
    sd.tl.annotate(cells, scripted_model(scores=CELLS, **TYPES), unknown=0.6)
    assert column(cells, "annotation") == ["CD4 T cell", "unknown", "B cell", "unknown"]
    assert column(cells, "annotation_coarse") == ["T cell", "T cell", "B cell", "unknown"]
    np.testing.assert_allclose(cells.obs["annotation_coarse_confidence"][:4], [0.9, 0.7, 0.8, 0.59])
    assert column(cells, "annotation_coarse_ontology_term_id") == ["CL:0000084", "CL:0000084", "CL:0000236", None]
    for name in COARSE[::2]:
        assert isinstance(cells.obs[name].dtype, pd.CategoricalDtype)


def test_two_labels_of_one_type_may_sum_to_more_than_the_best(cells, scripted_model):
    sd.tl.annotate(cells, scripted_model(scores=np.log([[0.3, 0.3, 0.4]]), **TYPES), unknown=0)
    assert set(cells.obs["annotation"]) == {"B cell"}
    assert set(cells.obs["annotation_coarse"]) == {"T cell"}


def test_term_is_that_of_the_models_own_label(cells, scripted_model):
    model = scripted_model(scores=CELLS, **TYPES)
    sd.tl.annotate(cells, model, labels=["helper", "CD8 T cell", "b CELL"], unknown=0.6)
    assert column(cells, "annotation") == ["helper", "unknown", "b CELL", "unknown"]
    assert column(cells, "annotation_ontology_term_id") == ["CL:0000624", None, "CL:0000236", None]
    assert column(cells, "annotation_coarse") == ["T cell", "T cell", "B cell", "unknown"]
    sd.tl.annotate(
        cells, scripted_model(scores=CELLS[:, ::-1], **TYPES), labels=["b CELL", "CD8 T cell", "helper"], unknown=0
    )
    assert column(cells, "annotation_ontology_term_id") == ["CL:0000624", "CL:0000624", "CL:0000236", "CL:0000236"]


def test_term_of_a_label_is_that_of_the_model_else_of_the_shipped_ontology(cells, scripted_model):
    sd.tl.annotate(cells, scripted_model(scores=CELLS[:, [1, 0, 2]], **TYPES), unknown=0)
    assert column(cells, "annotation") == ["CD8 T cell", "CD8 T cell", "B cell", "B cell"]
    assert column(cells, "annotation_ontology_term_id") == ["CL:0000625", "CL:0000625", "CL:0000236", "CL:0000236"]


def test_label_without_a_term_has_none(cells, scripted_model):
    sd.tl.annotate(cells, scripted_model(scores=np.log([[0.8, 0.2], [0.2, 0.8]])), labels=["B cell", "my type"])
    assert column(cells, "annotation_ontology_term_id") == ["CL:0000236", None, "CL:0000236", None]
    sd.tl.annotate(cells, scripted_model(scores=np.log([[0.8, 0.2]])), labels=["their type", "my type"])
    assert "annotation_ontology_term_id" not in cells.obs


def test_a_coarse_label_has_the_summed_probability_of_its_labels(cells, scripted_model):
    sd.tl.annotate(cells, scripted_model(scores=CELLS, **TYPES), labels=["T cells", "B cell"], unknown=0.55)
    assert column(cells, "annotation") == ["T cells", "T cells", "B cell", "B cell"]
    np.testing.assert_allclose(cells.obs["annotation_confidence"][:4], [0.9, 0.7, 0.8, 0.59])
    np.testing.assert_allclose(cells.obsm["annotation_probabilities"]["T cells"][:4], [0.9, 0.7, 0.2, 0.41])
    assert column(cells, "annotation_ontology_term_id") == ["CL:0000084", "CL:0000084", "CL:0000236", "CL:0000236"]
    assert column(cells, "annotation_coarse") == ["T cell", "T cell", "B cell", "B cell"]
    assert cells.uns["annotation"]["params"]["labels"] == ["T cells", "B cell"]
    with pytest.raises(ValueError, match="'T cells' stands for 2 labels of the model"):
        sd.tl.duality(cells, model=scripted_model(**TYPES))


def test_a_coarse_label_takes_what_finer_labels_leave(cells, scripted_model):
    model = scripted_model(scores=CELLS, **TYPES)
    sd.tl.annotate(cells, model, labels=["T cell", "CD4 T", "B cell"], unknown=0)
    assert model.choices[:2] == ["<answer>CD8 T cell</answer>", "<answer>CD4 T cell</answer>"]
    assert column(cells, "annotation") == ["T cell", "T cell", "B cell", "B cell"]


def test_coarse_labels_of_clusters_samples_and_generated_text(cells, scripted_model):
    cells.obs["cluster"] = pd.Categorical(["a", "b"] * (cells.n_obs // 2) + ["a"] * (cells.n_obs % 2))
    labels = {"labels": ["T cell", "B cell"], "unknown": 0}
    scores = np.log([[0.4, 0.2, 0.4], [0.1, 0.1, 0.8]])
    model = scripted_model(scores=scores, **CELLS_ONLY)
    sd.tl.annotate(cells, model, groupby="cluster", **labels)
    assert set(cells.obs["annotation"][cells.obs["cluster"] == "a"]) == {"T cell"}
    np.testing.assert_allclose(cells.obs["annotation_confidence"][cells.obs["cluster"] == "a"], 0.6)
    texts = [f"<answer>{label}</answer>" for label in ("CD4 T cell", "CD8 T cell", "B cell")] + ["?"]
    model = scripted_model(texts=texts, **TYPES)
    sd.tl.annotate(cells, model, method="generate", labels=["T cell", "B cell"])
    assert column(cells, "annotation") == ["T cell", "T cell", "B cell", None]


def test_cells_without_a_label_have_no_coarse_type(cells, scripted_model):
    cells.obsm["cell_sentence"][1] = -1
    sd.tl.annotate(cells, scripted_model(scores=CELLS[:1], **TYPES))
    for name in ("annotation", "annotation_ontology_term_id", *COARSE):
        assert cells.obs[name].isna().to_numpy().nonzero()[0].tolist() == [1]


def test_clusters_have_the_coarse_type_of_their_pooled_probabilities(cells, scripted_model):
    cells.obs["cluster"] = pd.Categorical(["a", "b"] * (cells.n_obs // 2) + ["a"] * (cells.n_obs % 2))
    model = scripted_model(
        scores=np.log([[0.5, 0.2, 0.3], [0.1, 0.1, 0.8], [0.1, 0.5, 0.4], [0.1, 0.1, 0.8]]), **CELLS_ONLY
    )
    sd.tl.annotate(cells, model, groupby="cluster")
    table = cells.obsm["annotation_probabilities"]
    for cluster, coarse in (("a", "T cell"), ("b", "B cell")):
        members = cells.obs["cluster"] == cluster
        assert set(cells.obs["annotation_coarse"][members]) == {coarse}
        pooled = table.loc[members, ["CD4 T cell", "CD8 T cell"] if cluster == "a" else ["B cell"]].sum(axis=1)
        np.testing.assert_allclose(cells.obs["annotation_coarse_confidence"][members], pooled)
    assert set(cells.obs["annotation"][cells.obs["cluster"] == "a"]) == {"unknown"}


def test_coarse_type_of_a_generated_label_is_that_of_the_label(cells, scripted_model):
    texts = [f"<answer>{label}</answer>" for label in ("CD4 T cell", "CD8 T cell", "B cell")] + ["?"]
    model = scripted_model(texts=texts, **CELLS_ONLY)
    sd.tl.annotate(cells, model, method="generate")
    assert column(cells, "annotation_coarse") == ["T cell", "T cell", "B cell", None]
    assert column(cells, "annotation_ontology_term_id") == ["CL:0000624", "CL:0000625", "CL:0000236", None]
    assert "annotation_coarse_confidence" not in cells.obs
    cells.obs["cluster"] = pd.Categorical(["all"] * cells.n_obs)
    sd.tl.annotate(cells, model, method="generate", groupby="cluster", unknown=0.9)
    assert set(cells.obs["annotation"]) == set(cells.obs["annotation_coarse"]) == {"unknown"}
    assert cells.obs["annotation_coarse_ontology_term_id"].isna().all()


def test_columns_that_a_model_does_not_know_are_dropped(cells, scripted_model):
    model = scripted_model(scores=CELLS, **TYPES)
    sd.tl.annotate(cells, model)
    partly = {"coarse": {"B cell": "B cell"}, "ontology": {"CD8 T cell": "CL:0000625"}}
    partly = {"knows": {"annotation": {**KNOWN, **partly}}}
    sd.tl.annotate(cells, scripted_model(scores=CELLS, **partly))
    assert not set(COARSE) & set(cells.obs)
    assert "annotation_ontology_term_id" in cells.obs
    sd.tl.annotate(cells, model)
    sd.tl.sensitivity(cells, "erlotinib", scripted_model(scores=[[0.0, 1.0]], **TYPES), key_added="annotation")
    columns = ["annotation", "annotation_confidence", "annotation_nearest", "annotation_status", "cell_type"]
    assert sorted(cells.obs) == columns


@pytest.mark.parametrize("store", ["h5ad", "zarr"])
def test_columns_can_be_written_to_a_file_without_any_label(cells, scripted_model, store, tmp_path):
    path = tmp_path / f"cells.{store}"
    sd.tl.annotate(cells, scripted_model(scores=CELLS, **TYPES), unknown=0.6)
    sd.tl.annotate(cells, scripted_model(texts=["?"], **TYPES), method="generate", key_added="none")
    cells.write_h5ad(path) if store == "h5ad" else cells.write_zarr(path)
    found = ad.read_h5ad(path) if store == "h5ad" else ad.read_zarr(path)
    for name in ("annotation_ontology_term_id", *COARSE):
        pd.testing.assert_series_equal(found.obs[name], cells.obs[name])
    for name in ("annotation", "annotation_coarse"):
        assert found.uns[f"{name}_colors"].tolist() == label_colors(cells.obs[name].cat.categories)
    for name in ("none", "none_coarse", "none_ontology_term_id"):
        assert found.obs[name].isna().all()


def test_embedded_model_knows_a_term_and_a_coarse_type_of_every_label():
    spec = sd.models.resolve("embedded")
    labels, coarse, ontology = (spec.known("annotation", name) for name in ("labels", "coarse", "ontology"))
    assert set(coarse) == set(labels)
    assert set(ontology) == set(labels) | set(coarse.values())
    assert len(set(ontology.values())) == len(ontology)
    for label in set(labels) & set(coarse.values()):
        assert coarse[label] == label, "a label that is a coarse type has itself as coarse type"


def test_coarse_types_of_unknown_cells_are_right(cells):
    sd.tl.annotate(cells, labels="cell_type", unknown=0.9)
    unknown = cells.obs["annotation"] == "unknown"
    coarse = cells.obs["annotation_coarse"].astype(str)
    assert (unknown & (coarse != "unknown")).any()
    assert (unknown | (coarse != "unknown")).all(), "a sum is not below any of its parts"
    truth = cells.obs["cell_type"].isin(["CD4 T cells", "CD8 T cells"])
    assert truth[coarse == "T cell"].mean() > 0.9
    assert set(cells.obs["annotation_coarse_ontology_term_id"][coarse == "T cell"]) == {"CL:0000084"}


def test_coarse_types_are_written_and_plotted(cells, tmp_path):
    mpl.use("Agg")
    cells.write_h5ad(tmp_path / "cells.h5ad")
    cells.obs["truth"] = cells.obs["cell_type"].astype(str).replace({f"CD{n} T cells": "T cell" for n in (4, 8)})
    sd.tl.annotate(cells, labels="blood")
    sd.io.write_results(cells, tmp_path / "cells.h5ad")
    found = ad.read_h5ad(tmp_path / "cells.h5ad")
    for name in ("annotation_ontology_term_id", *COARSE):
        pd.testing.assert_series_equal(found.obs[name], cells.obs[name])
    columns = [tick.get_text() for tick in sd.pl.annotate(cells, "truth", key="annotation_coarse").get_xticklabels()]
    assert set(columns) == set(sd.get.display_names(cells, "annotation_coarse"))
    rows = [tick.get_text() for tick in sd.pl.confidence(cells, key="annotation_coarse").get_yticklabels()]
    assert {row.rsplit(" (", 1)[0] for row in rows} == set(sd.get.display_names(cells, "annotation_coarse"))
    mpl.pyplot.close("all")


def test_colours_go_with_their_column(cells):
    sd.tl.annotate(cells, labels="blood")
    cells.uns["cell_type_colors"] = ["#000000"] * 8
    subset = cells[cells.obs["annotation"] != "B cell"].copy()
    assert list(subset.uns["annotation_colors"]) == label_colors(subset.obs["annotation"].cat.categories)
    sd.tl.sensitivity(cells, "panobinostat", key_added="annotation")
    assert [key for key in cells.uns if key.endswith("_colors")] == ["cell_type_colors"]


def test_folder_of_a_model_may_have_coarse_types(tmp_path):
    embedded = Path(sd.models.resolve("embedded").source)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).symlink_to(embedded / name)
    assert sd.models.resolve(tmp_path).knows == ModelSpec(name="a", source="b").knows == {}
    known = {"annotation": {"coarse": {"CD4 T cell": "T cell"}}}
    (tmp_path / "sc_duality.json").write_text(json.dumps({"knows": known}))
    assert sd.models.resolve(tmp_path).knows == known
