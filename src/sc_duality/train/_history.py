"""The log of a trainer as a table with one row a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

#: Names in TRL's log, and in the history.
_NAMES = {
    "frac_reward_zero_std": "zero_variance",
    "completions/mean_length": "length",
    "completions/clipped_ratio": "cut_off",
    "step_time": "seconds",
    "num_tokens": "tokens",
    "num_input_tokens_seen": "tokens",
    "mean_token_accuracy": "token_accuracy",
}
#: Sums over the whole run, in the last entry.
_SUMS = ("train_", "total_flos", "epoch")


def history_of(log: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The entries of a trainer's log, those of one step in one row.

    Returns
    -------
    A table with the index ``step``. From GRPO: ``reward`` and its parts by name, ``reward_std``, shares ``.../valid``
    of completions that could be read, ``zero_variance`` (share of groups with equal rewards), ``kl`` from the reference
    policy, ``entropy``, ``length`` of completions, ``tokens`` so far and ``tokens_per_second``; from SFT: ``loss``,
    ``eval_loss``, ``token_accuracy``, ``tokens`` so far, prompts included; from both, with labelled examples,
    ``<task>/accuracy`` and ``<task>/dual_accuracy``.
    """
    rows: dict[int, dict[str, float]] = {}
    for entry in log:
        if "num_input_tokens_seen" in entry:
            # TRL's own count of SFT begins anew where a stopped run resumes.
            entry = {name: value for name, value in entry.items() if name != "num_tokens"}
        row = rows.setdefault(int(entry["step"]), {})
        row |= {
            _name(name): float(value)
            for name, value in entry.items()
            if name != "step" and not name.startswith(_SUMS) and isinstance(value, int | float)
        }
    table = pd.DataFrame.from_dict(rows, orient="index").sort_index().rename_axis("step")
    table = table.dropna(axis=0, how="all")
    if {"tokens", "seconds"} <= set(table):
        tokens = table["tokens"].dropna()  # logged once a rollout
        seconds = table["seconds"].cumsum()[tokens.index]
        table["tokens_per_second"] = tokens.diff().fillna(tokens) / seconds.diff().fillna(seconds)
    return table[sorted(table)]  # a resumed run logs them in another order


def _name(name: str) -> str:
    return _NAMES.get(name, name.removeprefix("rewards/"))
