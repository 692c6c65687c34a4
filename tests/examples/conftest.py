"""Cells with a different highest gene each."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.examples import ModelCells
from sc_duality.models import ModelSpec

TYPES = ["alpha cell", "beta cell", "gamma cell"]


@pytest.fixture(scope="session")
def toy_spec():
    """A general model that reads six genes of a cell."""
    return ModelSpec("toy", "toy", prompt_format="plain", n_genes=6)


@pytest.fixture(scope="session")
def toy_adata():
    """Gene i ranks first in cell i; most are gamma cells, and donor d2 has no treated cell."""
    n = 40
    rng = np.random.default_rng(0)
    X = rng.poisson(3, (n, n)) + 90 * np.eye(n)
    kind = np.minimum(np.arange(n) % 8, 2)
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(np.array(TYPES)[kind]),
            "response": ["sensitive", "resistant"] * (n // 2),
            "donor": [f"d{i % 3}" for i in range(n)],
            "treatment": ["ctrl" if i % 3 == 2 or i < 20 else ("stim", "ko")[i % 2] for i in range(n)],
        },
        index=[f"cell{i}" for i in range(n)],
    )
    obs.loc["cell0", ["cell_type", "treatment"]] = None
    return ad.AnnData(X.astype(np.float32), obs, pd.DataFrame(index=[f"G{i}" for i in range(n)]))


@pytest.fixture(scope="session")
def toy_cells(toy_adata, toy_spec):
    """The cells as the model reads them."""
    return ModelCells(toy_adata, toy_spec, context=["donor"])


@pytest.fixture
def studies():
    """Two halves of PBMC3k; the second measures fewer genes."""
    cells, spec = sd.datasets.pbmc3k(), sd.models.resolve("embedded")
    return [ModelCells(part.copy(), spec) for part in (cells[::2], cells[1::2, ::2])]
