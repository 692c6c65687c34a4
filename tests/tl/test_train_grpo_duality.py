"""Alignment by duality: it works, it can be stopped, it reads no label, and it says what it cannot do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import sc_duality as sd

pytest.importorskip("trl")

from transformers import PreTrainedModel

from tests.train.toy import (
    PERTURBATIONS,
    TYPES,
    StoppedError,
    same_history,
    same_weights,
    save_judge,
    save_toy,
    stop,
    toy_cells,
)

KNOWN = {"labelled": toy_cells(20, seed=1), "truth": "cell_type"}
SHORT = {"labels": TYPES, "steps": 4, "rollout": 16, "batch_size": 8, "group_size": 4, "learning_rate": 1e-3}
RESPONSE = {"perturbation": "treatment", "perturbations": PERTURBATIONS}
LONG = {"labels": TYPES, "steps": 24, "group_size": 16, "rollout": 128, "batch_size": 128, "beta": 0.01}


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    return save_judge(tmp_path_factory.mktemp("toy") / "judge")


@pytest.fixture(scope="module")
def random(tmp_path_factory):
    return save_toy(tmp_path_factory.mktemp("toy") / "random")


def align(model, out, cells=None, **how):
    return sd.tl.train_grpo_duality(toy_cells() if cells is None else cells, model, out, **{**SHORT, **how})


@pytest.fixture(scope="module")
def aligned(random, tmp_path_factory):
    """A short run with all that a run may have."""
    how = {"tasks": ["annotation", "generation"], **KNOWN}
    return align(random, tmp_path_factory.mktemp("toy") / "aligned", **how), how


# --- it works ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "rise"),
    [
        ({"dual": "likelihood", "invalid_reward": -3.0, "lora": 8, "learning_rate": 1e-2, **KNOWN}, 0.3),
        ({"dual": "sample", "draws": 4, "verifier": "policy", "learning_rate": 2e-3}, 0.1),
    ],
    ids=["likelihood-lora", "sample"],
)
def test_reward_rises(judge, tmp_path, how, rise):
    cells = toy_cells()
    model, history = align(judge, tmp_path / "out", cells, **{**LONG, **how})
    assert history["reward"].tail(4).mean() > history["reward"].head(4).mean() + rise
    assert history["duality_annotation/valid"].between(0.5, 1).all()
    sd.tl.annotate(cells, model, labels=TYPES)
    assert (cells.obs["annotation"] == cells.obs["cell_type"]).mean() > 0.9
    if "labelled" in how:
        record = json.loads((model / "training.json").read_text())
        assert record["accuracy_before"]["annotation"]["primal"] < 0.7 < record["accuracy"]["annotation"]["primal"]
        assert history["annotation/dual_accuracy"].iloc[-1] > 0.9


def test_what_the_run_leaves(aligned):
    (model, history), _ = aligned
    assert {"config.json", "model.safetensors", "sc_duality.json", "history.csv", "training.json"} <= {
        file.name for file in model.iterdir()
    }
    assert not (model / "unfinished").exists()
    assert history.index.tolist() == [1, 2, 3, 4]
    columns = {"reward", "reward_std", "kl", "entropy", "length", "cut_off", "zero_variance", "tokens_per_second"}
    assert columns | {"duality_annotation/mean", "duality_generation/valid", "generation/dual_accuracy"} <= set(history)
    assert sd.models.resolve(model).known("annotation", "labels") == TYPES


def test_no_label_is_read(random, tmp_path):
    """Neither the types nor anything else in ``obs``."""
    cells, bare = toy_cells(), toy_cells()
    bare.obs = pd.DataFrame(index=bare.obs_names)
    one, other = align(random, tmp_path / "with", cells), align(random, tmp_path / "without", bare)
    same_history(one.history, other.history)
    same_weights(one.model, other.model)


@pytest.mark.parametrize("hidden", ["beyond", "cluster"])
def test_other_hidden_genes(random, tmp_path, hidden, monkeypatch):
    seen = []
    monkeypatch.setattr("sc_duality.train._grpo.align", lambda _, lessons, *__, **___: seen.extend(lessons))
    align(random, tmp_path, n_genes=3, hidden=hidden, cluster="cluster" if hidden == "cluster" else None)
    assert seen
    for lesson in seen:
        shown, back = lesson.example.known["genes"], lesson.example.unknown
        assert 0 < len(back) <= 3
        assert hidden == "cluster" or not set(shown) & set(back)
        assert lesson.example.truth is None
    assert any(lesson.example.known["genes"] != lesson.example.unknown for lesson in seen)


# --- it can be stopped ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "at"), [("killed", 2), ("full", 4), ("killed", 4)])
def test_a_stopped_run_ends_as_if_it_had_not_been(random, aligned, tmp_path, monkeypatch, how, at):
    with monkeypatch.context() as patch:
        stop(patch, at, how=how)
        with pytest.raises((StoppedError, OSError)) as error:
            align(random, tmp_path / "out", **aligned[1])
    last = 2 if how == "full" else at
    assert f"checkpoint-{last} is whole: mend the cause and call again" in error.value.__notes__[0]
    assert "GiB left" in error.value.__notes__[0]
    again = align(random, tmp_path / "out", **aligned[1])
    same_history(aligned[0].history, again.history)
    same_weights(aligned[0].model, again.model)
    before, after = (json.loads((run.model / "training.json").read_text()) for run in (aligned[0], again))
    assert before == after


def test_a_finished_run_is_returned_at_once(random, aligned, monkeypatch):
    monkeypatch.delattr(PreTrainedModel, "from_pretrained")
    again = align(random, aligned[0].model, **aligned[1])
    assert again.model == aligned[0].model
    pd.testing.assert_frame_equal(again.history, aligned[0].history, check_exact=True)


SCRIPT = """
import sys
import sc_duality as sd
from tests.train.toy import TYPES, toy_cells
sd.settings.progress = False
if __name__ == "__main__":
    model, history = sd.tl.train_grpo_duality(
        toy_cells(), sys.argv[1], sys.argv[2], tasks=["annotation", "generation"], labels=TYPES, steps=4, rollout=16,
        batch_size=8, group_size=4, learning_rate=1e-3, verifier="policy", dual="sample",
    )
    assert len(history) == 4, history
"""


def test_two_processes(random, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, *launch, str(script), str(random), str(tmp_path / "out")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "ACCELERATE_LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cells = toy_cells(6)
    sd.tl.annotate(cells, tmp_path / "out", labels=TYPES)
    assert cells.obs["annotation"].notna().all()
    history = pd.read_csv(tmp_path / "out" / "history.csv", index_col="step")
    assert history["reward"].notna().tolist() == [True, False] * 2  # two updates a rollout
    assert len([*(tmp_path / "out").glob("*.safetensors")]) == 1


# --- it says what it cannot do ----------------------------------------------------------------------------------


@pytest.fixture
def no_weights(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", fail)


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"tasks": "annotation"}, TypeError, "tasks must be a list, got the string 'annotation'"),
        ({"tasks": []}, ValueError, "tasks must be some of annotation, sensitivity, generation, response"),
        ({"tasks": ["puzzle"]}, ValueError, r"each once, got \['puzzle'\]"),
        ({"tasks": ["annotation", "annotation"]}, ValueError, "each once"),
        ({"reward": "accuracy"}, ValueError, "reward must be 'duality', 'ground_truth', a function"),
        ({"reward_weights": [1, 2]}, ValueError, "1 rewards and 2 reward_weights"),
        ({"reward": "ground_truth"}, ValueError, "needs truth="),
        ({"dual": "guess"}, ValueError, "form must be one of posterior, likelihood, sample"),
        ({"given": "all"}, ValueError, "given must be 'label' or 'observed'"),
        ({"hidden": "all"}, ValueError, "hidden must be one of random, beyond, cluster"),
        ({"hidden": "cluster"}, ValueError, "needs cluster="),
        ({"hidden": "cluster", "cluster": "leiden"}, KeyError, "cluster names no obs column: 'leiden'"),
        ({"hidden_fraction": 0.0}, ValueError, "hidden_fraction must be above 0"),
        ({"verifier": "teacher"}, ValueError, "verifier must be 'policy', 'reference' or a loaded model"),
        ({"preset": "quick"}, ValueError, "preset must be one of classic, paper, not 'quick'"),
        ({"rollout": 10}, ValueError, "rollout=10 must be a multiple of group_size=4"),
        ({"group_size": 1}, ValueError, "group_size must be at least 2"),
        ({"steps": 0}, ValueError, "steps must be a positive integer, not 0"),
        ({"beta": -1.0}, ValueError, "beta must not be negative"),
        ({"labels": None, "tasks": ["sensitivity"]}, ValueError, "needs drug="),
        ({"tasks": ["response"]}, ValueError, "needs perturbation="),
        ({"labels": "moon"}, ValueError, "labels='moon' is neither an obs column"),
        ({"labels": ["alpha cell", "delta cell"]}, ValueError, r"does not know the labels \['delta cell'\]"),
        ({"rollout": 400}, ValueError, "can read 60 cells, and a rollout of 400 answers in groups of 4 asks 100"),
        ({"max_tokens": 0}, ValueError, "max_tokens must be a positive integer, got 0"),
        ({"max_tokens": 40}, ValueError, "may have 40, but the model .* reads 32"),
        ({"context": ["tissue"]}, KeyError, r"context names no obs columns: \['tissue'\]"),
        ({"lora": 0}, ValueError, "lora must be a positive rank or the fields of a peft.LoraConfig, got 0"),
        ({"max_steps": 3}, TypeError, "max_steps cannot be passed on to the trainer"),
        ({"save_steps": 1, "seed": 3}, TypeError, "save_steps, seed cannot be passed on"),
        ({"no_such_option": 1}, TypeError, "no_such_option"),
        ({"model": "endpoint:http://localhost:1/v1"}, ValueError, "behind a server: training needs the weights"),
        ({"model": 3}, TypeError, "model must be a name or a folder.*not int"),
        ({"adatas": []}, ValueError, "adatas is empty"),
    ],
)  # fmt: skip
def test_arguments(random, tmp_path, how, error, message):
    how = {"adatas": toy_cells(), "model": random, **SHORT, **how}
    with pytest.raises(error, match=message):
        sd.tl.train_grpo_duality(how.pop("adatas"), how.pop("model"), tmp_path / "out", **how)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_weights")
def test_folders_that_will_not_do(random, tmp_path):
    with pytest.raises(FileNotFoundError, match="no config.json"):
        align(tmp_path, tmp_path / "out")
    bare = save_toy(tmp_path / "bare")
    (bare / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="weights as"):
        align(bare, tmp_path / "out")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds files that are no training run"):
        align(random, tmp_path)


@pytest.mark.usefixtures("no_weights")
def test_a_folder_with_another_run(random, aligned):
    with pytest.raises(FileExistsError, match=r"a run with other settings \(.*steps\)"):
        align(random, aligned[0].model, **aligned[1] | {"steps": 2})
    with pytest.raises(FileExistsError, match=r"other settings \(.*data"):
        align(random, aligned[0].model, toy_cells(seed=3), **aligned[1])


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize(
    ("context", "how", "message"),
    [
        (10, {"given": "label"}, r"prompt \d+ has 9 tokens and its answer may have 2, but the model .* reads 10"),
        (
            10,
            {"given": "observed", "hidden_fraction": 0.5},
            "an answer back takes 8 tokens and 3 more, .* reads 10",
        ),
        (18, {"tasks": ["response"], **RESPONSE}, "an answer back takes 10 tokens and 9 more, .* reads 18"),
    ],
)
def test_what_is_longer_than_the_model_reads(tmp_path, context, how, message):
    with pytest.raises(ValueError, match=message):
        align(save_toy(tmp_path / "short", context), tmp_path / "out", **how)


def test_cells_without_known_genes(random, tmp_path):
    cells = toy_cells()
    cells.var_names = [f"X{i}" for i in range(cells.n_vars)]
    with pytest.raises(ValueError, match="knows 0 of the"):
        align(random, tmp_path / "out", cells)
