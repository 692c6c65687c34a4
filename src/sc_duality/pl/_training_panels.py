"""Which panels a training history has, and the columns that each one draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

#: Panels of one column each, with their titles.
TITLES = {
    "zero_variance": "groups without reward variance (fraction)",
    "kl": "KL to reference policy (nats/token)",
    "entropy": "entropy (nats/token)",
    "length": "completion length (tokens)",
}
LOSSES = {"training": "loss", "held out": "eval_loss"}


class Panel(NamedTuple):
    title: str
    #: Column of each line by its name in the legend; the line of a missing column (None) keeps its style free.
    lines: Mapping[str, str | None]
    #: Whether the values are fractions from 0 to 1.
    fraction: bool = False


def find_panels(tables: Sequence[pd.DataFrame]) -> dict[str, Panel]:
    """Return every panel for which a table has values; every table must have a panel."""
    columns = list(dict.fromkeys(name for table in tables for name in table))
    panels = _reward_panels(tables, columns)
    if _ending(columns, "/valid"):
        panels["valid"] = Panel("valid completions (fraction)", _ending(columns, "/valid"), fraction=True)
    for name, title in TITLES.items():
        if name in columns:
            panels[name] = Panel(title, {"": name}, fraction=name == "zero_variance")
    losses = {name: column if column in columns else None for name, column in LOSSES.items()}
    if any(losses.values()):
        panels["loss"] = Panel("loss", losses)
    _check_every_table(tables, panels)
    return panels


def _reward_panels(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> dict[str, Panel]:
    """Panels of the rewards, and of the accuracy of each task on labelled cells."""
    panels = {"reward": Panel("reward", {"": "reward"})} if "reward" in columns else {}
    if any(len(_ending(table, "/mean")) > 1 for table in tables):
        panels |= {name: Panel(name, {"": column}) for name, column in _ending(columns, "/mean").items()}
    primal, dual = _ending(columns, "/accuracy"), _ending(columns, "/dual_accuracy")
    for task in dict.fromkeys([*primal, *dual]):
        lines = {"task": primal.get(task), "dual task": dual.get(task)}
        panels[task] = Panel(f"{task}: accuracy on labelled cells", lines, fraction=True)
    return panels


def _check_every_table(tables: Sequence[pd.DataFrame], panels: Mapping[str, Panel]) -> None:
    drawn = {column for panel in panels.values() for column in panel.lines.values()}
    for table in tables:
        if not drawn & set(table):
            raise ValueError(
                "nothing to draw: a training history has a reward or a loss for each step, and this one has "
                f"{list(table) or 'no values'}; pass what train_sft or train_grpo_duality returned"
            )


def _ending(columns: Sequence[str] | pd.DataFrame, end: str) -> dict[str, str]:
    """Return the columns with this ending, by the name before it."""
    return {str(name).removesuffix(end): name for name in columns if str(name).endswith(end)}
