"""Puzzles through both file formats of Cell-o1, and files that contradict themselves."""

from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sc_duality as sd
from sc_duality._validation import is_missing
from sc_duality.examples import ModelCells, build
from sc_duality.tasks import JointAnnotation

RECORD = {
    "context": "The cell originates from the blood.",
    "cells": [["CD79A", "MS4A1"], ["CD3E", "IL7R", "CD2"], ["NKG7"]],
    "candidates": ["T cell, helper", "natural killer cell", "B cell"],
    "answer": ["B cell", "T cell, helper", "natural killer cell"],
}
PROMPT = (
    "Context: The cell originates from the blood.\n\n"
    "Cell 1: CD79A, MS4A1\nCell 2: CD3E, IL7R, CD2\nCell 3: NKG7\n\n"
    "Match the cells above to one of the following cell types:\nT cell, helper\nnatural killer cell\nB cell"
)


def written(path, *records):
    path.write_text(json.dumps(list(records)), encoding="utf-8")
    return path


def content(puzzles: ad.AnnData, context: str = "description") -> list[tuple]:
    """Name, genes, candidates, labels and context of each puzzle."""
    genes = sd.get.gene_lists(puzzles)
    truth = puzzles.uns["cell_puzzles"]["truth"]
    found = []
    for name in puzzles.obs["puzzle"].unique():
        rows = np.flatnonzero(puzzles.obs["puzzle"] == name)
        part = puzzles.obs.iloc[rows]
        facts = part[context].unique().tolist()
        found.append((name, [genes[i] for i in rows], part["candidate"].tolist(), part[truth].tolist(), facts))
    return found


@pytest.fixture(scope="module")
def puzzles() -> ad.AnnData:
    adata = sd.datasets.pbmc3k()
    adata.obs["donor"] = np.where(np.arange(adata.n_obs) % 2, "d1", "d2")
    adata.obs["tissue"], adata.obs["disease"] = "blood", "normal"
    return sd.pp.cell_puzzles(
        adata,
        "cell_type",
        n_puzzles=12,
        n_cells=(3, 6),
        context=["tissue", "disease"],
        split={"train": 0.5, "test": 0.5},
    )


def test_a_record_by_hand(tmp_path):
    found = sd.io.read_cell_puzzles(
        written(tmp_path / "two.json", RECORD, {**RECORD, "puzzle": "d1 · 3", "split": "test"})
    )
    assert found.shape == (6, 6)
    assert found.X is None
    assert found.obs["puzzle"].tolist() == ["two · 1"] * 3 + ["d1 · 3"] * 3
    assert found.obs["cell_type"].tolist() == RECORD["answer"] * 2
    assert found.obs["candidate"].tolist() == RECORD["candidates"] * 2
    assert found.obs["description"].unique().tolist() == [RECORD["context"]]
    assert sd.get.gene_lists(found) == RECORD["cells"] * 2
    assert found.obs_names[:2].tolist() == ["cell 1-two · 1", "cell 2-two · 1"]


def test_context_and_set_may_be_missing(tmp_path, caplog):
    records = changed(context="", split="test"), changed(puzzle="second")
    found = sd.io.read_cell_puzzles(written(tmp_path / "some.json", *records))
    assert found.obs["description"].isna().tolist() == [True] * 3 + [False] * 3
    assert found.obs["split"].isna().tolist() == [False] * 3 + [True] * 3
    none = sd.io.read_cell_puzzles(written(tmp_path / "none.json", changed(context="")))
    assert "description" not in none.obs
    for puzzles, ending in ((found, "json"), (none, "json"), (found, "parquet"), (none, "parquet")):
        sd.io.write_cell_puzzles(puzzles, tmp_path / f"again.{ending}")
        again = sd.io.read_cell_puzzles(tmp_path / f"again.{ending}")
        assert again.obs.astype(str).equals(puzzles.obs.astype(str))
    assert "counts as missing" not in caplog.text


@pytest.mark.parametrize("names", [("user_msg", "answer"), ("user_msg", "assistant_msg"), ("question", "answer")])
@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_published_prompts_have_the_same_content_as_lists(tmp_path, names, ending):
    answer = "<think>NKG7.</think>\n<answer>B cell | T cell, helper | natural killer cell</answer>"
    record = dict(zip(names, (PROMPT, answer), strict=True))
    path = tmp_path / f"same.{ending}"
    if ending == "json":
        written(path, record)
    else:
        pytest.importorskip("pyarrow")
        pd.DataFrame([record]).to_parquet(path)
    lists = written(tmp_path / "lists.json", {**RECORD, "puzzle": "same · 1"})
    assert content(sd.io.read_cell_puzzles(path)) == content(sd.io.read_cell_puzzles(lists))


@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_round_trip_of_real_cells(puzzles, tmp_path, ending):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    first, second = tmp_path / f"first.{ending}", tmp_path / f"second.{ending}"
    sd.io.write_cell_puzzles(puzzles, first)
    again = sd.io.read_cell_puzzles(first)
    expected = puzzles.copy()
    text = "The cell originates from the blood. The patient is healthy with no diagnosed disease."
    expected.obs["description"] = text
    assert content(again) == content(expected)
    columns = ["puzzle", "candidate", "cell", "split"]
    assert again.obs[columns].astype(str).equals(puzzles.obs[columns].astype(str))
    sd.io.write_cell_puzzles(again, second)
    assert content(sd.io.read_cell_puzzles(second)) == content(again)
    if ending == "json":
        assert first.read_bytes() == second.read_bytes()


def test_parquet_has_the_columns_and_prompts_of_the_published_files(puzzles, tmp_path):
    pytest.importorskip("pyarrow")
    sd.io.write_cell_puzzles(puzzles, tmp_path / "puzzles.parquet")
    table = pd.read_parquet(tmp_path / "puzzles.parquet")
    assert {"system_msg", "user_msg", "answer"} <= set(table)
    assert table["system_msg"].str.startswith("You are an expert assistant specialized in cell type annotation").all()
    assert table["user_msg"].str.startswith("Context: The cell originates from the blood. ").all()
    assert table["user_msg"].str.contains("\n\nMatch the cells above to one of the following cell types:\n").all()
    first = puzzles.obs[puzzles.obs["puzzle"] == "d1 · 1"]
    assert table["answer"].iloc[0] == " | ".join(first["cell_type"])
    assert table["user_msg"].iloc[0].splitlines()[-len(first) :] == first["candidate"].tolist()


NAMES = st.text(st.characters(categories=["L", "N"], include_characters="-+/(). "), min_size=1, max_size=8).map(
    str.strip
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), n=st.integers(2, 5))
def test_round_trip_of_any_names(tmp_path, data, n):
    names = NAMES.filter(bool)
    known = names.filter(lambda name: not is_missing(name))
    labels = data.draw(st.lists(known, min_size=n, max_size=n, unique_by=str.casefold))
    record = {
        "context": data.draw(known),
        "cells": data.draw(st.lists(st.lists(names, min_size=1, max_size=4, unique=True), min_size=n, max_size=n)),
        "candidates": data.draw(st.permutations(labels)),
        "answer": labels,
    }
    found = sd.io.read_cell_puzzles(written(tmp_path / "any.json", record))
    for ending in ("json", "parquet"):
        sd.io.write_cell_puzzles(found, tmp_path / f"again.{ending}")
        assert content(sd.io.read_cell_puzzles(tmp_path / f"again.{ending}")) == content(found)


@pytest.mark.parametrize("store", ["h5ad", "zarr"])
@pytest.mark.filterwarnings("ignore:Writing zarr v2")
def test_read_puzzles_survive_files_and_subsets_and_can_be_annotated(puzzles, store, tmp_path):
    sd.io.write_cell_puzzles(puzzles, tmp_path / "puzzles.json")
    found = sd.io.read_cell_puzzles(tmp_path / "puzzles.json")
    path = tmp_path / f"puzzles.{store}"
    getattr(found, f"write_{store}")(path)
    again = getattr(ad, f"read_{store}")(path)
    assert content(again) == content(found)
    part = again[again.obs["puzzle"] == "d1 · 1"].copy()
    sd.tl.annotate(part, labels="candidate")
    assert part.obs["annotation_status"].isin(["ok", "unknown"]).all()
    with_counts = puzzles[puzzles.obs["puzzle"] == "d1 · 1"].copy()
    sd.tl.annotate(with_counts, labels="candidate")
    assert part.obs["annotation"].tolist() == with_counts.obs["annotation"].tolist()
    assert part.obs["annotation"].notna().all()


@pytest.mark.parametrize("from_file", [False, True])
def test_training_examples_are_the_puzzles(puzzles, tmp_path, from_file):
    if from_file:
        sd.io.write_cell_puzzles(puzzles, tmp_path / "puzzles.json")
        puzzles = sd.io.read_cell_puzzles(tmp_path / "puzzles.json")
    cells = ModelCells(puzzles, sd.models.resolve("smollm2-135m"))
    task = JointAnnotation(truth="cell_type", groupby=["puzzle"], n_cells=15)
    examples = build(task, cells).unlabelled(puzzles.n_obs, np.random.default_rng(0), with_truth=True)
    expected, genes = set(), sd.get.gene_lists(puzzles)
    for rows in puzzles.obs.reset_index().groupby("puzzle", observed=True).indices.values():
        expected.add(frozenset((tuple(genes[i]), puzzles.obs["cell_type"].iloc[i]) for i in rows))
    assert {frozenset(zip(one.example.cells, one.example.truth, strict=True)) for one in examples} == expected


def changed(**parts):
    return {**RECORD, **parts}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("text", r"puzzle 2 of 'bad.json': it is not a record with names, but 'text'"),
        ({"question": PROMPT}, r"it has neither cells nor both of a prompt"),
        (
            {"user_msg": "What is a cell?", "answer": "a"},
            r"expected a prompt in the format of Cell-o1, got 'What is a cell",
        ),
        ({"user_msg": PROMPT, "answer": "B cell | T cell, helper"}, "its answer has 2 labels for 3 cells"),
        ({"cells": RECORD["cells"]}, "it has no context and no candidates and no answer, only cells"),
        (changed(answer=None), "it has no answer"),
        (changed(cells=[]), "it has no cells"),
        (changed(cells="CD3E"), "its cells must be lists of genes, not 'CD3E'"),
        (changed(cells=["CD3E", "CD2", "NKG7"]), "its cell 1 must be a list of names, not 'CD3E'"),
        (changed(cells=[["CD3E"], ["CD2"], [1]]), "its cell 3 must be names, not 1"),
        (changed(cells=[["CD3E"], ["CD2", "CD8A", "CD2"], ["LYZ"]]), "its cell 2 holds the gene 'CD2' twice"),
        (changed(cells=[["CD3E"], ["CD2"], ["LYZ", " "]]), "its cell 3 has a gene without a name"),
        (changed(context=["blood"]), r"its context must be text, not \['blood'\]"),
        (changed(candidates=["B cell", "B cell", "T cell, helper"]), "its candidates hold 'B cell' twice"),
        (changed(candidates=["B cell", "T cell, helper", "mast cell"]), "'mast cell' is in one of them alone"),
        (changed(answer=["B cell", "B cell", "natural killer cell"]), "its answer is not an order of its 3 candidates"),
        (changed(selected_cells=["a"]), "its selected_cells have 1 names for 3 cells"),
        (
            changed(candidates=["a|b", "c", "d"], answer=["c", "a|b", "d"]),
            r"its label 'a\|b' holds '\|', which separates labels",
        ),
        (
            changed(candidates=["NaN", "c", "d"], answer=["c", "NaN", "d"]),
            "its label 'NaN' stands for a missing value: rename it",
        ),
        (changed(puzzle="bad · 1"), r"'bad.json' has two puzzles of the name 'bad · 1'"),
    ],
)
def test_an_error_names_the_puzzle(tmp_path, record, message):
    with pytest.raises(ValueError, match=message) as error:
        sd.io.read_cell_puzzles(written(tmp_path / "bad.json", RECORD, record))
    assert "puzzle 2 of 'bad.json'" in str(error.value) or "two puzzles" in message


def test_a_context_that_stands_for_a_missing_value_is_none(tmp_path):
    found = sd.io.read_cell_puzzles(written(tmp_path / "puzzles.json", changed(context="NaN")))
    sd.io.write_cell_puzzles(found, tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())[0]["context"] == ""
    assert "description" not in found.obs


def test_an_error_has_the_own_name_of_the_puzzle(tmp_path):
    with pytest.raises(ValueError, match=r"puzzle 1 \(d1 · 7\) of 'bad.json': it has no cells"):
        sd.io.read_cell_puzzles(written(tmp_path / "bad.json", changed(puzzle="d1 · 7", cells=[])))


def test_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        sd.io.read_cell_puzzles(tmp_path / "none.json")
    (tmp_path / "puzzles.csv").write_text("a")
    with pytest.raises(ValueError, match=r"must end in \.json or \.parquet"):
        sd.io.read_cell_puzzles(tmp_path / "puzzles.csv")
    (tmp_path / "broken.json").write_text("[{")
    with pytest.raises(ValueError, match=r"'broken.json' is not JSON"):
        sd.io.read_cell_puzzles(tmp_path / "broken.json")
    (tmp_path / "one.json").write_text(json.dumps(RECORD))
    with pytest.raises(ValueError, match="must hold a list of puzzles, not a dict"):
        sd.io.read_cell_puzzles(tmp_path / "one.json")
    with pytest.raises(ValueError, match="has no puzzles"):
        sd.io.read_cell_puzzles(written(tmp_path / "empty.json"))
    with pytest.raises(ValueError, match="truth='candidate' is the name of another column"):
        sd.io.read_cell_puzzles(written(tmp_path / "one.json", RECORD), truth="candidate")


def test_a_puzzle_that_cannot_be_written_leaves_the_old_file(puzzles, tmp_path):
    path = tmp_path / "puzzles.json"
    path.write_text("old")
    cut = puzzles[1:].copy()
    with pytest.raises(ValueError, match=r"the puzzle 'd1 · 1' cannot be written: its answer is not an order"):
        sd.io.write_cell_puzzles(cut, path)
    two = puzzles.copy()
    two.obs["tissue"] = np.where(np.arange(two.n_obs) == 0, "bone marrow", "blood")
    with pytest.raises(ValueError, match=r"'d1 · 1' cannot be written: obs\['tissue'\] has several values"):
        sd.io.write_cell_puzzles(two, path)
    lost = puzzles.copy()
    lost.obs["puzzle"] = lost.obs["puzzle"].astype(object)
    lost.obs.iloc[2, lost.obs.columns.get_loc("puzzle")] = None
    with pytest.raises(ValueError, match=r"1 of \d+ cells have no puzzle in obs\['puzzle'\]"):
        sd.io.write_cell_puzzles(lost, path)
    assert path.read_text() == "old"


def test_names_that_a_prompt_cannot_hold_are_written_as_json_alone(tmp_path):
    pytest.importorskip("pyarrow")
    found = sd.io.read_cell_puzzles(written(tmp_path / "odd.json", changed(cells=[["A,B"], ["C"], ["D"]])))
    with pytest.raises(ValueError, match=r"'odd · 1' cannot be written as a prompt, .* holds a comma"):
        sd.io.write_cell_puzzles(found, tmp_path / "odd.parquet")
    assert not (tmp_path / "odd.parquet").exists()
    sd.io.write_cell_puzzles(found, tmp_path / "again.json")
    assert content(sd.io.read_cell_puzzles(tmp_path / "again.json")) == content(found)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"truth": "type"}, KeyError, "truth='type' is not an obs column"),
        ({"context": ["sex"]}, KeyError, "context='sex' is not an obs column"),
        ({"sentence_key": "none"}, KeyError, "no cell sentences in"),
        ({"path": "puzzles.txt"}, ValueError, r"must end in \.json or \.parquet"),
        ({"path": "none/puzzles.json"}, FileNotFoundError, "does not exist: create it first"),
    ],
)
def test_bad_arguments_of_writing(puzzles, tmp_path, arguments, error, message):
    path = tmp_path / arguments.pop("path", "puzzles.json")
    with pytest.raises(error, match=message):
        sd.io.write_cell_puzzles(puzzles, path, **arguments)


def test_cells_that_are_no_puzzles_are_refused(tmp_path):
    adata = sd.datasets.pbmc3k()[:4].copy()
    with pytest.raises(KeyError, match="pass truth="):
        sd.io.write_cell_puzzles(adata, tmp_path / "puzzles.json")
    with pytest.raises(KeyError, match="puzzle='puzzle' is not an obs column"):
        sd.io.write_cell_puzzles(adata, tmp_path / "puzzles.json", "cell_type")
