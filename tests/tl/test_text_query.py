from __future__ import annotations

import anndata as ad
import numpy as np
import pytest

import sc_duality as sd

TEXT = "<answer>They express CD79A and PPBP, and lack CD3E.</answer>"


@pytest.fixture
def described(cells, scripted_model):
    sd.tl.describe(cells, scripted_model([TEXT]), groupby="cell_type", context={"tissue": "blood"}, n_cells=5)
    return cells


def test_cited_genes_are_compared_with_the_cells_of_each_cluster(described):
    table = sd.get.texts(described)
    assert list(table.index) == sorted(described.obs["cell_type"].unique())
    X = described[:, ["CD79A", "PPBP"]].X
    X = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    for name, row in table.iterrows():
        share = (X[np.asarray(described.obs["cell_type"] == name)] > 0).mean(axis=0)
        expected = [gene for gene, one in zip(["CD79A", "PPBP"], share, strict=True) if one >= 0.1]
        assert row["cited"].split() == ["CD79A", "PPBP"]
        assert row["expressed"].split() == expected
        assert set(row["unexpressed"].split()) == {"CD79A", "PPBP"} - set(expected)
        assert row["absent"] == "CD3E"
    assert (table["n_cells"] == described.obs["cell_type"].value_counts()[table.index].to_numpy()).all()


def test_prompts_show_context_markers_and_cells(cells, scripted_model):
    model = scripted_model([TEXT])
    sd.tl.describe(cells, model, groupby="cell_type", context={"tissue": "blood"}, n_cells=2, length=33)
    table = sd.get.texts(cells)
    for prompt, (_, row) in zip(model.prompts, table.iterrows(), strict=True):
        assert "Tissue: blood" in prompt
        assert "about 33 words" in prompt
        assert (f"best first: {row['markers']}" in prompt) == bool(row["markers"])
        assert prompt.count("most highly expressed genes") == row["n_shown"] <= 2
        shown = set(prompt.split())
        assert set(row["shown"].split()) == {gene for gene in row["cited"].split() if gene in shown}
    sd.tl.describe(cells, model, groupby="cell_type", n_markers=0)
    assert not any("differentially" in prompt for prompt in model.prompts)


def test_interpretation_and_answers_are_of_all_cells_by_default(cells, scripted_model):
    model = scripted_model(["<answer>Blood cells that express CD74.</answer>"])
    sd.tl.interpret(cells, model)
    assert sd.get.texts(cells, "interpretation").loc["all cells", "n_cells"] == cells.n_obs
    sd.tl.ask(cells, "Are these cells activated?", model)
    assert model.prompts[0].startswith("Are these cells activated?\n")
    assert sd.get.texts(cells, "answer").loc["all cells", "text"] == "Blood cells that express CD74."
    assert cells.uns["answer"]["params"]["query"] == "Are these cells activated?"


def test_answers_are_kept_where_the_matrix_is_gone(cells, scripted_model):
    adata = cells.copy()
    adata.layers["counts"] = adata.X
    sd.pp.cell_sentences(adata, layer="counts")
    del adata.layers["counts"]
    sd.tl.describe(adata, scripted_model([TEXT]), groupby="cell_type", n_markers=0)
    table = sd.get.texts(adata)
    assert (table["status"] == "ok").all()
    assert "CD79A" in table.loc["B cells", "expressed"]


def test_unreadable_texts_say_why_and_are_kept(cells, scripted_model):
    model = scripted_model(["CD79A MS4A1 CD74 CD37 CD79B", f"<answer>{'cell ' * 500}</answer>", None, "It was cu"])
    sd.tl.ask(cells, "Which cells?", model, groupby="cell_type")
    table = sd.get.texts(cells, "answer")
    wanted = ["no answer tag", "longer than asked for", "not answered", "no answer tag"]
    assert table["status"].tolist()[:4] == wanted
    assert not table[["text", "cited"]].any(axis=None)
    assert sd.get.answers(cells, "answer")["text"][3] == "It was cu"


@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
def test_texts_survive_files(described, tmp_path, kind):
    file = tmp_path / f"cells.{kind}"
    getattr(described, f"write_{kind}")(file)
    read = getattr(ad, f"read_{kind}")(file)
    assert sd.get.texts(read).astype(str).equals(sd.get.texts(described).astype(str))
    assert len(sd.get.answers(read, "description")) == len(sd.get.texts(read))


def test_cells_of_a_group_do_not_depend_on_other_groups(cells, scripted_model):
    model = scripted_model([TEXT])
    sd.tl.describe(cells, model, groupby="cell_type", n_markers=0, n_cells=2)
    prompts = model.prompts
    name = sorted(cells.obs["cell_type"].unique())[0]
    sd.tl.describe(cells[cells.obs["cell_type"] == name].copy(), model, groupby="cell_type", n_markers=0, n_cells=2)
    assert model.prompts == prompts[:1]


class Unloadable:
    """A general model that fails the test if it is queried."""

    spec = sd.models.ModelSpec("general", "general")

    def generate(self, prompts, sampling):
        raise AssertionError("queried")

    score = likelihood = embed = generate


BAD_INPUT = {
    "gene tokens": (lambda a: sd.tl.describe(a, "embedded", groupby="cell_type"), ValueError, "writes no English"),
    "no column": (lambda a: sd.tl.describe(a, Unloadable(), groupby="leiden"), KeyError, "leiden"),
    "no groups": (lambda a: sd.tl.describe(a, Unloadable(), groupby=None), ValueError, "captions are of clusters"),
    "n_cells": (lambda a: sd.tl.interpret(a, Unloadable(), n_cells=21), ValueError, "at most 20 cells"),
    "length": (lambda a: sd.tl.interpret(a, Unloadable(), length=0), (ValueError, TypeError), "length"),
    "n_markers": (
        lambda a: sd.tl.describe(a, Unloadable(), groupby="cell_type", n_markers=-1),
        ValueError,
        "n_markers",
    ),
    "blank question": (lambda a: sd.tl.ask(a, "  ", Unloadable()), ValueError, "must be a text"),
    "question": (lambda a: sd.tl.ask(a, ["a", "b"], Unloadable()), ValueError, "must be a text"),
    "context": (lambda a: sd.tl.interpret(a, Unloadable(), context=["tissue"]), KeyError, "tissue"),
    "empty groupby": (lambda a: sd.tl.interpret(a, Unloadable(), groupby=[]), ValueError, "names no column"),
    "samples": (
        lambda a: sd.tl.interpret(a, Unloadable(), sampling=sd.Sampling(1.0, n_samples=3)),
        ValueError,
        "none votes, pass n_samples=1 and another rng=",
    ),
    "foreign uns": (lambda a: sd.tl.interpret(a, Unloadable(), key_added="mine"), ValueError, "did not write"),
    "sentences": (lambda a: sd.tl.interpret(a, Unloadable(), key_added="cell_sentence"), ValueError, "overwrite"),
    "name": (lambda a: sd.tl.interpret(a, Unloadable(), key_added="a/b"), ValueError, "rename"),
    "cell-o1": (lambda a: sd.tl.interpret(a, "cell-o1"), ValueError, "not trained for the task 'interpretation'"),
    "no texts": (lambda a: sd.get.texts(a), KeyError, "run sd.tl.describe"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input(cells, call, error, message):
    cells.uns["mine"] = {"a": 1}
    before = cells.copy()
    with pytest.raises(error, match=message):
        call(cells)
    assert cells.obs.equals(before.obs)
    assert set(cells.uns) == set(before.uns)
