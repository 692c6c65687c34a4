"""Vectors of groups are read from any AnnData and from a modality."""

from __future__ import annotations

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd

import sc_duality as sd


def test_lazy_cells_and_a_modality(tmp_path):
    adata = ad.AnnData(np.ones((3, 2), np.float32))
    groups = pd.DataFrame({"cluster": ["a", "b"], "n_cells": [2, 1]}, index=["a", "b"])
    adata.uns["X_cell_sentence"] = {"vectors": np.arange(4.0).reshape(2, 2), "groups": groups}
    adata.write_zarr(tmp_path / "cells.zarr")
    lazy = ad.experimental.read_lazy(tmp_path / "cells.zarr")
    for found in (sd.get.group_embedding(lazy), sd.get.group_embedding(md.MuData({"gex": adata}), mod="gex")):
        assert found.X.tolist() == [[0, 1], [2, 3]]
        assert found.obs["cluster"].astype(str).tolist() == ["a", "b"]
        assert found.obs["n_cells"].tolist() == [2, 1]
