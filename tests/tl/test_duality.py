"""The duality score: what the judge is asked, and each form worked by hand."""

import logging

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

import sc_duality as sd
from sc_duality.tasks import Perturbation

LABELS = ["B cell", "CD4 T cell", "NK cell"]
#: Log-likelihood of any hidden genes, by what the dual is told.
TOLD = {"B cell": -10.0, "CD4 T cell": -12.0, "NK cell": -14.0, "": -20.0}


def judge(prompt, _):
    return next(value for label, value in TOLD.items() if label in prompt)


@pytest.fixture
def answered(cells, parrot):
    """Every third cell is called a B cell, a CD4 T cell and an NK cell; three cells have no answer."""
    cells.obsm["cell_sentence"][3] = -1
    scores = np.tile(np.eye(3) * 9, (cells.n_obs, 1))[: cells.n_obs]
    scores[4] = 0
    sd.tl.annotate(cells, parrot(scores=np.delete(scores, 3, axis=0)), labels=LABELS, unknown=0.5)
    return cells


def without_answer(adata):
    return adata.obs["annotation"].isna() | (adata.obs["annotation"] == "unknown")


def test_posterior_is_the_softmax_over_labels_of_what_makes_the_genes_likely(answered, parrot):
    sd.tl.duality(answered, model=parrot(judge=judge, dual_temperature=2.0), form="posterior")
    expected = dict(zip(LABELS, softmax([-5.0, -6.0, -7.0]), strict=True))
    wanted = answered.obs["annotation"].astype(object).map(expected).astype(float)
    np.testing.assert_allclose(answered.obs["annotation_duality"], wanted)
    assert answered.obs["annotation_duality"].isna().tolist() == without_answer(answered).tolist()
    assert without_answer(answered).to_numpy().nonzero()[0].tolist() == [3, 4]


def test_likelihood_is_the_gain_over_not_being_told_a_gene(answered, parrot):
    model = parrot(judge=judge)
    sd.tl.duality(answered, model=model, form="likelihood", n_genes=5)
    expected = {label: (TOLD[label] - TOLD[""]) / 5 for label in LABELS}
    wanted = answered.obs["annotation"].astype(object).map(expected).astype(float)
    np.testing.assert_allclose(answered.obs["annotation_duality"], wanted)


def test_sample_is_the_mean_similarity_of_what_comes_back(answered, parrot):
    one = answered[:1].copy()
    first, second = sd.get.gene_lists(one, n_genes=2)[0]
    texts = [f"<answer>{first} {second}</answer>", "what?", f"<answer>{second} OTHER</answer>"]
    model = parrot(texts=texts)
    sd.tl.duality(one, model=model, form="sample", draws=3, n_genes=2, rng=7)
    np.testing.assert_allclose(one.obs["annotation_duality"], [(1 + 0 + 0.375) / 3])
    assert (model.sampling.temperature, model.sampling.seed) == (1.0, 7)
    assert len(model.prompts) == 3


def test_given_label_shows_no_gene_and_given_observed_shows_the_rest(answered, parrot):
    genes = sd.get.gene_lists(answered, n_genes=10)
    model = parrot(judge=judge)
    sd.tl.duality(answered, model=model, form="likelihood", given="observed", hidden_fraction=0.3, n_genes=10)
    prompt, answer = model.judged[0]
    hidden = answer.removeprefix("<answer>").removesuffix("</answer>").split()
    shown = [gene for gene in genes[0] if gene not in hidden]
    assert len(hidden) == 3
    assert [gene for gene in genes[0] if gene in hidden] == hidden
    assert f"7 genes that are left, highest first: {' '.join(shown)}\n" in prompt
    sd.tl.duality(answered, model=model, form="likelihood", given="label", hidden_fraction=0.3, n_genes=10)
    prompt, answer = model.judged[0]
    assert answer.split() == [f"<answer>{hidden[0]}", hidden[1], f"{hidden[2]}</answer>"]
    assert "one B cell, 3 genes" in prompt
    assert not any(gene in prompt.split() for gene in genes[0])


def test_same_question_is_put_once(answered, parrot):
    model = parrot(judge=judge)
    answered.obsm["cell_sentence"][:] = answered.obsm["cell_sentence"][0]
    sd.tl.duality(answered, model=model, form="posterior")
    assert len(model.judged) == len(set(model.judged)) == len(LABELS)


def test_hidden_genes_follow_seed_and_name_alone(answered, parrot):
    def hidden(adata, rng):
        model = parrot(judge=lambda _, answer: -float(len(answer)))
        sd.tl.duality(adata, model=model, form="likelihood", given="observed", hidden_fraction=0.5, n_genes=20, rng=rng)
        return {answer for _, answer in model.judged}

    everyone = hidden(answered.copy(), 0)
    assert hidden(answered[[7, 5]].copy(), 0) < everyone
    assert hidden(answered.copy(), 1) != everyone


def test_cells_too_short_to_hide_a_gene_have_no_score(answered, parrot):
    answered.obsm["cell_sentence"][0, 1:] = -1
    sd.tl.duality(answered, model=parrot(judge=judge), hidden_fraction=0.3)
    assert answered.obs["annotation_duality"].isna().to_numpy().nonzero()[0].tolist() == [0, 3, 4]
    answered.obsm["cell_sentence"][:] = -1
    sd.tl.duality(answered, model=parrot(judge=judge))
    assert answered.obs["annotation_duality"].isna().all()


def test_judge_hears_its_own_words_for_labels(cells, parrot):
    names = ["b CELL", "NK cells"]
    sd.tl.annotate(cells, parrot(scores=[[0, 1]]), labels=names)
    model = parrot(
        judge=judge, knows={"annotation": {"labels": ["B cell", "NK cell"], "synonyms": {"NK cells": "NK cell"}}}
    )
    sd.tl.duality(cells, model=model, form="posterior")
    np.testing.assert_allclose(cells.obs["annotation_duality"], softmax([-10.0, -14.0])[1])
    assert all("b CELL" not in prompt and "NK cells" not in prompt for prompt, _ in model.judged)


def test_facts_of_a_cell_are_told_to_both_sides(cells, parrot):
    cells.obs["tissue"] = ["blood", None] * (cells.n_obs // 2) + ["blood"] * (cells.n_obs % 2)
    cells.obs["stage"] = np.arange(cells.n_obs)
    model = parrot(scores=[[0, 1, 2]], judge=judge)
    sd.tl.annotate(cells, model, labels=LABELS, context=["tissue", "stage"])
    assert "The cell originates from the blood.\nStage: 0.\n" in model.prompts[0]
    assert "Stage: 1." in model.prompts[1]
    assert "originates" not in model.prompts[1]
    assert cells.uns["annotation"]["params"]["context"] == ["tissue", "stage"]
    sd.tl.duality(cells, model=model)
    assert "The cell originates from the blood.\nStage: 0.\n" in model.judged[0][0]
    del cells.obs["stage"]
    with pytest.raises(KeyError, match="stage"):
        sd.tl.duality(cells, model=model)


def test_settings_lie_beside_the_answers(answered, parrot):
    params = answered.uns["annotation"]["params"]
    sd.tl.duality(answered, model=parrot(judge=judge), form="likelihood", given="observed", hidden_fraction=0.5, rng=3)
    assert answered.uns["annotation"]["params"] == params
    kept = answered.uns["annotation"]["duality"]
    assert (kept["model"], kept["form"], kept["given"], kept["hidden_fraction"]) == (
        "parrot",
        "likelihood",
        "observed",
        0.5,
    )
    assert (kept["rng"], kept["n_genes"], kept["key"]) == (3, 100, "cell_sentence")
    assert kept["versions"]["sc-duality"] == sd.__version__


def test_every_cell_of_a_cluster_is_judged_by_its_own_genes(cells, parrot):
    cells.obsm["cell_sentence"][3] = -1
    cells.obs["cluster"] = "all"
    sd.tl.annotate(cells, parrot(scores=[[0, 1, 2]]), labels=LABELS, groupby="cluster")
    sd.tl.duality(cells, model=parrot(judge=lambda prompt, answer: -float(len(answer)) * ("NK" in prompt)))
    assert cells.obs["annotation"].notna().all()
    assert cells.obs["annotation_duality"].isna().to_numpy().nonzero()[0].tolist() == [3]


def test_new_answers_take_the_score_of_the_old_ones_away(answered, parrot):
    model = parrot(scores=[[0, 1, 2]], judge=judge)
    sd.tl.duality(answered, model=model)
    sd.tl.annotate(answered, model, labels=LABELS)
    assert "annotation_duality" not in answered.obs
    assert "duality" not in answered.uns["annotation"]


def test_copy_leaves_the_original_alone(answered, parrot):
    result = sd.tl.duality(answered, model=parrot(judge=judge), copy=True)
    assert "annotation_duality" not in answered.obs
    assert "duality" not in answered.uns["annotation"]
    assert "annotation_duality" in result.obs


def test_other_sentences_can_be_judged(answered, parrot):
    sd.pp.cell_sentences(answered, n_genes=3, key_added="short")
    model = parrot(judge=judge)
    sd.tl.duality(answered, model=model, sentence_key="short")
    assert model.judged[0][1] == f"<answer>{' '.join(sd.get.gene_lists(answered, sentence_key='short')[0])}</answer>"
    assert answered.uns["annotation"]["duality"]["key"] == "short"


@pytest.fixture
def generated(parrot):
    model = parrot(
        texts=["<answer>CD79A MS4A1</answer>", "<answer>NKG7 GNLY</answer>", "?"],
        expression_model={"slope": -0.5, "intercept": 2.0},
    )
    return sd.tl.generate(model, {"B cell": 2, "NK cell": 1}, tissue="blood", n_genes=5)


@pytest.mark.parametrize("form", ["posterior", "likelihood"])
def test_written_cells_are_judged_by_the_type_that_they_were_asked_for(generated, parrot, form):
    model = parrot(scores=[[-1.0, -2.0], [-1.0, -4.0]], temperature=2.0)
    sd.tl.duality(generated, "cell_type", model, form=form)
    if form == "posterior":
        expected = [softmax([-0.5, -1.0])[0], softmax([-0.5, -2.0])[0]]
    else:
        expected = [log_softmax([-1.0, -2.0])[0], log_softmax([-1.0, -4.0])[0]]
    np.testing.assert_allclose(generated.obs["cell_type_duality"], [*expected, np.nan])
    assert model.choices == ["<answer>B cell</answer>", "<answer>NK cell</answer>"]
    assert "highest first: CD79A MS4A1\n" in model.prompts[0]
    assert "from the blood" in model.prompts[0]


def test_written_cells_by_sampling(generated, parrot):
    model = parrot(texts=["<answer>b_cell</answer>", "<answer>NK cell</answer>", "<answer>B cell</answer>"])
    sd.tl.duality(generated, "cell_type", model, form="sample", draws=3)
    np.testing.assert_allclose(generated.obs["cell_type_duality"], [2 / 3, 2 / 3, np.nan])


def test_one_candidate_always_comes_back_and_is_no_judgement(parrot):
    alone = sd.tl.generate(
        parrot(texts=["<answer>CD79A</answer>"], expression_model={"slope": -0.5, "intercept": 2.0}),
        {"B cell": 2},
        n_genes=5,
    )
    with pytest.raises(ValueError, match="could only be 'B cell'"):
        sd.tl.duality(alone, "cell_type", parrot())


def test_predicted_cells_are_judged_by_what_was_done(cells, parrot):
    cells.obsm["cell_sentence"][1] = -1
    stat1, nothing = Perturbation("knockdown", "STAT1"), Perturbation("control")
    genes = sd.get.gene_lists(cells, n_genes=3)
    after = parrot(texts=[f"<answer>{' '.join(reversed(genes[0]))}</answer>"])
    predicted = sd.tl.perturb(cells[:3].copy(), stat1, after, n_genes=3)
    model = parrot(scores=[[-1.0, -2.0], [-3.0, -1.0]])
    sd.tl.duality(predicted, "perturbation", model, n_genes=3)
    expected = [softmax([-1.0, -2.0])[0], np.nan, softmax([-3.0, -1.0])[0]]
    np.testing.assert_allclose(predicted.obs["perturbation_duality"], expected)
    assert f"before, highest first: {' '.join(genes[0])}\n" in model.prompts[0]
    assert f"after, highest first: {' '.join(reversed(genes[0]))}\n" in model.prompts[0]
    assert model.choices == ["<answer>knockdown of STAT1</answer>", "<answer>no treatment</answer>"]
    only = parrot(
        knows={"response": {"perturbations": [{"operation": "control"}, {"operation": "drug", "target": "x"}]}}
    )
    with pytest.raises(ValueError, match="'knockdown STAT1'"):
        sd.tl.duality(predicted, "perturbation", only)
    assert nothing.is_control


def test_embedded_model_scores_every_answer_in_every_form(cells):
    sd.tl.annotate(cells, labels="blood", unknown=0, n_genes=30)
    for form in ("posterior", "likelihood", "sample"):
        sd.tl.duality(cells, form=form, n_genes=30, draws=1)
        score = cells.obs["annotation_duality"]
        assert score.notna().all()
        assert np.isfinite(score).all()
        assert score.between(0, 1).all() or form == "likelihood"
    assert score.dtype == np.float64


def test_score_is_told_in_the_log(answered, parrot, caplog):
    with caplog.at_level(logging.INFO, logger="sc_duality"):
        sd.tl.duality(answered, model=parrot(judge=judge))
    assert "wrote obs['annotation_duality']" in caplog.text
