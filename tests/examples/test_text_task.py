from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.examples import ModelCells, build
from sc_duality.tasks import Caption, Interpretation, QuestionAnswer
from tests.models.conftest import save_tiny

GENERAL = sd.models.ModelSpec("general", "general")


@pytest.fixture(scope="module")
def adata():
    found = sd.datasets.pbmc3k()[::5].copy()
    sd.pp.cell_sentences(found)
    return found


@pytest.fixture
def cells(adata):
    return ModelCells(adata, GENERAL)


@pytest.fixture(scope="module")
def captions(adata):
    return sd.pp.reference_captions(adata, "cell_type", "cell_type", tissue="blood")


def sampled(examples, n=20):
    rng, cells = np.random.default_rng(0), examples.cells
    pool = examples.labelled(np.ones(len(cells), dtype=bool))
    return [pool.example(int(row), cells.genes([row])[0], rng) for row in rng.choice(pool.rows, n)]


def test_training_examples_have_the_text_and_the_type_of_their_group(cells, captions):
    task = Caption(groupby="cell_type", truth=captions, cell_type="cell_type", n_cells=4)
    for one in sampled(build(task, cells)):
        assert one.example.truth == captions.loc[one.unit, "text"]
        assert one.example.hidden == one.unit
        (_, text), (dual, cell_type) = one.texts()
        assert text == f"<answer>{captions.loc[one.unit, 'text']}</answer>"
        assert one.example.truth in dual
        assert cell_type == f"<answer>{one.unit}</answer>"
        of_group = cells.genes(np.flatnonzero(cells.adata.obs["cell_type"] == one.unit))
        assert all(any(list(shown) == genes[: len(shown)] for genes in of_group) for shown in one.example.cells)


def test_a_column_holds_one_text_a_group(cells, adata):
    adata.obs["text"] = adata.obs["cell_type"].map(lambda name: f"These are {name}.").astype(str)
    found = build(Interpretation(groupby="cell_type", truth="text"), cells).references
    assert all(texts[0].text == f"These are {name}." for name, texts in found.items())
    with pytest.raises(ValueError, match="texts in the group 'all cells'"):
        sampled(build(Interpretation(truth="text"), cells))


def test_examples_without_truth_read_none(cells, captions):
    examples = build(Caption(groupby="cell_type", truth=captions, cell_type="cell_type"), cells)
    found = examples.unlabelled(5, np.random.default_rng(0))
    assert all(one.example.truth is None and one.example.hidden for one in found)
    found = examples.unlabelled(5, np.random.default_rng(0), with_truth=True)
    assert all(one.example.truth == captions.loc[one.unit, "text"] for one in found)


def test_questions_of_a_table(cells):
    table = pd.DataFrame(
        {"group": ["B cells", "B cells", "none"], "question": ["Which?", "Why?", "?"], "answer": ["B.", "CD79A.", "?"]}
    )
    found = sampled(build(QuestionAnswer(groupby="cell_type", truth=table), cells))
    assert {(one.example.query, one.example.truth) for one in found} == {("Which?", "B."), ("Why?", "CD79A.")}


BAD_TRUTH = {
    "none": ({"groupby": "cell_type"}, ValueError, "needs reference texts"),
    "other groups": ({"groupby": "cell_type", "truth": {"x": "text"}}, ValueError, "none is in both"),
    "no text": ({"groupby": "cell_type", "truth": {"B cells": " "}}, ValueError, "the group 'B cells'"),
    "number": ({"groupby": "cell_type", "truth": 3}, TypeError, "must be an obs column"),
    "no column": ({"groupby": "cell_type", "truth": "x"}, KeyError, "x"),
    "two texts": (
        {"groupby": "cell_type", "truth": pd.Series(["a", "b"], index=["B cells", "B cells"])},
        ValueError,
        "several texts of the groups B cells",
    ),
    "no text column": ({"groupby": "cell_type", "truth": pd.DataFrame({"a": [1]})}, KeyError, "no column 'text'"),
}


@pytest.mark.parametrize(("settings", "error", "message"), BAD_TRUTH.values(), ids=BAD_TRUTH)
def test_bad_references(cells, settings, error, message):
    with pytest.raises(error, match=message):
        build(Caption(**settings), cells).labelled(np.ones(len(cells), dtype=bool))


@pytest.mark.parametrize(
    ("truth", "error", "message"),
    [
        ({"a": "b"}, TypeError, "must be a table"),
        (pd.DataFrame({"question": ["a"], "answer": ["b"]}), KeyError, "no column 'group'"),
        (pd.DataFrame({"question": ["a"], "answer": ["b"], "group": ["x"]}), ValueError, "no row of the groups"),
    ],
)
def test_bad_questions(cells, truth, error, message):
    examples = build(QuestionAnswer(groupby="cell_type", truth=truth), cells)
    with pytest.raises(error, match=message):
        sampled(examples)


def test_cell_types_in_the_context_are_refused(adata):
    adata = adata.copy()
    adata.obs.loc[adata.obs_names[0], "cell_type"] = None
    cells = ModelCells(adata, GENERAL, context=["cell_type"])
    with pytest.raises(ValueError, match="context= (?:shows|names) 'cell_type'"):
        build(Interpretation(cell_type="cell_type"), cells)


def test_a_mixture_is_trained(adata, captions, tmp_path):
    from transformers import LlamaConfig

    folder = save_tiny(tmp_path / "tiny", chat=True)
    config = LlamaConfig.from_pretrained(folder)
    config.max_position_embeddings = 4096
    config.save_pretrained(folder)
    few = adata[:12].copy()
    tasks = {
        "caption": {"groupby": "cell_type", "truth": captions, "cell_type": "cell_type", "n_cells": 2, "length": 40},
        "question_answer": {"truth": {"all cells": "Blood cells."}, "query": "Which cells?", "n_cells": 2},
    }
    options = {"held_out": 0, "num_train_epochs": 1, "batch_size": 16}
    model, history = sd.tl.train_sft(few, folder, tmp_path / "run", tasks=tasks, n_genes=5, augment=False, **options)
    assert 2 <= history["loss"].notna().sum() <= 4
    sd.tl.ask(few, "Which cells?", model, n_cells=2, sampling=sd.Sampling(max_tokens=4))
    assert sd.get.texts(few, "answer")["status"].tolist() != ["ok"]


def test_gene_token_models_are_not_trained_on_english(adata, tmp_path):
    with pytest.raises(ValueError, match="writes no English"):
        sd.tl.train_sft(adata, "embedded", tmp_path / "run", tasks={"interpretation": {"truth": {"all cells": "A."}}})
