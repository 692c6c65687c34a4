"""Training curves of one or more runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ._common import PALETTE
from ._training_panels import LOSSES, Panel, find_panels

#: A table, its folder, or the result of a trainer: folder and table.
History: TypeAlias = pd.DataFrame | str | Path | tuple[Path, pd.DataFrame]
#: Line styles within a panel, if the colours stand for runs.
STYLES = ("-", "--", ":", "-.")


def training(
    history: History | Mapping[str, History],
    *,
    panels: Sequence[str] | None = None,
    window: int = 10,
) -> dict[str, Axes]:
    """Training curves of one or more runs: reward, accuracy, KL, entropy, length and loss by step.

    Rewards are drawn as in CellDuality, figure 2: a running mean, here over the pale values of each step. A reward
    measures consistency, not accuracy. If the run had labelled cells, the panel of a task shows the accuracy of the
    task and of its dual task on them: a reward that rises while the dual accuracy falls is a sign of reward hacking.
    ``panels=["reward", "length", "joint_annotation"]`` are those of Cell-o1, figure 5.

    Parameters
    ----------
    history
        The table that :func:`sc_duality.tl.train_sft` or :func:`sc_duality.tl.train_grpo_duality` returns, their whole
        result, or the folder that they wrote. Pass up to 7 runs by name to compare them, one colour each:
        ``{"duality": history, "oracle": other_history}``.
    panels
        Names of the panels to draw, from the list below. By default all for which there are values.
    window
        Number of steps in the running mean, up to the current one; 1 for no mean.

    Returns
    -------
    The axes by panel.

    ``"reward"``
        The weighted sum of all rewards.
    name of a reward, such as ``"duality_generation"``
        This reward alone, if a run has more than one.
    name of a task, such as ``"generation"``
        Accuracy of the task and of its dual task on labelled cells, at the steps at which it was measured.
    ``"valid"``
        Fraction of valid completions, for each reward.
    ``"zero_variance"``
        Fraction of groups whose completions all have the same reward, so that their advantage is 0.
    ``"kl"``, ``"entropy"``
        KL divergence from the reference policy and entropy of the policy, in nats per token.
    ``"length"``
        Tokens per completion.
    ``"loss"``
        Loss of supervised fine-tuning, on training and on held-out examples.

    Raises
    ------
    FileNotFoundError
        A folder has no history.
    ValueError
        A table has nothing to draw, ``window`` is not positive, or there are more than 7 runs.
    KeyError
        There is no such panel.

    Examples
    --------
    >>> import pandas as pd
    >>> import sc_duality as sd
    >>> history = pd.DataFrame({"reward": [0.2, 0.4, 0.5], "kl": [0.0, 0.1, 0.1]}, index=[1, 2, 3])
    >>> list(sd.pl.training(history))
    ['reward', 'kl']
    """
    if isinstance(window, bool) or not isinstance(window, int) or window < 1:
        raise ValueError(f"window must be a positive number of steps, not {window!r}")
    named = history if isinstance(history, Mapping) else {"": history}
    if not 1 <= len(named) <= len(PALETTE):
        raise ValueError(f"history has {len(named)} runs: pass 1 to {len(PALETTE)}")
    runs = {str(name): _table(run) for name, run in named.items()}
    chosen = _chosen(find_panels(list(runs.values())), panels)

    axes = _grid(list(chosen), has_legend=len(runs) > 1)
    for name, panel in chosen.items():
        _draw(axes[name], panel, list(runs.values()), window)
    if len(runs) > 1:
        lines = [Line2D([], [], color=PALETTE[i], linewidth=1.8, label=name) for i, name in enumerate(runs)]
        figure = next(iter(axes.values())).figure
        figure.legend(handles=lines, loc="outside upper left", ncols=len(lines), frameon=False)
    return axes


def _table(history: History) -> pd.DataFrame:
    """Return the table with steps as its index, without columns that have no values."""
    if isinstance(history, tuple):
        history = history[1]
    if isinstance(history, str | Path):
        file = Path(history) / "history.csv"
        if not file.is_file():
            raise FileNotFoundError(
                f"{file} does not exist: pass a folder that train_sft or train_grpo_duality wrote, after the end of "
                "the run"
            )
        history = pd.read_csv(file)
    table = history.set_index("step") if "step" in history else history
    if "reward" in table:  # the loss of GRPO is near 0 at every step and carries no information
        table = table.drop(columns=list(LOSSES.values()), errors="ignore")
    return table.select_dtypes("number").dropna(axis=1, how="all")


def _chosen(available: dict[str, Panel], panels: Sequence[str] | None) -> dict[str, Panel]:
    if panels is None:
        return available
    names = [panels] if isinstance(panels, str) else list(panels)
    if not names or any(name not in available for name in names):
        raise KeyError(f"panels={names}: choose from {', '.join(available)}")
    return {name: available[name] for name in names}


def _grid(names: Sequence[str], *, has_legend: bool) -> dict[str, Axes]:
    """Make a figure with an axes for each panel, up to three in a row."""
    n_columns = min(len(names), 3)
    n_rows = -(-len(names) // n_columns)
    size = (max(3.3 * n_columns, 4.5), 2.5 * n_rows + 0.3 * has_legend)
    _, grid = plt.subplots(n_rows, n_columns, figsize=size, layout="constrained", squeeze=False)
    for unused in grid.flat[len(names) :]:
        unused.remove()
    return dict(zip(names, grid.flat, strict=False))


def _draw(ax: Axes, panel: Panel, runs: Sequence[pd.DataFrame], window: int) -> None:
    """Draw a line for each run and column; the colour stands for the run, or for the column of a single run."""
    compared = len(runs) > 1
    for i, table in enumerate(runs):
        for j, column in enumerate(panel.lines.values()):
            if column and column in table:
                style = {"color": PALETTE[i if compared else j % len(PALETTE)], "linestyle": STYLES[j % len(STYLES)]}
                _draw_line(ax, table[column].dropna(), window, style)
    if len(panel.lines) > 1:
        for j, (name, column) in enumerate(panel.lines.items()):
            if column:
                colour = "0.3" if compared else PALETTE[j % len(PALETTE)]
                ax.plot([], [], color=colour, linestyle=STYLES[j % len(STYLES)], label=name)
        ax.legend(frameon=False, fontsize="small")
    ax.set_title(panel.title, fontsize="medium")
    ax.set_xlabel("step")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if panel.fraction:
        ax.set_ylim(-0.03, 1.03)
    ax.spines[["top", "right"]].set_visible(False)


def _draw_line(ax: Axes, values: pd.Series, window: int, style: dict[str, Any]) -> None:
    """Draw periodic measurements as dots, and all other values pale below their running mean."""
    if str(values.name).endswith(("accuracy", "eval_loss")):
        ax.plot(values, marker="o", markersize=3.5, linewidth=1.2, **style)
    elif window == 1:
        ax.plot(values, linewidth=1.2, **style)
    else:
        ax.plot(values, linewidth=0.8, alpha=0.35, **style)
        ax.plot(values.rolling(window, min_periods=1).mean(), linewidth=1.8, **style)
