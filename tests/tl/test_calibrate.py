"""Calibration: temperatures against a search by hand, thresholds against shares, and refusal of unusable cells."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

import sc_duality as sd
from sc_duality.duality import likelihood_by_option
from sc_duality.examples import ModelCells, build
from sc_duality.tasks import Annotation
from sc_duality.tl._calibration import calibration_of, read_study, threshold
from sc_duality.tl._model import reference_classifier

SPEC = sd.models.resolve("embedded")


@pytest.fixture(scope="module")
def labelled():
    cells = sd.datasets.pbmc3k()[::2].copy()
    cells.obs["mine"] = cells.obs["cell_type"].astype(str).replace("NK cells", "cells without a name").to_numpy()
    return cells


@pytest.fixture(scope="module")
def calibrated(labelled, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "calibrated"
    return sd.tl.calibrate(labelled, "cell_type", "embedded", output_dir=folder, max_unknown=0.05)


def test_that_many_cells_are_unknown(labelled, calibrated):
    cells = labelled.copy()
    sd.tl.annotate(cells, calibrated)
    assert (cells.obs["annotation"] == "unknown").mean() == pytest.approx(0.05, abs=0.01)
    assert (cells.obs["annotation_in_distribution"] >= 0.5).mean() == pytest.approx(0.95, abs=0.01)


def test_only_the_calibration_changes(calibrated):
    spec = sd.models.resolve(calibrated)
    assert {name: known for name, known in spec.knows.items() if name != "annotation"} == {
        name: known for name, known in SPEC.knows.items() if name != "annotation"
    }
    before, after = SPEC.knows["annotation"], spec.knows["annotation"]
    assert {name for name in before if before[name] != after[name]} <= {"unknown", "in_distribution"}
    assert spec.temperature != 1
    assert (calibrated / "reference.npz").read_bytes() == sd.models.reference_file(SPEC).read_bytes()


def test_the_temperature_has_the_lowest_log_loss(labelled):
    cells = ModelCells(labelled, SPEC)
    examples = build(Annotation(), cells)
    rng = np.random.default_rng(0)
    truth = rng.integers(len(examples.options), size=len(cells))

    class Scripted:
        """Scores in which the true label is favoured by 3 nats, with noise."""

        spec = SPEC

        def score(self, prompts, completions):
            found = rng.normal(0, 4, (len(prompts), len(completions)))
            found[np.arange(len(prompts)), truth] += 3
            return found

    names = [examples.options[i] for i in truth]
    study = read_study(Scripted(), examples, np.arange(len(cells)), names, None)
    found = calibration_of([study], SPEC.without("annotation", "in_distribution"), 0.2)

    def log_loss(temperature):
        return -log_softmax(study.scores / temperature, axis=1)[np.arange(len(truth)), truth].mean()

    best = minimize_scalar(log_loss, bounds=(0.3, 20), method="bounded").x
    assert found.temperature == pytest.approx(best, rel=0.05)
    assert found.in_distribution == {}
    confidence = np.exp(log_softmax(study.scores / found.temperature, axis=1))[:, : len(examples.options)].max(1)
    assert (confidence < found.unknown).mean() == pytest.approx(0.2, abs=0.02)


def test_cells_of_unknown_types_are_left_out(labelled, tmp_path):
    kept = labelled[labelled.obs["mine"] != "cells without a name"].copy()
    folders = [
        sd.tl.calibrate(cells[::2].copy(), "mine", output_dir=tmp_path / name, max_unknown=0.05)
        for name, cells in (("with", labelled), ("without", kept))
    ]
    of_both = [sd.models.resolve(folder).knows["annotation"]["unknown"] for folder in folders]
    assert of_both[0] == pytest.approx(of_both[1], abs=0.05)


def test_nothing_is_written_into_the_cells(labelled, tmp_path):
    cells = labelled[::3].copy()
    sd.tl.calibrate(cells, "cell_type", output_dir=tmp_path / "model")
    assert list(cells.obs) == list(labelled.obs)
    assert not cells.obsm
    assert not cells.uns.keys() - labelled.uns.keys()


@pytest.fixture
def no_weights(monkeypatch):
    """Loading a model fails the test."""
    monkeypatch.setattr("sc_duality.tl._calibrate.load", lambda _: pytest.fail("the model was loaded"))


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"truth": "type"}, KeyError, "truth='type' is not an obs column"),
        ({"truth": "wrong"}, ValueError, r"0 cells have a type in obs\['wrong'\] that the model 'embedded' knows"),
        ({"max_unknown": 1}, ValueError, "max_unknown must be a number from 0 to below 1, got 1"),
        ({"model": "smollm2-135m"}, ValueError, "has no list of labels"),
        ({"adatas": []}, ValueError, "adatas is empty"),
    ],
)
def test_bad_input(labelled, tmp_path, settings, error, message):
    cells = labelled.copy()
    cells.obs["wrong"] = "neuron of another planet"
    usual = {"adatas": cells, "truth": "cell_type", "model": "embedded", "output_dir": tmp_path / "out"}
    with pytest.raises(error, match=message):
        sd.tl.calibrate(**{**usual, **settings})
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_weights")
def test_a_model_of_the_hub_is_refused(labelled, monkeypatch):
    spec = replace(SPEC, source="someone/a-model")
    monkeypatch.setattr("sc_duality.tl._calibrate.resolve_model", lambda *_: ("someone/a-model", spec))
    with pytest.raises(ValueError, match="is not in a folder: download it"):
        sd.tl.calibrate(labelled, "cell_type", "someone/a-model")


def test_a_folder_with_files_is_refused(labelled, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is not empty"):
        sd.tl.calibrate(labelled, "cell_type", output_dir=tmp_path)


def test_the_temperature_of_the_dual_has_the_lowest_log_loss(labelled, tmp_path, monkeypatch):
    monkeypatch.setattr("sc_duality.tl._calibrate._MIN_CELLS", 10)
    cells = labelled[::12].copy()
    halves = [cells[:7].copy(), cells[7:].copy()]  # all cells of so few count
    folder = sd.tl.calibrate(halves, "cell_type", "embedded", output_dir=tmp_path / "m", dual=True)
    found = sd.models.resolve(folder).dual_temperature
    examples = build(Annotation(), ModelCells(cells, SPEC))
    truth = SPEC.known("annotation", "synonyms")
    hidden = examples.with_hidden(slice(0, len(cells)), 0)
    table = likelihood_by_option(sd.models.load("embedded"), examples.task, hidden)
    columns = [examples.options.index(truth[label]) for label in cells.obs["cell_type"]]

    def log_loss(temperature):
        return -log_softmax(table / temperature, axis=1)[np.arange(len(cells)), columns].mean()

    assert found == pytest.approx(minimize_scalar(log_loss, bounds=(0.3, 20), method="bounded").x, rel=0.05)


def test_the_dual_needs_labels_of_the_language_model(labelled, tmp_path):
    cells = labelled.copy()
    cells.obs["mine"] = "my cell"
    model = sd.tl.add_reference_cells(cells, "mine", output_dir=tmp_path / "mine")
    with pytest.raises(ValueError, match="dual=True needs cells of types that the language model"):
        sd.tl.calibrate(cells, "mine", model, dual=True)


def test_fewer_than_fifty_cells_of_known_types_are_refused_before_a_model_is_loaded(labelled, monkeypatch):
    monkeypatch.setattr("sc_duality.tl._calibrate.load", lambda *_: pytest.fail("a model was loaded"))
    with pytest.raises(ValueError, match="49 cells have a type in obs\\['cell_type'\\] .* calibration needs 50"):
        sd.tl.calibrate(labelled[:49].copy(), "cell_type")


def test_the_classifier_is_that_of_annotate(labelled, tmp_path, monkeypatch):
    model, classifiers = sd.tl.add_reference_cells(labelled, "mine", output_dir=tmp_path / "mine"), []

    def recorded(*arguments):
        classifiers.append(arguments[-1])
        return read_study(*arguments)

    monkeypatch.setattr("sc_duality.tl._calibrate.read_study", recorded)
    sd.tl.calibrate(labelled, "cell_type", model)
    expected = reference_classifier(ModelCells(labelled, sd.models.resolve(model)))
    assert expected.genes > SPEC.genes
    np.testing.assert_array_equal(classifiers[0].fitted.weights, expected.fitted.weights)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.15, 0.5, 0.99])
def test_no_more_than_that_share_of_any_study_is_below_the_threshold(share):
    studies = [np.random.default_rng(n).random(n) for n in (3, 10, 57)]
    found = threshold(studies, share)
    assert all((values < found).mean() <= share for values in studies)
    assert any((values <= found + 0.001).mean() > share - 1 / len(values) for values in studies)
