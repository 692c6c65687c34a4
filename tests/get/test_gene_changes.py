"""Predicted changes are read from a modality."""

from __future__ import annotations

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd

import sc_duality as sd


def test_a_modality():
    columns = ["perturbation_change", "perturbation_change_sd", "perturbation_up", "perturbation_down"]
    var = pd.DataFrame([[-1, 0, 0, 1], [2, 0, 1, 0.0]], index=["LYZ", "ISG15"], columns=columns)
    adata = ad.AnnData(np.ones((3, 2), np.float32), var=var)
    expected = sd.get.gene_changes(adata)
    assert expected.index.tolist() == ["ISG15", "LYZ"]
    assert sd.get.gene_changes(md.MuData({"gex": adata}), mod="gex").equals(expected)
