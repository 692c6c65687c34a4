"""Annotation: what the model is queried for, and how its answers are read, pooled and written."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

import sc_duality as sd

LABELS = ["B cell", "CD4 T cell", "NK cell"]


def test_embedded_model_annotates_real_cells(cells):
    sd.tl.annotate(cells, labels="cell_type")
    assert list(cells.obs["annotation"].cat.categories.drop("unknown", errors="ignore")) == [
        name for name in sorted(cells.obs["cell_type"].unique()) if name in set(cells.obs["annotation"])
    ]
    assert (cells.obs["annotation"].astype(str) == cells.obs["cell_type"].astype(str)).mean() > 0.75


def test_probabilities_confidence_and_status_agree(cells):
    sd.tl.annotate(cells)
    spec = sd.models.resolve("embedded")
    table = cells.obsm["annotation_probabilities"]
    assert list(table.columns) == spec.known("annotation", "labels")
    assert table.index.equals(cells.obs_names)
    assert spec.known("annotation", "none_of_these")
    assert table.sum(axis=1).between(0, 1 + 1e-9).all()
    np.testing.assert_allclose(cells.obs["annotation_confidence"], table.max(axis=1))
    sure = cells.obs["annotation_confidence"] * cells.obs["annotation_in_distribution"] >= spec.known(
        "annotation", "unknown"
    )
    assert (cells.obs["annotation"][sure] == table.idxmax(axis=1)[sure]).all()
    assert (cells.obs["annotation"][~sure] == "unknown").all()
    assert (cells.obs["annotation_status"] == np.where(sure, "ok", "unknown")).all()
    params = cells.uns["annotation"]["params"]
    assert params["model"] == "embedded"
    assert len(params["fingerprint"]) == 64
    assert params["versions"]["sc-duality"] == sd.__version__


def test_probabilities_are_the_softmax_of_the_models_scores(cells, scripted_model):
    model = scripted_model(scores=[[-1.0, -2.0, -3.0]], temperature=2.0)
    sd.tl.annotate(cells, model, labels=LABELS)
    expected = softmax([-0.5, -1.0, -1.5])
    np.testing.assert_allclose(cells.obsm["annotation_probabilities"], np.tile(expected, (cells.n_obs, 1)))
    assert model.choices == [f"<answer>{label}</answer>" for label in LABELS]


def test_prompt_has_as_many_genes_as_the_model_was_trained_on(cells, scripted_model):
    model = scripted_model(scores=[[0, 0, 0]], n_genes=5)
    sd.tl.annotate(cells, model, labels=LABELS)
    first = sd.get.gene_lists(cells, n_genes=5)[0]
    assert f"in descending order: {' '.join(first)}\n" in model.prompts[0]
    model.spec = replace(model.spec, n_genes=2)
    sd.tl.annotate(cells, model, labels=LABELS)
    assert f"in descending order: {' '.join(first[:2])}\n" in model.prompts[0]


def test_generated_labels_are_read_or_missing_with_a_reason(cells, scripted_model):
    model = scripted_model(
        texts=["<think>MS4A1</think><answer>b cell</answer>", "b or T", "<answer>T cell</answer>", "<answer></answer>"]
    )
    sampling = sd.Sampling(temperature=0.7, max_tokens=9, top_p=0.8)
    sd.tl.annotate(cells, model, labels=LABELS, method="generate", sampling=sampling, rng=4)
    assert cells.obs["annotation"][:4].tolist() == ["B cell", np.nan, np.nan, np.nan]
    assert cells.obs["annotation_status"][:4].tolist() == ["ok", "no answer tag", "unknown label", "empty"]
    assert "annotation_confidence" not in cells.obs
    assert "annotation_probabilities" not in cells.obsm
    used = model.sampling
    assert (used.max_tokens, used.temperature, used.top_p, used.seed) == (9, 0.7, 0.8, 4)
    params = cells.uns["annotation"]["params"]
    assert (params["max_tokens"], params["temperature"], params["top_p"], params["rng"]) == (9, 0.7, 0.8, 4)


def test_a_general_model_has_tokens_to_reason(cells, scripted_model):
    model = scripted_model(texts=["<answer>B cell</answer>"])
    sd.tl.annotate(cells, model, labels=LABELS, method="generate")
    assert model.sampling.max_tokens == 2048 + 8 * 3  # the longest label has three words
    short = scripted_model(texts=["<answer>B cell</answer>"], prompt_format="terse")  # its prompts invite no reasoning
    sd.tl.annotate(cells, short, labels=LABELS, method="generate")
    assert short.sampling.max_tokens == 256 + 8 * 3
    reader = scripted_model(texts=["B_cell"])
    reader.spec = sd.models.resolve("embedded")  # every label is one token
    sd.tl.annotate(cells, reader, method="generate")
    assert reader.sampling.max_tokens == 1


@pytest.mark.parametrize("n_genes", [None, 20])  # with few genes, it does not end after the label by itself
def test_embedded_model_can_generate_labels(cells, n_genes):
    model = sd.models.load("embedded", n_genes=n_genes)
    sd.tl.annotate(cells, model, method="generate", key_added="generated")
    sd.tl.annotate(cells, model, unknown=0, key_added="scored")
    assert set(cells.obs["generated_status"]) <= {"ok", "unknown"}
    readable = cells.obs["generated"].notna()
    assert readable.mean() > 0.9
    assert (cells.obs["generated"][readable].astype(str) == cells.obs["scored"][readable].astype(str)).mean() > 0.9


def test_clusters_get_the_label_of_the_highest_summed_log_probability(cells, scripted_model):
    scores = np.random.default_rng(0).normal(size=(cells.n_obs, 3)) * 3
    cells.obs["cluster"] = pd.Categorical([f"c{i % 4}" for i in range(cells.n_obs)])
    sd.tl.annotate(cells, scripted_model(scores=scores, tasks=["annotation"]), labels=LABELS, groupby="cluster")
    probability = softmax(scores, axis=1)
    for i in range(4):
        best = np.log(probability[i::4]).sum(0).argmax()
        members = cells.obs[cells.obs["cluster"] == f"c{i}"]
        assert (members["annotation"] == LABELS[best]).all()
        np.testing.assert_allclose(members["annotation_confidence"], probability[i::4, best].mean())


def test_votes_of_a_cluster_and_cells_without_a_cluster(cells, scripted_model):
    texts = [f"<answer>{label}</answer>" for label in ("B cell", "B cell", "NK cell")] + ["?"]
    cells.obs["cluster"] = pd.Categorical(["all"] * (cells.n_obs - 1) + [np.nan])
    model = scripted_model(texts=texts, tasks=["annotation"])
    sd.tl.annotate(cells, model, labels=LABELS, method="generate", groupby="cluster")
    assert (cells.obs["annotation"][:-1] == "B cell").all()
    np.testing.assert_allclose(cells.obs["annotation_confidence"][:-1], 2 / 3, atol=0.02)
    assert cells.obs["annotation_status"].iloc[-1] == "no group"
    assert cells.obs["annotation"].isna().to_numpy().nonzero()[0].tolist() == [cells.n_obs - 1]


def test_a_group_named_nan_is_no_group(cells, scripted_model, caplog):
    cells.obs["cluster"] = ["a", "nan"] * (cells.n_obs // 2) + ["a"] * (cells.n_obs % 2)
    sd.tl.annotate(cells, scripted_model(scores=[[1, 0]]), labels=["x", "y", np.nan], groupby="cluster")
    assert (cells.obs["annotation_status"][cells.obs["cluster"] == "nan"] == "no group").all()
    assert set(cells.obs["annotation"][cells.obs["cluster"] == "a"]) == {"x"}
    assert cells.obs["annotation"].isna().sum() == (cells.obs["cluster"] == "nan").sum()
    assert list(cells.obsm["annotation_probabilities"]) == ["x", "y"]
    assert "in obs['cluster'], which counts as missing" in caplog.text
    assert "labels has 1 missing values, which are left out" in caplog.text


def test_only_cells_below_the_threshold_are_unknown(cells, scripted_model):
    model = scripted_model(scores=[[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]], knows={"annotation": {"unknown": 0.5}})
    sd.tl.annotate(cells, model, labels=LABELS)
    assert cells.obs["annotation"][:2].tolist() == ["unknown", "B cell"]
    sd.tl.annotate(cells, model, labels=LABELS, unknown=0)
    assert cells.obs["annotation"][:2].tolist() == ["B cell", "B cell"]
    sd.tl.annotate(cells, model, labels=LABELS, unknown=1)
    assert (cells.obs["annotation_status"] == "unknown").all()


def test_a_model_may_predict_none_of_the_labels(cells, scripted_model):
    scores = [[3.0, 0.0, 0.0, 0.0], [3.0, 0.0, 0.0, 9.0]]
    model = scripted_model(scores=scores, knows={"annotation": {"none_of_these": "neither", "unknown": 0.5}})
    sd.tl.annotate(cells, model, labels=LABELS)
    assert model.choices[-1] == model.choices[-1].strip()
    assert "neither" in model.choices[-1]
    assert len(model.choices) == len(LABELS) + 1
    assert cells.obs["annotation"][:2].tolist() == ["B cell", "unknown"]
    table = cells.obsm["annotation_probabilities"].to_numpy()
    assert table.shape == (cells.n_obs, len(LABELS))
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(table[:2], expected[:, :-1])


def test_threshold_0_labels_every_cell(cells, scripted_model):
    model = scripted_model(
        scores=[[3.0, 0.0, 0.0, 9.0]], knows={"annotation": {"none_of_these": "neither", "unknown": 0.5}}
    )
    sd.tl.annotate(cells, model, labels=LABELS, unknown=0)
    assert (cells.obs["annotation"] == "B cell").all()
    sd.tl.annotate(cells, model, labels=LABELS, unknown=0, sampling=sd.Sampling(n_samples=1), key_added="again")
    assert (cells.obs["again_confidence"] < 0.01).all()


def test_labels_are_sampled_without_the_probability_of_none_of_them(cells, scripted_model):
    many = cells[[0] * 400].copy()
    many.obs_names = [f"cell {i}" for i in range(400)]
    known = {"annotation": {"none_of_these": "neither"}}
    model = scripted_model(scores=np.log([[0.001, 0.003, 0.996]]), likelihood=lambda *_: -1.0, knows=known)
    sd.tl.annotate(many, model, labels=LABELS[:2], unknown=0, sampling=sd.Sampling(n_samples=2))
    assert 0.65 < (many.obs["annotation"] == LABELS[1]).mean() < 0.85  # of equal scores the first sample is kept


def test_unknown_may_be_one_of_the_labels(cells, scripted_model):
    model = scripted_model(scores=[[0.0, 5.0], [5.0, 0.0], [0.0, 0.0]])
    sd.tl.annotate(cells, model, labels=["B cell", "unknown"], unknown=0.9)
    assert cells.obs["annotation"][:3].tolist() == ["unknown", "B cell", "unknown"]
    assert cells.obs["annotation_status"][:3].tolist() == ["ok", "ok", "unknown"]


def test_cells_without_genes_have_no_label(cells):
    cells.obsm["cell_sentence"][3] = -1
    sd.tl.annotate(cells)
    assert cells.obs["annotation"].isna().to_numpy().nonzero()[0].tolist() == [3]
    assert cells.obs["annotation_status"].iloc[3] == "no genes"
    assert np.isnan(cells.obs["annotation_confidence"].iloc[3])
    cells.obsm["cell_sentence"][:] = -1
    sd.tl.annotate(cells)
    assert (cells.obs["annotation_status"] == "no genes").all()


def test_sentences_are_computed_if_there_are_none(cells):
    bare = sd.datasets.pbmc3k()[::10].copy()
    sd.tl.annotate(bare)
    assert (bare.obsm["cell_sentence"] == cells.obsm["cell_sentence"]).all()


def test_labels_are_spelled_as_in_the_obs_column(cells):
    cells.obs["mine"] = ["b CELL", "NK cells", "CD14+ Monocytes"] * (cells.n_obs // 3) + ["b CELL"] * (cells.n_obs % 3)
    sd.tl.annotate(cells, labels="mine", unknown=0)
    assert set(cells.obs["annotation"]) <= {"b CELL", "NK cells", "CD14+ Monocytes"}


def test_an_earlier_result_is_replaced(cells, scripted_model):
    sd.tl.annotate(cells)
    sd.tl.annotate(cells, scripted_model(texts=["<answer>B cell</answer>"]), labels=LABELS, method="generate")
    assert (cells.obs["annotation"] == "B cell").all()
    assert not set(cells.obs) - {"cell_type", "annotation", "annotation_status", "annotation_ontology_term_id"}
    assert "annotation_probabilities" not in cells.obsm


def test_copy_leaves_the_original_alone(cells):
    before = set(cells.obs)
    result = sd.tl.annotate(cells, copy=True)
    assert set(cells.obs) == before
    assert "annotation" in result.obs
    assert sd.tl.annotate(cells) is None


def prefers(label):
    """A log-likelihood that is highest given this label."""
    return lambda prompt, _: 0.0 if label in prompt else -9.0


def test_a_refused_call_writes_nothing():
    bare = sd.datasets.pbmc3k()[::10].copy()
    for refused in ({"labels": ["B cell", "unicorn cell"]}, {"groupby": "leiden"}, {"context": ["donor"]}):
        with pytest.raises((ValueError, KeyError)):
            sd.tl.annotate(bare, **refused)
    assert not bare.obsm
    assert list(bare.uns) == ["source"]
    assert bare.obs.columns.tolist() == ["cell_type"]


def test_the_sampled_label_with_the_best_duality_score_is_kept(cells, scripted_model):
    probability = np.array([0.6, 0.4, 1e-300])
    model = scripted_model(scores=[np.log(probability)], likelihood=prefers("CD4 T cell"))
    sd.tl.annotate(cells, model, labels=LABELS)
    assert (cells.obs["annotation"] == "B cell").all()
    sd.tl.annotate(cells, model, labels=LABELS, sampling=sd.Sampling(n_samples=3))
    share = (cells.obs["annotation"] == "CD4 T cell").mean()
    assert abs(share - (1 - 0.6**3)) < 0.2  # 3 standard deviations of 53 cells
    sampled = cells.obs["annotation"].map({"B cell": 0.6, "CD4 T cell": 0.4}).astype(float)
    np.testing.assert_allclose(cells.obs["annotation_confidence"], sampled)
    sd.tl.annotate(cells, model, labels=LABELS, sampling=sd.Sampling(n_samples=60))
    assert (cells.obs["annotation"] == "CD4 T cell").all()  # the NK cell's probability is 0
    assert cells.uns["annotation"]["params"]["n_samples"] == 60
    assert "annotation_duality" not in cells.obs


def test_the_generated_label_with_the_best_duality_score_is_kept(cells, scripted_model):
    one = cells[:1].copy()
    texts = [f"<answer>{label}</answer>" for label in ("B cell", "nonsense", "NK cell", "CD4 T cell")]
    model = scripted_model(texts=texts, likelihood=prefers("NK cell"))
    sampling = sd.Sampling(temperature=1.0, n_samples=4)
    sd.tl.annotate(one, model, labels=LABELS, method="generate", sampling=sampling)
    assert one.obs["annotation"].tolist() == ["NK cell"]
    assert one.obs["annotation_status"].tolist() == ["ok"]
    assert len(model.prompts) == 4
    unreadable = scripted_model(texts=["?", "", "?", "?"])
    sd.tl.annotate(one, unreadable, labels=LABELS, method="generate", sampling=sampling)
    assert one.obs["annotation"].isna().all()
    assert one.obs["annotation_status"].tolist() == ["no answer tag"]


def test_sampled_labels_of_cells_without_genes(cells, scripted_model):
    cells.obsm["cell_sentence"][3] = -1
    model = scripted_model(scores=[[0.0, 1.0, 2.0]], likelihood=prefers("NK cell"))
    sd.tl.annotate(cells, model, labels=LABELS, sampling=sd.Sampling(n_samples=20))
    assert cells.obs["annotation"].isna().to_numpy().nonzero()[0].tolist() == [3]
    assert (cells.obs["annotation"].dropna() == "NK cell").all()


def test_the_nearest_type_of_unknown_cells(cells):
    sd.tl.annotate(cells, unknown=0.9)
    unknown = (cells.obs["annotation"] == "unknown").to_numpy()
    assert 0 < unknown.sum() < len(unknown)
    best = cells.obsm["annotation_probabilities"].idxmax(axis=1)
    assert (cells.obs["annotation_nearest"].astype(str) == best).all()
    assert (cells.obs["annotation_nearest"].astype(str) == cells.obs["annotation"].astype(str))[~unknown].all()
