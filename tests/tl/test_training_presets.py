"""The settings of the papers are settings that the trainers take."""

from __future__ import annotations

import inspect

import pytest

import sc_duality as sd
from sc_duality.tl._training_presets import GRPO_PRESETS, SFT_PRESETS


@pytest.mark.parametrize("name", SFT_PRESETS)
def test_sft(name, counts, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr("sc_duality.tl._sft_settings.check_options", lambda _, lora, *__, **___: seen.update(lora=lora))
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
    c2s_scale = GRPO_PRESETS["c2s-scale"]
    assert c2s_scale["batch_size"] == 8 * 4 * 3 == 4 * c2s_scale["num_generations"]
    assert (c2s_scale["learning_rate"], c2s_scale["beta"]) == (1e-6, 5e-3)
    answers = GRPO_PRESETS["c2s-scale-qa"]
    assert (answers["num_generations"], answers["beta"], answers["learning_rate"]) == (32, 0.03, 5e-7)
    assert answers["max_steps"] * answers["batch_size"] == 600 * answers["num_generations"]
    assert cell_o1["reward"] is sd.rewards.joint_annotation_reward


def test_the_reward_is_that_of_the_preset_unless_given():
    assert inspect.signature(sd.tl.train_grpo_duality).parameters["reward"].default is None
    rewards = {name: preset["reward"] for name, preset in GRPO_PRESETS.items()}
    assert rewards.pop("c2s-scale") is None, "the gene program is the user's"
    assert set(rewards.values()) == {"duality", "semantic", sd.rewards.joint_annotation_reward}


def test_a_preset_without_a_reward_needs_one(counts, tmp_path):
    with pytest.raises(ValueError, match=r"preset='c2s-scale' has no reward of its own: pass reward=, such as"):
        sd.tl.train_grpo_duality(counts, "embedded", tmp_path / "m", tasks=["annotation"], preset="c2s-scale")
