from __future__ import annotations

import os
from collections.abc import Iterator

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from scipy import sparse

# A slow machine is not a failure.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

MARKERS = ["CD79A", "MS4A1", "CD3E", "NKG7", "LYZ", "FCER1A", "PPBP", "IL7R", "CD8A", "S100A8"]
HOUSEKEEPING = ["MT-CO1", "MT-ND4", "RPL3", "RPLP1", "RPS27A", "RPSA", "MALAT1"]


@pytest.fixture(autouse=True, scope="session")
def no_waiting_for_the_disk() -> Iterator[None]:
    """Tests kill processes, but no test cuts the power; ``fstat`` still refuses a file that is closed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)
        yield


@pytest.fixture(autouse=True, scope="session")
def small_batches() -> Iterator[None]:
    """Batches are padded to their full size, so that a call with few prompts costs as much as one with many.

    Set for the models inside the package whenever they are loaded: a test may unload them.
    """
    from sc_duality.models.engines import TransformersModel

    prepare = TransformersModel._prepare

    def prepared(model: TransformersModel, batch_tokens: int | None) -> None:
        prepare(model, batch_tokens or (512 if model.spec.packaged else None))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransformersModel, "_prepare", prepared)
        yield


@pytest.fixture
def counts() -> ad.AnnData:
    """60 cells × 120 genes of made counts, many of them tied."""
    rng = np.random.default_rng(0)
    genes = [*MARKERS, *HOUSEKEEPING, "RPS6KA1", *(f"ZNF{i}" for i in range(102))]
    values = rng.negative_binomial(0.4, 0.1, (60, len(genes))).astype(np.float32)
    obs = pd.DataFrame({"donor": ["d1", "d2"] * 30}, index=[f"AAAC{i:03}-1" for i in range(60)])
    return ad.AnnData(sparse.csr_matrix(values), obs, pd.DataFrame(index=genes))
