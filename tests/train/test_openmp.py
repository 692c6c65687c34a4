"""No thread starts threads of its own while a model is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sc_duality as sd
from tests.openmp import active_levels, nested_regions

pytest.importorskip("trl")

from transformers import Trainer

from benchmarks._toy_model import save_toy, toy_cells
from tests.train.toy_model import StoppedError


@pytest.mark.parametrize(
    ("train", "options"),
    [(sd.tl.train_sft, {}), (sd.tl.train_grpo_duality, {"max_steps": 1})],
    ids=["sft", "grpo"],
)
def test_training_uses_one_level(
    train: Any, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = save_toy(tmp_path / "random")
    found: list[set[int]] = []

    def begin(*_: object, **__: object) -> None:
        found.append(active_levels())
        raise StoppedError

    monkeypatch.setattr(Trainer, "train", begin)
    with nested_regions():
        with pytest.raises(StoppedError):
            train(toy_cells(), model, tmp_path / "out", tasks={"annotation": {"truth": "cell_type"}}, **options)
        assert active_levels() == {4}
    assert found == [{1}]
