"""The duality score: the dual prompts, and each form worked by hand."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

import sc_duality as sd
from sc_duality.tasks import Perturbation

LABELS = ["B cell", "CD4 T cell", "NK cell"]
#: Log-likelihood of any hidden genes, by the label in the dual prompt.
LOG_LIKELIHOOD = {"B cell": -10.0, "CD4 T cell": -12.0, "NK cell": -14.0, "": -20.0}


def log_likelihood(prompt, _):
    return next(value for label, value in LOG_LIKELIHOOD.items() if label in prompt)


@pytest.fixture
def annotated(cells, scripted_model):
    """Cells are B cell, CD4 T cell and NK cell in turn; one has no genes, and one is unknown."""
    cells.obsm["cell_sentence"][3] = -1
    scores = np.tile(np.eye(3) * 9, (cells.n_obs, 1))[: cells.n_obs]
    scores[4] = 0
    sd.tl.annotate(cells, scripted_model(scores=np.delete(scores, 3, axis=0)), labels=LABELS, unknown=0.5)
    return cells


def has_no_label(adata):
    return adata.obs["annotation"].isna() | (adata.obs["annotation"] == "unknown")


def test_posterior_is_the_softmax_over_labels(annotated, scripted_model):
    sd.tl.duality(
        annotated,
        model=scripted_model(likelihood=log_likelihood, dual_temperature=2.0),
        duality=sd.Duality(form="posterior"),
    )
    expected = dict(zip(LABELS, softmax([-5.0, -6.0, -7.0]), strict=True))
    wanted = annotated.obs["annotation"].astype(object).map(expected).astype(float)
    np.testing.assert_allclose(annotated.obs["annotation_duality"], wanted)
    assert annotated.obs["annotation_duality"].isna().tolist() == has_no_label(annotated).tolist()
    assert has_no_label(annotated).to_numpy().nonzero()[0].tolist() == [3, 4]


def test_the_posterior_compares_the_most_probable_labels(annotated, scripted_model):
    """Of a B cell with NK cell as runner-up, these two labels; all labels with ``n_labels=None``."""
    table = annotated.obsm["annotation_probabilities"]
    table.loc[annotated.obs["annotation"] == "B cell", LABELS] = [0.7, 0.1, 0.2]
    is_b_cell = (annotated.obs["annotation"] == "B cell").to_numpy()
    for n_labels, compared in ((2, [-10.0, -14.0]), (None, [-10.0, -12.0, -14.0]), (5, [-10.0, -12.0, -14.0])):
        model = scripted_model(likelihood=log_likelihood)
        sd.tl.duality(annotated, model=model, duality=sd.Duality(n_labels=n_labels))
        np.testing.assert_allclose(annotated.obs["annotation_duality"][is_b_cell], softmax(compared)[0])
        n_scored = (~has_no_label(annotated)).sum()
        assert sum(model.n_prompts) == n_scored * len(compared)
    del annotated.obsm["annotation_probabilities"]
    model = scripted_model(likelihood=log_likelihood)
    sd.tl.duality(annotated, model=model, duality=sd.Duality(n_labels=2))
    assert sum(model.n_prompts) == n_scored * 3, "without probabilities, all labels"
    with pytest.raises(ValueError, match="n_labels=1 leaves nothing to compare with"):
        sd.Duality(n_labels=1)


def test_likelihood_is_the_gain_by_the_label_per_gene(annotated, scripted_model):
    model = scripted_model(likelihood=log_likelihood)
    sd.tl.duality(annotated, model=model, duality=sd.Duality(form="likelihood"), n_genes=5)
    expected = {label: (LOG_LIKELIHOOD[label] - LOG_LIKELIHOOD[""]) / 5 for label in LABELS}
    wanted = annotated.obs["annotation"].astype(object).map(expected).astype(float)
    np.testing.assert_allclose(annotated.obs["annotation_duality"], wanted)


def test_sample_is_the_mean_similarity_of_reconstructions(annotated, scripted_model):
    one = annotated[:1].copy()
    first, second = sd.get.gene_lists(one, n_genes=2)[0]
    texts = [f"<answer>{first} {second}</answer>", "what?", f"<answer>{second} OTHER</answer>"]
    model = scripted_model(texts=texts)
    sd.tl.duality(one, model=model, duality=sd.Duality(form="sample", n_samples=3), n_genes=2, rng=7)
    np.testing.assert_allclose(one.obs["annotation_duality"], [(1 + 0 + 0.375) / 3])
    assert (model.sampling.temperature, model.sampling.seed) == (1.0, 7)
    assert len(model.prompts) == 3


def test_context_label_shows_no_gene_and_context_observed_shows_the_rest(annotated, scripted_model):
    genes = sd.get.gene_lists(annotated, n_genes=10)
    model = scripted_model(likelihood=log_likelihood)
    how = sd.Duality(form="likelihood", context="observed", hidden_fraction=0.3)
    sd.tl.duality(annotated, model=model, duality=how, n_genes=10)
    prompt, answer = model.scored_pairs[0]
    hidden = answer.removeprefix("<answer>").removesuffix("</answer>").split()
    shown = [gene for gene in genes[0] if gene not in hidden]
    assert len(hidden) == 3
    assert [gene for gene in genes[0] if gene in hidden] == hidden
    assert f"The remaining 7 genes, in descending order: {' '.join(shown)}\n" in prompt
    sd.tl.duality(annotated, model=model, duality=replace(how, context="label"), n_genes=10)
    prompt, answer = model.scored_pairs[0]
    assert answer.split() == [f"<answer>{hidden[0]}", hidden[1], f"{hidden[2]}</answer>"]
    assert prompt.startswith("3 genes are missing")
    assert "a single cell of type B cell." in prompt
    assert not any(gene in prompt.split() for gene in genes[0])


def test_a_repeated_dual_prompt_is_scored_once(annotated, scripted_model):
    model = scripted_model(likelihood=log_likelihood)
    annotated.obsm["cell_sentence"][:] = annotated.obsm["cell_sentence"][0]
    sd.tl.duality(annotated, model=model, duality=sd.Duality(form="posterior"))
    assert len(model.scored_pairs) == len(set(model.scored_pairs)) == len(LABELS)


def test_hidden_genes_depend_on_seed_and_name_alone(annotated, scripted_model):
    def hidden(adata, rng):
        model = scripted_model(likelihood=lambda _, answer: -float(len(answer)))
        how = sd.Duality(form="likelihood", context="observed", hidden_fraction=0.5)
        sd.tl.duality(adata, model=model, duality=how, n_genes=20, rng=rng)
        return {answer for _, answer in model.scored_pairs}

    of_all = hidden(annotated.copy(), 0)
    assert hidden(annotated[[7, 5]].copy(), 0) < of_all
    assert hidden(annotated.copy(), 1) != of_all


def test_cells_too_short_to_hide_a_gene_have_no_score(annotated, scripted_model):
    annotated.obsm["cell_sentence"][0, 1:] = -1
    sd.tl.duality(annotated, model=scripted_model(likelihood=log_likelihood), duality=sd.Duality(hidden_fraction=0.3))
    assert annotated.obs["annotation_duality"].isna().to_numpy().nonzero()[0].tolist() == [0, 3, 4]
    annotated.obsm["cell_sentence"][:] = -1
    sd.tl.duality(annotated, model=scripted_model(likelihood=log_likelihood))
    assert annotated.obs["annotation_duality"].isna().all()


def test_dual_prompts_have_the_models_own_labels(cells, scripted_model):
    names = ["b CELL", "NK cells"]
    sd.tl.annotate(cells, scripted_model(scores=[[0, 1]]), labels=names)
    model = scripted_model(
        likelihood=log_likelihood,
        knows={"annotation": {"labels": ["B cell", "NK cell"], "synonyms": {"NK cells": "NK cell"}}},
    )
    sd.tl.duality(cells, model=model, duality=sd.Duality(form="posterior"))
    np.testing.assert_allclose(cells.obs["annotation_duality"], softmax([-10.0, -14.0])[1])
    assert all("b CELL" not in prompt and "NK cells" not in prompt for prompt, _ in model.scored_pairs)


def test_context_columns_are_in_primal_and_dual_prompts(cells, scripted_model):
    cells.obs["tissue"] = ["blood", None] * (cells.n_obs // 2) + ["blood"] * (cells.n_obs % 2)
    cells.obs["stage"] = np.arange(cells.n_obs)
    model = scripted_model(scores=[[0, 1, 2]], likelihood=log_likelihood)
    sd.tl.annotate(cells, model, labels=LABELS, context=["tissue", "stage"])
    assert "The cell originates from the blood.\nStage: 0.\n" in model.prompts[0]
    assert "Stage: 1." in model.prompts[1]
    assert "originates" not in model.prompts[1]
    assert cells.uns["annotation"]["params"]["context"] == ["tissue", "stage"]
    sd.tl.duality(cells, model=model)
    assert "The cell originates from the blood.\nStage: 0.\n" in model.scored_pairs[0][0]
    del cells.obs["stage"]
    with pytest.raises(KeyError, match="stage"):
        sd.tl.duality(cells, model=model)


def test_settings_are_kept_in_uns(annotated, scripted_model):
    params = annotated.uns["annotation"]["params"]
    how = sd.Duality(form="likelihood", context="observed", hidden_fraction=0.5)
    sd.tl.duality(annotated, model=scripted_model(likelihood=log_likelihood), duality=how, rng=3)
    assert annotated.uns["annotation"]["params"] == params
    kept = annotated.uns["annotation"]["duality"]
    assert (kept["model"], kept["form"], kept["context"], kept["hidden_fraction"]) == (
        "scripted",
        "likelihood",
        "observed",
        0.5,
    )
    assert (kept["rng"], kept["n_genes"], kept["sentence_key"]) == (3, 100, "cell_sentence")
    assert kept["versions"]["sc-duality"] == sd.__version__


def test_each_cell_of_a_cluster_is_scored_by_its_own_genes(cells, scripted_model):
    cells.obsm["cell_sentence"][3] = -1
    cells.obs["cluster"] = "all"
    sd.tl.annotate(cells, scripted_model(scores=[[0, 1, 2]]), labels=LABELS, groupby="cluster")
    sd.tl.duality(cells, model=scripted_model(likelihood=lambda prompt, answer: -float(len(answer)) * ("NK" in prompt)))
    assert cells.obs["annotation"].notna().all()
    assert cells.obs["annotation_duality"].isna().to_numpy().nonzero()[0].tolist() == [3]


def test_new_predictions_drop_earlier_scores(annotated, scripted_model):
    model = scripted_model(scores=[[0, 1, 2]], likelihood=log_likelihood)
    sd.tl.duality(annotated, model=model)
    sd.tl.annotate(annotated, model, labels=LABELS)
    assert "annotation_duality" not in annotated.obs
    assert "duality" not in annotated.uns["annotation"]


def test_copy_leaves_the_original_alone(annotated, scripted_model):
    result = sd.tl.duality(annotated, model=scripted_model(likelihood=log_likelihood), copy=True)
    assert "annotation_duality" not in annotated.obs
    assert "duality" not in annotated.uns["annotation"]
    assert "annotation_duality" in result.obs


def test_other_sentences_can_be_scored(annotated, scripted_model):
    sd.pp.cell_sentences(annotated, n_genes=3, key_added="short")
    model = scripted_model(likelihood=log_likelihood)
    sd.tl.duality(annotated, model=model, sentence_key="short")
    assert (
        model.scored_pairs[0][1]
        == f"<answer>{' '.join(sd.get.gene_lists(annotated, sentence_key='short')[0])}</answer>"
    )
    assert annotated.uns["annotation"]["duality"]["sentence_key"] == "short"


@pytest.fixture
def generated(scripted_model):
    model = scripted_model(
        texts=["<answer>CD79A MS4A1</answer>", "<answer>NKG7 GNLY</answer>", "?"],
        expression_model={"slope": -0.5, "intercept": 2.0},
    )
    return sd.tl.generate({"B cell": 2, "NK cell": 1}, model, tissue="blood", n_genes=5)


@pytest.mark.parametrize("form", ["posterior", "likelihood"])
def test_generated_cells_are_scored_by_their_requested_type(generated, scripted_model, form):
    model = scripted_model(scores=[[-1.0, -2.0], [-1.0, -4.0]], temperature=2.0)
    sd.tl.duality(generated, "cell_type", model, duality=sd.Duality(form=form))
    if form == "posterior":
        expected = [softmax([-0.5, -1.0])[0], softmax([-0.5, -2.0])[0]]
    else:
        expected = [log_softmax([-1.0, -2.0])[0], log_softmax([-1.0, -4.0])[0]]
    np.testing.assert_allclose(generated.obs["cell_type_duality"], [*expected, np.nan])
    assert model.choices == ["<answer>B cell</answer>", "<answer>NK cell</answer>"]
    assert "in descending order: CD79A MS4A1\n" in model.prompts[0]
    assert "from the blood" in model.prompts[0]


def test_generated_cells_by_sampling(generated, scripted_model):
    model = scripted_model(texts=["<answer>b_cell</answer>", "<answer>NK cell</answer>", "<answer>B cell</answer>"])
    sd.tl.duality(generated, "cell_type", model, duality=sd.Duality(form="sample", n_samples=3))
    np.testing.assert_allclose(generated.obs["cell_type_duality"], [2 / 3, 2 / 3, np.nan])


def test_a_single_option_cannot_be_scored(scripted_model):
    alone = sd.tl.generate(
        {"B cell": 2},
        scripted_model(texts=["<answer>CD79A</answer>"], expression_model={"slope": -0.5, "intercept": 2.0}),
        n_genes=5,
    )
    with pytest.raises(ValueError, match="'B cell' is the only option for .*a model that knows others"):
        sd.tl.duality(alone, "cell_type", scripted_model())


def test_predicted_cells_are_scored_by_their_perturbation(cells, scripted_model):
    cells.obsm["cell_sentence"][1] = -1
    stat1 = Perturbation("knockdown", "STAT1")
    genes = sd.get.gene_lists(cells, n_genes=3)
    after = scripted_model(texts=[f"<answer>{' '.join(reversed(genes[0]))}</answer>"])
    predicted = sd.tl.perturb(cells[:3].copy(), stat1, after, n_genes=3)
    model = scripted_model(scores=[[-1.0, -2.0], [-3.0, -1.0]])
    sd.tl.duality(predicted, "perturbation", model, n_genes=3)
    expected = [softmax([-1.0, -2.0])[0], np.nan, softmax([-3.0, -1.0])[0]]
    np.testing.assert_allclose(predicted.obs["perturbation_duality"], expected)
    shown = "its 3 most highly expressed genes, in descending order:"
    assert f"Before the perturbation, {shown} {' '.join(genes[0])}\n" in model.prompts[0]
    assert f"After the perturbation, {shown} {' '.join(reversed(genes[0]))}\n" in model.prompts[0]
    assert model.choices == ["<answer>knockdown of STAT1</answer>", "<answer>no perturbation</answer>"]
    other = scripted_model(scores=[[0.0, 0.0]], knows={"response": {"perturbations": [{"operation": "control"}]}})
    sd.tl.duality(predicted, "perturbation", other)
    assert predicted.obs["perturbation_duality"].iloc[0] == pytest.approx(0.5)


def test_a_model_with_gene_tokens_scores_only_perturbations_that_it_knows(cells, scripted_model):
    text = f"<answer>{' '.join(sd.get.gene_lists(cells)[0][:20])}</answer>"
    predicted = sd.tl.perturb(cells, ("drug", "cisplatin"), scripted_model(texts=[text]))
    with pytest.raises(ValueError, match="'drug cisplatin' is not a perturbation of the model 'embedded'"):
        sd.tl.duality(predicted, "perturbation", "embedded")


def test_embedded_model_scores_every_label_in_every_form(cells):
    sd.tl.annotate(cells, labels="blood", unknown=0)
    for form in ("posterior", "likelihood", "sample"):
        sd.tl.duality(cells, duality=sd.Duality(form=form, n_samples=1), n_genes=30)
        score = cells.obs["annotation_duality"]
        assert score.notna().all()
        assert np.isfinite(score).all()
        assert score.between(0, 1).all() or form == "likelihood"
    assert score.dtype == np.float64


def test_the_mean_score_is_logged(annotated, scripted_model, caplog):
    with caplog.at_level(logging.INFO, logger="sc_duality"):
        sd.tl.duality(annotated, model=scripted_model(likelihood=log_likelihood))
    assert "wrote obs['annotation_duality']" in caplog.text
