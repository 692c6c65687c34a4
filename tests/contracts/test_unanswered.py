"""A model without an answer, such as a failed endpoint: no prediction is written, and the log says what to do."""

from dataclasses import replace

import numpy as np
import pytest

import sc_duality as sd

LABELS = ["B cell", "T cell"]
TWO = sd.Sampling(n_samples=2)
B, T = "<answer>B cell</answer>", "<answer>T cell</answer>"


@pytest.fixture
def four(cells):
    return cells[:4].copy()


def statuses(adata, key="annotation"):
    return adata.obs[f"{key}_status"].tolist()


def test_scores(four, scripted_model, caplog):
    model = scripted_model(scores=[[0.0, 1.0], [np.nan, np.nan], [1.0, 0.0], [0.0, np.nan]])
    sd.tl.annotate(four, model, labels=LABELS)
    assert four.obs["annotation"].astype(object).where(four.obs["annotation"].notna(), None).tolist() == [
        "T cell",
        None,
        "B cell",
        None,
    ]
    assert statuses(four) == ["ok", "not answered", "ok", "not answered"]
    assert np.isnan(four.obs["annotation_confidence"]).tolist() == [False, True, False, True]
    assert np.isnan(four.obsm["annotation_probabilities"]).all(axis=1).tolist() == [False, True, False, True]
    assert "2 of 4 cells got no answer from the model: call again to query only those" in caplog.text


@pytest.mark.parametrize("method", ["generate", "choose"])
def test_texts(four, scripted_model, method, caplog):
    sd.tl.annotate(four, scripted_model(texts=[B, None, "what?", T]), labels=LABELS, method=method)
    assert statuses(four)[:2] + statuses(four)[3:] == ["ok", "not answered", "ok"]
    assert statuses(four)[2] not in {"ok", "not answered"}
    assert four.obs["annotation"].isna().tolist() == [False, True, True, False]
    assert "1 of 4 cells got no answer" in caplog.text


def test_a_cell_with_a_missing_sample_is_not_answered(four, scripted_model):
    model = scripted_model(texts=[B, B, T, B, T, None, T, B], likelihood=lambda *_: -1.0)
    sd.tl.annotate(four, model, labels=LABELS, method="generate", sampling=replace(TWO, temperature=1.0))
    assert statuses(four) == ["ok", "not answered", "ok", "ok"]
    assert four.obs["annotation"].isna().tolist() == [False, True, False, False]


def test_a_cell_without_a_duality_score_is_not_answered(four, scripted_model):
    sd.tl.annotate(four, scripted_model(scores=[[0.0, 0.0]], likelihood=lambda *_: np.nan), labels=LABELS, sampling=TWO)
    assert set(statuses(four)) == {"not answered"}
    assert four.obs["annotation"].isna().all()
    assert four.obs["annotation_confidence"].isna().all()
    assert np.isnan(four.obsm["annotation_probabilities"]).all(axis=None)


def test_a_cluster_is_pooled_over_its_answered_cells(four, scripted_model):
    four.obs["cluster"] = ["a", "a", "b", "b"]
    model = scripted_model(scores=[[0.0, 1.0], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2])
    sd.tl.annotate(four, model, labels=LABELS, groupby="cluster")
    assert statuses(four) == ["ok", "ok", "not answered", "not answered"]
    assert four.obs["annotation"].tolist()[:2] == ["T cell", "T cell"]


def test_embedding(four, scripted_model, caplog):
    sd.tl.embed(four, scripted_model(vectors=[[1, 2], [np.nan, np.nan], [3, 4], [5, 6]]))
    assert np.isnan(four.obsm["X_cell_sentence"]).all(axis=1).tolist() == [False, True, False, False]
    assert "1 of 4 cells got no answer" in caplog.text


def test_no_embedding_at_all(four, scripted_model):
    with pytest.raises(RuntimeError, match="gave no answer for any cell, so nothing was written"):
        sd.tl.embed(four, scripted_model(vectors=[[]]))
    assert "X_cell_sentence" not in four.obsm


@pytest.mark.parametrize("form", ["posterior", "likelihood"])
def test_duality(four, scripted_model, form, caplog):
    sd.tl.annotate(four, scripted_model(scores=[[0.0, 1.0]]), labels=LABELS)
    first = " ".join(sd.get.gene_lists(four)[0][:3])

    def log_likelihood(_, answer):
        return np.nan if first in answer else -1.0

    sd.tl.duality(four, model=scripted_model(likelihood=log_likelihood), duality=sd.Duality(form=form))
    assert np.isnan(four.obs["annotation_duality"]).tolist() == [True, False, False, False]
    assert "1 of 4 cells got no answer" in caplog.text


def test_a_missing_sample_of_the_dual_task(four, scripted_model):
    sd.tl.annotate(four, scripted_model(scores=[[0.0, 1.0]]), labels=LABELS)
    genes = f"<answer>{' '.join(sd.get.gene_lists(four)[0][:50])}</answer>"
    texts = [genes, None, genes, genes, genes, genes, genes, genes]
    sd.tl.duality(four, model=scripted_model(texts=texts), duality=sd.Duality(form="sample", n_samples=2))
    assert np.isnan(four.obs["annotation_duality"]).tolist() == [False, True, False, False]


def test_generated_and_perturbed_cells(four, scripted_model, caplog):
    genes = f"<answer>{' '.join(sd.get.gene_lists(four)[0][:5])}</answer>"
    made = sd.tl.generate({"B cell": 4}, scripted_model(texts=[genes, None]))
    assert statuses(made, "cell_type") == ["ok", "not answered", "ok", "not answered"]
    assert "2 of 4 cells got no answer" in caplog.text
    changed = sd.tl.perturb(four, ("cytokine", "IFNB1"), scripted_model(texts=[genes, None]))
    assert statuses(changed, "perturbation") == ["ok", "not answered", "ok", "not answered"]
    assert (changed.X[1].nnz, changed.X[0].nnz) == (0, 5)


def test_choices_are_passed_to_the_model(four, scripted_model):
    model = scripted_model(texts=[T])
    sd.tl.annotate(four, model, labels=LABELS, method="choose", sampling=sd.Sampling(temperature=0.7))
    assert model.sampling.choices == ("<answer>B cell</answer>", "<answer>T cell</answer>")
    assert model.sampling.temperature == 0.7
    assert four.obs["annotation"].tolist() == ["T cell"] * 4
    assert "annotation_confidence" not in four.obs
    assert four.uns["annotation"]["params"]["method"] == "choose"
    sd.tl.annotate(four, model, labels=LABELS, method="generate")
    assert model.sampling.choices == ()


def test_the_engine_is_kept_in_uns(four, scripted_model):
    sd.tl.annotate(four, scripted_model(scores=[[0.0, 1.0]]), labels=LABELS)
    params = four.uns["annotation"]["params"]
    assert (params["model"], params["engine"], params["fingerprint"]) == ("scripted", "ScriptedModel", "newest")
    assert "dtype" not in params
    sd.tl.embed(four)
    params = four.uns["X_cell_sentence"]["params"]
    assert (params["engine"], params["dtype"], len(params["fingerprint"])) == ("transformers", params["dtype"], 64)
    assert set(params["versions"]) == {"sc-duality", "anndata", "torch", "transformers"}


def test_duality_of_generated_cells(scripted_model, caplog):
    made = sd.tl.generate({"B cell": 2, "NK cell": 2}, tissue="blood", n_genes=5)
    model = scripted_model(scores=[[0.0, 1.0], [np.nan, np.nan]])
    made.uns["cell_type"]["params"]["options"] = ["B cell", "NK cell"]
    sd.tl.duality(made, "cell_type", model)
    assert np.isnan(made.obs["cell_type_duality"]).tolist() == [False, True, False, True]
    assert "2 of 4 cells got no answer" in caplog.text
