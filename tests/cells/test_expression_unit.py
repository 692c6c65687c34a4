"""The unit of expression is recognised, or has to be named."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

import sc_duality as sd
from tests.scripted_model import ScriptedModel


@pytest.fixture
def pbmc() -> ad.AnnData:
    adata = sd.datasets.pbmc3k()[::2].copy()
    adata.X = adata.X.astype(np.float64)
    return adata


def fit(adata: ad.AnnData, **arguments: object) -> dict[str, object]:
    sd.pp.cell_sentences(adata)
    sd.pp.fit_expression(adata, **arguments)
    return adata.uns["cell_sentence"]["expression_model"]


def decimals(adata: ad.AnnData) -> ad.AnnData:
    """Corrected counts below 30."""
    adata = adata[:, adata.X.max(0).toarray().ravel() < 29].copy()
    adata.X.data *= np.random.default_rng(0).uniform(0.9, 1, adata.X.nnz)
    return adata


@pytest.mark.parametrize("target_sum", [1e4, 1e6, 500, 2187.5, None])
@pytest.mark.parametrize("base", [None, 2, 10])
@pytest.mark.parametrize("base_is_known", [True, False])
def test_logarithms_for_any_total_and_base(
    pbmc: ad.AnnData, target_sum: float | None, base: int | None, base_is_known: bool
) -> None:
    expected = fit(pbmc.copy())
    total = target_sum or float(np.median(np.asarray(pbmc.X.sum(1))))
    sc.pp.normalize_total(pbmc, target_sum=target_sum)
    normalised = fit(pbmc.copy())
    assert (normalised["scale"], normalised["slope"]) == ("counts", pytest.approx(expected["slope"]))
    sc.pp.log1p(pbmc, base=base)
    if not base_is_known:
        del pbmc.uns["log1p"]
    found = fit(pbmc)
    assert (found["scale"], found["base"], found["n"]) == ("log1p", base or np.e, expected["n"])
    numbers = [found[name] for name in ("slope", "intercept", "r2", "target_sum")]
    assert numbers == pytest.approx([expected["slope"], expected["intercept"], expected["r2"], total], rel=1e-6)


def test_genes_that_were_filtered_do_not_matter(pbmc: ad.AnnData) -> None:
    sc.pp.normalize_total(pbmc, target_sum=1e4)
    sc.pp.log1p(pbmc)
    expected = fit(pbmc.copy())
    sc.pp.filter_genes(pbmc, min_cells=3)
    found = fit(pbmc)
    assert found["target_sum"] == 1e4
    assert found["intercept"] == pytest.approx(expected["intercept"], abs=0.01)


def test_decimals_need_a_unit(pbmc: ad.AnnData) -> None:
    corrected = decimals(pbmc)
    sd.pp.cell_sentences(corrected)
    message = (
        r"may be counts .* or logarithms .*different totals: call sd.pp.fit_expression\(adata, unit='counts'\), or"
    )
    with pytest.raises(ValueError, match=message):
        sd.pp.fit_expression(corrected)
    assert "expression_model" not in corrected.uns["cell_sentence"]
    rounded = corrected.copy()
    rounded.X.data = np.ceil(rounded.X.data)
    expected = fit(rounded)
    found = fit(corrected, unit="counts")
    assert found["scale"] == "counts"
    assert found["intercept"] == pytest.approx(expected["intercept"], abs=0.1)


def test_logarithms_of_variable_genes_need_their_total(pbmc: ad.AnnData) -> None:
    expected = fit(pbmc.copy())
    sc.pp.normalize_total(pbmc, target_sum=5000)
    sc.pp.log1p(pbmc)
    sd.pp.cell_sentences(pbmc)
    part = pbmc[:, np.asarray(pbmc.X.mean(0)).ravel() > 0.02].copy()
    part = part[:, ::2].copy()
    sd.pp.cell_sentences(part)
    for arguments in ({}, {"unit": "log1p"}):
        with pytest.raises(ValueError, match="unit='log1p', target_sum="):
            sd.pp.fit_expression(part, **arguments)
    whole = fit(pbmc, unit="log1p", target_sum=5000)
    assert whole["intercept"] == pytest.approx(expected["intercept"])
    found = fit(part, unit="log1p", target_sum=5000)
    assert (found["scale"], found["target_sum"], found["base"]) == ("log1p", 5000, np.e)


def test_two_cells_need_a_unit(pbmc: ad.AnnData) -> None:
    expected = fit(pbmc[:2].copy())
    sc.pp.normalize_total(pbmc, target_sum=1e4)
    sc.pp.log1p(pbmc)
    two = pbmc[:2].copy()
    sd.pp.cell_sentences(two)
    with pytest.raises(ValueError, match="there are too few cells with expression to tell: call .*unit='log1p'"):
        sd.pp.fit_expression(two)
    assert fit(two, unit="log1p", target_sum=1e4)["slope"] == pytest.approx(expected["slope"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"unit": "tpm"}, "unit='tpm' is not an option"),
        ({"target_sum": 1e4}, "target_sum=10000.0 is the total of logarithms: pass unit='log1p'"),
        ({"unit": "counts", "target_sum": 1e4}, "pass unit='log1p'"),
        ({"unit": "log1p", "target_sum": 0}, "target_sum must be a positive number, got 0"),
    ],
)
def test_invalid_units(pbmc: ad.AnnData, arguments: dict[str, object], message: str) -> None:
    sd.pp.cell_sentences(pbmc)
    with pytest.raises(ValueError, match=message):
        sd.pp.fit_expression(pbmc, **arguments)


def test_a_fit_is_drawn_in_its_unit(pbmc: ad.AnnData) -> None:
    drawn = []
    for adata, unit in ((pbmc.copy(), {}), (decimals(pbmc), {"unit": "counts"})):
        sd.pp.cell_sentences(adata)
        sd.pp.fit_expression(adata, **unit)
        median, fitted = sd.pl.rank_expression(adata).get_lines()
        drawn.append(np.nanmedian(np.abs(median.get_ydata() - fitted.get_ydata())))
    assert max(drawn) < 0.3


def test_prediction_says_how_to_name_the_unit(pbmc: ad.AnnData) -> None:
    corrected = decimals(pbmc)
    with pytest.raises(ValueError, match=r"call sd.pp.fit_expression\(adata, unit='counts'\)"):
        sd.tl.perturb(corrected, ("cytokine", "IFNB1"), ScriptedModel(texts=[]))
