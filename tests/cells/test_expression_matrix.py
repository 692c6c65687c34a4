"""The matrix that is ranked where nobody names one: X, else .raw, else the layer with counts."""

from __future__ import annotations

from collections.abc import Callable

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from scipy import sparse

import sc_duality as sd
from sc_duality.cells import plan_ranking


@pytest.fixture
def pbmc() -> ad.AnnData:
    adata = sd.datasets.pbmc3k()
    adata.X = adata.X.astype(np.float32)
    return adata


def chosen(adata: ad.AnnData) -> tuple[str | None, bool]:
    params = plan_ranking(adata).params
    return params.get("layer"), params["use_raw"]


def clr(adata: ad.AnnData) -> None:
    """Centred log-ratio of each gene over the cells, as muon's default."""
    X = adata.X.toarray()
    adata.X = sparse.csr_matrix(np.log1p(X / np.exp(np.log1p(X).mean(0))))


def residuals(adata: ad.AnnData) -> None:
    sc.experimental.pp.normalize_pearson_residuals(adata)


def logged(adata: ad.AnnData) -> None:
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)


def scaled(adata: ad.AnnData) -> None:
    logged(adata)
    sc.pp.scale(adata, max_value=10)


def unit_variance(adata: ad.AnnData) -> None:
    logged(adata)
    sc.pp.scale(adata, zero_center=False)


def min_max(adata: ad.AnnData) -> None:
    logged(adata)
    adata.X = adata.X.toarray() / np.maximum(adata.X.max(0).toarray(), 1e-9)


TRANSFORMS = [scaled, unit_variance, min_max, clr, residuals]


def test_counts_and_logarithms_in_x_are_ranked(pbmc: ad.AnnData) -> None:
    pbmc.raw = pbmc.copy()
    pbmc.layers["counts"] = pbmc.X.copy()
    assert chosen(pbmc) == (None, False)
    logged(pbmc)
    assert chosen(pbmc) == (None, False)


@pytest.mark.filterwarnings("ignore:zero-centering")
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_raw_is_ranked_where_x_lost_the_order(
    pbmc: ad.AnnData, transform: Callable[[ad.AnnData], None], caplog: pytest.LogCaptureFixture
) -> None:
    expected = sd.pp.cell_sentences(pbmc, copy=True)
    pbmc.layers["counts"] = pbmc.X.copy()
    pbmc.raw = pbmc.copy()
    transform(pbmc)
    caplog.set_level("INFO", "sc_duality")
    sd.pp.cell_sentences(pbmc)
    assert pbmc.uns["cell_sentence"]["params"]["use_raw"]
    np.testing.assert_array_equal(pbmc.obsm["cell_sentence"], expected.obsm["cell_sentence"])
    (message,) = [record.getMessage() for record in caplog.records if "ranked from" in record.getMessage()]
    assert message.endswith("cell sentences are ranked from .raw")
    pbmc.raw = None
    assert chosen(pbmc) == ("counts", False)


def test_of_the_layers_counts_come_first_and_most_of_them(pbmc: ad.AnnData) -> None:
    counts = pbmc.X.copy()
    pbmc.layers["a_normalised"] = counts / 2
    pbmc.layers["b_spliced"] = counts.multiply(counts > 1).tocsr()
    pbmc.layers["c_counts"] = counts
    pbmc.layers["d_text"] = np.full(pbmc.shape, "a", dtype=object)
    pbmc.X = -counts
    assert chosen(pbmc) == ("c_counts", False)
    pbmc.X = None
    assert chosen(pbmc) == ("c_counts", False)
    del pbmc.layers["c_counts"], pbmc.layers["b_spliced"]
    assert chosen(pbmc) == ("a_normalised", False)


def test_reconstructed_layers_are_not_taken_for_expression(pbmc: ad.AnnData) -> None:
    sd.pp.cell_sentences(pbmc)
    sd.pp.fit_expression(pbmc)
    sd.pp.reconstruct_expression(pbmc)
    pbmc.X = -pbmc.X
    with pytest.raises(ValueError, match="X holds .* negative values"):
        sd.pp.cell_sentences(pbmc, key_added="other")


def test_false_names_x(pbmc: ad.AnnData) -> None:
    pbmc.layers["counts"] = pbmc.X.copy()
    pbmc.X = -pbmc.X
    with pytest.raises(ValueError, match="X holds .* negative values .*: pass layer='counts'"):
        sd.pp.cell_sentences(pbmc, use_raw=False)


def test_the_standard_notebook_is_annotated_as_its_counts_are(pbmc: ad.AnnData, tmp_path) -> None:  # type: ignore[no-untyped-def]
    pbmc = pbmc[:30].copy()
    expected = sd.tl.annotate(pbmc, labels="blood", copy=True)
    pbmc.raw = pbmc.copy()
    sc.pp.normalize_total(pbmc, target_sum=1e4)
    sc.pp.log1p(pbmc)
    processed = pbmc[:, :500].copy()
    sc.pp.scale(processed, zero_center=True)
    sd.tl.annotate(processed, labels="blood")
    np.testing.assert_array_equal(processed.obsm["annotation_probabilities"], expected.obsm["annotation_probabilities"])
    processed.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    sd.tl.annotate(again, labels="blood")
    assert again.obs["annotation"].tolist() == expected.obs["annotation"].tolist()


def test_a_named_matrix_replaces_automatic_sentences_only(pbmc: ad.AnnData) -> None:
    pbmc = pbmc[:10].copy()
    pbmc.layers["reversed"] = pbmc.X.copy()
    pbmc.layers["reversed"].data = pbmc.X.data.max() + 1 - pbmc.X.data
    sd.tl.embed(pbmc)
    sd.tl.embed(pbmc, layer="reversed")
    assert pbmc.uns["cell_sentence"]["params"]["layer"] == "reversed"
    sd.pp.cell_sentences(pbmc)
    before = pbmc.obsm["cell_sentence"].copy()
    with pytest.raises(ValueError, match="was written from X, not from layer 'reversed'"):
        sd.tl.embed(pbmc, layer="reversed")
    np.testing.assert_array_equal(pbmc.obsm["cell_sentence"], before)
    sd.tl.embed(pbmc, use_raw=False)


@pytest.mark.parametrize("tool", ["annotate", "sensitivity", "predict", "perturb", "embed"])
def test_every_tool_names_a_missing_layer(pbmc: ad.AnnData, tool: str) -> None:
    needed = {
        "sensitivity": ("panobinostat",),
        "predict": (("sensitivity", {"drug": "panobinostat"}),),
        "perturb": (("cytokine", "IFNB1"),),
    }
    with pytest.raises(KeyError, match="no layer 'counts'; there are no layers"):
        getattr(sd.tl, tool)(pbmc[:5].copy(), *needed.get(tool, ()), layer="counts")


def test_perturbed_cells_of_raw(pbmc: ad.AnnData) -> None:
    pbmc = pbmc[:3].copy()
    sampling = sd.Sampling(max_tokens=24)
    expected = sd.tl.perturb(pbmc, ("cytokine", "IFNB1"), sampling=sampling)
    assert expected.layers["change"].nnz
    pbmc.raw = pbmc.copy()
    pbmc.X = pbmc.X.toarray() - 1
    found = sd.tl.perturb(pbmc, ("cytokine", "IFNB1"), sampling=sampling)
    np.testing.assert_allclose(found.X.toarray(), expected.X.toarray())
