"""The reference classifier in tl.annotate: in-distribution probabilities, unknown cells, and the ensemble."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

import sc_duality as sd
from sc_duality.examples import ModelCells
from sc_duality.models import read_reference_classifier

SPEC = sd.models.resolve("embedded")
LABELS = SPEC.known("annotation", "labels")


def language_model_alone():
    """The embedded model without its reference classifier."""
    return sd.models.load(SPEC.without("annotation", "in_distribution"))


def calibrated(spec, **calibration):
    """The specification with another calibration of the in-distribution probability."""
    known = spec.knows["annotation"]
    known = {**known, "in_distribution": {**known["in_distribution"], **calibration}}
    return replace(spec, knows={**spec.knows, "annotation": known})


def test_a_cell_out_of_distribution_is_unknown_at_any_confidence(cells, scripted_model):
    labels = ["B cell", "retinal rod cell"]  # the classifier agrees with the model on cells of blood
    model = scripted_model(scores=[[30.0, 0.0, 0.0]])
    model.spec = replace(SPEC, name="scripted")
    sd.tl.annotate(cells, model, labels=labels, key_added="inside")
    model.spec = calibrated(model.spec, midpoint=0.99, slope=100.0)
    sd.tl.annotate(cells, model, labels=labels, key_added="outside")
    assert (cells.obs["inside"] == "B cell").mean() > 0.9
    assert (cells.obs["outside"] == "unknown").mean() > 0.9
    assert (cells.obs["outside_coarse"] == "unknown").mean() > 0.9
    assert (cells.obs["outside_in_distribution"] < cells.obs["inside_in_distribution"]).all()
    np.testing.assert_array_equal(cells.obsm["outside_probabilities"], cells.obsm["inside_probabilities"])
    sd.tl.annotate(cells, model, labels=labels, key_added="outside", unknown=0)
    assert (cells.obs["outside"] == "B cell").mean() > 0.9


def test_a_cell_without_a_label_has_no_in_distribution_probability(cells, scripted_model):
    model = scripted_model(scores=[[9.0, *[0.0] * len(LABELS)]], likelihood=lambda *_: np.nan)
    model.spec = replace(SPEC, name="scripted")
    sd.tl.annotate(cells, model, labels=LABELS, sampling=sd.Sampling(n_samples=2))
    assert (cells.obs["annotation_status"] == "not answered").all()
    assert cells.obs["annotation_in_distribution"].isna().all()


def test_a_cluster_has_the_mean_in_distribution_probability_of_its_cells(cells):
    cells.obs["cluster"] = np.where(np.arange(cells.n_obs) % 2, "a", "b")
    sd.tl.annotate(cells, key_added="each")
    sd.tl.annotate(cells, groupby="cluster")
    expected = cells.obs.groupby("cluster", observed=True)["each_in_distribution"].mean()
    np.testing.assert_allclose(cells.obs["annotation_in_distribution"], cells.obs["cluster"].map(expected), rtol=1e-12)


def test_probabilities_are_those_of_the_ensemble(cells):
    few = cells[:20].copy()
    sd.tl.annotate(few)
    sd.tl.annotate(few, language_model_alone(), key_added="alone")
    model_cells = ModelCells(few, SPEC)
    alone = few.obsm["alone_probabilities"].to_numpy()
    classifier = read_reference_classifier(SPEC, model_cells.gene_names)
    expected = classifier.ensemble_probabilities(alone, model_cells.genes(), LABELS)
    np.testing.assert_allclose(few.obsm["annotation_probabilities"], expected, atol=1e-6)
    assert few.obsm["annotation_probabilities"].to_numpy().argmax(1).tolist() == expected.argmax(1).tolist()


def test_a_folder_without_reference_cells_uses_the_language_model_alone(cells, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(Path(SPEC.source), folder, ignore=shutil.ignore_patterns("reference.npz"))
    fields = json.loads((folder / "sc_duality.json").read_text())
    del fields["knows"]["annotation"]["in_distribution"]
    (folder / "sc_duality.json").write_text(json.dumps(fields))
    few = cells[:5].copy()
    sd.tl.annotate(few, folder, unknown=0)
    sd.tl.annotate(few, language_model_alone(), unknown=0, key_added="alone")
    assert "annotation_in_distribution" not in few.obs
    np.testing.assert_allclose(few.obsm["alone_probabilities"], few.obsm["annotation_probabilities"], atol=1e-6)
    assert few.obs["alone"].tolist() == few.obs["annotation"].tolist()
