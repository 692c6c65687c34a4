"""Models are queried in blocks of cells; results do not depend on the blocks."""

import tracemalloc

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.tl import _blocks

LABELS = ["B cell", "T cell"]
THREE = sd.Sampling(temperature=1.0, n_samples=3)
HOW = {
    "score": {"labels": "blood"},
    "generate": {"labels": "blood", "method": "generate"},
    "samples": {"labels": "blood", "method": "generate", "sampling": sd.Sampling(temperature=1.0)},
    "choose": {"labels": "blood", "method": "choose"},
    "best": {"labels": "blood", "sampling": sd.Sampling(n_samples=2)},
    "clusters": {"labels": "blood", "groupby": "cluster"},
    "votes": {"labels": "blood", "groupby": "cluster", "method": "generate"},
}


@pytest.fixture
def few(cells):
    few = cells[:13].copy()
    sd.pp.cell_sentences(few, 50)
    few.obs["cluster"] = pd.Categorical([["a", "b", None][i % 3] for i in range(13)])
    few.obsm["cell_sentence"][[4, 5]] = -1
    return few


def assert_same_obs(found, expected):
    pd.testing.assert_frame_equal(found.obs, expected.obs)
    for key in expected.obsm:
        np.testing.assert_array_equal(np.asarray(found.obsm[key]), np.asarray(expected.obsm[key]), err_msg=key)


@pytest.mark.parametrize("how", HOW)
def test_annotation(few, how, monkeypatch):
    def both():
        found = sd.tl.annotate(few, copy=True, **HOW[how])
        sd.tl.duality(found, n_genes=10)
        return found

    expected = both()
    monkeypatch.setattr(_blocks, "N_PROMPTS", 5)
    monkeypatch.setattr(sd.settings, "cache", False)
    assert_same_obs(both(), expected)


@pytest.mark.parametrize("form", ["posterior", "likelihood", "sample"])
def test_duality(few, form, monkeypatch):
    sd.tl.annotate(few, labels="blood")
    duality = sd.Duality(form=form, n_samples=2, hidden_fraction=0.5, context="observed")
    how = {"duality": duality, "n_genes": 8}
    expected = sd.tl.duality(few, copy=True, **how)
    monkeypatch.setattr(_blocks, "N_PROMPTS", 5)
    monkeypatch.setattr(sd.settings, "cache", False)
    assert_same_obs(sd.tl.duality(few, copy=True, **how), expected)


def test_embedding_and_sensitivity(few, monkeypatch):
    def both():
        found = sd.tl.embed(few, copy=True)
        sd.tl.sensitivity(found, "panobinostat")
        return found

    expected = both()
    monkeypatch.setattr(_blocks, "N_PROMPTS", 5)
    monkeypatch.setattr(sd.settings, "cache", False)
    assert_same_obs(both(), expected)


@pytest.mark.parametrize("tool", ["generate", "perturb"])
def test_duality_of_generated_cells(few, tool, monkeypatch):
    if tool == "generate":
        generated = sd.tl.generate({"B cell": 6, "NK cell": 5}, tissue="blood", n_genes=8)
        key = "cell_type"
    else:
        generated = sd.tl.perturb(few[:11].copy(), ("cytokine", "IFNB1"), sampling=sd.Sampling(max_tokens=24))
        key = "perturbation"
    expected = sd.tl.duality(generated, key, copy=True)
    monkeypatch.setattr(_blocks, "N_PROMPTS", 4)
    monkeypatch.setattr(sd.settings, "cache", False)
    assert_same_obs(sd.tl.duality(generated, key, copy=True), expected)


def test_no_call_has_more_prompts_than_a_block(cells, scripted_model, monkeypatch):
    monkeypatch.setattr(_blocks, "N_PROMPTS", 12)
    model = scripted_model(texts=["<answer>B cell</answer>"], scores=[[0.0, 1.0]], likelihood=lambda *_: -1.0)
    sd.tl.annotate(cells, model, labels=LABELS)
    assert model.n_prompts == [12] * (cells.n_obs // 12) + [cells.n_obs % 12] * (cells.n_obs % 12 > 0)
    by_sampling = sd.Duality(form="sample", n_samples=3)
    for tool, how in ((sd.tl.embed, {}), (sd.tl.duality, {}), (sd.tl.duality, {"duality": by_sampling})):
        model.n_prompts.clear()
        tool(cells, model=model, **how)
        assert 0 < max(model.n_prompts) <= 12
    model.n_prompts.clear()
    sd.tl.annotate(cells, model, labels=LABELS, method="generate", sampling=THREE)
    assert 0 < max(model.n_prompts) <= 12


def test_all_samples_of_a_cell_are_requested_in_one_call(cells, scripted_model, monkeypatch):
    monkeypatch.setattr(_blocks, "N_PROMPTS", 6)
    model = scripted_model(texts=["<answer>B cell</answer>"], likelihood=lambda *_: -1.0)
    sd.tl.annotate(cells[:9].copy(), model, labels=LABELS, method="generate", sampling=THREE)
    assert all(model.prompts.count(prompt) == 3 for prompt in model.prompts)
    model.n_prompts.clear()
    sd.tl.generate({"B cell": 20}, model)
    assert model.n_prompts == [20]


@pytest.mark.parametrize("n_prompts", [2**14, 20])
def test_a_call_has_one_progress_bar_in_cells(cells, monkeypatch, capsys, n_prompts):
    monkeypatch.setattr(sd.settings, "progress", True)
    monkeypatch.setattr(_blocks, "N_PROMPTS", n_prompts)
    sd.tl.annotate(cells, labels="blood")
    shown = capsys.readouterr().err
    assert f"annotation: 100%|██████████| {cells.n_obs}/{cells.n_obs} [" in shown
    assert "cell/s]" in shown
    assert "scoring" not in shown


def test_memory_grows_with_the_results_only(cells, scripted_model, monkeypatch):
    many = ad.concat([cells] * 30, uns_merge="same")
    many.obs_names_make_unique()
    model = scripted_model(scores=[[0.0, 1.0]], likelihood=lambda *_: -1.0)

    def peak(n_prompts):
        monkeypatch.setattr(_blocks, "N_PROMPTS", n_prompts)
        found = many.copy()
        tracemalloc.start()
        try:
            sd.tl.annotate(found, model, labels=LABELS)
            sd.tl.embed(found, model)
            sd.tl.duality(found, model=model)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            model.prompts, model.scored_pairs = [], []

    assert peak(64) < peak(2**20) / 2
