"""No thread starts threads of its own while a model learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sc_duality as sd
from tests.openmp import active_levels, nested_regions

pytest.importorskip("trl")

from transformers import Trainer

from tests.train.toy import TYPES, StoppedError, save_toy, toy_cells


@pytest.mark.parametrize(
    ("train", "how"),
    [(sd.tl.train_sft, {}), (sd.tl.train_grpo_duality, {"labels": TYPES, "steps": 1})],
    ids=["supervised", "aligned"],
)
def test_a_model_learns_on_one_level(
    train: Any, how: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = save_toy(tmp_path / "random")
    found: list[set[int]] = []

    def begun(*_: object, **__: object) -> None:
        found.append(active_levels())
        raise StoppedError

    monkeypatch.setattr(Trainer, "train", begun)
    with nested_regions():
        with pytest.raises(StoppedError):
            train(toy_cells(), model, tmp_path / "out", **how)
        assert active_levels() == {4}
    assert found == [{1}]
