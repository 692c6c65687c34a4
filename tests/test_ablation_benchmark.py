"""What the ablation makes of its runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import ablation
from benchmarks._ablation_setting import Setting
from benchmarks._tables_tasks import gain

ACCURACY = {"SFT": [0.5, 0.6, 0.4], "duality": [0.6, 0.7, 0.5], "pseudo-label": [0.5, 0.7, 0.3], "oracle": [0.9] * 3}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The runs that are made, each with its accuracy above."""
    made = []

    def run(_setting: Setting, reward: str | None, seed: int, _folder: Path) -> dict[str, Any]:
        made.append((reward or "SFT", seed))
        compared = {"compared": {"primal": 0.5, "dual": 0.6}} if reward == "duality" else {}
        return {"metrics": {"accuracy": ACCURACY[reward or "SFT"][seed]}} | compared

    monkeypatch.setattr(ablation, "run", run)
    return made


def setting(**options: Any) -> Setting:
    return Setting(lambda _: Path(), [], {}, lambda _, __: {}, **options)


@pytest.mark.usefixtures("runs")
def test_gains_are_paired_by_seed(tmp_path: Path) -> None:
    found = ablation.table(setting(), "annotation", tmp_path, [0, 1, 2])
    assert found["metrics"]["accuracy"]["duality over SFT"]["interval"] == pytest.approx([0.1, 0.1])
    assert found["metrics"]["accuracy"]["duality over pseudo-label"]["each"] == pytest.approx([0.1, 0, 0.2])
    assert found["compared"] == [{"primal": 0.5, "dual": 0.6}] * 3


def test_finished_runs_are_kept(runs: list[tuple[str, int]], tmp_path: Path) -> None:
    for seeds in ([0], [0, 1]):
        ablation.table(setting(), "annotation", tmp_path, seeds)
    assert sorted(runs) == sorted((reward, seed) for reward in ACCURACY for seed in (0, 1))


def test_without_a_true_answer_there_is_no_oracle(runs: list[tuple[str, int]], tmp_path: Path) -> None:
    found = ablation.table(setting(has_true_answer=False), "generation", tmp_path, [0])
    assert ("oracle", 0) not in runs
    assert "oracle" not in found["metrics"]["accuracy"]


def test_a_gain_without_an_interval_has_none_in_the_table() -> None:
    assert gain({"mean": -0.02, "each": [-0.02]}, 2) == "-0.02"
    assert gain({"mean": 0.1, "interval": [-0.1, 0.3]}, 1) == "+0.1 (-0.1 to +0.3)"
