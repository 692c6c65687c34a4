"""Cells are asked about in blocks, and nothing in the result says so."""

import tracemalloc

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.tl import _blocks

LABELS = ["B cell", "T cell"]
HOW = {
    "score": {"labels": "blood"},
    "generate": {"labels": "blood", "method": "generate"},
    "draws": {"labels": "blood", "method": "generate", "temperature": 1.0},
    "choose": {"labels": "blood", "method": "choose"},
    "best": {"labels": "blood", "best_of": 2, "n_genes": 10},
    "clusters": {"labels": "blood", "groupby": "cluster"},
    "votes": {"labels": "blood", "groupby": "cluster", "method": "generate"},
}


@pytest.fixture
def few(cells):
    few = cells[:13].copy()
    few.obs["cluster"] = pd.Categorical([["a", "b", None][i % 3] for i in range(13)])
    few.obsm["cell_sentence"][[4, 5]] = -1
    return few


def assert_same_obs(found, expected):
    pd.testing.assert_frame_equal(found.obs, expected.obs)
    for key in expected.obsm:
        np.testing.assert_array_equal(np.asarray(found.obsm[key]), np.asarray(expected.obsm[key]), err_msg=key)


@pytest.mark.parametrize("how", HOW)
def test_annotation(few, how, monkeypatch):
    expected = sd.tl.annotate(few, duality=True, copy=True, **HOW[how])
    monkeypatch.setattr(_blocks, "QUESTIONS", 5)
    monkeypatch.setattr(sd.settings, "cache", False)
    found = sd.tl.annotate(few, duality=True, copy=True, **HOW[how])
    assert_same_obs(found, expected)


@pytest.mark.parametrize("form", ["posterior", "likelihood", "sample"])
def test_duality(few, form, monkeypatch):
    sd.tl.annotate(few, labels="blood")
    how = {"form": form, "n_genes": 8, "draws": 2, "hidden_fraction": 0.5, "given": "observed"}
    expected = sd.tl.duality(few, copy=True, **how)
    monkeypatch.setattr(_blocks, "QUESTIONS", 5)
    monkeypatch.setattr(sd.settings, "cache", False)
    assert_same_obs(sd.tl.duality(few, copy=True, **how), expected)


def test_embedding_and_sensitivity(few, monkeypatch):
    def both():
        found = sd.tl.embed(few, copy=True)
        sd.tl.sensitivity(found, "panobinostat")
        return found

    expected = both()
    monkeypatch.setattr(_blocks, "QUESTIONS", 5)
    monkeypatch.setattr(sd.settings, "cache", False)
    assert_same_obs(both(), expected)


@pytest.mark.parametrize("tool", ["generate", "perturb"])
def test_judging_written_cells(few, tool, monkeypatch):
    if tool == "generate":
        written = sd.tl.generate("embedded", {"B cell": 6, "NK cell": 5}, tissue="blood", n_genes=8)
        key = "cell_type"
    else:
        written = sd.tl.perturb(few[:11].copy(), ("cytokine", "IFNB1"), n_genes=8)
        key = "perturbation"
    expected = sd.tl.duality(written, key, copy=True)
    monkeypatch.setattr(_blocks, "QUESTIONS", 4)
    monkeypatch.setattr(sd.settings, "cache", False)
    assert_same_obs(sd.tl.duality(written, key, copy=True), expected)


def test_no_call_asks_more_than_a_block(cells, parrot, monkeypatch):
    monkeypatch.setattr(_blocks, "QUESTIONS", 12)
    model = parrot(texts=["<answer>B cell</answer>"], scores=[[0.0, 1.0]], judge=lambda *_: -1.0)
    sd.tl.annotate(cells, model, labels=LABELS)
    assert model.asked == [12] * (cells.n_obs // 12) + [cells.n_obs % 12] * (cells.n_obs % 12 > 0)
    for method, how in ((sd.tl.embed, {}), (sd.tl.duality, {}), (sd.tl.duality, {"form": "sample", "draws": 3})):
        model.asked.clear()
        method(cells, model=model, **how)
        assert 0 < max(model.asked) <= 12
    model.asked.clear()
    sd.tl.annotate(cells, model, labels=LABELS, method="generate", temperature=1.0, best_of=3)
    assert 0 < max(model.asked) <= 12


def test_all_draws_of_a_cell_are_asked_for_in_one_call(cells, parrot, monkeypatch):
    monkeypatch.setattr(_blocks, "QUESTIONS", 6)
    model = parrot(texts=["<answer>B cell</answer>"], judge=lambda *_: -1.0)
    sd.tl.annotate(cells[:9].copy(), model, labels=LABELS, method="generate", temperature=1.0, best_of=3)
    assert all(model.prompts.count(prompt) == 3 for prompt in model.prompts)
    model.asked.clear()
    sd.tl.generate(model, {"B cell": 20})
    assert model.asked == [20]


def test_a_bar_over_blocks_if_there_are_several(cells, parrot, monkeypatch, capsys):
    monkeypatch.setattr(sd.settings, "progress", True)
    model = parrot(scores=[[0.0, 1.0]])
    sd.tl.annotate(cells, model, labels=LABELS)
    assert "block" not in capsys.readouterr().err
    monkeypatch.setattr(_blocks, "QUESTIONS", 20)
    sd.tl.annotate(cells, model, labels=LABELS)
    assert "annotation" in capsys.readouterr().err


def test_memory_grows_with_the_answers_only(cells, parrot, monkeypatch):
    many = ad.concat([cells] * 60, uns_merge="same")
    many.obs_names_make_unique()
    model = parrot(scores=[[0.0, 1.0]], judge=lambda *_: -1.0)
    model.__dict__["asked"] = []

    def peak(questions):
        monkeypatch.setattr(_blocks, "QUESTIONS", questions)
        found = many.copy()
        tracemalloc.start()
        try:
            sd.tl.annotate(found, model, labels=LABELS)
            sd.tl.embed(found, model)
            sd.tl.duality(found, model=model)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            model.prompts, model.judged = [], []

    assert peak(64) < peak(2**20) / 3
