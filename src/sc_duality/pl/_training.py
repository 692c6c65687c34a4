"""How training went: rewards, what became of the dual, and the signs that it goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ._generation import COLOURS

#: A table, the folder that has it, or what a trainer returned: the folder and the table.
History: TypeAlias = pd.DataFrame | str | Path | tuple[Path, pd.DataFrame]
#: Lines of one panel are told apart by these where colours are taken by runs.
STYLES = ("-", "--", ":", "-.")
#: Panels of one column each, with their titles.
PLAIN = {
    "zero_variance": "groups without a difference",
    "kl": "KL to the start (nats a token)",
    "entropy": "entropy (nats a token)",
    "length": "length (tokens)",
}
LOSSES = {"lessons": "loss", "held out": "eval_loss"}


class _Panel(NamedTuple):
    title: str
    #: Column of each line by its name in the legend; a line that is missing keeps its style free.
    lines: Mapping[str, str | None]
    #: Whether the values are shares from 0 to 1.
    share: bool = False


def training(
    history: History | Mapping[str, History],
    *,
    panels: Sequence[str] | None = None,
    window: int = 10,
) -> dict[str, Axes]:
    """What a training logged, step by step, a panel each, of one run or of several beside each other.

    The rewards are drawn as in CellDuality's figure 2: their running mean, here over the pale values of each step.
    They say how consistent a model has become, not how right. Where labelled cells were at hand, the panel of a task
    has the share of them that the model and its dual get right: a reward that rises while the dual falls means that
    the policy and its judge agree on what nobody else understands.

    Parameters
    ----------
    history
        The table that :func:`sc_duality.tl.train_sft` or :func:`sc_duality.tl.train_grpo_duality` returns, all of what
        they return, or the folder that they wrote. Several by name are drawn in one figure, a colour each, as in
        ``{"duality": one, "oracle": other}``.
    panels
        Which panels to draw, by the names below. All for which there are values by default.
    window
        Steps in the running mean: those up to a step. At 1 there is no mean.

    Returns
    -------
    The axes by panel.

    ``"reward"``
        What was learned from: the weighted sum of all rewards.
    name of a reward, such as ``"duality_generation"``
        That reward alone, where a run has several.
    name of a task, such as ``"generation"``
        Share of labelled cells that the model gets right, and of true answers that the dual does. No mean is taken, as
        they are measured a few times only.
    ``"valid"``
        Share of answers that could be read, for each reward.
    ``"zero_variance"``
        Share of groups whose answers all got the same reward, from which nothing is learned.
    ``"kl"``, ``"entropy"``
        Divergence from the start and entropy of the answers, in nats a token.
    ``"length"``
        Tokens of an answer.
    ``"loss"``
        Of supervised training, on lessons and on those that were held out.

    Raises
    ------
    FileNotFoundError
        A folder has no history.
    ValueError
        A table has nothing that is drawn, ``window`` is not positive, or there are more than 7 runs.
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
    if not 1 <= len(named) <= len(COLOURS):
        raise ValueError(f"{len(named)} runs cannot be drawn: pass 1 to {len(COLOURS)}")
    runs = {str(name): _table(one) for name, one in named.items()}
    found = _chosen(_panels(list(runs.values())), panels)

    columns = min(len(found), 3)
    rows = -(-len(found) // columns)
    size = (max(3.3 * columns, 4.5), 2.5 * rows + 0.3 * (len(runs) > 1))
    figure, grid = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for unused in grid.flat[len(found) :]:
        unused.remove()
    axes = dict(zip(found, grid.flat, strict=False))
    for name, panel in found.items():
        _draw(axes[name], panel, runs, window)
    if len(runs) > 1:
        lines = [Line2D([], [], color=COLOURS[i], linewidth=1.8, label=name) for i, name in enumerate(runs)]
        figure.legend(handles=lines, loc="outside upper left", ncols=len(lines), frameon=False)
    return axes


def _table(history: History) -> pd.DataFrame:
    """The table, with steps as its index; columns without a value are left out."""
    if isinstance(history, tuple):
        history = history[1]
    if isinstance(history, str | Path):
        file = Path(history) / "history.csv"
        if not file.is_file():
            raise FileNotFoundError(
                f"{file} is not there: pass a folder that train_sft or train_grpo_duality wrote, and wait for the end "
                "of the run"
            )
        history = pd.read_csv(file)
    table = history.set_index("step") if "step" in history else history
    if "reward" in table:  # the loss of an alignment is near 0 at any time and says nothing
        table = table.drop(columns=list(LOSSES.values()), errors="ignore")
    return table.select_dtypes("number").dropna(axis=1, how="all")


def _panels(tables: Sequence[pd.DataFrame]) -> dict[str, _Panel]:
    """All panels for which some table has values; every table must be in one."""
    columns = list(dict.fromkeys(name for table in tables for name in table))
    found = {}
    if "reward" in columns:
        found["reward"] = _Panel("reward", {"": "reward"})
    if any(len(_ending(table, "/mean")) > 1 for table in tables):
        found |= {name: _Panel(name, {"": column}) for name, column in _ending(columns, "/mean").items()}
    model, dual = _ending(columns, "/accuracy"), _ending(columns, "/dual_accuracy")
    for task in dict.fromkeys([*model, *dual]):
        lines = {"model": model.get(task), "dual": dual.get(task)}
        found[task] = _Panel(f"{task}: right on labelled cells", lines, share=True)
    if _ending(columns, "/valid"):
        found["valid"] = _Panel("answers that could be read", _ending(columns, "/valid"), share=True)
    found |= {name: _Panel(PLAIN[name], {"": name}, share=name == "zero_variance") for name in PLAIN if name in columns}
    losses = {name: column if column in columns else None for name, column in LOSSES.items()}
    if any(losses.values()):
        found["loss"] = _Panel("loss", losses)
    drawn = {column for panel in found.values() for column in panel.lines.values()}
    for table in tables:
        if not drawn & set(table):
            raise ValueError(
                "nothing to draw: a table of a training has a reward or a loss for each step, and this one has "
                f"{list(table) or 'no values'}; pass what train_sft or train_grpo_duality returned"
            )
    return found


def _ending(columns: Sequence[str] | pd.DataFrame, end: str) -> dict[str, str]:
    """Columns that end so, by what stands before."""
    return {str(name).removesuffix(end): name for name in columns if str(name).endswith(end)}


def _chosen(found: dict[str, _Panel], panels: Sequence[str] | None) -> dict[str, _Panel]:
    if panels is None:
        return found
    names = [panels] if isinstance(panels, str) else list(panels)
    unknown = [name for name in names if name not in found]
    if unknown or not names:
        raise KeyError(f"panels={names}: choose from {', '.join(found)}")
    return {name: found[name] for name in names}


def _draw(ax: Axes, panel: _Panel, runs: Mapping[str, pd.DataFrame], window: int) -> None:
    """Draw a line for each run and column, in the run's colour if there are several."""
    several = len(runs) > 1
    for i, table in enumerate(runs.values()):
        for j, column in enumerate(panel.lines.values()):
            if column and column in table:
                style = {"color": COLOURS[i if several else j % len(COLOURS)], "linestyle": STYLES[j % len(STYLES)]}
                _draw_line(ax, table[column].dropna(), window, style)
    if len(panel.lines) > 1:
        for j, (name, column) in enumerate(panel.lines.items()):
            if column:
                colour = "0.3" if several else COLOURS[j % len(COLOURS)]
                ax.plot([], [], color=colour, linestyle=STYLES[j % len(STYLES)], label=name)
        ax.legend(frameon=False, fontsize="small")
    ax.set_title(panel.title, fontsize="medium")
    ax.set_xlabel("step")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if panel.share:
        ax.set_ylim(-0.03, 1.03)
    ax.spines[["top", "right"]].set_visible(False)


def _draw_line(ax: Axes, values: pd.Series, window: int, style: dict[str, Any]) -> None:
    """Draw what is measured now and then as dots, and all else pale below its running mean."""
    if str(values.name).endswith(("accuracy", "eval_loss")):
        ax.plot(values, marker="o", markersize=3.5, linewidth=1.2, **style)
    elif window == 1:
        ax.plot(values, linewidth=1.2, **style)
    else:
        ax.plot(values, linewidth=0.8, alpha=0.35, **style)
        ax.plot(values.rolling(window, min_periods=1).mean(), linewidth=1.8, **style)
