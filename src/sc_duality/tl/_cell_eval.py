"""Scores of cell-eval (https://github.com/ArcInstitute/cell-eval), for :func:`sc_duality.tl.evaluate`."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from ._change_scores import control_rows, is_pooled
from ._compared_space import Populations
from ._score_table import Group, Score

#: The name for all metrics of the package.
ALL_METRICS = "cell-eval"
#: Metrics that compare conditions, and the fewest conditions with which they mean anything.
FEWEST_CONDITIONS = {
    "discrimination_score_l1": 2,
    "discrimination_score_l2": 2,
    "discrimination_score_cosine": 2,
    "pearson_edistance": 3,
    "de_spearman_sig": 3,
    "clustering_agreement": 3,
}
#: Column with the perturbation.
_TARGET = "target"


def metric_names(requested: Sequence[str]) -> list[str]:
    """The metrics of cell-eval among these names; all of them for ``"cell-eval"``."""
    if find_spec("cell_eval") is None:
        if ALL_METRICS in requested:
            raise ImportError('metrics="cell-eval" needs cell-eval: pip install "sc-duality[cell-eval]"')
        return []
    known = list(_cell_eval().metrics_registry.list_metrics())
    return known if ALL_METRICS in requested else [name for name in known if name in requested]


def _cell_eval() -> Any:
    """The package; pdex, which it imports, configures the root logger in some versions, and this is undone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    import cell_eval

    root.handlers[:] = handlers
    root.setLevel(level)
    return cell_eval


class _Found(NamedTuple):
    """What cell-eval found for one metric."""

    #: Name in the table → condition → value; some metrics have several names.
    values: dict[str, dict[str, float]]
    error: str = ""


def cell_eval_scores(
    cells: Populations, compared: Sequence[Group], control: pd.Series, predicted: pd.Series, metrics: Sequence[str]
) -> dict[str, Score]:
    """The metrics of cell-eval for every condition; ``control`` and ``predicted`` are the conditions of these cells.

    Conditions that share control cells are evaluated together. Where each has control cells of its own, cell-eval runs
    once for each, and metrics that compare conditions are not defined.
    """
    pooled = is_pooled(control, predicted)
    rows = {group.condition: control_rows(group, control, pooled=pooled) for group in compared}
    usable = [each for each in compared if len(each.real) and len(each.generated) and len(rows[each.condition])]
    together = ([usable] if usable else []) if pooled else [[group] for group in usable]
    found: dict[str, dict[str, _Found]] = {metric: {} for metric in metrics}
    for part in together:
        for metric, result in _run(cells, part, rows[part[0].condition], metrics).items():
            found[metric] |= {group.condition: result for group in part}
    scores = {}
    for metric, by_condition in found.items():
        names = dict.fromkeys(name for result in by_condition.values() for name in result.values)
        for name in names or [metric]:
            scores[name] = Score(partial(_value, by_condition, name), f"cell-eval, {cells.name}")
    return scores


def _value(by_condition: dict[str, _Found], name: str, group: Group) -> float:
    if group.condition not in by_condition:
        raise ValueError("real, generated and control cells of the condition are needed")
    found = by_condition[group.condition]
    if group.condition not in found.values.get(name, {}):
        raise ValueError(found.error or "cell-eval returns no value")
    return found.values[name][group.condition]


def _run(
    cells: Populations, together: Sequence[Group], control: np.ndarray, metrics: Sequence[str]
) -> dict[str, _Found]:
    """Every metric for conditions that share control cells."""
    package = _cell_eval()
    name = "control"
    while name in {group.condition for group in together}:
        name += "_"
    real = _anndata(cells, [(name, cells.control[control])] + [(g.condition, cells.real[g.real]) for g in together])
    generated = _anndata(
        cells, [(name, cells.control[control])] + [(g.condition, cells.generated[g.generated]) for g in together]
    )
    by_expression = set(package.metrics_registry.list_metrics(package.MetricType.DE))
    possible = [metric for metric in metrics if len(together) >= FEWEST_CONDITIONS.get(metric, 1)]
    found = {}
    with TemporaryDirectory() as folder, _quiet() as messages:
        evaluator = package.MetricsEvaluator(
            generated, real, control_pert=name, pert_col=_TARGET, num_threads=1, outdir=str(Path(folder) / "cell-eval"),
            skip_de=not by_expression & set(possible), pdex_kwargs=_settings(),
        )  # fmt: skip
        for metric in possible:
            messages.seek(0)
            messages.truncate()
            pipeline = package.MetricPipeline(profile=None)
            pipeline.add_metrics([metric])
            pipeline.compute_de_metrics(evaluator.de_comparison)
            pipeline.compute_anndata_metrics(evaluator.anndata_pair)
            table = pipeline.get_results().to_pandas()
            values = table.set_index("perturbation").to_dict() if len(table) else {}
            found[metric] = _Found(values, messages.getvalue().strip())
    few = "compares conditions: {} or more with the same control cells are needed"
    return found | {each: _Found({}, few.format(FEWEST_CONDITIONS[each])) for each in metrics if each not in found}


def _anndata(cells: Populations, parts: Sequence[tuple[str, sparse.csr_matrix]]) -> AnnData:
    """log(1 + counts per 10,000) of these cells with their condition."""
    obs = pd.DataFrame({_TARGET: np.repeat([name for name, _ in parts], [part.shape[0] for _, part in parts])})
    obs.index = obs.index.astype(str)
    X = sparse.vstack([part for _, part in parts], format="csr").astype(np.float32)
    return AnnData(X, obs, pd.DataFrame(index=cells.genes.astype(str)))


def _settings() -> dict[str, Any]:
    """Tests of differential expression in this process, which older versions divide among forked ones."""
    old = tuple(map(int, version("cell-eval").split(".")[:2])) < (0, 7)
    return {"low_memory": True, "num_threads": 1, "show_progress": False} if old else {}


@contextlib.contextmanager
def _quiet() -> Iterator[io.StringIO]:
    """Without progress bars; errors that cell-eval logs instead of raising go into the text."""
    messages = io.StringIO()
    logger, handler = logging.getLogger("cell_eval"), logging.StreamHandler(messages)
    handler.setLevel(logging.ERROR)
    propagated = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield messages
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagated
