from __future__ import annotations

from pathlib import Path

import anndata as ad
import mudata as md
import numpy as np
import pytest

from sc_duality.cells._adata import cell_names, column, drop_columns, in_memory, matrix, modality, seed


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
    for invalid in (-1, 1.5, True, "0"):
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
