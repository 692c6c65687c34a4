"""One situation of the ablation: what alignment starts from, on which cells, and how its result is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import anndata as ad


class Setting(NamedTuple):
    """One situation."""

    #: The supervised weights of a seed.
    start: Callable[[int], Path]
    #: Cells that every reward aligns on; only the oracle reads their labels.
    aligned: list[ad.AnnData]
    #: Further options of ``tl.train_grpo_duality``.
    options: dict[str, Any]
    #: From a model and a seed to the metrics; the first is the main one.
    evaluate: Callable[[Path, int], dict[str, float]]
    #: Whether there is one true answer, so that an oracle can be trained.
    has_true_answer: bool = True
    #: Labelled cells on which task and dual are compared before training; ``None`` leaves that out.
    compared: ad.AnnData | None = None
