"""One prompt a cluster: requests, votes, free names, runner-up, and the texts that the model wrote."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

import sc_duality as sd
from benchmarks._fake_server import FakeServer

LABELS = ["B cell", "CD4 T cell", "NK cell"]
VOTES = sd.Sampling(temperature=1.0, n_samples=5)


def answer(label, reasoning=""):
    return f"<think>{reasoning}</think><answer>{label}</answer>" if reasoning else f"<answer>{label}</answer>"


@pytest.fixture
def clusters(cells):
    """Three clusters, and two cells of none."""
    cells.obs["cluster"] = pd.Categorical([None, "nan", *(f"c{i % 3}" for i in range(cells.n_obs - 2))])
    return cells


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("SC_DUALITY_API_KEY", raising=False)
    with FakeServer(vllm=False) as server:
        server.writes = lambda _: answer("B cell", "CD79A")
        yield server


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(("method", "labels"), [("generate", LABELS), ("generate", None), ("choose", LABELS)])
@pytest.mark.parametrize("n_samples", [1, 4])
def test_a_server_gets_one_request_a_cluster_and_vote(clusters, server, method, labels, n_samples):
    sampling = sd.Sampling(temperature=1.0, n_samples=n_samples)
    model = sd.models.load(f"endpoint:{server.address}", price=(1e6, 0))
    for _ in range(2):  # the second time, all answers are in the cache
        sd.tl.annotate(
            clusters, model, labels=labels, groupby="cluster", method=method, sampling=sampling, context=["cell_type"]
        )
        assert server.sent.total() == 3 * n_samples
        assert len(server.sent) == 3
    assert len({body.get("seed") for body in server.bodies}) == 3 * n_samples
    assert clusters.uns["annotation"]["params"]["usage"] == dict.fromkeys(
        ["requests", "prompt_tokens", "completion_tokens", "cost"], 0
    )
    table = sd.get.answers(clusters)
    assert table["unit"].value_counts().to_dict() == dict.fromkeys(["c0", "c1", "c2"], n_samples)
    assert table["prompt_hash"].nunique() == 3


@pytest.mark.usefixtures("cache")
def test_usage_of_a_call_is_kept(clusters, server):
    model = sd.models.load(f"endpoint:{server.address}", price=(2e6, 0))
    sd.tl.annotate(clusters, model, groupby="cluster", method="generate")
    assert clusters.uns["annotation"]["params"]["usage"] == {
        "requests": 3,
        "prompt_tokens": 30,
        "completion_tokens": 15,
        "cost": 60.0,
    }
    assert server.bodies[0]["max_tokens"] == 2048 + 8 * 8


def test_prompt_has_markers_sentence_size_and_context(clusters, scripted_model):
    model = scripted_model(texts=[answer("B cell")], n_genes=20)
    clusters.obs["group"] = clusters.obs["cell_type"].astype(object)
    context = {"tissue": "blood", "organism": "human"}
    sd.tl.annotate(clusters, model, groupby="group", method="generate", context=context)
    groups = clusters.uns["annotation"]["groups"]
    assert len(model.prompts) == len(groups) == clusters.obs["cell_type"].nunique()
    for prompt, (name, row) in zip(model.prompts, groups.iterrows(), strict=True):
        n = (clusters.obs["group"] == name).sum()
        assert row["n_cells"] == n
        assert f"It has {n} {'cell' if n == 1 else 'cells'}, {100 * n / clusters.n_obs:.1f} % of all cells." in prompt
        assert "Tissue: blood\nOrganism: human\n" in prompt
        assert row["markers"] in prompt
        assert "Its 20 most highly expressed genes" in prompt
    assert clusters.uns["annotation"]["params"]["context"] == context


def test_votes_confidence_and_runner_up(clusters, scripted_model):
    # Samples come in turn: one of each cluster, then again.
    rounds = [("b cell", "NK cell", "what?"), ("B cell", "NK cell", "?"), ("NK cell", "NK cell", "?")]
    rounds += [("B cell", "NK cell", "?"), ("CD4 T cell", "what?", "?")]
    model = scripted_model(texts=[answer(label) for labels in rounds for label in labels])
    sd.tl.annotate(clusters, model, labels=LABELS, groupby="cluster", method="generate", sampling=VOTES)
    assert len(model.prompts) == 15
    assert clusters.obs["annotation"][2:5].tolist() == ["B cell", "NK cell", np.nan]
    np.testing.assert_allclose(clusters.obs["annotation_confidence"][2:5], [0.6, 1.0, np.nan])
    assert clusters.obs["annotation_status"][2:5].tolist() == ["ok", "ok", "unknown label"]
    for name in ("annotation", "annotation_status", "annotation_confidence"):
        assert (clusters.obs.groupby("cluster", observed=True)[name].nunique() <= 1).all()
    assert clusters.obs["annotation_status"][:2].tolist() == ["no group", "no group"]
    assert clusters.obs["annotation"][:2].isna().all()
    assert "annotation_probabilities" not in clusters.obsm
    groups = clusters.uns["annotation"]["groups"]
    assert groups["label"].tolist() == ["B cell", "NK cell", ""]
    assert groups["runner_up"].tolist() == ["CD4 T cell", "", ""]
    np.testing.assert_allclose(groups["runner_up_confidence"], [0.2, 0, 0])
    sd.tl.annotate(clusters, model, labels=LABELS, groupby="cluster", method="generate", sampling=VOTES, unknown=0.7)
    assert clusters.obs["annotation"][2:4].tolist() == ["unknown", "NK cell"]
    assert clusters.uns["annotation"]["groups"]["status"].tolist() == ["unknown", "ok", "unknown label"]


def test_scores_are_of_clusters(clusters, scripted_model):
    scores = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 3.0], [np.nan] * 3])
    model = scripted_model(scores=scores)
    sd.tl.annotate(clusters, model, labels=LABELS, groupby="cluster")
    assert len(model.prompts) == 3
    assert model.choices == [answer(label) for label in LABELS]
    expected = softmax(scores, axis=1)
    table = clusters.obsm["annotation_probabilities"]
    np.testing.assert_allclose(table[2:5], expected)
    assert table[:2].isna().all(axis=None)
    assert clusters.obs["annotation"][2:5].tolist() == ["B cell", "NK cell", np.nan]
    assert clusters.obs["annotation_status"][2:5].tolist() == ["ok", "ok", "not answered"]
    assert clusters.uns["annotation"]["groups"]["runner_up"].tolist() == ["CD4 T cell", "B cell", ""]
    assert "answers" not in clusters.uns["annotation"]


def test_free_names_are_those_of_the_cell_ontology(clusters, scripted_model):
    rounds = [("B cells", "Treg", "unknown"), ("B lymphocyte", "my type", "Unclear"), ("T cell", "My  type", "B cell")]
    model = scripted_model(texts=[answer(name) for names in rounds for name in names])
    sampling = sd.Sampling(temperature=1.0, n_samples=3)
    sd.tl.annotate(clusters, model, groupby="cluster", method="generate", sampling=sampling)
    assert clusters.obs["annotation"][2:5].tolist() == ["B cell", "my type", "unknown"]
    assert clusters.obs["annotation_status"][2:5].tolist() == ["ok", "ok", "unknown"]
    assert clusters.obs["annotation_ontology_term_id"][2:5].tolist() == ["CL:0000236", np.nan, np.nan]
    np.testing.assert_allclose(clusters.obs["annotation_confidence"][2:5], 2 / 3)
    labels = clusters.uns["annotation"]["params"]["labels"]
    assert labels == ["B cell", "T cell", "my type", "regulatory T cell"]
    table = sd.get.answers(clusters)
    assert table["text"][0] == answer("B cells")
    assert table["answer"][:3].tolist() == ["B cell"] * 2 + ["T cell"]
    model.log_likelihood = lambda *_: -1.0
    sd.tl.duality(clusters, model=model, n_genes=10)  # the names are the options
    assert clusters.obs["annotation_duality"].notna().tolist()[:5] == [False, False, True, True, False]


def test_results_come_back_from_files(clusters, scripted_model, tmp_path):
    model = scripted_model(texts=[answer(label) for label in ("B cell", "Treg/Th1 like", "γδ T cell")])
    context = {"tissue": "blood"}
    sd.tl.annotate(clusters, model, groupby="cluster", method="generate", context=context)
    groups, answers = clusters.uns["annotation"]["groups"], sd.get.answers(clusters)
    clusters.write_h5ad(tmp_path / "cells.h5ad")
    clusters.write_zarr(tmp_path / "cells.zarr")
    sd.io.write_results(clusters, tmp_path / "cells.h5ad")
    for found in (ad.read_h5ad(tmp_path / "cells.h5ad"), ad.read_zarr(tmp_path / "cells.zarr"), clusters[3:9].copy()):
        pd.testing.assert_frame_equal(found.uns["annotation"]["groups"].astype(object), groups.astype(object))
        pd.testing.assert_frame_equal(sd.get.answers(found).astype(object), answers.astype(object))
        assert found.uns["annotation"]["params"]["context"] == context
        model.log_likelihood = lambda *_: -1.0
        sd.tl.duality(found, model=model, n_genes=10)
        assert "Tissue" not in model.scored_pairs[0][0]  # the prompts about cells have sentences of their own
        assert "The cell originates from the blood." in model.scored_pairs[0][0]


def test_no_name_can_be_read(clusters, scripted_model, caplog, tmp_path):
    text = "I think of many things. " * 40 + "\0"
    sd.tl.annotate(clusters, scripted_model(texts=[text]), groupby="cluster", method="generate")
    assert clusters.obs["annotation"].isna().all()
    assert set(clusters.obs["annotation_status"][2:]) == {"no answer tag"}
    assert "3 of 3 answers cannot be read, 3 of them for 'no answer tag'" in caplog.text
    assert "raise max_tokens" in caplog.text
    assert "sd.get.answers(adata, 'annotation') has all" in caplog.text
    clusters.write_h5ad(tmp_path / "cells.h5ad")
    assert len(ad.read_h5ad(tmp_path / "cells.h5ad").uns["annotation"]["answers"]) == 3


@pytest.mark.parametrize(("reasoning", "n_texts", "warned"), [("MS4A1", 1, True), ("", 1, False), ("MS4A1", 2, False)])
def test_a_server_that_ignores_the_temperature_is_named(clusters, scripted_model, caplog, reasoning, n_texts, warned):
    texts = [answer("B cell", reasoning and f"{reasoning} is a marker, number {i % n_texts}.") for i in range(15)]
    model = scripted_model(texts=texts)
    sd.tl.annotate(clusters, model, labels=LABELS, groupby="cluster", method="generate", sampling=VOTES)
    assert ("are the same text, so their agreement tells nothing" in caplog.text) == warned


def test_a_missing_vote_leaves_the_cluster_unanswered(clusters, scripted_model, caplog):
    model = scripted_model(texts=[answer("B cell")] * 7 + [None] + [answer("B cell")] * 7)
    sd.tl.annotate(clusters, model, labels=LABELS, groupby="cluster", method="generate", sampling=VOTES)
    assert clusters.obs["annotation_status"][2:5].tolist() == ["ok", "not answered", "ok"]
    assert "call again to query only those" in caplog.text
    assert sd.get.answers(clusters)["status"].tolist().count("not answered") == 1


def test_a_cluster_of_cells_without_genes(clusters, scripted_model):
    clusters.obsm["cell_sentence"][2::3] = -1
    model = scripted_model(texts=[answer("B cell")])
    sd.tl.annotate(clusters, model, labels=LABELS, groupby="cluster", method="generate")
    assert len(model.prompts) == 2
    assert set(clusters.obs["annotation_status"][2::3]) == {"no genes"}
    clusters.obsm["cell_sentence"][:] = -1
    model = scripted_model()
    sd.tl.annotate(clusters, model, labels=LABELS, groupby="cluster", method="generate")
    assert model.n_prompts == []
    assert clusters.obs["annotation_status"][1:3].tolist() == ["no group", "no genes"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"groupby": "cluster"}, "'scripted' has no labels of its own, and method='score' needs labels"),
        ({"groupby": "cluster", "method": "choose"}, "or method='generate' to name cell types freely"),
        ({"method": "generate"}, "has no labels of its own: pass labels="),
        ({"groupby": "none", "method": "generate"}, "groupby='none' names no group"),
        ({"groupby": "cluster", "method": "generate", "context": {"tissue": 3}}, "must hold a text for each name"),
        ({"groupby": "cluster", "method": "generate", "sampling": sd.Sampling(n_samples=3)}, "3 equal samples"),
        ({"groupby": "cluster", "sampling": VOTES, "labels": LABELS}, "votes on generated labels"),
    ],
)
def test_bad_input_is_refused_before_a_prompt_is_sent(clusters, scripted_model, how, message):
    model = scripted_model()
    clusters.obs["none"] = None
    before = clusters.copy()
    with pytest.raises(ValueError, match=message):
        sd.tl.annotate(clusters, model, **how)
    assert model.n_prompts == []
    assert list(clusters.obs) == list(before.obs)
    assert list(clusters.uns) == list(before.uns)


def test_votes_of_cells_are_pooled_where_a_model_reads_cells(clusters, scripted_model):
    texts = [answer(label) for label in ("B cell", "NK cell", "B cell")]
    model = scripted_model(texts=texts, tasks=["annotation"])
    clusters.obs["all"] = "all"
    sampling = sd.Sampling(temperature=1.0, n_samples=3)
    sd.tl.annotate(clusters, model, labels=LABELS, groupby="all", method="generate", sampling=sampling)
    assert len(model.prompts) == 3 * clusters.n_obs
    assert set(clusters.obs["annotation"]) == {"B cell"}
    np.testing.assert_allclose(clusters.obs["annotation_confidence"], 2 / 3, atol=0.01)
