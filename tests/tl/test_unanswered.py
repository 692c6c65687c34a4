"""A model that gives no answer, as an endpoint that failed: never a wrong answer, and the log says what to do."""

import numpy as np
import pytest

import sc_duality as sd

LABELS = ["B cell", "T cell"]
B, T = "<answer>B cell</answer>", "<answer>T cell</answer>"


@pytest.fixture
def four(cells):
    return cells[:4].copy()


def statuses(adata, key="annotation"):
    return adata.obs[f"{key}_status"].tolist()


def test_scores(four, parrot, caplog):
    model = parrot(scores=[[0.0, 1.0], [np.nan, np.nan], [1.0, 0.0], [0.0, np.nan]])
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
    assert "2 of 4 cells got no answer from the model: call again to ask about them" in caplog.text


@pytest.mark.parametrize("method", ["generate", "choose"])
def test_texts(four, parrot, method, caplog):
    sd.tl.annotate(four, parrot(texts=[B, None, "what?", T]), labels=LABELS, method=method)
    assert statuses(four)[:2] + statuses(four)[3:] == ["ok", "not answered", "ok"]
    assert statuses(four)[2] not in {"ok", "not answered"}
    assert four.obs["annotation"].isna().tolist() == [False, True, True, False]
    assert "1 of 4 cells got no answer" in caplog.text


def test_a_cell_of_which_one_draw_is_missing_is_not_answered(four, parrot):
    model = parrot(texts=[B, B, T, B, T, None, T, B], judge=lambda *_: -1.0)
    sd.tl.annotate(four, model, labels=LABELS, method="generate", temperature=1.0, best_of=2)
    assert statuses(four) == ["ok", "not answered", "ok", "ok"]
    assert four.obs["annotation"].isna().tolist() == [False, True, False, False]


def test_a_cell_that_could_not_be_judged_is_not_answered(four, parrot):
    sd.tl.annotate(four, parrot(scores=[[0.0, 0.0]], judge=lambda *_: np.nan), labels=LABELS, best_of=2)
    assert set(statuses(four)) == {"not answered"}
    assert four.obs["annotation"].isna().all()
    assert four.obs["annotation_confidence"].isna().all()
    assert np.isnan(four.obsm["annotation_probabilities"]).all(axis=None)


def test_a_cluster_goes_by_the_cells_that_were_answered(four, parrot):
    four.obs["cluster"] = ["a", "a", "b", "b"]
    model = parrot(scores=[[0.0, 1.0], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2])
    sd.tl.annotate(four, model, labels=LABELS, groupby="cluster")
    assert statuses(four) == ["ok", "ok", "not answered", "not answered"]
    assert four.obs["annotation"].tolist()[:2] == ["T cell", "T cell"]


def test_embedding(four, parrot, caplog):
    sd.tl.embed(four, parrot(vectors=[[1, 2], [np.nan, np.nan], [3, 4], [5, 6]]))
    assert np.isnan(four.obsm["X_cell_sentence"]).all(axis=1).tolist() == [False, True, False, False]
    assert "1 of 4 cells got no answer" in caplog.text


def test_no_embedding_at_all(four, parrot):
    with pytest.raises(RuntimeError, match="gave no answer for any cell, so nothing was written"):
        sd.tl.embed(four, parrot(vectors=[[]]))
    assert "X_cell_sentence" not in four.obsm


@pytest.mark.parametrize("form", ["posterior", "likelihood"])
def test_judgement(four, parrot, form, caplog):
    sd.tl.annotate(four, parrot(scores=[[0.0, 1.0]]), labels=LABELS)
    first = " ".join(sd.get.gene_lists(four)[0][:3])

    def judge(_, answer):
        return np.nan if first in answer else -1.0

    sd.tl.duality(four, model=parrot(judge=judge), form=form)
    assert np.isnan(four.obs["annotation_duality"]).tolist() == [True, False, False, False]
    assert "1 of 4 cells got no answer" in caplog.text


def test_a_missing_draw_of_the_dual(four, parrot):
    sd.tl.annotate(four, parrot(scores=[[0.0, 1.0]]), labels=LABELS)
    genes = f"<answer>{' '.join(sd.get.gene_lists(four)[0][:50])}</answer>"
    texts = [genes, None, genes, genes, genes, genes, genes, genes]
    sd.tl.duality(four, model=parrot(texts=texts), form="sample", draws=2)
    assert np.isnan(four.obs["annotation_duality"]).tolist() == [False, True, False, False]


def test_written_cells(four, parrot, caplog):
    genes = f"<answer>{' '.join(sd.get.gene_lists(four)[0][:5])}</answer>"
    made = sd.tl.generate(parrot(texts=[genes, None]), {"B cell": 4})
    assert statuses(made, "cell_type") == ["ok", "not answered", "ok", "not answered"]
    assert "2 of 4 cells got no answer" in caplog.text
    changed = sd.tl.perturb(four, ("cytokine", "IFNB1"), parrot(texts=[genes, None]))
    assert statuses(changed, "perturbation") == ["ok", "not answered", "ok", "not answered"]
    assert (changed.X[1].nnz, changed.X[0].nnz) == (0, 5)


def test_choices_are_handed_to_the_model(four, parrot):
    model = parrot(texts=[T])
    sd.tl.annotate(four, model, labels=LABELS, method="choose", temperature=0.7)
    assert model.sampling.choices == ("<answer>B cell</answer>", "<answer>T cell</answer>")
    assert model.sampling.temperature == 0.7
    assert four.obs["annotation"].tolist() == ["T cell"] * 4
    assert "annotation_confidence" not in four.obs
    assert four.uns["annotation"]["params"]["method"] == "choose"
    sd.tl.annotate(four, model, labels=LABELS, method="generate")
    assert model.sampling.choices == ()


def test_a_model_of_ones_own_is_recorded(four, parrot):
    sd.tl.annotate(four, parrot(scores=[[0.0, 1.0]]), labels=LABELS)
    params = four.uns["annotation"]["params"]
    assert (params["model"], params["engine"], params["fingerprint"]) == ("parrot", "Parrot", "newest")
    assert "dtype" not in params
    sd.tl.embed(four)
    params = four.uns["X_cell_sentence"]["params"]
    assert (params["engine"], params["dtype"], len(params["fingerprint"])) == ("transformers", params["dtype"], 64)
    assert set(params["versions"]) == {"sc-duality", "anndata", "torch", "transformers"}


def test_judgement_of_written_cells(parrot, caplog):
    made = sd.tl.generate("embedded", {"B cell": 2, "NK cell": 2}, tissue="blood", n_genes=5)
    model = parrot(scores=[[0.0, 1.0], [np.nan, np.nan]])
    made.uns["cell_type"]["params"]["candidates"] = ["B cell", "NK cell"]
    sd.tl.duality(made, "cell_type", model)
    assert np.isnan(made.obs["cell_type_duality"]).tolist() == [False, True, False, True]
    assert "2 of 4 cells got no answer" in caplog.text
