"""Supervised training: it learns, keeps donors apart, can be stopped, and says what it cannot do."""

import json
from collections import Counter

import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.models import ModelSpec
from sc_duality.models.engines import Tokens
from sc_duality.train._distil import Trace
from sc_duality.train._rows import plain_rows

pytest.importorskip("trl")

from transformers import PreTrainedModel

from tests.train.toy import (
    PERTURBATIONS,
    TYPES,
    StoppedError,
    same_history,
    same_weights,
    save_toy,
    stop,
    toy_cells,
)

HOW = {"donor": "donor", "held_out": ["d3"], "epochs": 4, "learning_rate": 1e-2, "augment": False}
CONTRAST = {"tasks": ["annotation"], "contrast": 1.0, "lora": 4}


@pytest.fixture(scope="module")
def random(tmp_path_factory):
    return save_toy(tmp_path_factory.mktemp("toy") / "random")


def train(model, out, cells=None, **how):
    return sd.tl.train_sft(toy_cells() if cells is None else cells, model, out, **{**HOW, **how})


@pytest.fixture(scope="module", params=[{}, CONTRAST], ids=["plain", "contrast-lora"])
def trained(random, tmp_path_factory, request):
    return train(random, tmp_path_factory.mktemp("toy") / "trained", **request.param), request.param


@pytest.fixture
def lessons(random, tmp_path, monkeypatch):
    """Find the lessons of a run without running it."""

    def lessons(cells, **how):
        found = []
        monkeypatch.setattr("sc_duality.train._sft.fit", lambda *args, **_: found.extend(args[1:3]))
        train(random, tmp_path / "none", cells, **how)
        return found

    return lessons


def test_it_learns_and_loads(trained, capfd):
    (model, history), how = trained
    assert history["loss"].iloc[-1] < (0.93 if how else 0.7) * history["loss"].iloc[0]
    assert history["eval_loss"].dropna().iloc[-1] < history["eval_loss"].dropna().iloc[0]
    assert {"token_accuracy", "learning_rate", "annotation/accuracy", "annotation/dual_accuracy"} - set(history) <= (
        {"token_accuracy"} if how else set()
    )
    assert not [*model.glob("*adapter*"), *model.glob("*.bin")]
    loaded = sd.models.load(model)
    assert loaded.spec.known("annotation", "labels") == TYPES
    assert loaded.score(["<annotate> <cell> A0 A1 A2 <type>"], ["alpha_cell", "beta_cell"]).shape == (1, 2)
    record = json.loads((model / "training.json").read_text())
    assert record["accuracy"]["annotation"]["n"] == 15
    assert record["accuracy"]["annotation"]["primal"] == history["annotation/accuracy"].iloc[-1]
    assert capfd.readouterr().out == ""


def test_a_stopped_run_ends_as_if_it_had_not_been(random, trained, tmp_path, monkeypatch, capfd):
    whole, how = trained
    first = len(whole.history) // 5 + bool(len(whole.history) % 5)
    with monkeypatch.context() as patch:
        stop(patch, 2 * first, how="full" if how else "killed")
        with pytest.raises((StoppedError, OSError), match="No space left|") as error:
            train(random, tmp_path / "out", **how)
    assert f"checkpoint-{first if how else 2 * first} is whole" in error.value.__notes__[0]
    again = train(random, tmp_path / "out", **how)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "/s]" not in printed.err  # no bar
    same_history(whole.history, again.history)
    same_weights(whole.model, again.model)


def test_the_disk_is_full_before_the_first_checkpoint(random, trained, tmp_path, monkeypatch):
    whole, how = trained
    if how:
        pytest.skip("once is enough")
    with monkeypatch.context() as patch:
        stop(patch, len(whole.history) // 5 + bool(len(whole.history) % 5), how="full")
        with pytest.raises(OSError, match="No space left") as error:
            train(random, tmp_path / "out")
    assert "nothing is kept; its disk has" in error.value.__notes__[0]
    same_weights(whole.model, train(random, tmp_path / "out").model)


def test_a_finished_run_is_returned_at_once(random, trained, monkeypatch):
    monkeypatch.delattr(PreTrainedModel, "from_pretrained")
    again = train(random, trained[0].model, **trained[1])
    pd.testing.assert_frame_equal(again.history, trained[0].history, check_exact=True)
    with pytest.raises(FileExistsError, match=r"other settings \(data, epochs\)"):
        train(random, trained[0].model, **trained[1], **{"epochs": 5} if trained[1] else {"contrast": 0.0, "epochs": 5})


def test_held_out_donors_are_not_learned_from(lessons):
    cells = toy_cells()
    hers = cells.obs["donor"] == "d3"
    cells.X[hers.to_numpy(), -1] = 90  # a gene that only she has
    cells.X[~hers.to_numpy(), -1] = 0
    only = cells.var_names[-1]
    learned, judged = lessons(cells, tasks=["annotation", "generation"], augment=True)
    assert learned
    assert judged
    assert not any(only in " ".join(map(str, lesson.rows())) for lesson in learned)
    assert any(only in " ".join(map(str, lesson.rows())) for lesson in judged)
    learned, _ = lessons(cells, held_out=0.0)
    assert any(only in " ".join(map(str, lesson.rows())) for lesson in learned)


def test_share_of_donors_and_of_cells(lessons, caplog):
    _, judged = lessons(toy_cells(), held_out=0.5, tasks=["annotation"])
    assert len(judged) == 30  # two of four donors
    _, judged = lessons(toy_cells(), donor=None, held_out=0.2, tasks=["annotation"])
    assert 0 < len(judged) < 30
    assert "held out at random" in caplog.text
    one, other = toy_cells(), toy_cells(seed=1)
    one.obs["donor"], other.obs["donor"] = "x", "y"
    learned, judged = lessons([one, other], held_out=["y"], tasks=["annotation"])
    assert len(learned) == 4 * 60
    assert len(judged) == 60


def test_every_task_is_learned(lessons):
    how = {"perturbation": "treatment", "perturbations": PERTURBATIONS, "match": ["cell_type"]}
    tasks = ["annotation", "generation", "response", "sensitivity"]
    learned, _ = lessons(toy_cells(), tasks=tasks, sensitivity="taken", drug="dexamethasone", **how)
    assert {lesson.task.name for lesson in learned} == set(tasks)
    assert all(len(lesson.rows()) == 2 for lesson in learned)


def test_what_goes_on_from_the_embedded_model_has_no_reference_of_its_cells(tmp_path):
    cells = sd.datasets.pbmc3k()[::30].copy()
    how = {"tasks": ["annotation"], "labels": "cell_type", "n_genes": 20, "held_out": 0, "epochs": 1}
    found = sd.tl.train_sft(cells, "embedded", tmp_path / "out", **how)
    sd.tl.annotate(cells, found.model)
    assert "annotation_confidence" in cells.obs
    assert "annotation_in_distribution" not in cells.obs


@pytest.fixture
def no_weights(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", fail)


def test_traces_of_a_teacher_are_learned_beside_the_lessons(tmp_path, monkeypatch):
    found = {}
    cells = sd.datasets.pbmc3k()[::30].copy()
    how = {"tasks": ["generation"], "n_genes": 20}
    traces = sd.tl.distill(cells, "embedded", tmp_path / "traces.jsonl", n_questions=4, threshold=0.1, **how).traces
    monkeypatch.setattr("sc_duality.train._sft.fit", lambda *args, **_: found.update(learned=args[1]))
    sd.tl.train_sft(cells, "embedded", tmp_path / "out", traces=traces, held_out=0, epochs=2, **how)
    learned = [one for one in found["learned"] if isinstance(one, Trace)]
    assert len(learned) == 2 * len(traces.read_text().splitlines()) > 0
    tokens = Tokens(sd.models.resolve("embedded"))
    assert len(plain_rows(tokens, learned, 208)) == len(learned)


@pytest.mark.usefixtures("no_weights")
def test_lessons_in_several_wordings(tmp_path, monkeypatch):
    """A general model meets each wording as often as its own, and is judged in its own."""
    found = {}
    monkeypatch.setattr("sc_duality.train._sft.fit", lambda *args, **_: found.update(learned=args[1], judged=args[2]))
    monkeypatch.setattr("sc_duality.tl._train_sft.start_of", lambda *_: ModelSpec(name="general", source="general"))
    cells = toy_cells(6)
    sd.tl.train_sft(cells, "general", tmp_path / "out", tasks=["annotation"], wordings=["terse"], epochs=2)
    words = Counter(lesson.task.prompt_format.name for lesson in found["learned"])
    assert words["plain"] == words["terse"] > 0
    assert {lesson.task.prompt_format.name for lesson in found["judged"]} <= {"plain"}
    assert {"Name the cell type." in lesson.prompt() for lesson in found["learned"]} == {True, False}


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"tasks": "annotation"}, TypeError, "tasks must be a list, got the string"),
        ({"tasks": ["distil"]}, ValueError, r"each once, got \['distil'\]"),
        ({"labels": None}, ValueError, "labels= must name the obs column"),
        ({"labels": "type"}, KeyError, "labels names no obs column: 'type'"),
        ({"labels": "donor"}, ValueError, r"does not know the labels \['d0', 'd1', 'd2', 'd3'\]"),
        ({"donor": "patient"}, KeyError, "donor names no obs column: 'patient'"),
        ({"held_out": ["d9"]}, ValueError, r"held_out names \['d9'\], but the donors in obs\['donor'\] are d0, d1"),
        ({"held_out": "d3"}, ValueError, "held_out must be from 0 to below 1, or, with donor=, a list"),
        ({"held_out": 1.0}, ValueError, "held_out must be from 0"),
        ({"donor": None}, ValueError, "with donor=, a list of names"),
        ({"held_out": ["d0", "d1", "d2", "d3"]}, ValueError, "leaves no cell to learn from: hold fewer out"),
        ({"epochs": 0}, ValueError, "epochs, learning_rate and batch_size must be positive"),
        ({"contrast": -1.0}, ValueError, "contrast must not be negative"),
        (
            {"contrast": 1.0, "tasks": ["generation"]},
            ValueError,
            "tells labels apart, and generation has none",
        ),
        ({"contrast": 1.0, "packing": True}, ValueError, "packing=True cannot be had with contrast="),
        ({"tasks": ["response"]}, ValueError, "needs perturbation="),
        ({"tasks": ["sensitivity"]}, ValueError, "needs drug="),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer"),
        ({"lora": True}, ValueError, "lora must be a positive rank"),
        ({"output_dir": "x"}, TypeError, "output_dir cannot be passed on"),
        ({"wordings": ["terse"]}, ValueError, "wordings= is for general models"),
        ({"traces": "no-such-file"}, FileNotFoundError, "no-such-file"),
        ({"model": "endpoint:http://localhost:1/v1"}, ValueError, "behind a server"),
        ({"model": "no-such-model"}, ValueError, "see sd.models.available"),
    ],
)
def test_arguments(random, tmp_path, how, error, message):
    with pytest.raises(error, match=message):
        train(**{"model": random, "out": tmp_path / "out", **how})
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_weights")
def test_texts_longer_than_the_model_reads(random, tmp_path):
    with pytest.raises(ValueError, match="tokens and its answer may have .* reads 8: use fewer genes"):
        train(save_toy(tmp_path / "short", 8), tmp_path / "out")
    (random.parent / "other.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="no training run"):
        train(random, random.parent)


@pytest.mark.usefixtures("no_weights")
def test_trl_is_missing_or_strange(random, tmp_path, monkeypatch):
    monkeypatch.setattr("sc_duality.train._trl.version", lambda _: "2.0")
    with pytest.raises(ImportError, match=r"TRL 2.0 was never tried .*trl>=1.16,<1.17"):
        train(random, tmp_path / "out")
