"""The folder of a training run: its settings, its checkpoints, and in the end a model that can be loaded."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..duality import Accuracy
from ..models import ModelSpec, reference_file, resolve, write_spec
from ..tasks import TrainingExample
from ._traces import Trace

logger = logging.getLogger(__name__)

#: Settings of the run, written first.
_SETTINGS = "run.json"
#: The record of a finished run, written last.
_RECORD = "training.json"
_HISTORY = "history.csv"
_CHECKPOINTS = "checkpoints"
#: The model that the run starts from, while it is not finished.
_START = ".start"
#: The file that transformers writes last into a checkpoint.
_STATE = "trainer_state.json"


class Trained(NamedTuple):
    """Result of :func:`sc_duality.tl.train_sft` and :func:`sc_duality.tl.train_grpo_duality`.

    Examples
    --------
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from sc_duality.train import Trained
    >>> model, history = Trained(Path("aligned"), pd.DataFrame({"reward": [0.5]}))
    """

    #: Folder with the model, for ``model=`` of any tool.
    model: Path
    #: One row a step; :func:`sc_duality.pl.training` plots it.
    history: pd.DataFrame


class Run:
    """A folder that a run owns.

    Parameters
    ----------
    folder
        Where the model is written. It may hold an unfinished part of the same run.
    settings
        Everything that decides the result.

    Raises
    ------
    FileExistsError
        The folder holds another run, or something else.
    """

    def __init__(self, folder: str | Path, settings: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.checkpoints = self.folder / _CHECKPOINTS
        #: Where a model to start from may be written; it is deleted in the end.
        self.start = self.folder / _START
        self._settings = json.loads(json.dumps(settings, default=str))
        if self.folder.exists() and any(self.folder.iterdir()):
            self._check_same()

    def _check_same(self) -> None:
        settings = self.folder / _SETTINGS
        if not settings.is_file():
            # A run that was killed before its settings were whole leaves a part of them and an empty folder.
            names = {file.name for file in self.folder.iterdir() if not file.name.startswith(f"{_SETTINGS}.")}
            names = {name for name in names if not name.startswith(_START)}
            if names - {_CHECKPOINTS} or any(self.checkpoints.glob("*")):
                raise FileExistsError(f"{self.folder} holds files that are not a training run: pass another folder")
            return
        before = json.loads(settings.read_text(encoding="utf-8"))
        other = sorted(name for name in {*before, *self._settings} if before.get(name) != self._settings.get(name))
        if other:
            raise FileExistsError(
                f"{self.folder} holds a run with other settings ({', '.join(other)}): pass another folder, or the "
                "same settings to resume it"
            )

    def finished(self) -> Trained | None:
        """The result, if the run has finished before."""
        if not (self.folder / _RECORD).is_file():
            return None
        logger.info("%s holds this run, finished", self.folder)
        text = pd.read_csv(self.folder / _HISTORY, dtype=str)  # pandas 2 would round numbers
        return Trained(self.folder, text.astype({"step": int}).set_index("step").astype(float))

    def begin(self) -> str | None:
        """Write the settings; returns the last complete checkpoint, if there is one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.folder / _SETTINGS, self._settings)
        return self._last()

    def _last(self) -> str | None:
        whole = [path for path in self.checkpoints.glob("checkpoint-*") if _is_whole(path)]
        return str(max(whole, key=_step)) if whole else None

    @contextmanager
    def keeping_checkpoints(self) -> Iterator[None]:
        """An error in here says which checkpoint is kept, and how full the disk is."""
        try:
            yield
        except Exception as error:
            last = self._last()
            kept = f"{last} is complete: fix the cause and call again to resume" if last else "no checkpoint is kept"
            error.add_note(f"{kept}; its disk has {shutil.disk_usage(self.folder).free / 2**30:.1f} GiB left")
            raise

    def finish(self, trainer: Any, spec: ModelSpec, history: pd.DataFrame, record: Mapping[str, Any]) -> Trained:
        """Write the model, its specification, the history and the record; every process calls this."""
        new = self.folder / "unfinished"
        trained = trainer.accelerator.unwrap_model(trainer.model)
        if trainer.accelerator.is_main_process:
            shutil.rmtree(new, ignore_errors=True)  # left by a run that was stopped here
        trainer.accelerator.wait_for_everyone()
        if hasattr(trained, "merge_and_unload"):
            if trainer.accelerator.is_main_process:
                trained.merge_and_unload().save_pretrained(new)
        else:
            trainer.save_model(str(new))
        if trainer.accelerator.is_main_process:
            (new / "training_args.bin").unlink(missing_ok=True)  # a pickle, which is never loaded
            trainer.processing_class.save_pretrained(new)
            if spec.known("annotation", "in_distribution"):
                shutil.copyfile(reference_file(spec), new / reference_file(spec).name)
            write_spec(spec, new)
            history.to_csv(new / _HISTORY)
            for file in sorted(new.iterdir()):
                file.replace(self.folder / file.name)
            new.rmdir()
            for part in self.folder.glob(f"{_START}*"):
                shutil.rmtree(part)
            for part in self.folder.glob("*.json.[0-9]*"):  # left by a run that was killed
                part.unlink()
            _write(self.folder / _RECORD, {"versions": _versions(), **self._settings, **record})
        trainer.accelerator.wait_for_everyone()
        resolve(self.folder)  # fails here rather than at first use
        return Trained(self.folder, history)


def accuracy_of_training(spec: ModelSpec) -> dict[str, Accuracy]:
    """Accuracy on the held-out donors of :func:`sc_duality.tl.train_sft`, if the model was trained by it."""
    file = Path(spec.source) / _RECORD
    record = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    found = record.get("accuracy", {}) if record.get("kind") == "sft" else {}
    return {task: Accuracy(**one) for task, one in found.items()}


def digest(examples: Iterable[TrainingExample | Trace]) -> str:
    """A hash of the training data, by which another process recognises a run."""
    found = blake2b(digest_size=8)
    for example in examples:
        found.update(repr(example.identity()).encode())
    return found.hexdigest()


def _is_whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("sc-duality", "torch", "transformers", "trl")}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file as a whole or not at all, whichever process writes it."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        new.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
