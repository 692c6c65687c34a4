from __future__ import annotations

from pathlib import Path

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest

from sc_duality.cells._adata import cell_names, column, drop_columns, in_memory, matrix, modality, seed, text_column


@pytest.mark.filterwarnings("ignore::FutureWarning:mudata", "ignore::UserWarning:mudata")
def test_modality(counts: ad.AnnData) -> None:
    mdata = md.MuData({"rna": counts, "atac": counts.copy()})
    assert modality(counts, "anything") is counts
    assert modality(mdata) is mdata.mod["rna"]
    with pytest.raises(KeyError, match=r"no modality 'protein'; it has \['atac', 'rna'\]"):
        modality(mdata, "protein")
    with pytest.raises(TypeError, match="got DataFrame"):
        modality(counts.obs)
    with pytest.raises(ValueError, match="0 cells × 120 genes"):
        modality(counts[:0])


def test_matrix(counts: ad.AnnData) -> None:
    counts.layers["counts"] = counts.X * 2
    counts.raw = counts[:, :50].copy()
    X, holder = matrix(counts)
    assert X is counts.X
    assert holder is counts
    X, holder = matrix(counts, layer="counts")
    assert X is counts.layers["counts"]
    X, holder = matrix(counts, use_raw=True)
    assert X.shape == (60, len(holder.var_names)) == (60, 50)


def test_seed() -> None:
    assert seed(3) == seed(np.int64(3)) == 3
    assert seed(np.random.default_rng(5)) == seed(np.random.default_rng(5)) != seed(np.random.default_rng(6))
    assert seed(None) != seed(None)
    assert seed(2**63 - 1) == 2**63 - 1
    for invalid in (-1, 2**63, 2**64, np.uint64(2**63), 1.5, True, "0"):
        with pytest.raises(ValueError, match="rng must be"):
            seed(invalid)  # type: ignore[arg-type]


def test_obs_and_var_of_a_lazy_anndata(counts: ad.AnnData, tmp_path: Path) -> None:
    counts.obs["donor"] = counts.obs["donor"].astype("category")
    counts.write_zarr(tmp_path / "counts.zarr")
    read = ad.experimental.read_lazy
    for adata in (counts, *(read(tmp_path / "counts.zarr", load_annotation_index=loaded) for loaded in (True, False))):
        assert cell_names(adata).tolist() == counts.obs_names.tolist()
        assert column(adata, "donor").tolist() == counts.obs["donor"].tolist()
        assert in_memory(adata.var).index.tolist() == counts.var_names.tolist()
        adata.obs["more"] = np.arange(60)
        drop_columns(adata, ["more", "missing"])
        assert "more" not in adata.obs
        adata.obs["more"] = np.arange(60) * 2
        assert column(adata, "more").tolist() == list(range(0, 120, 2))
        drop_columns(adata, ["more"])


#: Columns of six values, and their text.
COLUMNS = {
    "category": (pd.Categorical(["B", None, "T", "B", "nan", "T"]), ["B", None, "T", "B", None, "T"]),
    "object": (pd.array(["B", "", "<NA>", "NaN", "None", "NA"], dtype=object), ["B", *[None] * 5]),
    "string": (pd.array(["B", None, "T", "nan", "B", "T"], dtype="string"), ["B", None, "T", None, "B", "T"]),
    "integer": (np.arange(6), list("012345")),
    "nullable": (pd.array([1, None, 3, 4, 5, 6], dtype="Int64"), ["1", None, "3", "4", "5", "6"]),
    "number": ([0.5, np.nan, 1, 2, 3, 4], ["0.5", None, "1.0", "2.0", "3.0", "4.0"]),
    "boolean": ([True, False] * 3, ["True", "False"] * 3),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_as_text(counts: ad.AnnData, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    values, expected = COLUMNS[kind]
    adata = counts[:6].copy()
    adata.obs["one"] = values
    found = text_column(adata, "one")
    assert found.dtype == object
    assert found.tolist() == expected
    assert found.index.tolist() == adata.obs_names.tolist()
    if kind == "object":
        assert (
            "5 cells have '' or '<NA>' or 'NA' or 'NaN' or 'None' in obs['one'], which counts as missing" in caplog.text
        )
    adata.write_zarr(tmp_path / "cells.zarr")
    assert text_column(ad.experimental.read_lazy(tmp_path / "cells.zarr"), "one").tolist() == expected


def test_a_column_without_such_texts_is_read_silently(counts: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    counts.obs["donor"] = pd.Categorical([None, "d1"] * 30)
    text_column(counts, "donor")
    assert not caplog.text


def test_a_view_keeps_the_mask(counts: ad.AnnData) -> None:
    counts.X = np.ma.masked_array(counts.X.toarray(), mask=False)
    counts.X[:, 0] = np.ma.masked
    counts.layers["masked"] = counts.X.copy()
    view = counts[5:]
    for arguments in ({}, {"layer": "masked"}):
        X, _ = matrix(view, **arguments)
        assert np.ma.getmaskarray(X)[:, 0].all()
        assert not np.ma.getmaskarray(X)[:, 1:].any()
    assert view.is_view
