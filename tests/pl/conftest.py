"""A backend without a screen, and annotated cells made by hand."""

from __future__ import annotations

from collections.abc import Iterator

import anndata as ad
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

TYPES = ["B", "CD4 T", "CD8 T", "NK"]


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def annotated() -> ad.AnnData:
    """200 cells as tl.annotate writes them: 20 wrong, 10 unknown, 5 without a prediction."""
    rng = np.random.default_rng(0)
    truth = rng.choice(TYPES, 200)
    predicted = truth.astype(object)
    predicted[:20] = np.roll(TYPES, 1)[[TYPES.index(name) for name in truth[:20]]]
    predicted[20:30] = "unknown"
    predicted[30:35] = None
    confidence = rng.beta(6, 2, 200)
    confidence[20:30] = rng.uniform(0.05, 0.35, 10)
    confidence[30:35] = np.nan
    adata = ad.AnnData(np.ones((200, 3), np.float32))
    adata.obs["cell_type"] = pd.Categorical(truth)
    adata.obs["annotation"] = pd.Categorical(predicted, categories=[*TYPES, "unknown"])
    adata.obs["annotation_confidence"] = confidence
    adata.uns["annotation"] = {"params": {"unknown": 0.35}}
    return adata
