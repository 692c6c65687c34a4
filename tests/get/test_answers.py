"""What a model wrote is kept, and comes back from files."""

from __future__ import annotations

import anndata as ad
import pytest

import sc_duality as sd
from tests.scripted_model import ScriptedModel

LABELS = ["B cell", "NK cell"]
TEXTS = ["<think>MS4A1</think><answer>B cell</answer>", "**NK cell**", "no idea\0\ud800", None]


@pytest.fixture
def cells():
    adata = sd.datasets.pbmc3k()[:8].copy()
    sd.pp.cell_sentences(adata)
    return adata


def check(table, cells):
    assert list(table) == ["unit", "sample", "answer", "status", "text", "reasoning", "prompt_hash"]
    assert table["unit"].tolist() == list(cells.obs_names)
    assert table["answer"].tolist() == ["B cell", "NK cell", "", ""] * 2
    assert table["status"].tolist() == ["ok", "ok", "no answer tag", "not answered"] * 2
    assert table["reasoning"][:2].tolist() == ["MS4A1", ""]
    assert table["text"][:4].tolist() == [TEXTS[0], TEXTS[1], "no idea\N{REPLACEMENT CHARACTER}?", ""]
    assert table["prompt_hash"].nunique() == 8


@pytest.mark.parametrize("tool", ["annotate", "predict", "sensitivity"])
def test_texts_of_cells(cells, tool, caplog, tmp_path):
    model = ScriptedModel(texts=TEXTS)
    if tool == "annotate":
        sd.tl.annotate(cells, model, labels=LABELS, method="generate", key_added="result")
    elif tool == "predict":
        sd.tl.predict(cells, "annotation", model, labels=LABELS, method="choose", key_added="result")
    else:
        sd.tl.sensitivity(cells, "erlotinib", model, labels=LABELS, method="generate", key_added="result")
    check(sd.get.answers(cells, "result"), cells)
    assert "2 of 6 answers cannot be read, 2 of them for 'no answer tag'" in caplog.text
    cells.write_h5ad(tmp_path / "cells.h5ad")
    check(sd.get.answers(ad.read_h5ad(tmp_path / "cells.h5ad"), "result"), cells)
    cells.write_zarr(tmp_path / "cells.zarr")
    check(sd.get.answers(ad.read_zarr(tmp_path / "cells.zarr"), "result"), cells)
    sd.io.write_results(cells, tmp_path / "cells.h5ad")
    check(sd.get.answers(ad.read_h5ad(tmp_path / "cells.h5ad"), "result"), cells)
    check(sd.get.answers(cells[:3].copy(), "result"), cells)


def test_all_samples_are_kept(cells):
    model = ScriptedModel(texts=["<answer>B cell</answer>", "<answer>NK cell</answer>"], likelihood=lambda *_: -1.0)
    sampling = sd.Sampling(temperature=1.0, n_samples=3)
    sd.tl.annotate(cells, model, labels=LABELS, method="generate", sampling=sampling)
    table = sd.get.answers(cells)
    assert table["sample"].tolist() == [0, 1, 2] * 8
    assert table["unit"].tolist() == [name for name in cells.obs_names for _ in range(3)]


def test_no_warning_where_few_answers_cannot_be_read(cells, caplog):
    sd.tl.annotate(cells, ScriptedModel(texts=["<answer>B cell</answer>"]), labels=LABELS, method="generate")
    assert "cannot be read" not in caplog.text


def test_results_without_texts_say_what_to_do(cells):
    with pytest.raises(KeyError, match="uns has no result 'annotation'; results with generated text are none"):
        sd.get.answers(cells)
    sd.tl.annotate(cells, labels="blood")
    with pytest.raises(KeyError, match="has no generated texts: run the tool with method='generate'"):
        sd.get.answers(cells)
    with pytest.raises(KeyError, match="uns has no result 'cell_type'"):
        sd.get.answers(cells, "cell_type")


def test_lazy_cells(cells, tmp_path):
    sd.tl.annotate(cells, ScriptedModel(texts=TEXTS), labels=LABELS, method="generate", key_added="result")
    cells.write_zarr(tmp_path / "cells.zarr")
    check(sd.get.answers(ad.experimental.read_lazy(tmp_path / "cells.zarr"), "result"), cells)
