"""The folder of a training run: what it was asked, its checkpoints, and in the end a model that can be loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..models import ModelSpec, resolve
from ..models._spec import SPEC_FILE

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
    """A trained model."""

    #: Folder that ``model=`` takes everywhere.
    model: Path
    #: One row a step, see :func:`sc_duality.pl.training`.
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
        return Trained(self.folder, pd.read_csv(self.folder / _HISTORY, index_col="step"))

    def begin(self) -> str | None:
        """Claim the folder; returns the last checkpoint that is whole, if there is one."""
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        (self.folder / _ASKED).write_text(json.dumps(self._asked, indent=1) + "\n", encoding="utf-8")
        whole = [path for path in self.checkpoints.glob("checkpoint-*") if _is_whole(path)]
        return str(max(whole, key=_step)) if whole else None

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Where checkpoints are written: an error says what is kept."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            whole = [path for path in self.checkpoints.glob("checkpoint-*") if _is_whole(path)]
            if whole:
                error.add_note(f"{max(whole, key=_step)} is whole: mend the cause and call again to go on from there")
            raise

    def finish(self, trainer: Any, spec: ModelSpec, history: pd.DataFrame, record: Mapping[str, Any]) -> Trained:
        """Write the model, how it is asked, the history and the record; every process calls this."""
        new = self.folder / "unfinished"
        trained = trainer.accelerator.unwrap_model(trainer.model)
        if hasattr(trained, "merge_and_unload"):
            if trainer.accelerator.is_main_process:
                trained.merge_and_unload().save_pretrained(new)
        else:
            trainer.save_model(str(new))
        if trainer.accelerator.is_main_process:
            (new / "training_args.bin").unlink(missing_ok=True)  # a pickle, which nothing here reads
            trainer.processing_class.save_pretrained(new)
            _write(
                new / SPEC_FILE, {name: value for name, value in asdict(spec).items() if value and name not in _PLACE}
            )
            history.to_csv(new / _HISTORY)
            for file in sorted(new.iterdir()):
                file.replace(self.folder / file.name)
            new.rmdir()
            _write(self.folder / _RECORD, {"versions": _versions(), **self._asked, **record})
        trainer.accelerator.wait_for_everyone()
        resolve(self.folder)  # an error here rather than where the model is first used
        return Trained(self.folder, history)


def record_of(spec: ModelSpec) -> dict[str, Any]:
    """What was written down when this model was trained; empty where nothing was."""
    file = Path(spec.source) / _RECORD
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def digest(texts: Any) -> str:
    """A short name for data, by which a run knows them again."""
    found = blake2b(digest_size=8)
    for text in texts:
        found.update(repr(text).encode())
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
    path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
