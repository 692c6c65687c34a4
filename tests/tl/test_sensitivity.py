"""Sensitivity: drugs and labels that a model accepts, its prompts, and what is written."""

import anndata as ad
import numpy as np
import pytest
from scipy.special import softmax

import sc_duality as sd

KNOWN = {"sensitivity": {"drugs": {"Panobinostat": ["treated", "untreated"]}}}


def test_a_general_model_predicts_for_any_drug(cells, scripted_model):
    model = scripted_model(scores=[[0.0, 1.0], [2.0, 0.0]])
    sd.tl.sensitivity(cells, "erlotinib", model)
    assert cells.obs["sensitivity"][:2].tolist() == ["resistant", "sensitive"]
    np.testing.assert_allclose(cells.obs["sensitivity_confidence"][:2], [softmax([0, 1])[1], softmax([2, 0])[0]])
    assert list(cells.obsm["sensitivity_probabilities"].columns) == ["sensitive", "resistant"]
    assert "Is this cell sensitive or resistant to erlotinib?" in model.prompts[0]
    assert " ".join(sd.get.gene_lists(cells, n_genes=100)[0]) in model.prompts[0]
    params = cells.uns["sensitivity"]["params"]
    assert (params["task"], params["drug"], params["labels"]) == (
        "sensitivity",
        "erlotinib",
        ["sensitive", "resistant"],
    )


def test_prompts_have_the_models_own_names_of_drug_and_labels(cells, scripted_model):
    model = scripted_model(scores=[[0.0, 1.0]], knows=KNOWN)
    sd.tl.sensitivity(cells, "panobinostat", model)
    assert (cells.obs["sensitivity"] == "untreated").all()
    assert "How does this cell respond to Panobinostat?" in model.prompts[0]
    sd.tl.sensitivity(cells, "panobinostat", model, labels=["Untreated", "TREATED"])
    assert model.choices == ["<answer>untreated</answer>", "<answer>treated</answer>"]
    assert (cells.obs["sensitivity"] == "TREATED").all()


def test_labels_may_be_an_obs_column(cells, scripted_model):
    cells.obs["fate"] = ["dies", "survives", None] * (cells.n_obs // 3) + ["dies"] * (cells.n_obs % 3)
    sd.tl.sensitivity(cells, "erlotinib", scripted_model(scores=[[0.0, 1.0]]), labels="fate")
    assert (cells.obs["sensitivity"] == "survives").all()


def test_threshold_of_cell_types_is_not_used(cells, scripted_model):
    model = scripted_model(scores=[[0.0, 0.0]], knows={"annotation": {"unknown": 0.9}})
    sd.tl.sensitivity(cells, "erlotinib", model)
    assert (cells.obs["sensitivity_status"] == "ok").all()
    sd.tl.sensitivity(cells, "erlotinib", model, unknown=0.9)
    assert (cells.obs["sensitivity"] == "unknown").all()


def test_generated_labels_are_read(cells, scripted_model):
    model = scripted_model(texts=["<think>EGFR</think><answer>Resistant</answer>", "no idea"])
    sd.tl.sensitivity(cells, "erlotinib", model, method="generate")
    assert cells.obs["sensitivity"][:2].tolist() == ["resistant", np.nan]
    assert cells.obs["sensitivity_status"][:2].tolist() == ["ok", "no answer tag"]


def test_duality_prompts_have_the_drug(cells, scripted_model, tmp_path):
    def log_likelihood(prompt, _):
        return -1.0 if "to erlotinib is: sensitive" in prompt else -2.0

    model = scripted_model(scores=[[0.0, 1.0], [1.0, 0.0]], likelihood=log_likelihood)
    sd.tl.sensitivity(cells, "erlotinib", model)
    sd.tl.duality(cells, "sensitivity", model)
    np.testing.assert_allclose(cells.obs["sensitivity_duality"][:2], softmax([-1.0, -2.0])[::-1])
    assert all("to erlotinib" in prompt for prompt, _ in model.scored_pairs)
    likelihood = sd.Duality(form="likelihood")
    sd.tl.duality(cells, "sensitivity", model, duality=likelihood, n_genes=4)
    np.testing.assert_allclose(cells.obs["sensitivity_duality"][:2], [0, 1 / 4])
    cells.write_h5ad(tmp_path / "a.h5ad")
    found = ad.read_h5ad(tmp_path / "a.h5ad")
    sd.tl.duality(found, "sensitivity", model, duality=likelihood, n_genes=4)
    np.testing.assert_array_equal(found.obs["sensitivity_duality"], cells.obs["sensitivity_duality"])
    with pytest.raises(ValueError, match="does not know the drug 'erlotinib'; it knows Panobinostat"):
        sd.tl.duality(cells, "sensitivity", scripted_model(knows=KNOWN))


def test_copy_leaves_the_original_alone(cells, scripted_model):
    before = set(cells.obs)
    result = sd.tl.sensitivity(cells, "erlotinib", scripted_model(scores=[[0.0, 1.0]]), copy=True)
    assert set(cells.obs) == before
    assert "sensitivity" in result.obs
