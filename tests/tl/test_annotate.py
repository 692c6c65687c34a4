"""Annotation: what is asked, how answers are read, pooled and written."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

import sc_duality as sd
from sc_duality.tl._best_of import drawn_labels

LABELS = ["B cell", "CD4 T cell", "NK cell"]


def test_embedded_model_names_real_cells_it_never_saw(cells):
    sd.tl.annotate(cells, labels="cell_type")
    assert list(cells.obs["annotation"].cat.categories.drop("unknown", errors="ignore")) == [
        name for name in sorted(cells.obs["cell_type"].unique()) if name in set(cells.obs["annotation"])
    ]
    assert (cells.obs["annotation"].astype(str) == cells.obs["cell_type"].astype(str)).mean() > 0.75


def test_everything_that_is_promised_is_written(cells):
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


def test_probabilities_are_the_softmax_of_the_models_scores(cells, parrot):
    model = parrot(scores=[[-1.0, -2.0, -3.0]], temperature=2.0)
    sd.tl.annotate(cells, model, labels=LABELS)
    expected = softmax([-0.5, -1.0, -1.5])
    np.testing.assert_allclose(cells.obsm["annotation_probabilities"], np.tile(expected, (cells.n_obs, 1)))
    assert model.choices == [f"<answer>{label}</answer>" for label in LABELS]


def test_model_is_shown_as_many_genes_as_it_is_made_for(cells, parrot):
    model = parrot(scores=[[0, 0, 0]], n_genes=5)
    sd.tl.annotate(cells, model, labels=LABELS)
    first = sd.get.gene_lists(cells, n_genes=5)[0]
    assert f"highest first: {' '.join(first)}\n" in model.prompts[0]
    sd.tl.annotate(cells, model, labels=LABELS, n_genes=2)
    assert f"highest first: {' '.join(first[:2])}\n" in model.prompts[0]


def test_written_answers_are_read_or_left_missing_with_their_reason(cells, parrot):
    model = parrot(
        texts=["<think>MS4A1</think><answer>b cell</answer>", "B cell", "<answer>T cell</answer>", "<answer></answer>"]
    )
    sd.tl.annotate(cells, model, labels=LABELS, method="generate", temperature=0.7, max_tokens=9, rng=4)
    assert cells.obs["annotation"][:4].tolist() == ["B cell", np.nan, np.nan, np.nan]
    assert cells.obs["annotation_status"][:4].tolist() == ["ok", "no answer tag", "unknown label", "empty"]
    assert "annotation_confidence" not in cells.obs
    assert "annotation_probabilities" not in cells.obsm
    assert (model.sampling.max_tokens, model.sampling.temperature, model.sampling.seed) == (9, 0.7, 4)


def test_model_may_reason_unless_its_types_are_words(cells, parrot):
    model = parrot(texts=["<answer>B cell</answer>"])
    sd.tl.annotate(cells, model, labels=LABELS, method="generate")
    assert model.sampling.max_tokens == 264
    sd.tl.annotate(cells, method="generate")
    assert cells.uns["annotation"]["params"]["max_tokens"] == 1


@pytest.mark.parametrize("n_genes", [None, 20])  # of few genes, it does not stop after the type by itself
def test_embedded_model_can_write_its_answers(cells, n_genes):
    sd.tl.annotate(cells, method="generate", n_genes=n_genes, key_added="written")
    sd.tl.annotate(cells, unknown=0, n_genes=n_genes, key_added="scored")
    assert set(cells.obs["written_status"]) <= {"ok", "unknown"}
    readable = cells.obs["written"].notna()
    assert readable.mean() > 0.9
    assert (cells.obs["written"][readable].astype(str) == cells.obs["scored"][readable].astype(str)).mean() > 0.9


def test_clusters_get_the_label_of_the_highest_summed_log_probability(cells, parrot):
    scores = np.random.default_rng(0).normal(size=(cells.n_obs, 3)) * 3
    cells.obs["cluster"] = pd.Categorical([f"c{i % 4}" for i in range(cells.n_obs)])
    sd.tl.annotate(cells, parrot(scores=scores), labels=LABELS, groupby="cluster")
    probability = softmax(scores, axis=1)
    for i in range(4):
        best = np.log(probability[i::4]).sum(0).argmax()
        members = cells.obs[cells.obs["cluster"] == f"c{i}"]
        assert (members["annotation"] == LABELS[best]).all()
        np.testing.assert_allclose(members["annotation_confidence"], probability[i::4, best].mean())


def test_cluster_votes_and_cells_without_a_cluster(cells, parrot):
    texts = [f"<answer>{label}</answer>" for label in ("B cell", "B cell", "NK cell")] + ["?"]
    cells.obs["cluster"] = pd.Categorical(["all"] * (cells.n_obs - 1) + [np.nan])
    sd.tl.annotate(cells, parrot(texts=texts), labels=LABELS, method="generate", groupby="cluster")
    assert (cells.obs["annotation"][:-1] == "B cell").all()
    np.testing.assert_allclose(cells.obs["annotation_confidence"][:-1], 2 / 3, atol=0.02)
    assert cells.obs["annotation_status"].iloc[-1] == "no group"
    assert cells.obs["annotation"].isna().to_numpy().nonzero()[0].tolist() == [cells.n_obs - 1]


def test_unknown_is_said_below_the_threshold_only(cells, parrot):
    model = parrot(scores=[[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]], knows={"annotation": {"unknown": 0.5}})
    sd.tl.annotate(cells, model, labels=LABELS)
    assert cells.obs["annotation"][:2].tolist() == ["unknown", "B cell"]
    sd.tl.annotate(cells, model, labels=LABELS, unknown=0)
    assert cells.obs["annotation"][:2].tolist() == ["B cell", "B cell"]
    sd.tl.annotate(cells, model, labels=LABELS, unknown=1)
    assert (cells.obs["annotation_status"] == "unknown").all()


def test_a_model_may_say_that_none_of_the_labels_is_right(cells, parrot):
    scores = [[3.0, 0.0, 0.0, 0.0], [3.0, 0.0, 0.0, 9.0]]
    model = parrot(scores=scores, knows={"annotation": {"none_of_these": "neither", "unknown": 0.5}})
    sd.tl.annotate(cells, model, labels=LABELS)
    assert model.choices[-1] == model.choices[-1].strip()
    assert "neither" in model.choices[-1]
    assert len(model.choices) == len(LABELS) + 1
    assert cells.obs["annotation"][:2].tolist() == ["B cell", "unknown"]
    table = cells.obsm["annotation_probabilities"].to_numpy()
    assert table.shape == (cells.n_obs, len(LABELS))
    of_all = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(table[:2], of_all[:, :-1])


def test_a_user_who_wants_an_answer_gets_one(cells, parrot):
    model = parrot(scores=[[3.0, 0.0, 0.0, 9.0]], knows={"annotation": {"none_of_these": "neither", "unknown": 0.5}})
    sd.tl.annotate(cells, model, labels=LABELS, unknown=0)
    assert (cells.obs["annotation"] == "B cell").all()
    sd.tl.annotate(cells, model, labels=LABELS, unknown=0, best_of=1, key_added="again")
    assert (cells.obs["again_confidence"] < 0.01).all()


def test_labels_are_drawn_as_if_one_of_them_were_right():
    drawn = drawn_labels(np.array([[0.001, 0.003]] * 400), [f"cell {i}" for i in range(400)], 1, 0)
    assert 0.65 < (drawn == 1).mean() < 0.85


def test_unknown_may_be_a_label_of_its_own(cells, parrot):
    model = parrot(scores=[[0.0, 5.0], [5.0, 0.0], [0.0, 0.0]])
    sd.tl.annotate(cells, model, labels=["B cell", "unknown"], unknown=0.9)
    assert cells.obs["annotation"][:3].tolist() == ["unknown", "B cell", "unknown"]
    assert cells.obs["annotation_status"][:3].tolist() == ["ok", "ok", "unknown"]


def test_cells_without_genes_stay_without_an_answer(cells):
    cells.obsm["cell_sentence"][3] = -1
    sd.tl.annotate(cells)
    assert cells.obs["annotation"].isna().to_numpy().nonzero()[0].tolist() == [3]
    assert cells.obs["annotation_status"].iloc[3] == "no genes"
    assert np.isnan(cells.obs["annotation_confidence"].iloc[3])
    cells.obsm["cell_sentence"][:] = -1
    sd.tl.annotate(cells)
    assert (cells.obs["annotation_status"] == "no genes").all()


def test_sentences_are_written_if_there_are_none(cells):
    bare = sd.datasets.pbmc3k()[::10].copy()
    sd.tl.annotate(bare)
    assert (bare.obsm["cell_sentence"] == cells.obsm["cell_sentence"]).all()


def test_labels_may_be_spelled_as_in_the_users_own_column(cells):
    cells.obs["mine"] = ["b CELL", "NK cells", "CD14+ Monocytes"] * (cells.n_obs // 3) + ["b CELL"] * (cells.n_obs % 3)
    sd.tl.annotate(cells, labels="mine", unknown=0)
    assert set(cells.obs["annotation"]) <= {"b CELL", "NK cells", "CD14+ Monocytes"}


def test_nothing_of_an_earlier_answer_stays(cells, parrot):
    sd.tl.annotate(cells)
    sd.tl.annotate(cells, parrot(texts=["<answer>B cell</answer>"]), labels=LABELS, method="generate")
    assert (cells.obs["annotation"] == "B cell").all()
    assert not set(cells.obs) - {"cell_type", "annotation", "annotation_status"}
    assert "annotation_probabilities" not in cells.obsm


def test_copy_leaves_the_original_alone(cells):
    before = set(cells.obs)
    result = sd.tl.annotate(cells, copy=True)
    assert set(cells.obs) == before
    assert "annotation" in result.obs
    assert sd.tl.annotate(cells) is None


def prefers(label):
    """A judge to whom this label explains every cell best."""
    return lambda prompt, _: 0.0 if label in prompt else -9.0


def test_duality_comes_along_where_it_is_asked_for(cells, parrot):
    model = parrot(scores=[[0.0, 1.0, 2.0]], judge=prefers("NK cell"))
    sd.tl.annotate(cells, model, labels=LABELS, n_genes=7, rng=2, duality=True)
    along = cells.obs.pop("annotation_duality")
    assert cells.uns["annotation"]["duality"]["n_genes"] == 7
    sd.tl.annotate(cells, model, labels=LABELS, n_genes=7)
    sd.tl.duality(cells, model=model, n_genes=7, rng=2)
    np.testing.assert_array_equal(cells.obs["annotation_duality"], along)
    np.testing.assert_allclose(along, softmax([-9.0, -9.0, 0.0])[2])


def test_best_of_many_is_what_explains_the_cell_best_among_what_is_drawn(cells, parrot):
    probability = np.array([0.6, 0.4, 1e-300])
    model = parrot(scores=[np.log(probability)], judge=prefers("CD4 T cell"))
    sd.tl.annotate(cells, model, labels=LABELS)
    assert (cells.obs["annotation"] == "B cell").all()
    sd.tl.annotate(cells, model, labels=LABELS, best_of=3)
    share = (cells.obs["annotation"] == "CD4 T cell").mean()
    assert abs(share - (1 - 0.6**3)) < 0.2  # of 53 cells; 3 standard deviations
    drawn = cells.obs["annotation"].map({"B cell": 0.6, "CD4 T cell": 0.4}).astype(float)
    np.testing.assert_allclose(cells.obs["annotation_confidence"], drawn)
    sd.tl.annotate(cells, model, labels=LABELS, best_of=60)
    assert (cells.obs["annotation"] == "CD4 T cell").all()  # the NK cell's probability is 0
    assert cells.uns["annotation"]["params"]["best_of"] == 60
    assert "annotation_duality" not in cells.obs


def test_best_of_written_answers(cells, parrot):
    one = cells[:1].copy()
    texts = [f"<answer>{label}</answer>" for label in ("B cell", "nonsense", "NK cell", "CD4 T cell")]
    model = parrot(texts=texts, judge=prefers("NK cell"))
    sd.tl.annotate(one, model, labels=LABELS, method="generate", temperature=1.0, best_of=4)
    assert one.obs["annotation"].tolist() == ["NK cell"]
    assert one.obs["annotation_status"].tolist() == ["ok"]
    assert len(model.prompts) == 4
    sd.tl.annotate(one, parrot(texts=["?", "", "?"]), labels=LABELS, method="generate", temperature=1.0, best_of=3)
    assert one.obs["annotation"].isna().all()
    assert one.obs["annotation_status"].tolist() == ["no answer tag"]


def test_best_of_is_not_shaken_by_cells_without_genes(cells, parrot):
    cells.obsm["cell_sentence"][3] = -1
    model = parrot(scores=[[0.0, 1.0, 2.0]], judge=prefers("NK cell"))
    sd.tl.annotate(cells, model, labels=LABELS, best_of=20)
    assert cells.obs["annotation"].isna().to_numpy().nonzero()[0].tolist() == [3]
    assert (cells.obs["annotation"].dropna() == "NK cell").all()
