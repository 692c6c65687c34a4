"""The folder of a training run: what it was asked, its checkpoints, and in the end a model that can be loaded."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..models import SPEC_FILE, ModelSpec, resolve
from ._check import Accuracy
from ._distil import Trace
from ._lesson import Lesson

logger = logging.getLogger(__name__)

#: What the folder was asked; there from the first moment on.
_ASKED = "run.json"
#: The record of a finished run, written last.
_RECORD = "training.json"
_HISTORY = "history.csv"
_CHECKPOINTS = "checkpoints"
#: What HF trainers write last into a checkpoint.
_STATE = "trainer_state.json"
#: Fields of a model that say where it lies, not how it is asked.
_PLACE = ("name", "source", "revision", "vocabulary")


class Trained(NamedTuple):
    """What :func:`sc_duality.tl.train_sft` and :func:`sc_duality.tl.train_grpo_duality` return.

    Examples
    --------
    >>> import pandas as pd
    >>> from sc_duality.train import Trained
    >>> model, history = Trained(Path("aligned"), pd.DataFrame({"reward": [0.5]}))
    """

    #: Folder with the model, which ``model=`` takes everywhere.
    model: Path
    #: One row a step, which :func:`sc_duality.pl.training` draws.
    history: pd.DataFrame


class Run:
    """A folder that a run owns.

    Parameters
    ----------
    folder
        Where the model goes. It may hold an earlier, unfinished part of the same run.
    settings
        All that decides what comes out.

    Raises
    ------
    FileExistsError
        If the folder holds another run, or something else.
    """

    def __init__(self, folder: str | Path, settings: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.checkpoints = self.folder / _CHECKPOINTS
        self._asked = json.loads(json.dumps(settings, default=str))
        if self.folder.exists() and any(self.folder.iterdir()):
            self._check_same()

    def _check_same(self) -> None:
        asked = self.folder / _ASKED
        if not asked.is_file():
            raise FileExistsError(f"{self.folder} holds files that are no training run: pass another folder")
        before = json.loads(asked.read_text(encoding="utf-8"))
        other = sorted(name for name in {*before, *self._asked} if before.get(name) != self._asked.get(name))
        if other:
            raise FileExistsError(
                f"{self.folder} holds a run with other settings ({', '.join(other)}): pass another folder, or the "
                "same settings to go on with it"
            )

    def finished(self) -> Trained | None:
        """What came out, if the run has ended before."""
        if not (self.folder / _RECORD).is_file():
            return None
        logger.info("%s holds this run, finished", self.folder)
        history = pd.read_csv(self.folder / _HISTORY, index_col="step", float_precision="round_trip")
        return Trained(self.folder, history)

    def begin(self) -> str | None:
        """Claim the folder; returns the last checkpoint that is whole, if there is one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.folder / _ASKED, self._asked)
        return self._last()

    def _last(self) -> str | None:
        whole = [path for path in self.checkpoints.glob("checkpoint-*") if _is_whole(path)]
        return str(max(whole, key=_step)) if whole else None

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Where checkpoints are written: an error says what is kept, and whether the disk is full."""
        try:
            yield
        except Exception as error:
            last = self._last()
            kept = f"{last} is whole: mend the cause and call again to go on from there" if last else "nothing is kept"
            error.add_note(f"{kept}; its disk has {shutil.disk_usage(self.folder).free / 2**30:.1f} GiB left")
            raise

    def finish(self, trainer: Any, spec: ModelSpec, history: pd.DataFrame, record: Mapping[str, Any]) -> Trained:
        """Write the model, how it is asked, the history and the record; every process calls this."""
        new = self.folder / "unfinished"
        trained = trainer.accelerator.unwrap_model(trainer.model)
        if trainer.accelerator.is_main_process:
            shutil.rmtree(new, ignore_errors=True)  # what a run left that was stopped right here
        trainer.accelerator.wait_for_everyone()
        if hasattr(trained, "merge_and_unload"):
            if trainer.accelerator.is_main_process:
                trained.merge_and_unload().save_pretrained(new)
        else:
            trainer.save_model(str(new))
        if trainer.accelerator.is_main_process:
            (new / "training_args.bin").unlink(missing_ok=True)  # a pickle, which nothing here reads
            trainer.processing_class.save_pretrained(new)
            # The reference cells of a model are not in the folder of another one that is trained from it.
            fields = asdict(spec.without("annotation", "in_distribution"))
            _write(new / SPEC_FILE, {name: value for name, value in fields.items() if value and name not in _PLACE})
            history.to_csv(new / _HISTORY)
            for file in sorted(new.iterdir()):
                file.replace(self.folder / file.name)
            new.rmdir()
            _write(self.folder / _RECORD, {"versions": _versions(), **self._asked, **record})
        trainer.accelerator.wait_for_everyone()
        resolve(self.folder)  # an error here rather than where the model is first used
        return Trained(self.folder, history)


def measured_before(spec: ModelSpec) -> dict[str, Accuracy]:
    """What :func:`sc_duality.tl.train_sft` found on the donors that it held out, if that is where the model is from."""
    file = Path(spec.source) / _RECORD
    record = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    found = record.get("accuracy", {}) if record.get("kind") == "sft" else {}
    return {task: Accuracy(**one) for task, one in found.items()}


def digest(lessons: Iterable[Lesson | Trace]) -> str:
    """A short name for what is learned, by which a run knows it again in another process."""
    found = blake2b(digest_size=8)
    for lesson in lessons:
        known = (lesson.prompt(), lesson.example, lesson.wrong) if isinstance(lesson, Lesson) else tuple(lesson)
        found.update(repr(known).encode())
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
    """Write a file that is there as a whole or not at all, whoever else writes it."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        new.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
