"""tl.evaluate on expression: changes and distances of predicted cells with a known change."""

import numpy as np
import pytest
import scanpy as sc
from scipy import sparse
from scipy.stats import kendalltau

import sc_duality as sd
from sc_duality import metrics


def at(scores, metric, condition="mean"):
    return scores[(scores["metric"] == metric) & (scores["condition"] == condition)].squeeze()


@pytest.fixture(scope="module")
def monocytes():
    """CD14-positive monocytes as control, and FCGR3A-positive ones as treated cells: raw counts."""
    adata = sd.datasets.pbmc3k()
    types = adata.obs["cell_type"]
    return adata[types == "CD14+ Monocytes"].copy(), adata[types == "FCGR3A+ Monocytes"].copy()


def log1p(adata):
    found = adata.copy()
    found.X = found.X.astype(float)
    sc.pp.normalize_total(found, target_sum=1e4)
    sc.pp.log1p(found)
    return found.X.toarray()


def predicted(control, change):
    """Predicted cells as ``tl.perturb`` writes them: log10(1 + counts per 10,000), with their control cells."""
    found = control.copy()
    before = log1p(control)
    found.X = sparse.csr_matrix(np.maximum(before + change, 0) / np.log(10), dtype=np.float32)
    found.layers["control"] = sparse.csr_matrix(before / np.log(10), dtype=np.float32)
    found.uns["log1p"] = {"base": 10, "target_sum": 1e4}
    return found


def test_changes_are_those_of_mean_expression(monocytes):
    control, treated = monocytes
    change = 0.5 * (log1p(treated).mean(0) - log1p(control).mean(0)) + 0.01 * np.arange(control.n_vars)[::-1] % 0.07
    found = predicted(control, change)
    scores = sd.tl.evaluate(found, treated, control=control, on="expression", metrics=["pearson", "kendall"], n_top=15)
    observed = log1p(treated).mean(0) - log1p(control).mean(0)
    made = np.log(10) * (found.X - found.layers["control"]).mean(0).A1
    some = (log1p(treated).mean(0) > 0) | (log1p(control).mean(0) > 0) | (found.X.mean(0).A1 > 0)
    assert at(scores, "pearson").value == pytest.approx(np.corrcoef(observed[some], made[some])[0, 1], rel=1e-4)
    assert at(scores, "kendall").value == pytest.approx(kendalltau(observed[some], made[some]).statistic, abs=2e-3)
    top = np.argsort(-np.abs(observed))[:15]
    assert at(scores, "pearson_top15").value == pytest.approx(np.corrcoef(observed[top], made[top])[0, 1], rel=1e-4)
    assert at(scores, "pearson").embedding.startswith("log1p expression of")


def test_the_size_of_a_change_counts_in_expression_but_not_in_sentences(monocytes):
    control, treated = monocytes
    observed = log1p(treated).mean(0) - log1p(control).mean(0)
    distances = {}
    for size in (0.2, 1.0):
        found = predicted(control, size * observed)
        scores = sd.tl.evaluate(found, treated[:25], fit=treated[25:], on="expression", metrics=["frechet", "mmd"])
        distances[size] = at(scores, "frechet").value
    assert distances[1.0] < distances[0.2]


def test_the_predicted_change_is_from_the_cells_that_the_prediction_started_from(monocytes):
    """Other control cells as the reference of the observed change do not enter the predicted one."""
    control, treated = monocytes
    found = predicted(control[:20].copy(), np.zeros(control.n_vars))
    options = {"on": "expression", "metrics": "pearson"}
    scores = sd.tl.evaluate(found, treated, control=control[20:].copy(), **options)
    assert np.isnan(at(scores, "pearson", "all").value)
    del found.layers["control"]
    assert np.isfinite(at(sd.tl.evaluate(found, treated, control=control[20:].copy(), **options), "pearson").value)


def test_distances_are_those_of_the_metrics_in_components_of_expression(monocytes):
    control, treated = monocytes
    scores = sd.tl.evaluate(control, treated, fit=sd.datasets.pbmc3k(), on="expression", metrics=["frechet", "mmd"])
    from sklearn.decomposition import PCA

    pca = PCA(50, svd_solver="full").fit(log1p(sd.datasets.pbmc3k()))
    sides = pca.transform(log1p(treated)), pca.transform(log1p(control))
    assert at(scores, "frechet").value == pytest.approx(metrics.frechet(*sides), rel=1e-3)
    assert at(scores, "mmd").value == pytest.approx(metrics.mmd(*sides), rel=1e-3)
    assert at(scores, "mmd").embedding.startswith("50 principal components, log1p expression of")


def test_kendall_of_sentences(monocytes):
    control, treated = monocytes
    for adata in (control, treated):
        sd.pp.cell_sentences(adata)
    scores = sd.tl.evaluate(treated[::2], treated[1::2], control=control, metrics=["kendall", "pearson"], n_genes=60)
    assert list(scores["metric"].unique()) == ["pearson", "pearson_top20", "kendall"]
    assert 0.1 < at(scores, "kendall").value < 1
    none = sd.tl.evaluate(control, treated, control=control, metrics="kendall")
    assert np.isnan(at(none, "kendall", "all").value)
    assert "all values on one side are equal" in at(none, "kendall", "all").note


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on": "genes"}, "on='genes' is not an option: choose from 'sentences', 'expression'"),
        ({"on": "expression", "n_genes": 20}, "n_genes=20 cuts sentences: leave it out"),
        ({"metrics": "kendall"}, "the metric 'kendall' needs control=: pass it"),
    ],
)
def test_wrong_arguments_are_refused(monocytes, options, message):
    with pytest.raises(ValueError, match=message):
        sd.tl.evaluate(*monocytes, **options)
