"""Metrics of cell-eval in the table of tl.evaluate."""

import logging
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

import sc_duality as sd
from sc_duality.tl import _cell_eval
from sc_duality.tl._compared_space import Populations
from sc_duality.tl._score_table import Group


def at(scores, metric, condition="mean"):
    return scores[(scores["metric"] == metric) & (scores["condition"] == condition)].squeeze()


@pytest.fixture(scope="module")
def parts():
    """Two samples of three cell types as "perturbations", and CD4 T cells as control."""
    adata = sd.datasets.pbmc3k()
    sc.pp.filter_genes(adata, min_cells=160)
    types = adata.obs["cell_type"].astype(str)
    cells = adata[types.isin(["B cells", "NK cells", "CD14+ Monocytes"])].copy()
    return cells[::2].copy(), cells[1::2].copy(), adata[types == "CD4 T cells"].copy()


def test_a_missing_package_is_named_with_its_command(parts, monkeypatch):
    generated, real, control = parts
    monkeypatch.setitem(sys.modules, "cell_eval", None)
    monkeypatch.setattr("sc_duality.tl._cell_eval.find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r'pip install "sc-duality\[cell-eval\]"'):
        sd.tl.evaluate(generated, real, control=control, metrics="cell-eval")
    with pytest.raises(ValueError, match=r"metrics=\['overlap_at_N'\]: choose from .* pip install"):
        sd.tl.evaluate(generated, real, control=control, metrics=["overlap_at_N"])


def test_values_are_those_of_the_definitions(parts):
    pytest.importorskip("cell_eval")
    generated, real, control = parts
    names = ["mae", "pearson_delta", "discrimination_score_l1"]
    scores = sd.tl.evaluate(generated, real, "cell_type", control=control, metrics=names)
    assert set(scores["metric"]) == set(names)

    def mean(adata):
        normalised = adata.copy()
        normalised.X = normalised.X.astype(float)
        sc.pp.normalize_total(normalised, target_sum=1e4)
        sc.pp.log1p(normalised)
        return np.asarray(normalised.X.mean(0)).ravel()

    sides = [
        {name: mean(side[side.obs["cell_type"] == name]) for name in set(side.obs["cell_type"])}
        for side in (generated, real)
    ]
    changes = [{name: value - mean(control) for name, value in side.items()} for side in sides]
    for name in sides[0]:
        assert at(scores, "mae", name).value == pytest.approx(np.abs(sides[0][name] - sides[1][name]).mean(), rel=1e-4)
        correlation = np.corrcoef(changes[0][name], changes[1][name])[0, 1]
        assert at(scores, "pearson_delta", name).value == pytest.approx(correlation, rel=1e-4)
    assert at(scores, "discrimination_score_l1").value == 1


def test_all_metrics_have_a_row_for_each_condition_and_wrong_conditions_score_worse(parts):
    pytest.importorskip("cell_eval")
    generated, real, control = parts
    good = sd.tl.evaluate(generated, real, "cell_type", control=control, metrics=["cell-eval"])
    assert {"overlap_at_N", "discrimination_score_l1", "mae", "de_nsig_counts_real"} <= set(good["metric"])
    assert set(good["condition"]) == {"B cells", "NK cells", "CD14+ Monocytes", "mean"}
    assert good["embedding"].str.startswith("cell-eval, log1p expression of").all()
    wrong = generated.copy()
    wrong.obs["cell_type"] = (
        wrong.obs["cell_type"]
        .astype(str)
        .map({"B cells": "NK cells", "NK cells": "CD14+ Monocytes", "CD14+ Monocytes": "B cells"})
    )
    bad = sd.tl.evaluate(wrong, real, "cell_type", control=control, metrics=["cell-eval"])
    for metric in ("overlap_at_N", "discrimination_score_l1", "pearson_delta"):
        assert at(good, metric).value > at(bad, metric).value + 0.2


def test_cells_in_log10_are_the_same_as_counts(parts):
    pytest.importorskip("cell_eval")
    generated, real, control = parts
    logged = generated.copy()
    logged.X = logged.X.astype(float)
    sc.pp.normalize_total(logged, target_sum=1e4)
    sc.pp.log1p(logged, base=10)
    logged.uns["log1p"] = {"base": 10, "target_sum": 1e4}
    options = {"control": control, "metrics": ["mae", "overlap_at_N"]}
    counts = sd.tl.evaluate(generated, real, "cell_type", **options)
    np.testing.assert_allclose(
        sd.tl.evaluate(logged, real, "cell_type", **options)["value"], counts["value"], rtol=1e-3
    )


def test_one_condition_cannot_be_told_from_others(parts):
    pytest.importorskip("cell_eval")
    generated, real, control = parts
    scores = sd.tl.evaluate(generated, real, control=control, metrics=["discrimination_score_l1", "mae"])
    assert np.isnan(at(scores, "discrimination_score_l1", "all").value)
    assert "compares conditions: 2 or more" in at(scores, "discrimination_score_l1", "all").note
    assert at(scores, "mae", "all").value > 0


def test_each_condition_has_its_own_control_cells(parts):
    pytest.importorskip("cell_eval")
    generated, real, _ = parts
    part = np.arange(real.n_obs) % 2
    control, observed = real[part == 0].copy(), real[part == 1].copy()
    options = {"control": control, "metrics": ["pearson_delta", "discrimination_score_l1"]}
    scores = sd.tl.evaluate(generated, observed, "cell_type", **options)
    assert scores[scores["metric"] == "pearson_delta"]["value"].notna().all()
    assert scores[scores["metric"] == "discrimination_score_l1"]["value"].isna().all()
    alone = sd.tl.evaluate(
        *(each[each.obs["cell_type"] == "B cells"].copy() for each in (generated, observed)),
        "cell_type",
        control=control[control.obs["cell_type"] == "B cells"].copy(),
        metrics="pearson_delta",
    )
    assert at(alone, "pearson_delta").value == pytest.approx(at(scores, "pearson_delta", "B cells").value)


def test_a_condition_without_cells_has_a_note(parts):
    pytest.importorskip("cell_eval")
    generated, real, control = parts
    fewer = generated[generated.obs["cell_type"] != "B cells"].copy()
    scores = sd.tl.evaluate(fewer, real, "cell_type", control=control, metrics="mae")
    assert np.isnan(at(scores, "mae", "B cells").value)
    assert "cells of the condition are needed" in at(scores, "mae", "B cells").note
    assert at(scores, "mae").value > 0


def test_the_root_logger_stays_as_it_was():
    """Some versions of pdex configure it on import."""
    pytest.importorskip("cell_eval")
    code = (
        "import logging; from sc_duality.tl._cell_eval import metric_names; assert 'mae' in metric_names(['mae']); "
        "root = logging.getLogger(); print(root.handlers, root.level)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == f"[] {logging.WARNING}"


def test_a_metric_needs_control_cells(parts):
    pytest.importorskip("cell_eval")
    with pytest.raises(ValueError, match="the metric 'mae' needs control=: pass it"):
        sd.tl.evaluate(*parts[:2], metrics=["mae"])


def test_the_note_of_a_metric_holds_its_own_error_alone(monkeypatch):
    class Package:
        """A cell-eval whose metrics all fail."""

        metrics_registry = SimpleNamespace(list_metrics=lambda *_: [])
        MetricType = SimpleNamespace(DE=None)

        MetricsEvaluator = staticmethod(lambda *_, **__: SimpleNamespace(de_comparison=None, anndata_pair=None))

        class MetricPipeline:
            compute_anndata_metrics = compute_de_metrics = lambda *_: None

            def __init__(self, profile):
                assert profile is None

            def add_metrics(self, names):
                logging.getLogger("cell_eval").error("%s failed", names[0])

            def get_results(self):
                return SimpleNamespace(to_pandas=lambda: pd.DataFrame({"perturbation": []}))

    monkeypatch.setattr(_cell_eval, "_cell_eval", lambda: Package)
    one, genes = sparse.csr_matrix(np.ones((2, 1))), np.array(["CD3E"])
    cells = Populations(one, one, one, None, genes, "")
    rows = np.arange(2)
    found = _cell_eval._run(cells, [Group("a", rows, rows)], rows, ["mae", "mse"])
    assert [one.error for one in found.values()] == ["mae failed", "mse failed"]
