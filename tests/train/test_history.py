"""A trainer's log as a table."""

import numpy as np
import pandas as pd

from sc_duality.train._history import history_of


def test_history():
    log = [
        {
            "step": 2,
            "reward": 0.5,
            "rewards/duality_x/mean": 0.5,
            "step_time": 2.0,
            "num_tokens": 300,
            "epoch": 1,
        },
        {"step": 1, "reward": 0.25, "frac_reward_zero_std": 0.5, "step_time": 1.0, "num_tokens": 100},
        {"step": 2, "annotation/dual_accuracy": 0.75},
        {"step": 3, "epoch": 1.0},
        {"step": 2, "train_loss": 0.1, "train_runtime": 8.0, "total_flos": 12, "note": "text"},
    ]
    table = history_of(log)
    assert table.index.name == "step"
    assert table.index.tolist() == [1, 2]
    assert table["reward"].tolist() == [0.25, 0.5]
    assert table["tokens_per_second"].tolist() == [100.0, 100.0]
    assert table.loc[2, "duality_x/mean"] == 0.5
    assert table.loc[2, "annotation/dual_accuracy"] == 0.75
    assert table.loc[1, "zero_variance"] == 0.5
    assert np.isnan(table.loc[2, "zero_variance"])
    assert not {"epoch", "train_loss", "train_runtime", "total_flos", "note"} & set(table)


def test_tokens_are_logged_once_a_rollout():
    log = [{"step": i, "step_time": 1.0} | ({"num_tokens": 100 * i} if i % 2 else {}) for i in (1, 2, 3)]
    speed = history_of(log)["tokens_per_second"]
    assert speed[1] == speed[3] == 100
    assert np.isnan(speed[2])


def test_tokens_are_counted_over_the_whole_run():
    log = [
        {"step": 1, "num_tokens": 9, "num_input_tokens_seen": 9},
        {"step": 2, "num_input_tokens_seen": 20, "num_tokens": 11},
    ]
    assert history_of(log)["tokens"].tolist() == [9, 20]


def test_a_resumed_run_has_the_same_columns():
    one, other = {"loss": 1.0, "reward": 2.0, "step": 1}, {"reward": 2.0, "step": 1, "loss": 1.0}
    pd.testing.assert_frame_equal(history_of([one]), history_of([other]))


def test_empty_log():
    assert history_of([]).empty
    one = pd.DataFrame({"loss": [2.0]}, pd.Index([1], name="step"))
    pd.testing.assert_frame_equal(history_of([{"step": 1, "loss": 2}]), one)
