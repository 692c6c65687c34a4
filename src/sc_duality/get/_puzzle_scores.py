"""Mean scores of puzzles by number of cells, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .._validation import positive_integer
from ..cells import adata_keys, seed
from ._puzzles import puzzles

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

#: Value of the column ``n_cells`` for all puzzles together.
ALL = "all"
#: Bounds of the interval.
_QUANTILES = (0.025, 0.975)


def puzzle_scores(
    adata: AnnData | MuData,
    key: str = adata_keys.ANNOTATION,
    truth: str | None = None,
    *,
    groupby: str = adata_keys.PUZZLE,
    encoder: Callable[[list[str]], ArrayLike] | None = None,
    threshold: float | None = None,
    n_bootstrap: int = 1000,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
) -> pd.DataFrame:
    """Mean scores of predicted labels over puzzles, in total and by number of cells, with 95 % intervals.

    Parameters
    ----------
    adata, key, truth, groupby, encoder, threshold
        As for :func:`puzzles`, which has the scores of each puzzle.
    n_bootstrap
        Bootstrap samples of the puzzles, for the intervals.
    mod
        Modality of a MuData.
    rng
        Seed of the bootstrap, or a generator.

    Returns
    -------
    One row for each score and number of cells, with ``metric`` (``cell_accuracy``, ``batch_accuracy``,
    ``format_validity``, ``uniqueness``, if a model generated text ``response_length`` in characters, and with
    ``encoder`` ``semantic_similarity``), ``n_cells``
    (``"all"`` or a number, as text), ``value``, the bounds ``low`` and ``high`` of the interval, and ``n_puzzles``.

    Raises
    ------
    KeyError, ValueError
        As for :func:`puzzles`.

    Notes
    -----
    The scores of Cell-o1 (Fang et al. 2025), appendix B.1, tables 2, 11 and 12, and figure 4A. The interval has the 2.5
    and 97.5 % quantiles of the mean over puzzles that are sampled with replacement. It does not account for puzzles
    that share cells or donors.

    Examples
    --------
    >>> import sc_duality as sd
    >>> puzzles = sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", (), n_puzzles=20, n_cells=(3, 4))
    >>> puzzles.obs["annotation"] = puzzles.obs["cell_type"]
    >>> scores = sd.get.puzzle_scores(puzzles)
    >>> scores.pivot(index="n_cells", columns="metric", values="value")["batch_accuracy"].to_dict()
    {'3': 1.0, '4': 1.0, 'all': 1.0}
    """
    n_bootstrap = positive_integer("n_bootstrap", n_bootstrap)
    table = puzzles(adata, key, truth, groupby=groupby, encoder=encoder, threshold=threshold, mod=mod)
    number = seed(rng)
    parts = {ALL: table, **{str(n): part for n, part in table.groupby("n_cells", sort=True)}}
    metrics = [name for name in table if name != "n_cells"]
    rows = []
    for n_cells, part in parts.items():
        values = part[metrics].to_numpy(dtype=float)
        means = _means(values, np.ones((1, len(values))))[0]
        n = len(values)
        weights = np.random.default_rng([number, n]).multinomial(n, np.full(n, 1 / n), size=n_bootstrap).astype(float)
        for name, own, value, samples in zip(metrics, values.T, means, _means(values, weights).T, strict=True):
            low, high = _interval(samples)
            n_puzzles = int(np.isfinite(own).sum())
            rows.append((name, n_cells, value, low, high, n_puzzles))
    found = pd.DataFrame(rows, columns=["metric", "n_cells", "value", "low", "high", "n_puzzles"])
    found["metric"] = pd.Categorical(found["metric"], categories=metrics)
    return found.sort_values("metric", kind="stable", ignore_index=True).astype({"metric": object})


def _interval(samples: NDArray[np.float64]) -> tuple[float, float]:
    present = samples[np.isfinite(samples)]
    low, high = np.quantile(present, _QUANTILES) if len(present) else (np.nan, np.nan)
    return float(low), float(high)


def _means(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted means of each column, one row a set of weights, without missing values."""
    present = np.isfinite(values)
    total = weights @ present
    return np.divide(weights @ np.where(present, values, 0), total, out=np.full(total.shape, np.nan), where=total > 0)
