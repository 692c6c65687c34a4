"""Annotation by the embedded model next to baselines: the parts that run on shipped cells."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from scipy import sparse

from benchmarks import embedded
from benchmarks._baselines import baselines, log_normalised, per_10000, predict
from benchmarks._embedded_scores import chosen_baseline
from benchmarks._held_out import quick_sets
from benchmarks._scores import accuracy_and_f1
from benchmarks.generation import duplicates
from recipes.embedded.real_cells import counts_of_log2


def cells_of(values: list[list[float]]) -> ad.AnnData:
    return ad.AnnData(sparse.csr_matrix(np.array(values, dtype=np.float64)))


def test_neighbours_find_the_types_of_shipped_cells() -> None:
    held_out = quick_sets(0)["pbmc3k, shipped cells"]
    predicted = predict("neighbours_pca", held_out.train, held_out.cells, 0)
    assert (predicted == held_out.cells.obs["label"].to_numpy(str)).mean() > 0.8


def test_every_cell_has_a_total_of_10000() -> None:
    counts = cells_of([[1, 0, 3], [5, 5, 0]])
    logs = ad.AnnData(log_normalised(counts))
    part = logs[:, :2].copy()  # log-normalised by the total of all genes
    for cells in (counts, logs, part):
        np.testing.assert_allclose(per_10000(cells).expm1().sum(1), 1e4)
    np.testing.assert_allclose(per_10000(logs).toarray(), logs.X.toarray())
    np.testing.assert_array_equal(log_normalised(part).toarray(), part.X.toarray())


def test_counts_of_logarithms() -> None:
    counts = np.array([[1, 0, 7], [0, 1, 2], [0, 0, 0]])
    logs = np.log2(1 + counts * np.array([[3.58], [0.12], [1]]))
    np.testing.assert_array_equal(counts_of_log2(sparse.csr_matrix(logs)).toarray(), counts)


def test_merged_labels_count_as_one() -> None:
    truth, predicted = np.array(["a", "b"]), np.array(["a", "c"])
    assert accuracy_and_f1(truth, predicted, {})["accuracy"] == 0.5
    assert accuracy_and_f1(truth, predicted, {"c": "b"})["accuracy"] == 1


def test_one_baseline_is_chosen_by_pancreas_and_blood() -> None:
    low = dict.fromkeys(baselines(), 0.5)
    validation = {
        "pancreas": {**low, "regression_ranks": 0.9},
        "blood": {**low, "neighbours_pca": 0.8},
        "tumour": {**low, "neighbours_pca": 1.0},
    }
    assert chosen_baseline(validation) == "regression_ranks"


def test_duplicates_repeat_a_gene_or_a_cell() -> None:
    assert duplicates([["A", "B"], ["A", "B"], ["A", "A"], ["B", "A"]]) == 0.75


@pytest.mark.slow
def test_the_last_line_has_all_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["embedded", "--quick"])
    monkeypatch.setattr("recipes.embedded.real_cells.DATA", tmp_path)  # only shipped cells are needed
    embedded.main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {
        "sets", "baseline", "validation", "lookalikes", "known_unknown", "ece", "generation", "n_types",
    } <= set(found)  # fmt: skip
    for row in found["sets"].values():
        assert {"n", "accuracy", "macro_f1", "baseline", "baselines"} <= set(row)
        assert row["baseline"] == row["baselines"][found["baseline"]]["accuracy"]
    for row in found["lookalikes"].values():
        assert set(row) == {"n", "unknown", "called"}
    for row in found["generation"].values():
        assert set(row) == {"type_fidelity", "scFID", "gene_frequency", "duplicates"}
