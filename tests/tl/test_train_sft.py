"""SFT: the model learns, donors are held out, runs resume, and unusable input is refused before weights are loaded."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.models import ModelSpec
from sc_duality.models.engines import Tokens
from sc_duality.train import Trace
from sc_duality.train._training_rows import plain_rows

pytest.importorskip("trl")

from transformers import PreTrainedModel

from benchmarks._toy_model import PERTURBATIONS, TYPES, save_toy, toy_cells
from tests.train.toy_model import StoppedError, same_history, same_weights, stop

ANNOTATION = {"annotation": {"truth": "cell_type"}}
BOTH = {**ANNOTATION, "generation": {"truth": "cell_type"}}
SETTINGS = {"held_out": {"donor": ["d3"]}, "num_train_epochs": 4, "learning_rate": 1e-2, "augment": False}
CONTRAST = {"tasks": ANNOTATION, "contrast": 1.0, "lora": 4}
PLAIN = {}
AVERAGED = {"loss_per": "text", "weight_averaging": 0.9}


@pytest.fixture(scope="module")
def random(tmp_path_factory):
    return save_toy(tmp_path_factory.mktemp("toy") / "random")


def train(model, output_dir, cells=None, **settings):
    cells = toy_cells() if cells is None else cells
    return sd.tl.train_sft(cells, model, output_dir, **{"tasks": BOTH, **SETTINGS, **settings})


@pytest.fixture(scope="module", params=[PLAIN, CONTRAST, AVERAGED], ids=["plain", "contrast-lora", "averaged"])
def trained(random, tmp_path_factory, request):
    return train(random, tmp_path_factory.mktemp("toy") / "trained", **request.param), request.param


@pytest.fixture
def examples_of(random, tmp_path, monkeypatch):
    """Find the training and held-out examples of a run without training."""

    def examples_of(cells, **settings):
        found = []
        monkeypatch.setattr("sc_duality.train._sft.fit", lambda *args, **_: found.extend(args[1:3]))
        train(random, tmp_path / "none", cells, **settings)
        return found

    return examples_of


@pytest.mark.slow
def test_it_learns_and_loads(trained, capfd):
    (model, history), settings = trained
    assert history["loss"].iloc[-1] < (0.93 if "contrast" in settings else 0.7) * history["loss"].iloc[0]
    assert history["eval_loss"].dropna().iloc[-1] < history["eval_loss"].dropna().iloc[0]
    assert {"token_accuracy", "learning_rate", "annotation/accuracy", "annotation/dual_accuracy"} <= set(history)
    assert not [*model.glob("*adapter*"), *model.glob("*.bin")]
    loaded = sd.models.load(model)
    assert loaded.spec.known("annotation", "labels") == TYPES
    assert loaded.score(["<annotate> <cell> A0 A1 A2 <type>"], ["alpha_cell", "beta_cell"]).shape == (1, 2)
    record = json.loads((model / "training.json").read_text())
    assert record["accuracy"]["annotation"]["n"] == 15
    assert record["accuracy"]["annotation"]["primal"] == history["annotation/accuracy"].iloc[-1]
    assert history["tokens"].iloc[0] > 0
    assert history["tokens"].dropna().is_monotonic_increasing
    assert capfd.readouterr().out == ""


@pytest.mark.slow
def test_a_stopped_run_resumes_to_the_same_bits(random, trained, tmp_path, monkeypatch, capfd):
    whole, settings = trained
    first = len(whole.history) // 5 + bool(len(whole.history) % 5)
    with monkeypatch.context() as patch:
        stop(patch, 2 * first, cause="full" if "contrast" in settings else "killed")
        with pytest.raises((StoppedError, OSError), match="No space left|") as error:
            train(random, tmp_path / "out", **settings)
    assert f"checkpoint-{first if 'contrast' in settings else 2 * first} is complete" in error.value.__notes__[0]
    again = train(random, tmp_path / "out", **settings)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "/s]" not in printed.err  # no bar
    same_history(whole.history, again.history)
    same_weights(whole.model, again.model)


@pytest.mark.slow
def test_the_disk_is_full_before_the_first_checkpoint(random, trained, tmp_path, monkeypatch):
    whole, settings = trained
    if settings != PLAIN:
        pytest.skip("the plain run covers this")
    with monkeypatch.context() as patch:
        stop(patch, len(whole.history) // 5 + bool(len(whole.history) % 5), cause="full")
        with pytest.raises(OSError, match="No space left") as error:
            train(random, tmp_path / "out", **settings)
    assert "no checkpoint is kept; its disk has" in error.value.__notes__[0]
    same_weights(whole.model, train(random, tmp_path / "out", **settings).model)


@pytest.mark.slow
def test_a_finished_run_is_returned_at_once(random, trained, monkeypatch):
    monkeypatch.delattr(PreTrainedModel, "from_pretrained")
    again = train(random, trained[0].model, **trained[1])
    pd.testing.assert_frame_equal(again.history, trained[0].history, check_exact=True)
    with pytest.raises(FileExistsError, match=r"other settings \(data, num_train_epochs\)"):
        train(random, trained[0].model, **trained[1], num_train_epochs=5)


def test_held_out_donors_are_not_trained_on(examples_of):
    cells = toy_cells()
    held_out = (cells.obs["donor"] == "d3").to_numpy()
    cells.X[held_out, -1] = 90  # a gene that this donor alone expresses
    cells.X[~held_out, -1] = 0
    gene = cells.var_names[-1]
    training, evaluation = examples_of(cells, augment=True)
    assert training
    assert evaluation
    assert not any(gene in " ".join(map(str, one.texts())) for one in training)
    assert any(gene in " ".join(map(str, one.texts())) for one in evaluation)
    training, _ = examples_of(cells, held_out=0.0)
    assert any(gene in " ".join(map(str, one.texts())) for one in training)


def test_fractions_of_donors_and_of_cells(examples_of, caplog):
    _, evaluation = examples_of(toy_cells(), held_out={"donor": 0.5}, tasks=ANNOTATION)
    assert len(evaluation) == 30  # two of four donors
    assert "held out at random" not in caplog.text
    _, evaluation = examples_of(toy_cells(), held_out=0.2, tasks=ANNOTATION)
    assert 0 < len(evaluation) < 30
    assert "held out at random" in caplog.text
    one, other = toy_cells(), toy_cells(seed=1)
    one.obs["donor"], other.obs["donor"] = "x", "y"
    training, evaluation = examples_of([one, other], held_out={"donor": ["y"]}, tasks=ANNOTATION)
    assert len(training) == 4 * 60
    assert len(evaluation) == 60


def test_donors_with_numbers_as_names(examples_of):
    cells = toy_cells()
    cells.obs["batch"] = [i % 2 for i in range(60)]
    _, evaluation = examples_of(cells, held_out={"batch": [1]}, tasks=ANNOTATION)
    assert len(evaluation) == 30


def test_every_task_is_trained(examples_of):
    tasks = {
        **BOTH,
        "response": {"perturbation": "treatment", "perturbations": PERTURBATIONS, "match": ["cell_type"]},
        "sensitivity": {"drug": "dexamethasone", "truth": "drug_response"},
    }
    training, _ = examples_of(toy_cells(), tasks=tasks)
    assert {one.task.name for one in training} == set(tasks)
    assert all(len(one.texts()) == 2 for one in training)


def test_tasks_have_as_many_examples_as_their_epochs(examples_of):
    training, _ = examples_of(toy_cells(), tasks=BOTH, num_train_epochs={"annotation": 4, "generation": 0.5})
    n = {name: sum(one.task.name == name for one in training) for name in BOTH}
    assert n["annotation"] / n["generation"] == pytest.approx(8, rel=0.05)


def test_a_task_is_trained_on_the_objects_with_its_column(examples_of, caplog):
    """The second object has no types, the first no perturbations."""
    typed, treated = toy_cells(), toy_cells()
    typed.obs = typed.obs.drop(columns="treatment")
    treated.obs = treated.obs.drop(columns="cell_type")
    response = {"perturbation": "treatment", "perturbations": PERTURBATIONS, "match": ["donor"]}
    training, _ = examples_of([typed, treated], tasks={**ANNOTATION, "response": response})
    assert {one.task.name for one in training} == {"annotation", "response"}
    assert "'annotation' is not trained on the objects [1], without obs['cell_type']" in caplog.text
    assert "'response' is not trained on the objects [0], without obs['treatment']" in caplog.text


def test_the_truth_of_a_task_is_not_a_fact_of_its_prompts(examples_of):
    sensitivity = {"drug": "dexamethasone", "truth": "drug_response"}
    tasks = {**ANNOTATION, "sensitivity": sensitivity}
    training, _ = examples_of(toy_cells(), tasks=tasks, context=["cell_type", "donor"])
    facts = {one.task.name: set(one.example.context) for one in training}
    assert facts == {"annotation": {"donor"}, "sensitivity": {"cell_type", "donor"}}


def test_a_column_that_no_object_has(random, tmp_path):
    with pytest.raises(KeyError, match="truth='type' is not an obs column"):
        train(random, tmp_path / "out", [toy_cells(), toy_cells()], tasks={"annotation": {"truth": "type"}})


def test_cells_that_are_written_are_not_augmented(examples_of, monkeypatch):
    monkeypatch.setattr("sc_duality.examples.ModelCells.augmented", lambda *_: pytest.fail("augmented"))
    sample = {"groupby": "donor", "n_cells": 2}
    tasks = {"generation": {"truth": "cell_type"}, "cell_language_modelling": {}, "sample_language_modelling": sample}
    training, _ = examples_of(toy_cells(), tasks=tasks, augment=True)
    assert {one.task.name for one in training} == set(tasks)


def test_some_examples_are_cells_of_none_of_the_types(examples_of):
    training, evaluation = examples_of(toy_cells(), tasks=BOTH, unknown_share=0.25)
    n = Counter(one.task.name for one in training if one.example.truth != "<unknown>")
    unknown = [one for one in training if one.example.truth == "<unknown>"]
    assert len(unknown) == pytest.approx(n["annotation"] / 3, abs=1)
    assert all(completion == "<unknown>" for one in unknown for _, completion in one.texts())
    assert all(one.example.truth != "<unknown>" for one in evaluation)


@pytest.mark.slow
def test_the_answer_for_none_of_the_types_is_known(random, tmp_path):
    found = train(random, tmp_path / "out", tasks=ANNOTATION, unknown_share=0.2, num_train_epochs=1)
    spec = sd.models.resolve(found.model)
    assert spec.known("annotation", "none_of_these") == "<unknown>"
    assert "<unknown>" in (found.model / "tokenizer.json").read_text(encoding="utf-8")


def test_studies_are_augmented_as_the_others(examples_of):
    first, second = toy_cells(), toy_cells()
    second.X = second.X * 3
    cells = [first, second]
    found = {augment: examples_of(cells, augment=augment)[0] for augment in (True, "studies")}
    sentences = {augment: {" ".join(one.texts()[0]) for one in of} for augment, of in found.items()}
    assert len(found[True]) == len(found["studies"])
    assert sentences[True] != sentences["studies"]


def test_held_out_cells_are_not_augmented(examples_of, monkeypatch):
    monkeypatch.setattr("sc_duality.examples._augment._MIN_GENES", 1)
    training, evaluation = examples_of(toy_cells(), augment=True, tasks=ANNOTATION)
    lengths = [
        {len({*one.example.genes, *one.example.hidden_genes}) for one in part} for part in (training, evaluation)
    ]
    assert min(lengths[0]) < 6
    assert lengths[1] == {6}


@pytest.mark.slow
def test_the_reference_classifier_is_kept_and_gets_the_training_cells(tmp_path):
    cells = sd.datasets.pbmc3k()[::20].copy()
    settings = {"tasks": ANNOTATION, "n_genes": 20, "held_out": 0, "num_train_epochs": 1}
    found = sd.tl.train_sft(cells, "embedded", tmp_path / "out", **settings)
    assert not [*found.model.glob(".start*")]
    with np.load(found.model / "reference.npz") as content:
        assert (content["study"] == content["study"].max()).sum() == cells.n_obs
    sd.tl.annotate(cells, found.model, labels="blood")
    assert "annotation_in_distribution" in cells.obs


@pytest.fixture
def own_labels():
    """Shipped cells in which two types have names that the embedded model does not know."""
    cells = sd.datasets.pbmc3k()
    names = {"CD14+ Monocytes": "my monocyte", "B cells": "my B cell"}
    cells.obs["mine"] = cells.obs["cell_type"].astype(str).replace(names).to_numpy()
    return cells[cells.obs.groupby("mine").cumcount().to_numpy() < 6].copy()


@pytest.mark.slow
def test_new_labels_get_tokens_and_a_stopped_run_resumes(own_labels, tmp_path, monkeypatch, caplog):
    settings = {"tasks": {"annotation": {"truth": "mine"}}, "n_genes": 20, "held_out": 0, "num_train_epochs": 1}
    settings |= {"batch_size": 8, "learning_rate": 1e-3}
    whole = sd.tl.train_sft(own_labels, "embedded", tmp_path / "whole", **settings)
    assert "gets tokens for: my B cell, my monocyte" in caplog.text
    spec, before = sd.models.resolve(whole.model), sd.models.resolve("embedded")
    assert spec.known("annotation", "labels") == [*before.known("annotation", "labels"), "my B cell", "my monocyte"]
    assert spec.genes == before.genes
    engine = sd.models.load(whole.model)
    scores = engine.score(["<annotate> <cell> CD79A MS4A1 CD37 <type>"], ["my_B_cell", "my_monocyte"])
    assert scores[0, 0] > scores[0, 1]
    assert spec.n_genes == 20
    sd.tl.annotate(own_labels, sd.models.load(whole.model, n_genes=200), labels="mine", unknown=0)
    assert (own_labels.obs["annotation"].astype(str) == own_labels.obs["mine"]).mean() > 0.7
    sd.tl.duality(own_labels, model=whole.model, n_genes=20)
    assert own_labels.obs["annotation_duality"].notna().mean() > 0.9
    with monkeypatch.context() as patch:
        stop(patch, 3, cause="killed")
        with pytest.raises(StoppedError):
            sd.tl.train_sft(own_labels, "embedded", tmp_path / "out", **settings)
    again = sd.tl.train_sft(own_labels, "embedded", tmp_path / "out", **settings)
    same_history(whole.history, again.history)
    same_weights(whole.model, again.model)
    assert (whole.model / "reference.npz").read_bytes() == (again.model / "reference.npz").read_bytes()


@pytest.mark.parametrize(
    ("label", "message"),
    [("CD79A", "would be the token 'CD79A'"), ("<unk>", "would be the token '<unk>'"), ("T cell", "is a coarse type")],
)
def test_labels_that_cannot_be_tokens(own_labels, tmp_path, label, message):
    own_labels.obs["mine"] = own_labels.obs["mine"].replace({"my B cell": label})
    with pytest.raises(ValueError, match=message):
        sd.tl.train_sft(own_labels, "embedded", tmp_path / "out", tasks={"annotation": {"truth": "mine"}}, held_out=0)
    assert not (tmp_path / "out").exists()


def test_a_new_label_with_few_cells(own_labels, tmp_path):
    own_labels.obs["mine"] = ["rare", *own_labels.obs["mine"][1:]]
    with pytest.raises(ValueError, match=r"need at least 5 training cells, but have \{'rare': 1\}"):
        sd.tl.train_sft(own_labels, "embedded", tmp_path / "out", tasks={"annotation": {"truth": "mine"}}, held_out=0)


@pytest.fixture
def no_weights(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", fail)


@pytest.mark.slow
def test_traces_of_a_teacher_are_trained_on_too(tmp_path, monkeypatch):
    found = {}
    cells = sd.datasets.pbmc3k()[::30].copy()
    settings = {"tasks": {"generation": {"truth": "cell_type"}}, "n_genes": 20}
    traces = sd.tl.distill(cells, "embedded", tmp_path / "traces.jsonl", n_examples=4, threshold=0.1, **settings).traces
    monkeypatch.setattr("sc_duality.train._sft.fit", lambda *args, **_: found.update(training=args[1]))
    sd.tl.train_sft(cells, "embedded", tmp_path / "out", traces=traces, held_out=0, num_train_epochs=2, **settings)
    training = [one for one in found["training"] if isinstance(one, Trace)]
    assert len(training) == 2 * len(traces.read_text().splitlines()) > 0
    tokens = Tokens(sd.models.resolve("embedded"))
    assert len(plain_rows(tokens, training, 208)) == len(training)


@pytest.mark.usefixtures("no_weights")
def test_several_prompt_formats(tmp_path, monkeypatch):
    """A general model is trained on each prompt format equally often, and evaluated in its own."""
    found = {}
    monkeypatch.setattr(
        "sc_duality.train._sft.fit", lambda *args, **_: found.update(training=args[1], evaluation=args[2])
    )
    monkeypatch.setattr(
        "sc_duality.tl._train_sft.starting_model", lambda *_: ModelSpec(name="general", source="general")
    )
    settings = {"tasks": ANNOTATION, "prompt_formats": ["terse"], "num_train_epochs": 2}
    sd.tl.train_sft(toy_cells(6), "general", tmp_path / "out", held_out=0.3, **settings)
    formats = Counter(one.task.prompt_format.name for one in found["training"])
    assert formats["plain"] == formats["terse"] > 0
    assert {one.task.prompt_format.name for one in found["evaluation"]} == {"plain"}
    assert {"Name the cell type." in one.question().prompt for one in found["training"]} == {True, False}


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"tasks": "annotation"}, TypeError, "tasks must be a list or a mapping, got the string"),
        ({"tasks": ["distil"]}, ValueError, "there is no task 'distil'"),
        ({"tasks": ["annotation"]}, ValueError, "'annotation' needs the obs column with the true labels"),
        ({"tasks": {"annotation": {"truth": "type"}}}, KeyError, "truth='type' is not an obs column"),
        ({"tasks": {"annotation": {"label": "donor"}}}, TypeError, "annotation.*label"),
        ({"held_out": {"patient": 0.1}}, KeyError, "held_out='patient' is not an obs column"),
        ({"held_out": {"donor": ["d9"]}}, ValueError, r"\['d9'\] are not among the values of obs\['donor'\], d0, d1"),
        ({"held_out": {"donor": "d3"}}, ValueError, "must be a fraction from 0 to below 1, or a mapping"),
        ({"held_out": {"donor": ["d3"], "tissue": ["lung"]}}, ValueError, "must name one obs column"),
        ({"held_out": 1.0}, ValueError, "held_out=1.0 must be a fraction from 0"),
        ({"held_out": ["d3"]}, ValueError, "must be a fraction from 0"),
        ({"held_out": {"donor": ["d0", "d1", "d2", "d3"]}}, ValueError, "leaves no cell to train on: hold fewer out"),
        ({"num_train_epochs": 0}, ValueError, "num_train_epochs must be positive, not 0 for 'annotation'"),
        (
            {"num_train_epochs": {"niche": 1}},
            ValueError,
            "num_train_epochs names 'niche', but the tasks",
        ),
        ({"learning_rate": 0}, ValueError, "learning_rate must be positive"),
        ({"augment": "study"}, ValueError, "augment='study' is not an option"),
        ({"loss_per": "cell"}, ValueError, "loss_per='cell' is not an option: choose from 'token', 'text'"),
        ({"weight_averaging": 1}, ValueError, "weight_averaging must be a number from 0 to below 1, got 1"),
        ({"unknown_share": 1}, ValueError, "unknown_share must be a number from 0 to below 1, got 1"),
        (
            {"unknown_share": 0.1, "tasks": {"generation": {"truth": "cell_type"}}},
            ValueError,
            "unknown_share= is for annotation, which is not among the tasks",
        ),
        ({"loss_per": "text", "packing": True}, ValueError, "packing=True and loss_per='text' cannot be combined"),
        ({"batch_size": 0}, ValueError, "batch_size must be a positive integer, got 0"),
        ({"contrast": -1.0}, ValueError, "contrast must not be negative"),
        (
            {"contrast": 1.0, "tasks": {"generation": {"truth": "cell_type"}}},
            ValueError,
            "tells labels apart, and generation has none",
        ),
        ({"contrast": 1.0, "packing": True}, ValueError, "packing=True and contrast= cannot be combined"),
        ({"tasks": ["response"]}, ValueError, "needs the obs column with perturbations and the value of control"),
        ({"tasks": ["sensitivity"]}, TypeError, "drug"),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer"),
        ({"lora": True}, ValueError, "lora must be a positive rank"),
        ({"lora": "8"}, ValueError, "lora must be a positive rank"),
        (
            {"loss_per": "text", "loss_type": "dft"},
            ValueError,
            "loss_type='dft' and loss_per='text' cannot be combined",
        ),
        ({"loss_per": "text", "padding_free": True}, ValueError, "=True and loss_per='text' cannot be combined"),
        ({"contrast": 1.0, "label_smoothing_factor": 0.1}, ValueError, "=0.1 and contrast= cannot be combined"),
        ({"save_steps": 3, "seed": 1}, TypeError, "save_steps, seed cannot be passed on"),
        ({"epochs": 3}, TypeError, "'epochs' is not an argument of this function or of trl.SFTConfig"),
        ({"lerning_rate": 3}, TypeError, "the nearest is 'learning_rate'"),
        ({"num_epochs": 3}, TypeError, "the nearest is 'num_train_epochs'"),
        ({"prompt_formats": ["terse"]}, ValueError, "prompt_formats= is for general models"),
        ({"traces": "no-such-file"}, FileNotFoundError, "no-such-file"),
        ({"model": "endpoint:http://localhost:1/v1"}, ValueError, "behind a server"),
        ({"model": "no-such-model"}, ValueError, "see sd.models.available"),
    ],
)
def test_arguments(random, tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        train(**{"model": random, "output_dir": tmp_path / "out", **settings})
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_weights")
def test_texts_beyond_the_context_length(random, tmp_path):
    with pytest.raises(ValueError, match="tokens and its answer may have .* reads 8: use fewer genes"):
        train(save_toy(tmp_path / "short", 8), tmp_path / "out")
    (random.parent / "other.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not a training run"):
        train(random, random.parent)


@pytest.mark.usefixtures("no_weights")
def test_a_release_of_trl_that_was_not_tested(random, tmp_path, monkeypatch):
    monkeypatch.setattr("sc_duality.train._trl.version", lambda _: "2.0")
    with pytest.raises(ImportError, match=r"TRL 2.0 was not tested .*trl>=1.16,<1.17"):
        train(random, tmp_path / "out")


def test_fewer_duals_leave_more_time_for_cells(tmp_path):
    cells = sd.datasets.pbmc3k()[::8].copy()
    start = sd.models.new_gene_model(tmp_path / "start", cells.var_names, n_genes=20, context_length=60, width=64)
    options = {"tasks": {"annotation": {"truth": "cell_type"}}, "held_out": 0.0, "num_train_epochs": 1}
    tokens = {}
    for share in (0.0, 1.0):
        history = sd.tl.train_sft(cells, start, tmp_path / str(share), dual_share=share, **options).history
        tokens[share] = history["tokens"].iloc[-1]
    assert tokens[0.0] < 0.8 * tokens[1.0]
    with pytest.raises(ValueError, match="dual_share must be a number from 0 to 1, got 1.5"):
        sd.tl.train_sft(cells, start, tmp_path / "wrong", dual_share=1.5, **options)
    with pytest.raises(ValueError, match="contrast= and dual_share=0 cannot be combined"):
        sd.tl.train_sft(cells, start, tmp_path / "none", dual_share=0.0, contrast=1.0, **options)
