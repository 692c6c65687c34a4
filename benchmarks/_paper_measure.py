"""Measures the parts of a table for some models, and keeps what is finished in a folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import sc_duality as sd
from benchmarks._paper_data import PaperData
from benchmarks._paper_table import PaperTable, Part, Setting, Split
from benchmarks._results import kept
from sc_duality.models import LanguageModel

Load = Callable[[str], LanguageModel]


@dataclass
class Measured:
    """What was measured of a table.

    Parameters
    ----------
    scores
        Values by column (a model, or a baseline), part and metric: one for each seed.
    n
        Test cells by part.
    failed
        What could not be measured, and why.
    """

    scores: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)
    n: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def add(self, column: str, part: Part, found: dict[str, float]) -> None:
        """Another seed of a part."""
        own = self.scores.setdefault(column, {}).setdefault(part.title, {})
        for metric in part.metrics:
            if metric in found:
                own.setdefault(metric, []).append(found[metric])


@dataclass(frozen=True)
class Run:
    """One call of the command: models, settings, and where finished parts are kept."""

    folder: Path
    data: PaperData
    models: Sequence[str]
    load: Load
    setting: Setting
    seeds: Sequence[int]

    def settings(self) -> dict[str, Any]:
        """What this run read and how, without the folders of files."""
        files = {name: [path.name for path in paths] for name, paths in self.data.local.items()}
        return {
            "models": [short_name(model) for model in self.models],
            "files of --data instead of the published ones": files,
            **{name: value for name, value in vars(self.setting).items() if name != "seed"},
            "seeds": list(self.seeds),
        }

    def measure(self, table: PaperTable, parts: Sequence[Part]) -> Measured:
        """Every part by every model and seed; what a model or a file cannot do is noted with its reason."""
        measured = Measured()
        for part in parts:
            try:
                split = part.split(self.data, self.setting)
            except (ValueError, KeyError) as error:
                measured.failed.append(f"{part.title}: {error}")
                continue
            measured.n[part.title] = split.test.n_obs
            baselines = kept(self._file(table, part, "baselines"), lambda p=part, s=split: self._baselines(p, s))
            for name, found in baselines.items():
                measured.add(f"{name} (ours)", part, found)
            for model in self.models:
                self._model(table, part, split, model, measured)
        return measured

    def _model(self, table: PaperTable, part: Part, split: Split, model: str, measured: Measured) -> None:
        for seed in self.seeds:
            setting = replace(self.setting, seed=seed)

            def scores(setting: Setting = setting) -> dict[str, float]:
                return _plain(part.model_scores(split, self.load(model), setting))

            try:
                found = kept(self._file(table, part, f"{short_name(model)}-seed{seed}", model), scores)
            except (ValueError, KeyError, ImportError, OSError) as error:
                measured.failed.append(f"{part.title} by {short_name(model)}: {error}")
                return
            print(part.title, short_name(model), f"seed {seed}", found, flush=True)
            measured.add(short_name(model), part, found)

    def _baselines(self, part: Part, split: Split) -> dict[str, dict[str, float]]:
        return {name: _plain(found) for name, found in part.baseline_scores(split, self.setting).items()}

    def _file(self, table: PaperTable, part: Part, name: str, model: str = "") -> Path:
        """The file of a finished part; another setting, file of cells or state of a model's folder has another."""
        states = [self.data.local.get(part.data, []), [Path(model)] if model and Path(model).is_dir() else []]
        state = [(str(path), path.stat().st_mtime_ns) for paths in states for path in paths]
        made_from = (part.title, part.data, part.metrics, replace(self.setting, seed=0), model, state, sd.__version__)
        digest = hashlib.sha256(repr(made_from).encode()).hexdigest()[:12]
        return self.folder / "parts" / f"{table.name}-{_file_name(part.title)}-{_file_name(name)}-{digest}.json"


def short_name(model: str) -> str:
    """A model's name without the folders that it lies in."""
    return Path(model).name if Path(model).is_dir() else model


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.=-]+", "_", text)


def _plain(found: dict[str, Any]) -> dict[str, float]:
    """Values that JSON has; one that is not defined is left out."""
    return {name: round(float(value), 6) for name, value in found.items() if np.isfinite(value)}
