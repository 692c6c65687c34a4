"""pl.training draws a panel for each logged quantity and a line for each run."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import sc_duality as sd

STEPS = 30


def make_history(*names: str, seed: int = 0, task: str = "generation") -> pd.DataFrame:
    """A history of GRPO with rewards of these names; accuracy was measured at every 10th step."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"loss": rng.normal(0, 1e-9, STEPS)}, index=pd.RangeIndex(1, STEPS + 1, name="step"))
    for name in names:
        table[f"{name}/mean"], table[f"{name}/std"] = rng.uniform(0, 1, (2, STEPS))
        table[f"{name}/valid"] = rng.uniform(0.9, 1, STEPS)
    table["reward"] = table[[f"{name}/mean" for name in names]].sum(axis=1)
    for name in ("zero_variance", "kl", "entropy", "length", "clip_ratio/low_mean"):
        table[name] = rng.uniform(0, 1, STEPS)
    measured = table.index % 10 == 0
    table[f"{task}/accuracy"] = np.nan
    table[f"{task}/dual_accuracy"] = np.where(measured, rng.uniform(0, 1, STEPS), np.nan)
    return table


@pytest.fixture
def history() -> pd.DataFrame:
    return make_history("duality_generation")


@pytest.fixture
def supervised() -> pd.DataFrame:
    """A history of supervised fine-tuning."""
    table = pd.DataFrame({"loss": np.linspace(6, 5, STEPS)}, index=pd.RangeIndex(1, STEPS + 1, name="step"))
    table["eval_loss"] = np.where(table.index % 10 == 0, 5.5, np.nan)
    table["annotation/accuracy"] = np.where(table.index % 10 == 0, 0.8, np.nan)
    table["annotation/dual_accuracy"] = np.where(table.index % 10 == 0, 0.7, np.nan)
    return table


def curves(ax: plt.Axes) -> list[np.ndarray]:
    """Lines with values, as steps × (step, value)."""
    return [line.get_xydata() for line in ax.lines if len(line.get_xdata())]


def test_reward_is_drawn_below_its_running_mean(history: pd.DataFrame) -> None:
    raw, mean = curves(sd.pl.training(history, window=4)["reward"])
    reward = history["reward"].to_numpy()
    np.testing.assert_array_equal(raw, np.column_stack([history.index, reward]))
    expected = [reward[max(0, i - 3) : i + 1].mean() for i in range(STEPS)]
    np.testing.assert_allclose(mean, np.column_stack([history.index, expected]))


def test_a_window_of_one_step_has_no_mean(history: pd.DataFrame) -> None:
    (line,) = curves(sd.pl.training(history, window=1)["reward"])
    np.testing.assert_array_equal(line[:, 1], history["reward"])


def test_grpo_has_a_panel_for_each_quantity(history: pd.DataFrame) -> None:
    axes = sd.pl.training(history)
    assert list(axes) == ["reward", "generation", "valid", "zero_variance", "kl", "entropy", "length"]
    assert set(axes["reward"].figure.axes) == set(axes.values())
    for name in ("zero_variance", "kl", "entropy", "length"):
        np.testing.assert_array_equal(curves(axes[name])[0][:, 1], history[name])
    np.testing.assert_array_equal(curves(axes["valid"])[0][:, 1], history["duality_generation/valid"])
    assert all(axes[name].get_ylim() == (-0.03, 1.03) for name in ("generation", "valid", "zero_variance"))


def test_dual_accuracy_is_drawn_at_the_steps_at_which_it_was_measured(history: pd.DataFrame) -> None:
    (dual,) = curves(sd.pl.training(history)["generation"])
    measured = history["generation/dual_accuracy"].dropna()
    np.testing.assert_array_equal(dual, np.column_stack([measured.index, measured]))


def test_dual_task_has_the_same_style_with_and_without_the_task(history: pd.DataFrame) -> None:
    alone = sd.pl.training(history)["generation"].lines[0]
    history["generation/accuracy"] = history["generation/dual_accuracy"]
    together = sd.pl.training(history)["generation"].lines[1]
    assert (alone.get_color(), alone.get_linestyle()) == (together.get_color(), together.get_linestyle())


def test_supervised_training_has_losses_and_accuracies(supervised: pd.DataFrame) -> None:
    axes = sd.pl.training(supervised)
    assert list(axes) == ["annotation", "loss"]
    primal, dual = curves(axes["annotation"])
    assert set(primal[:, 1]) == {0.8}
    assert set(dual[:, 1]) == {0.7}
    assert [text.get_text() for text in axes["annotation"].get_legend().get_texts()] == ["task", "dual task"]
    raw, _mean, held_out = curves(axes["loss"])
    np.testing.assert_array_equal(raw[:, 1], supervised["loss"])
    np.testing.assert_array_equal(held_out[:, 0], [10, 20, 30])
    assert [text.get_text() for text in axes["loss"].get_legend().get_texts()] == ["training", "held out"]


def test_every_reward_has_a_panel_if_there_is_more_than_one() -> None:
    table = make_history("duality_annotation", "duality_generation")
    axes = sd.pl.training(table)
    assert list(axes)[:3] == ["reward", "duality_annotation", "duality_generation"]
    for name in list(axes)[1:3]:
        np.testing.assert_array_equal(curves(axes[name])[0][:, 1], table[f"{name}/mean"])
    names = [text.get_text() for text in axes["valid"].get_legend().get_texts()]
    assert names == ["duality_annotation", "duality_generation"]
    colours = [to_hex(line.get_color()) for line in axes["valid"].lines if line.get_alpha() is None]
    assert len(set(colours)) == 2


def test_every_run_has_its_own_colour_in_every_panel() -> None:
    runs = {"duality": make_history("duality_generation"), "oracle": make_history("ground_truth_generation", seed=1)}
    axes = sd.pl.training(runs)
    assert "duality_generation" not in axes  # a run with one reward has only the panel of the sum
    (legend,) = axes["reward"].figure.legends
    colours = {
        text.get_text(): to_hex(line.get_color())
        for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }
    assert list(colours) == ["duality", "oracle"]
    for name in ("reward", "kl"):
        raw = {to_hex(line.get_color()): line.get_ydata() for line in axes[name].lines if line.get_alpha()}
        for run, colour in colours.items():
            np.testing.assert_array_equal(raw[colour], runs[run][name])


def test_fine_tuning_and_grpo_are_drawn_in_one_figure(history: pd.DataFrame, supervised: pd.DataFrame) -> None:
    axes = sd.pl.training({"first": supervised, "then": history})
    assert {"reward", "annotation", "generation", "loss"} <= set(axes)
    np.testing.assert_array_equal(curves(axes["loss"])[0][:, 1], supervised["loss"])
    assert len(curves(axes["loss"])) == 3  # none of GRPO
    assert len(curves(axes["reward"])) == 2


def test_tables_results_and_folders_are_accepted(history: pd.DataFrame, tmp_path: Path) -> None:
    history.to_csv(tmp_path / "history.csv")
    runs = {"table": history, "result": (tmp_path, history), "folder": tmp_path, "name": str(tmp_path)}
    axes = sd.pl.training(MappingProxyType(runs), window=1)
    lines = curves(axes["reward"])
    assert len(lines) == 4
    for line in lines:
        np.testing.assert_allclose(line, np.column_stack([history.index, history["reward"]]))


def test_only_chosen_panels_are_drawn_in_order(history: pd.DataFrame) -> None:
    before = history.copy()
    axes = sd.pl.training(history, panels=["kl", "reward"])
    assert list(axes) == ["kl", "reward"]
    assert len(axes["kl"].figure.axes) == 2
    assert list(sd.pl.training(history, panels="reward")) == ["reward"]
    assert history.equals(before)


def test_invalid_input_raises(history: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nothing to draw: .* this one has \['n_counts'\]"):
        sd.pl.training(pd.DataFrame({"n_counts": [1, 2], "name": ["a", "b"]}))
    with pytest.raises(ValueError, match=r"this one has no values"):
        sd.pl.training({"whole": history, "empty": history.iloc[:0]})
    with pytest.raises(FileNotFoundError, match=r"history.csv does not exist: pass a folder that train_sft"):
        sd.pl.training(tmp_path)
    with pytest.raises(KeyError, match=r"panels=\['rewards'\]: choose from reward, generation, valid"):
        sd.pl.training(history, panels=["rewards"])
    with pytest.raises(KeyError, match="choose from reward"):
        sd.pl.training(history, panels=[])
    with pytest.raises(ValueError, match="window must be a positive number of steps, not 0"):
        sd.pl.training(history, window=0)
    with pytest.raises(ValueError, match="history has 8 runs: pass 1 to 7"):
        sd.pl.training(dict.fromkeys("abcdefgh", history))
    with pytest.raises(ValueError, match="0 runs"):
        sd.pl.training({})


def test_figure_5_of_cell_o1() -> None:
    runs = {
        name: make_history("batch", seed=i, task="joint_annotation") for i, name in enumerate(["SFT → GRPO", "GRPO"])
    }
    for run in runs.values():
        run["joint_annotation/accuracy"] = np.where(run.index % 10 == 0, 0.4, np.nan)
    axes = sd.pl.training(runs, panels=["reward", "length", "joint_annotation"])
    assert list(axes) == ["reward", "length", "joint_annotation"]
    assert any(np.allclose(curve[:, 1], 0.4) for curve in curves(axes["joint_annotation"]))
    assert axes["length"].get_title() == "completion length (tokens)"
