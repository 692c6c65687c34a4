"""The settings of the papers are settings that the trainers take."""

from __future__ import annotations

import inspect

import pytest

import sc_duality as sd
from sc_duality.tl._training_presets import GRPO_PRESETS, SFT_PRESETS


@pytest.mark.parametrize("name", SFT_PRESETS)
def test_sft(name, counts, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr("sc_duality.tl._train_sft.check_options", lambda _, lora, __: seen.update(lora=lora))
    counts.obs["cell_type"] = ["B cell", "T cell"] * 30
    with pytest.raises(ValueError, match="batch_size must be a positive integer, got 0"):
        sd.tl.train_sft(
            counts,
            "smollm2-135m",
            tmp_path / "m",
            tasks={"annotation": {"truth": "cell_type"}},
            preset=name,
            batch_size=0,
        )
    assert seen["lora"] == SFT_PRESETS[name].get("lora")


def test_an_unknown_preset_is_refused(counts, tmp_path):
    for train in (sd.tl.train_sft, sd.tl.train_grpo_duality):
        with pytest.raises(ValueError, match="preset='cello1' is not an option"):
            train(counts, "embedded", tmp_path / "m", tasks=["annotation"], preset="cello1")


def test_settings_are_those_of_the_papers():
    cell_o1 = GRPO_PRESETS["cell-o1"]
    assert cell_o1["batch_size"] / cell_o1["num_generations"] == 64
    assert cell_o1["max_steps"] * 64 == 20 * 6912
    assert SFT_PRESETS["cell-o1"]["lora"]["r"] == 256
    assert cell_o1["reward"] is sd.rewards.joint_annotation_reward


def test_the_reward_is_that_of_the_preset_unless_given():
    assert inspect.signature(sd.tl.train_grpo_duality).parameters["reward"].default is None
    assert {preset["reward"] for preset in GRPO_PRESETS.values()} == {"duality", sd.rewards.joint_annotation_reward}
