"""The folder of a run, what it is asked, and the portions of an alignment."""

import json
from pathlib import Path

import pandas as pd
import pytest

from sc_duality.models import ModelSpec
from sc_duality.tasks import Annotation, annotation_example
from sc_duality.train._check import Accuracy
from sc_duality.train._lesson import Lesson
from sc_duality.train._run import Run, digest, measured_before
from sc_duality.train._schedule import Schedule


def lesson(truth="B cell"):
    return Lesson(Annotation("compact"), annotation_example(["CD79A"], ["B cell", "T cell"], truth=truth))


def test_digest_does_not_depend_on_the_process():
    assert digest([lesson()]) == digest([lesson()])  # of two tasks that lie in other places of memory
    assert digest([lesson()]) != digest([lesson("T cell")])
    assert digest([lesson(), lesson("T cell")]) != digest([lesson("T cell"), lesson()])


def checkpoint(run, step, state="{}"):
    folder = run.checkpoints / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    if state is not None:
        (folder / "trainer_state.json").write_text(state)


def test_the_last_whole_checkpoint_counts(tmp_path):
    run = Run(tmp_path / "out", {"steps": 3})
    assert run.begin() is None
    for step, state in ((9, "{}"), (10, "{}"), (11, None), (12, '{"step": 1')):
        checkpoint(run, step, state)
    assert Path(Run(tmp_path / "out", {"steps": 3}).begin()).name == "checkpoint-10"
    assert run.finished() is None


def test_a_run_that_was_stopped_at_once_can_be_claimed(tmp_path):
    (tmp_path / "out").mkdir()
    run = Run(tmp_path / "out", {"path": Path("a")})
    run.begin()
    run.begin()  # by another process
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["run.json"]
    Run(tmp_path / "out", {"path": Path("a")})
    with pytest.raises(FileExistsError, match=r"a run with other settings \(lora, path\): pass another folder"):
        Run(tmp_path / "out", {"path": Path("b"), "lora": 3})


def test_what_is_no_run(tmp_path):
    (tmp_path / "cells.h5ad").write_bytes(b"")
    with pytest.raises(FileExistsError, match="holds files that are no training run"):
        Run(tmp_path, {})


def test_a_file_is_there_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    def full(path, *_, **__):
        path.open("w").close()
        raise OSError(28, "No space left on device")

    run = Run(tmp_path / "out", {})
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        run.begin()
    assert not [*(tmp_path / "out").iterdir()]


def test_a_finished_run_keeps_every_digit(tmp_path):
    run = Run(tmp_path, {})
    run.begin()
    history = pd.DataFrame({"loss": [0.1 + 0.2, 1 / 3], "kl": [None, 1e-17]}, index=pd.Index([1, 2], name="step"))
    history.to_csv(tmp_path / "history.csv")
    (tmp_path / "training.json").write_text(json.dumps({}))
    pd.testing.assert_frame_equal(run.finished().history, history.astype(float), check_exact=True)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"steps": 0}, "steps must be a positive integer, not 0"),
        ({"batch_size": True}, "batch_size must be a positive integer, not True"),
        ({"rollout": 6.0}, "rollout must be a positive integer, not 6.0"),
        ({"group_size": 1}, "group_size must be at least 2"),
        ({"group_size": 3}, "rollout=64 must be a multiple of group_size=3 and of batch_size=64"),
        ({"batch_size": 24}, "multiple of group_size=8 and of batch_size=24"),
        ({"beta": -0.1}, "beta must not be negative"),
        ({"temperature": 0.0}, "temperature and learning_rate must be positive"),
        ({"learning_rate": 0.0}, "temperature and learning_rate must be positive"),
    ],
)
def test_schedules_that_cannot_be_meant(how, message):
    with pytest.raises(ValueError, match=message):
        Schedule(**how)


def test_what_supervised_training_measured_is_found_again(tmp_path):
    found = Accuracy(primal=0.9, dual=0.7, chance=0.2, n=50)
    spec = ModelSpec(name="taught", source=str(tmp_path))
    assert measured_before(spec) == {}
    record = {"kind": "sft", "accuracy": {"annotation": found._asdict()}}
    (tmp_path / "training.json").write_text(json.dumps(record))
    assert measured_before(spec) == {"annotation": found}
    (tmp_path / "training.json").write_text(json.dumps({**record, "kind": "grpo"}))
    assert measured_before(spec) == {}
