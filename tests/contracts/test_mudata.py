"""Every tool takes a MuData and works on one modality."""

import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd

TOOLS = {
    "annotate": lambda data: sd.tl.annotate(data, labels="blood", mod="gex"),
    "predict": lambda data: sd.tl.predict(data, ("sensitivity", {"drug": "panobinostat"}), mod="gex"),
    "sensitivity": lambda data: sd.tl.sensitivity(data, "panobinostat", mod="gex"),
    "embed": lambda data: sd.tl.embed(data, mod="gex"),
    "duality": lambda data: (
        sd.tl.annotate(data, labels="blood", mod="gex"),
        sd.tl.duality(data, n_genes=10, mod="gex"),
    ),
}


@pytest.fixture
def plain():
    return sd.datasets.pbmc3k()[:4].copy()


@pytest.fixture
def both(plain):
    return md.MuData({"gex": plain.copy(), "other": plain[:, :10].copy()})


@pytest.mark.parametrize("tool", TOOLS)
def test_results_are_written_into_the_modality(tool, plain, both):
    TOOLS[tool](both)
    other = both.mod["other"].copy()
    expected = md.MuData({"gex": plain})
    TOOLS[tool](expected)
    found = both.mod["gex"]
    pd.testing.assert_frame_equal(found.obs, plain.obs)
    assert len(plain.obsm) > 0
    for key in plain.obsm:
        np.testing.assert_array_equal(np.asarray(found.obsm[key]), np.asarray(plain.obsm[key]))
    assert not other.obsm
    assert list(other.obs) == ["cell_type"]


def test_a_copy_leaves_the_original_unchanged(both):
    copied = sd.tl.embed(both, mod="gex", copy=True)
    assert "X_cell_sentence" in copied.mod["gex"].obsm
    assert not both.mod["gex"].obsm


def test_predicted_and_evaluated_cells(plain, both):
    sampling = sd.Sampling(max_tokens=24)
    found = sd.tl.perturb(both, ("cytokine", "IFNB1"), sampling=sampling, mod="gex")
    expected = sd.tl.perturb(plain, ("cytokine", "IFNB1"), sampling=sampling)
    assert found.layers["change"].nnz
    np.testing.assert_array_equal(found.X.toarray(), expected.X.toarray())
    sd.tl.annotate(both, labels="blood", mod="gex")
    scores = sd.tl.evaluate(both, "cell_type", metrics="accuracy", mod="gex")
    assert scores["n_cells"].tolist() == [4]
