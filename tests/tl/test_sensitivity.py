"""Sensitivity: which drugs and labels a model takes, what it is asked and what is written."""

import anndata as ad
import numpy as np
import pytest
from scipy.special import softmax

import sc_duality as sd

KNOWN = {"sensitivity": {"drugs": {"Panobinostat": ["treated", "untreated"]}}}


def test_general_model_is_asked_about_any_drug(cells, parrot):
    model = parrot(scores=[[0.0, 1.0], [2.0, 0.0]])
    sd.tl.sensitivity(cells, "erlotinib", model, n_genes=3)
    assert cells.obs["sensitivity"][:2].tolist() == ["resistant", "sensitive"]
    np.testing.assert_allclose(cells.obs["sensitivity_confidence"][:2], [softmax([0, 1])[1], softmax([2, 0])[0]])
    assert list(cells.obsm["sensitivity_probabilities"].columns) == ["sensitive", "resistant"]
    assert "How does this cell take the drug erlotinib?" in model.prompts[0]
    assert " ".join(sd.get.gene_lists(cells, n_genes=3)[0]) in model.prompts[0]
    params = cells.uns["sensitivity"]["params"]
    assert (params["task"], params["drug"], params["labels"]) == (
        "sensitivity",
        "erlotinib",
        ["sensitive", "resistant"],
    )


def test_model_that_knows_a_drug_is_asked_in_its_own_words(cells, parrot):
    model = parrot(scores=[[0.0, 1.0]], knows=KNOWN)
    sd.tl.sensitivity(cells, "panobinostat", model)
    assert (cells.obs["sensitivity"] == "untreated").all()
    assert "drug Panobinostat" in model.prompts[0]
    sd.tl.sensitivity(cells, "panobinostat", model, labels=["Untreated", "TREATED"])
    assert model.choices == ["<answer>untreated</answer>", "<answer>treated</answer>"]
    assert (cells.obs["sensitivity"] == "TREATED").all()


def test_labels_may_stand_in_a_column(cells, parrot):
    cells.obs["fate"] = ["dies", "lives", None] * (cells.n_obs // 3) + ["dies"] * (cells.n_obs % 3)
    sd.tl.sensitivity(cells, "erlotinib", parrot(scores=[[0.0, 1.0]]), labels="fate")
    assert (cells.obs["sensitivity"] == "lives").all()


def test_threshold_of_types_is_not_used(cells, parrot):
    model = parrot(scores=[[0.0, 0.0]], knows={"annotation": {"unknown": 0.9}})
    sd.tl.sensitivity(cells, "erlotinib", model)
    assert (cells.obs["sensitivity_status"] == "ok").all()
    sd.tl.sensitivity(cells, "erlotinib", model, unknown=0.9)
    assert (cells.obs["sensitivity"] == "unknown").all()


def test_written_answers_are_read(cells, parrot):
    model = parrot(texts=["<think>EGFR</think><answer>Resistant</answer>", "no idea"])
    sd.tl.sensitivity(cells, "erlotinib", model, method="generate")
    assert cells.obs["sensitivity"][:2].tolist() == ["resistant", np.nan]
    assert cells.obs["sensitivity_status"][:2].tolist() == ["ok", "no answer tag"]


def test_duality_knows_the_drug(cells, parrot, tmp_path):
    def judge(prompt, _):
        return -1.0 if "this cell is: sensitive" in prompt else -2.0

    model = parrot(scores=[[0.0, 1.0], [1.0, 0.0]], judge=judge)
    sd.tl.sensitivity(cells, "erlotinib", model, duality=True)
    np.testing.assert_allclose(cells.obs["sensitivity_duality"][:2], softmax([-1.0, -2.0])[::-1])
    assert all("the drug erlotinib" in prompt for prompt, _ in model.judged)
    sd.tl.duality(cells, "sensitivity", model, form="likelihood", n_genes=4)
    np.testing.assert_allclose(cells.obs["sensitivity_duality"][:2], [0, 1 / 4])
    cells.write_h5ad(tmp_path / "a.h5ad")
    found = ad.read_h5ad(tmp_path / "a.h5ad")
    sd.tl.duality(found, "sensitivity", model, form="likelihood", n_genes=4)
    np.testing.assert_array_equal(found.obs["sensitivity_duality"], cells.obs["sensitivity_duality"])
    with pytest.raises(ValueError, match="does not know the drug 'erlotinib'; it knows Panobinostat"):
        sd.tl.duality(cells, "sensitivity", parrot(knows=KNOWN))


def test_copy_leaves_the_original_alone(cells, parrot):
    before = set(cells.obs)
    result = sd.tl.sensitivity(cells, "erlotinib", parrot(scores=[[0.0, 1.0]]), copy=True)
    assert set(cells.obs) == before
    assert "sensitivity" in result.obs
