"""Labels of groups of cells: tissue, any fact about a sample, and its cell types."""

import anndata as ad
import numpy as np
import pytest
from scipy.special import softmax

import sc_duality as sd
from sc_duality.tasks import Generation, Tissue

LABELS = ["lung", "liver"]


@pytest.fixture
def samples():
    """Real cells of three samples; one cell has none."""
    adata = sd.datasets.pbmc3k()[::4].copy()
    adata.obs["sample"] = [f"s{i % 3}" for i in range(adata.n_obs)]
    adata.obs["batch"] = [f"b{i % 2}" for i in range(adata.n_obs)]
    adata.obs.loc[adata.obs_names[0], "sample"] = None
    return adata


def likelihood(prompt, _):
    return -1.0 if "tissue lung" in prompt else -3.0


def test_tissue_of_every_sample(samples, scripted_model, caplog):
    model = scripted_model(scores=[[0.0, 1.0], [2.0, 0.0]], likelihood=likelihood)
    with caplog.at_level("INFO"):
        sd.tl.predict(samples, "tissue", model, labels=LABELS, groupby="sample")
    assert "3 groups, up to 20 cells of each in a prompt: 43 genes a cell for a context of 8192 tokens" in caplog.text
    assert len(model.prompts) == 3
    assert model.prompts[0].startswith("Which tissue is this sample of 20 cells from?\nCell 1, its 43 most highly")
    assert model.prompts[0].count("\nCell ") == 20
    assert samples.obs["tissue"].iloc[1:4].tolist() == ["lung", "liver", "liver"]  # samples s1, s2, s0
    assert samples.obs["tissue_status"].iloc[:2].tolist() == ["no group", "ok"]
    assert samples.obs["tissue_confidence"].iloc[1] == pytest.approx(softmax([2, 0])[0])
    assert list(samples.obsm["tissue_probabilities"]) == LABELS
    assert samples.obsm["tissue_probabilities"].iloc[0].isna().all()
    table = samples.uns["tissue"]["groups"]
    assert table.index.tolist() == ["s0", "s1", "s2"]
    assert table["n_cells"].tolist() == samples.obs["sample"].value_counts().sort_index().tolist()
    assert (table["n_cells_shown"] == 20).all()
    assert (table["n_genes_shown"] == 43).all()
    params = samples.uns["tissue"]["params"]
    assert (params["n_cells"], params["n_genes_per_cell"], params["context_length"]) == (20, 43, 8192)

    sd.tl.duality(samples, "tissue", model)
    assert len(model.scored_pairs) == 6
    expected = {"lung": softmax([-1.0, -3.0])[0], "liver": softmax([-1.0, -3.0])[1]}
    np.testing.assert_allclose(samples.obs["tissue_duality"][1:], samples.obs["tissue"][1:].map(expected).astype(float))
    assert np.isnan(samples.obs["tissue_duality"].iloc[0])


def test_any_fact_about_groups_of_two_columns(samples, scripted_model):
    model = scripted_model(scores=[[0.0, 1.0]])
    task = ("sample_label", {"fact": "disease", "n_cells": 4, "n_genes": 9})
    sd.tl.predict(samples, task, model, labels=["flu", "normal"], groupby=["sample", "batch"], key_added="disease")
    assert model.prompts[0].startswith("What is the disease of this sample of 4 cells?\nCell 1, its 9 most highly")
    assert (samples.obs["disease"].iloc[1:] == "normal").all()
    assert samples.uns["disease"]["groups"].index[0] == "s0 | b0"


def test_cell_types_of_every_sample_with_votes(samples, scripted_model):
    model = scripted_model(
        texts=["<answer>NK cells | B cells</answer>", "<answer>B cells</answer>", "<answer>?</answer>"],
        likelihood=lambda prompt, _: -1.0 if "cell types: B cells | NK cells" in prompt else -3.0,
    )
    sampling = sd.Sampling(n_samples=2, temperature=1.0)
    sd.tl.predict(samples, "sample_cell_types", model, labels="cell_type", groupby="sample", sampling=sampling)
    assert model.n_prompts == [6]
    assert samples.obs["sample_cell_types_status"].iloc[1:4].tolist() == ["ok", "unknown label", "ok"]
    assert samples.obs["sample_cell_types"].iloc[3] == "B cells | NK cells"
    shares = samples.obsm["sample_cell_types_probabilities"]
    assert shares.iloc[3][["B cells", "NK cells", "CD4 T cells"]].tolist() == [1, 1, 0]
    assert shares.iloc[1][["B cells", "NK cells"]].tolist() == [1, 0]
    assert len(sd.get.answers(samples, "sample_cell_types")) == 6

    with pytest.raises(ValueError, match=r"posterior form .* not defined .*'sample_cell_types'"):
        sd.tl.duality(samples, "sample_cell_types", model)
    how = sd.Duality(form="likelihood")
    sd.tl.duality(samples, "sample_cell_types", model, duality=how)
    found = samples.obs["sample_cell_types_duality"]
    assert found.iloc[3] == pytest.approx(2 / (20 * 36), rel=0.25)  # nats a gene of 20 cells
    assert found.iloc[1] == 0
    assert np.isnan(found.iloc[2])


def test_few_cell_types_are_scored_as_sets(samples, scripted_model):
    model = scripted_model(scores=[[0.0, 1.0, 2.0]])
    task = ("sample_cell_types", {"n_cells": 3})
    sd.tl.predict(samples, task, model, labels=["B cells", "NK cells"], groupby="sample", method="score")
    assert model.choices == [f"<answer>{text}</answer>" for text in ("B cells", "NK cells", "B cells | NK cells")]
    probability = softmax([0, 1, 2])
    np.testing.assert_allclose(
        samples.obsm["sample_cell_types_probabilities"].iloc[1], [probability[[0, 2]].sum(), probability[1:].sum()]
    )
    assert samples.obs["sample_cell_types"].iloc[1] == "B cells | NK cells"


def test_groups_without_a_readable_cell_and_without_an_answer(samples, scripted_model):
    samples.X = samples.X.toarray() if hasattr(samples.X, "toarray") else np.array(samples.X)
    samples.X[(samples.obs["sample"] == "s1").to_numpy()] = 0
    model = scripted_model(scores=[[0.0, 1.0], [np.nan, np.nan]])
    sd.tl.predict(samples, "tissue", model, labels=LABELS, groupby="sample")
    status = samples.uns["tissue"]["groups"]["status"]
    assert status.to_dict() == {"s0": "ok", "s1": "no genes", "s2": "not answered"}
    model.log_likelihood = likelihood
    sd.tl.duality(samples, "tissue", model)
    assert samples.obs["tissue_duality"].notna().sum() == (samples.obs["sample"] == "s0").sum()


@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
@pytest.mark.filterwarnings("ignore:Writing zarr v2")
def test_results_come_back_from_files(samples, scripted_model, tmp_path, kind):
    model = scripted_model(scores=[[0.0, 1.0]], texts=["<answer>B cells</answer>"], likelihood=likelihood)
    sd.tl.predict(samples, Tissue(labels=LABELS, hidden="cells", n_cells=6), model, groupby=["sample", "batch"])
    sd.tl.predict(samples, "sample_cell_types", model, labels="cell_type", groupby="sample")
    file = tmp_path / f"cells.{kind}"
    getattr(samples, f"write_{kind}")(file)
    read = getattr(ad, f"read_{kind}")(file)
    how = sd.Duality(context="observed", hidden_fraction=0.5)
    for adata in (samples, read):
        sd.tl.duality(adata, "tissue", model, duality=how)
    np.testing.assert_array_equal(read.obs["tissue_duality"], samples.obs["tissue_duality"])
    assert read.uns["tissue"]["groups"].equals(samples.uns["tissue"]["groups"])
    assert read.obs["sample_cell_types"].equals(samples.obs["sample_cell_types"])


def test_changed_groups_are_not_scored(samples, scripted_model):
    model = scripted_model(scores=[[0.0, 1.0], [1.0, 0.0]], likelihood=likelihood)
    sd.tl.predict(samples, "tissue", model, labels=LABELS, groupby="sample")
    samples.obs["sample"] = "s0"
    with pytest.raises(ValueError, match="the groups have changed since, predict again"):
        sd.tl.duality(samples, "tissue", model)


@pytest.mark.parametrize(
    ("task", "how", "error", "message"),
    [
        ("tissue", {"groupby": None}, ValueError, "about groups of cells: pass groupby="),
        ("tissue", {"groupby": []}, ValueError, "about groups of cells: pass groupby="),
        ("tissue", {"groupby": "donor"}, KeyError, "groupby='donor' is not an obs column"),
        ("tissue", {"groupby": ["sample", "donor"]}, KeyError, "groupby='donor' is not an obs column"),
        ("tissue", {"groupby": "nothing"}, ValueError, "groupby='nothing' names no group"),
        (("tissue", {"n_cells": 0}), {}, ValueError, "n_cells must be a positive integer, got 0"),
        (("tissue", {"n_cells": 21}), {}, ValueError, "n_cells=21: a prompt shows at most 20 cells"),
        (("tissue", {"n_genes": -1}), {}, ValueError, "n_genes must be a positive integer"),
        (("tissue", {"colour": 1}), {}, TypeError, "colour"),
        ("tissues", {}, ValueError, "there is no task 'tissues': pass one of .*tissue"),
        ("tissue", {"labels": None}, ValueError, "has no labels of its own: pass labels="),
        ("tissue", {"labels": ["lung"]}, ValueError, "at least two labels"),
        ("tissue", {"labels": ["lung", "Lung"]}, ValueError, "differ only in case"),
        ("tissue", {"model": "embedded"}, ValueError, "'embedded' was not trained for the task 'tissue'"),
        ("tissue", {"method": "guess"}, ValueError, "method='guess' is not an option"),
        ("tissue", {"unknown": 2}, ValueError, "unknown=2 must be a probability"),
        ("tissue", {"sampling": sd.Sampling(n_samples=2)}, ValueError, "method='score' has none"),
        ("tissue", {"key_added": "sample"}, ValueError, "sample"),
        ("sample_label", {}, TypeError, "fact"),
        (("sample_label", {"fact": ""}), {}, ValueError, "fact must be what the label is"),
        ("sample_cell_types", {"labels": "cell_type", "method": "score"}, ValueError, "too many to list, pass method="),
        ("sample_cell_types", {"labels": ["B cells", "T|NK"]}, ValueError, "which separates the cell types"),
        (Generation(), {}, ValueError, "'generation' does not label cells one by one, or groups"),
    ],
)
def test_bad_input_is_refused_before_a_model_is_loaded(samples, scripted_model, monkeypatch, task, how, error, message):
    def fail(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("sc_duality.tl._predict.load", fail)
    samples.obs["nothing"] = None
    before = samples.copy()
    with pytest.raises(error, match=message):
        sd.tl.predict(samples, task, **{"model": scripted_model(), "labels": LABELS, "groupby": "sample", **how})
    assert list(samples.obs) == list(before.obs)
    assert not samples.obsm
    assert not samples.uns.get("tissue")


def test_no_readable_cell_in_any_group(samples, scripted_model):
    samples.X = samples.X * 0
    with pytest.raises(ValueError, match="genes|counts|read"):
        sd.tl.predict(samples, "tissue", scripted_model(), labels=LABELS, groupby="sample")


def test_a_mixture_of_tasks_is_trained_and_predicted(samples, tmp_path, monkeypatch):
    monkeypatch.setattr(sd.settings, "cache", False)
    samples = samples[1:].copy()
    samples.obs["organ"] = np.where(samples.obs["sample"] == "s0", "blood", "bone marrow")
    genes = samples.var_names[np.argsort(-np.asarray((samples.X > 0).sum(0)).ravel())[:300]]
    start = sd.models.new_gene_model(tmp_path / "start", genes, n_genes=20, context_length=128, width=64, layers=1)
    tasks = {
        "tissue": {"truth": "organ", "groupby": "sample", "n_cells": 4},
        "sample_cell_types": {"truth": "cell_type", "groupby": "batch", "n_cells": 4, "hidden": "cells"},
    }
    model, history = sd.tl.train_sft(
        samples, start, tmp_path / "model", tasks=tasks, held_out=0.1, num_train_epochs=0.2, batch_size=16
    )
    assert np.isfinite(history["loss"].dropna()).all()
    spec = sd.models.resolve(model)
    assert spec.known("tissue", "facts") == {"tissue": ["blood", "bone marrow"]}
    assert set(spec.known("annotation", "labels")) == set(samples.obs["cell_type"])
    sd.tl.predict(samples, ("tissue", {"n_cells": 4}), model, groupby="sample")
    assert set(samples.obs["tissue"]) <= {"blood", "bone marrow"}
    sd.tl.duality(samples, "tissue", model)
    assert samples.obs["tissue_duality"].between(0, 1).all()
