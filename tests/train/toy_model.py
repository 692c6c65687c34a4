"""A trained verifier, and what tests of trainers compare and stop."""

import errno
from pathlib import Path

import numpy as np
import pandas as pd
from transformers import Trainer

from benchmarks._toy_model import TYPES, save_toy
from sc_duality.models import resolve
from sc_duality.tasks import Annotation, LabelExample, TrainingExample
from sc_duality.train import Run, fit


class PrimalOnly(TrainingExample):
    """An example whose dual task is not trained."""

    def texts(self) -> list[tuple[str, str]]:
        return super().texts()[:1]


class DualOnly(TrainingExample):
    """An example whose primal task is not trained."""

    def texts(self) -> list[tuple[str, str]]:
        return super().texts()[1:]


def save_verifier(folder: Path, n: int = 1500) -> Path:
    """A model that predicts random labels in the right format, but whose dual task knows the cell types."""
    start = resolve(save_toy(folder.with_name(f"{folder.name}-start")))
    rng, task, examples = np.random.default_rng(0), Annotation(prompt_format="compact"), []
    for i in range(n):
        truth, guess = rng.integers(3, size=2)
        genes = tuple(f"{'ABG'[truth]}{j}" for j in rng.permutation(6))
        primal = i % 2 == 0
        label = TYPES[guess if primal else truth]
        example = LabelExample(genes=genes, options=tuple(TYPES), hidden_genes=genes, truth=label)
        examples.append((PrimalOnly if primal else DualOnly)(task, example))
    settings = {"contrast": 0.0, "lora": None, "batch_size": 50, "learning_rate": 1e-2, "seed": 0, "options": {}}
    return fit(start, examples, [], Run(folder, {"kind": "toy"}), progress=False, **settings).model


#: Columns of a history that hold durations, which no seed decides.
TIMES = ("seconds", "runtime", "per_second")


def same_history(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Assert equal histories to the last bit, except for durations."""
    kept = [name for name in one if not name.endswith(TIMES)]
    assert kept == [name for name in other if not name.endswith(TIMES)]
    pd.testing.assert_frame_equal(one[kept], other[kept], check_exact=True)


def same_weights(one: Path, other: Path) -> None:
    """Assert equal weights to the last bit."""
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


class StoppedError(Exception):
    """Stops a run in a test."""


def stop(monkeypatch, at: int, *, cause: str) -> None:
    """Stop trainers at checkpoint ``at``: right after it (``"killed"``), or while it is written (``"full"`` disk)."""
    save = Trainer._save_checkpoint

    def saved(self, *args, **kwargs):
        if cause == "full" and self.state.global_step == at:
            half = Path(self.args.output_dir) / f"checkpoint-{at}"
            half.mkdir(parents=True)
            (half / "model.safetensors").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(self, *args, **kwargs)
        if self.state.global_step == at:
            raise StoppedError

    monkeypatch.setattr(Trainer, "_save_checkpoint", saved)
