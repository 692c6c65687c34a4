"""The data sets match their descriptions, need no network, and are new objects on each call."""

from __future__ import annotations

import socket
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import sc_duality as sd

Loader = Callable[[], ad.AnnData]
LOADERS: list[Loader] = [sd.datasets.pbmc3k, sd.datasets.pbmc68k_reduced]
PBMC3K_TYPES = {
    "B cells": 50,
    "CD14+ Monocytes": 50,
    "CD4 T cells": 50,
    "CD8 T cells": 50,
    "Dendritic cells": 12,
    "FCGR3A+ Monocytes": 50,
    "Megakaryocytes": 5,
    "NK cells": 50,
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_connection(*_: object, **__: object) -> None:
        raise AssertionError("this data set must not open a connection")

    monkeypatch.setattr(socket.socket, "connect", no_connection)


def test_pbmc3k_holds_raw_counts_and_cell_types() -> None:
    adata = sd.datasets.pbmc3k()
    assert adata.shape == (317, 12611)
    assert isinstance(adata.X, sparse.csr_matrix)
    assert adata.X.dtype == np.int32
    assert adata.X.data.min() == 1
    assert adata.obs["cell_type"].value_counts().to_dict() == PBMC3K_TYPES
    assert adata.obs_names.is_unique
    assert adata.var_names.is_unique


def test_pbmc3k_marker_genes_are_highest_in_their_cell_types() -> None:
    adata = sd.datasets.pbmc3k()
    depth = np.asarray(adata.X.sum(axis=1)).ravel()
    markers = {"MS4A1": "B cells", "PPBP": "Megakaryocytes", "S100A8": "CD14+ Monocytes", "GNLY": "NK cells"}
    for gene, expected in markers.items():
        share = pd.Series(adata[:, gene].X.toarray().ravel() / depth, index=adata.obs_names)
        assert share.groupby(adata.obs["cell_type"], observed=True).mean().idxmax() == expected


def test_pbmc3k_states_its_source_and_licences() -> None:
    data = files("sc_duality.datasets") / "data"
    assert "CC BY 4.0" in sd.datasets.pbmc3k().uns["source"]
    readme = (data / "README.md").read_text(encoding="utf-8")
    for needed in (
        "CC BY 4.0",
        "10x Genomics",
        "Copyright (c) 2020-2021 Chan Zuckerberg Initiative",
        "Copyright 2025 MPI",
    ):
        assert needed in readme
    assert len((data / "pbmc3k.h5ad").read_bytes()) < 1_000_000


def test_pbmc68k_reduced_is_scaled_with_log_normalised_raw() -> None:
    adata = sd.datasets.pbmc68k_reduced()
    assert adata.shape == (700, 765)
    assert adata.X.min() < 0
    assert adata.obs["bulk_labels"].nunique() == 10
    # ln(1 + counts per 10,000): the inverse with the total of the cell gives integer counts.
    counts = np.expm1(adata.raw.X.toarray()) * adata.obs["n_counts"].to_numpy()[:, None] / 10_000
    assert np.abs(counts - counts.round()).max() < 0.3
    assert np.abs(counts - counts.round()).mean() < 0.01


@pytest.mark.parametrize("load", LOADERS)
def test_each_call_returns_a_new_object(load: Loader) -> None:
    first, second = load(), load()
    total = second.X.sum()
    first.X *= 3
    first.obs["mine"] = 1
    assert second.X.sum() == total
    assert "mine" not in second.obs


@pytest.mark.parametrize("load", LOADERS)
def test_data_sets_can_be_written_to_h5ad(load: Loader, tmp_path: Path) -> None:
    adata = load()
    adata.write_h5ad(tmp_path / "again.h5ad")
    again = ad.read_h5ad(tmp_path / "again.h5ad")
    assert again.obs_names.equals(adata.obs_names)
    assert (np.asarray(again.X.sum(axis=1)) == np.asarray(adata.X.sum(axis=1))).all()
