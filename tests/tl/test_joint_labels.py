"""Prompts about all groups of a batch: votes of legal answers, free names, large batches, unreadable answers."""

from __future__ import annotations

import logging
import re

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from tests.scripted_model import ScriptedModel

TYPES = ["B cell", "NK cell", "T cell", "monocyte"]
VOTES = sd.Sampling(temperature=1.0, n_samples=3)


@pytest.fixture
def clusters() -> ad.AnnData:
    """Four clusters, 'c0' to 'c3', of 10 cells."""
    sd.settings.progress = False
    adata = sd.datasets.pbmc3k()[:40].copy()
    adata.obs["cluster"] = [f"c{i % 4}" for i in range(40)]
    return adata


def answer(*labels, reasoning=""):
    thought = f"<think>{reasoning}</think>" if reasoning else ""
    return f"{thought}<answer>{' | '.join(labels)}</answer>"


def by_cluster(adata, column="annotation"):
    return adata.obs.groupby("cluster", observed=True)[column].first().astype(object).tolist()


def annotate(adata, model, **how):
    return sd.tl.annotate(
        adata, model, **{"groupby": "cluster", "unique": True, "labels": TYPES, "method": "generate"} | how
    )


def test_one_prompt_has_all_clusters_and_labels(clusters, scripted_model):
    model = scripted_model(texts=[answer(*TYPES, reasoning="Cluster 1 has CD79A.")], n_genes=10)
    annotate(clusters, model, context={"tissue": "blood"})
    (prompt,) = model.prompts
    assert re.findall(r"Cluster (\d), 10 cells, its 10 most differentially", prompt) == list("1234")
    assert "exactly once: " + " | ".join(TYPES) in prompt
    assert "blood" in prompt
    assert by_cluster(clusters) == TYPES
    table = clusters.uns["annotation"]["groups"]
    assert table["label"].tolist() == TYPES
    assert table["confidence"].tolist() == [1.0] * 4
    (row,) = sd.get.answers(clusters).to_dict("records")
    assert row["unit"] == "all groups"
    assert row["answer"] == " | ".join(TYPES)
    assert row["reasoning"] == "Cluster 1 has CD79A."
    assert "annotation_independent" not in clusters.obs


def test_legal_answers_vote_and_the_result_is_legal(clusters, scripted_model, caplog):
    swapped = ["NK cell", "B cell", *TYPES[2:]]
    texts = [answer(*TYPES), answer(*swapped), answer(*TYPES)]
    annotate(clusters, scripted_model(texts=texts), sampling=VOTES)
    assert by_cluster(clusters) == TYPES
    np.testing.assert_allclose(by_cluster(clusters, "annotation_confidence"), [2 / 3, 2 / 3, 1, 1])

    texts = [answer("B cell", "B cell", *TYPES[2:]), answer(*swapped), "no tags"]
    with caplog.at_level(logging.INFO, logger="sc_duality"):
        annotate(clusters, scripted_model(texts=texts), sampling=VOTES)
    assert by_cluster(clusters) == swapped
    assert "2 of 3 answers are not legal: 1 a label used too often, 1 no answer tag" in caplog.text
    assert sd.get.answers(clusters)["status"].tolist() == ["a label used too often", "ok", "no answer tag"]


def test_without_a_legal_answer_the_reason_is_the_status(clusters, scripted_model):
    annotate(clusters, scripted_model(texts=[answer(*TYPES[:3])]))
    assert clusters.obs["annotation"].isna().all()
    assert set(clusters.obs["annotation_status"]) == {"wrong number of answers"}
    assert clusters.obs["annotation_confidence"].isna().all()


def test_a_missing_answer_is_not_answered(clusters, scripted_model):
    annotate(clusters, scripted_model(texts=[answer(*TYPES), None, answer(*TYPES)]), sampling=VOTES)
    assert set(clusters.obs["annotation_status"]) == {"not answered"}


def test_more_labels_or_fewer(clusters, scripted_model):
    model = scripted_model(texts=[answer(*TYPES[1:], "platelet")])
    annotate(clusters, model, labels=[*TYPES, "platelet"])
    assert "at most once" in model.prompts[0]
    assert by_cluster(clusters) == [*TYPES[1:], "platelet"]

    model = scripted_model(texts=[answer("unknown", "T cell", "unknown", "B cell")])
    annotate(clusters, model, labels=["B cell", "T cell"])
    assert "B cell | T cell | unknown | unknown" in model.prompts[0]
    assert by_cluster(clusters) == ["unknown", "T cell", "unknown", "B cell"]
    assert by_cluster(clusters, "annotation_status") == ["unknown", "ok", "unknown", "ok"]


def test_types_are_named_freely(clusters, scripted_model):
    model = scripted_model(texts=[answer("B cells", "natural killer cell", "unclear", "a mystery")])
    annotate(clusters, model, labels=None)
    assert by_cluster(clusters)[1:] == ["natural killer cell", "unknown", "a mystery"]
    assert by_cluster(clusters)[0] in ("B cell", "B cells")


def test_numbered_answers_are_read(clusters, scripted_model):
    text = "<answer>\n" + "\n".join(f"Cluster {i}: **{name}**" for i, name in enumerate(TYPES, 1)) + "\n</answer>"
    annotate(clusters, scripted_model(texts=[text]))
    assert by_cluster(clusters) == TYPES
    wrong = text.replace("Cluster 2", "Cluster 9")
    annotate(clusters, scripted_model(texts=[wrong]))
    assert clusters.obs["annotation"].isna().all()


def test_cells_of_puzzles(clusters, scripted_model):
    clusters.obs["puzzle"] = np.repeat(["p1", "p2", "p3", None], 10)
    cells = clusters[np.r_[0:3, 10:14, 30:32]].copy()
    cells.obs["candidate"] = ["a", "b", "c", "d", "e", "f", "g", None, None]
    model = scripted_model(texts=[answer("e", "d", "g", "f"), answer("b", "a", "c")])
    annotate(cells, model, groupby=None, unique="puzzle", labels="candidate")
    assert cells.obs["annotation"].astype(object).tolist()[:7] == ["b", "a", "c", "e", "d", "g", "f"]
    assert (cells.obs["annotation_status"][7:] == "no group").all()
    assert sd.get.answers(cells)["unit"].tolist() == ["p2", "p1"]
    assert all("exactly once" in prompt for prompt in model.prompts)


class BySize(ScriptedModel):
    """Names each cluster of a prompt by its number of cells."""

    def generate(self, prompts, sampling):
        self.prompts += prompts
        return [
            answer(*(f"type {name}" for name in re.findall(r"Cluster \d+, (\d+) cells?", prompt))) for prompt in prompts
        ]


def test_large_batches_are_split_and_put_together():
    sizes = np.arange(1, 21)
    adata = sd.datasets.pbmc3k()[: sizes.sum()].copy()
    adata.obs["cluster"] = np.repeat([f"c{n:02}" for n in sizes], sizes)
    model = BySize(texts=[])
    annotate(adata, model, labels=[f"type {n}" for n in sizes], sampling=sd.Sampling(temperature=1.0, n_samples=2))
    assert len(model.prompts) == 4
    assert all(len(re.findall(r"Cluster \d+, ", prompt)) == 10 for prompt in model.prompts)
    assert len(set(model.prompts)) == 4
    assert by_cluster(adata) == [f"type {n}" for n in sizes]
    assert set(sd.get.answers(adata)["unit"]) == {"all groups (1 of 2)", "all groups (2 of 2)"}


def test_facts_that_differ_are_left_out(clusters, scripted_model):
    clusters.obs["site"] = np.where(clusters.obs["cluster"] == "c0", "left", "right")
    model = scripted_model(texts=[answer(*TYPES)])
    clusters.obs["tissue"] = pd.Categorical(["blood"] * 40)
    annotate(clusters, model, context=["tissue", "site"])
    assert "blood" in model.prompts[0]
    assert "right" not in model.prompts[0]


def test_reasoning_about_each_cluster_is_checked(clusters, scripted_model):
    text = answer(*TYPES, reasoning="Cluster 2 expresses ACTB and NOTCH1, so it is a NK cell. Cluster 1 is a B cell.")
    model = scripted_model(texts=[text], n_genes=20)
    annotate(clusters, model)
    table = sd.get.reasoning(clusters).set_index("unit")
    assert list(table.index) == ["c0", "c1", "c2", "c3"]
    assert set(table["batch"]) == {"all groups"}
    assert table["label"].tolist() == TYPES
    assert table.loc["c1", "cited"] == "ACTB NOTCH1"
    assert table.loc["c1", "invented"] == "NOTCH1"
    assert table["order"].tolist() == [2, 1, 0, 0]
    assert not table["revised"].any()


def test_cells_whose_names_repeat_are_refused(clusters, scripted_model):
    clusters.obs["puzzle"] = "p"
    clusters.obs_names = ["same"] * clusters.n_obs
    with pytest.raises(ValueError, match="1 names of cells repeat, such as 'same'"):
        annotate(clusters, scripted_model(texts=[]), groupby=None, unique="puzzle")
