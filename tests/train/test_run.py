"""The folder of a run, the digest of its data, and the schedule of GRPO."""

import json
from pathlib import Path

import pandas as pd
import pytest

from sc_duality.duality import Accuracy
from sc_duality.models import ModelSpec
from sc_duality.tasks import Annotation, LabelExample, TrainingExample
from sc_duality.train import Run, Schedule, digest
from sc_duality.train._run import accuracy_of_training


def training_example(truth="B cell"):
    example = LabelExample(genes=("CD79A",), options=("B cell", "T cell"), truth=truth)
    return TrainingExample(Annotation(prompt_format="compact"), example)


def test_digest_does_not_depend_on_the_process():
    assert digest([training_example()]) == digest([training_example()])  # of two task objects
    assert digest([training_example()]) != digest([training_example("T cell")])
    assert digest([training_example(), training_example("T cell")]) != digest(
        [training_example("T cell"), training_example()]
    )


def checkpoint(run, step, state="{}"):
    folder = run.checkpoints / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    if state is not None:
        (folder / "trainer_state.json").write_text(state)


def test_the_last_complete_checkpoint_counts(tmp_path):
    run = Run(tmp_path / "out", {"steps": 3})
    assert run.begin() is None
    for step, state in ((9, "{}"), (10, "{}"), (11, None), (12, '{"step": 1')):
        checkpoint(run, step, state)
    assert Path(Run(tmp_path / "out", {"steps": 3}).begin()).name == "checkpoint-10"
    assert run.finished() is None


def test_a_run_that_was_stopped_at_once_can_be_resumed(tmp_path):
    (tmp_path / "out").mkdir()
    run = Run(tmp_path / "out", {"path": Path("a")})
    run.begin()
    run.begin()  # by another process
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["run.json"]
    Run(tmp_path / "out", {"path": Path("a")})
    with pytest.raises(FileExistsError, match=r"a run with other settings \(lora, path\): pass another folder"):
        Run(tmp_path / "out", {"path": Path("b"), "lora": 3})


def test_a_run_that_was_killed_before_its_settings_were_whole_can_be_started_anew(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "run.json.123").write_text('{"ste')
    assert Run(tmp_path, {"steps": 3}).begin() is None
    (tmp_path / "run.json").unlink()
    checkpoint(Run(tmp_path, {"steps": 3}), 1)
    with pytest.raises(FileExistsError, match="holds files that are not a training run"):
        Run(tmp_path, {"steps": 3})


def test_a_model_in_the_folder_of_a_run_is_not_taken_for_its_own(tmp_path):
    (tmp_path / "start").mkdir()
    with pytest.raises(FileExistsError, match="holds files that are not a training run"):
        Run(tmp_path, {})


def test_a_folder_with_other_files(tmp_path):
    (tmp_path / "cells.h5ad").write_bytes(b"")
    with pytest.raises(FileExistsError, match="holds files that are not a training run"):
        Run(tmp_path, {})


def test_files_are_written_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
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
    ("settings", "message"),
    [
        ({"max_steps": 0}, "max_steps must be a positive integer, got 0"),
        ({"batch_size": True}, "batch_size must be a positive integer, got True"),
        ({"generation_batch_size": 6.0}, "generation_batch_size must be a positive integer, got 6.0"),
        ({"num_generations": 1}, "num_generations must be at least 2"),
        (
            {"num_generations": 3},
            "generation_batch_size=64 must be a multiple of num_generations=3 and of batch_size=64",
        ),
        ({"batch_size": 24}, "multiple of num_generations=8 and of batch_size=24"),
        ({"beta": -0.1}, "beta must not be negative"),
        ({"temperature": 0.0}, "temperature and learning_rate must be positive"),
        ({"learning_rate": 0.0}, "temperature and learning_rate must be positive"),
    ],
)
def test_invalid_schedules(settings, message):
    with pytest.raises(ValueError, match=message):
        Schedule(**settings)


def test_accuracy_of_sft_is_read_again(tmp_path):
    found = Accuracy(primal=0.9, dual=0.7, chance=0.2, n=50)
    spec = ModelSpec(name="trained", source=str(tmp_path))
    assert accuracy_of_training(spec) == {}
    record = {"kind": "sft", "accuracy": {"annotation": found._asdict()}}
    (tmp_path / "training.json").write_text(json.dumps(record))
    assert accuracy_of_training(spec) == {"annotation": found}
    (tmp_path / "training.json").write_text(json.dumps({**record, "kind": "grpo"}))
    assert accuracy_of_training(spec) == {}
