"""Short names of labels."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd


@pytest.fixture
def adata() -> ad.AnnData:
    adata = ad.AnnData(np.ones((4, 1), np.float32))
    labels = ["natural killer cell", None, "type I pneumocyte", "natural killer cell"]
    adata.obs["annotation"] = pd.Categorical(labels, categories=["type I pneumocyte", "natural killer cell"])
    return adata


def test_names_keep_order_and_missing_values(adata: ad.AnnData) -> None:
    found = sd.get.display_names(adata)
    assert found.cat.categories.tolist() == ["AT1 cell", "NK cell"]
    assert found.astype(object).where(found.notna(), None).tolist() == ["NK cell", None, "AT1 cell", "NK cell"]
    assert (found.index == adata.obs_names).all()


def test_texts_and_numbers(adata: ad.AnnData) -> None:
    adata.obs["text"] = ["natural killer cell", "x", "x", "my type"]
    assert sd.get.display_names(adata, "text").tolist() == ["NK cell", "x", "x", "my type"]
    adata.obs["leiden"] = [0, 1, 1, 2]
    assert sd.get.display_names(adata, "leiden").tolist() == ["0", "1", "1", "2"]


def test_lazy_cells(adata: ad.AnnData, tmp_path: Path) -> None:
    adata.write_h5ad(tmp_path / "cells.h5ad")
    lazy = ad.experimental.read_lazy(tmp_path / "cells.h5ad")
    assert sd.get.display_names(lazy).dropna().tolist() == ["NK cell", "AT1 cell", "NK cell"]


def test_missing_column(adata: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="'cell_type'"):
        sd.get.display_names(adata, "cell_type")
