"""Cells of the recipe of the embedded model: what is copied into the package, and how many are trained on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks._held_out import shipped_pbmc3k
from recipes.embedded.description import take_calibration
from recipes.embedded.training_cells import (
    CELLS_PER_TYPE,
    NOT_COPIED,
    at_most,
    drawn,
    generation_contexts,
    reference_cells,
)
from sc_duality.models import SPEC_FILE


@pytest.fixture(scope="module")
def cells():
    return shipped_pbmc3k()


def test_drawn_cells_are_no_copies_and_like_their_type(cells):
    found = drawn(cells, np.random.default_rng(0))
    assert found.obs["label"].tolist() == cells.obs["label"].tolist()
    real = {tuple(row) for row in cells.X.toarray()}
    assert not real & {tuple(row) for row in found.X.toarray()}
    means = {
        name: [of[(of.obs["label"] == name).to_numpy()].X.mean(0).A1 for of in (cells, found)]
        for name in ("B cell", "natural killer cell")
    }
    (b_cell, drawn_b_cell), (killer, _) = means.values()
    assert np.corrcoef(b_cell, drawn_b_cell)[0, 1] > 0.99
    assert np.linalg.norm(b_cell - drawn_b_cell) < np.linalg.norm(killer - drawn_b_cell)


def test_only_studies_that_may_be_copied_are(cells):
    names = ["pbmc3k", *sorted(NOT_COPIED)]
    genes = cells.var_names[:500].tolist()
    copied, *others = reference_cells(dict.fromkeys(names, cells), genes)
    assert copied.var_names.tolist() == genes
    assert (copied.X != cells[:, genes].X).nnz == 0
    assert all((one.X != cells[:, genes].X).nnz > 0 for one in others)


def test_at_most_so_many_cells_of_a_type(cells):
    found = at_most(cells, 20, np.random.default_rng(0))
    before, after = (each.obs["label"].value_counts() for each in (cells, found))
    assert after.to_dict() == before.clip(upper=20).to_dict()


def test_calibration_is_taken_and_nothing_else(tmp_path: Path):
    specs = []
    for name, value in (("own", 1.0), ("other", 2.0)):
        annotation = {"labels": [name], "unknown": value, "in_distribution": {"midpoint": value}}
        specs.append(
            {"knows": {"annotation": annotation}, "temperature": value, "dual_temperature": value, "note": name}
        )
        (tmp_path / name).mkdir()
        (tmp_path / name / SPEC_FILE).write_text(json.dumps(specs[-1]))
    take_calibration(tmp_path / "own", tmp_path / "other")
    annotation = {"labels": ["own"], "unknown": 2.0, "in_distribution": {"midpoint": 2.0}}
    expected = {"knows": {"annotation": annotation}, "temperature": 2.0, "dual_temperature": 2.0, "note": "own"}
    assert json.loads((tmp_path / "own" / SPEC_FILE).read_text()) == expected


def test_a_few_cells_of_each_type_give_generation_its_context(cells):
    generated = cells.copy()
    generated.obs["generated"] = generated.obs["label"]
    (found,) = generation_contexts({"pbmc3k": generated, "panel": cells})
    assert found.obs["label"].value_counts().max() == CELLS_PER_TYPE
    assert set(found.obs["label"]) == set(cells.obs["label"])
