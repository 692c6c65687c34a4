"""Lessons say what the cells say."""

from collections import Counter

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from sc_duality.models import ModelSpec
from sc_duality.tl._corpus import Corpus
from sc_duality.tl._lessons import SOURCES, Columns, draw

TYPES = ["alpha cell", "beta cell", "gamma cell"]
DONE = {"ctrl": ("control",), "stim": ("cytokine", "IFNB1"), "ko": ("knockdown", "STAT1")}
SPEC = ModelSpec("toy", "toy", prompt_format="plain", n_genes=6)
COLUMNS = Columns("cell_type", "taken", "dexamethasone", "treatment", DONE, ("donor",))


@pytest.fixture(scope="module")
def corpus():
    """Of each cell, gene i is best in cell i; donor d2 was never treated."""
    n = 40
    rng = np.random.default_rng(0)
    X = rng.poisson(3, (n, n)) + 90 * np.eye(n)
    kind = np.minimum(np.arange(n) % 8, 2)  # most are gamma cells
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(np.array(TYPES)[kind]),
            "taken": ["sensitive", "resistant"] * (n // 2),
            "donor": [f"d{i % 3}" for i in range(n)],
            "treatment": ["ctrl" if i % 3 == 2 or i < 20 else ("stim", "ko")[i % 2] for i in range(n)],
        },
        index=[f"cell{i}" for i in range(n)],
    )
    obs.loc["cell0", ["cell_type", "treatment"]] = None
    adata = ad.AnnData(X.astype(np.float32), obs, pd.DataFrame(index=[f"G{i}" for i in range(n)]))
    return Corpus(adata, SPEC, key="cell_sentence", n_genes=6, context=[])


def lessons(corpus, task, n, of=None, columns=COLUMNS):
    source = SOURCES[task](corpus, SPEC, columns, np.ones(40, bool) if of is None else of)
    return list(draw(corpus, source, n, np.random.default_rng(0), augment=False)), source


def cell_of(genes):
    return int(genes[0].removeprefix("G"))


@pytest.mark.parametrize(("task", "column"), [("annotation", "cell_type"), ("sensitivity", "taken")])
def test_labels(corpus, task, column):
    found, source = lessons(corpus, task, 200)
    assert (0 in source.rows) == (column == "taken")  # its type is missing
    alone = 0
    for lesson in found:
        example = lesson.example
        genes = {*example.known["genes"], *example.unknown}
        row = next(i for i in range(40) if genes == set(corpus.genes([i])[0]))
        assert example.truth == corpus.adata.obs[column].iloc[row]
        assert example.truth not in lesson.wrong
        assert set(lesson.wrong) <= set(example.known["labels"])
        assert example.unknown
        assert len(lesson.contrast()) == 1 + len(lesson.wrong) == min(3, len(example.known["labels"]))
        assert lesson.contrast()[0] == lesson.rows()[1]
        shown = set(example.known["genes"]) & set(example.unknown)
        assert shown in (set(), set(example.unknown))
        alone += bool(shown)
    assert 0.35 < alone / len(found) < 0.65


def test_rare_types_are_drawn_more_often(corpus):
    found, _ = lessons(corpus, "annotation", 600)
    n = Counter(lesson.example.truth for lesson in found)
    cells = corpus.adata.obs["cell_type"].value_counts()
    assert cells["gamma cell"] / cells["beta cell"] > 5
    assert 1.8 < n["gamma cell"] / n["beta cell"] < 3.2  # the square root of 6
    assert set(n) == set(TYPES)


def test_generation(corpus):
    found, _ = lessons(corpus, "generation", 50)
    for lesson in found:
        assert lesson.example.unknown == corpus.adata.obs["cell_type"].iloc[cell_of(lesson.example.truth)]
        assert lesson.example.known["n_genes"] == len(lesson.example.truth) == 6
        assert not lesson.contrast()


def test_response_pairs_cells_of_one_donor_and_half_were_not_treated(corpus):
    found, source = lessons(corpus, "response", 400)
    obs = corpus.adata.obs
    assert set(obs["treatment"].iloc[source.rows]) == {"ctrl"}
    assert "d2" not in set(obs["donor"].iloc[source.rows])  # there is nobody to compare with
    untreated = 0
    for lesson in found:
        before, after = (obs.iloc[cell_of(genes)] for genes in (lesson.example.known["genes"], lesson.example.truth))
        cause = lesson.example.unknown
        assert before["treatment"] == "ctrl"
        assert before["donor"] == after["donor"]
        assert (cause.operation, cause.target) == (*DONE[after["treatment"]], "")[:2]
        untreated += cause.is_control
    assert 0.4 < untreated / len(found) < 0.6


def test_only_the_cells_that_are_asked_for(corpus):
    of = np.arange(40) % 2 == 0
    for task in ("annotation", "generation", "sensitivity"):
        _, source = lessons(corpus, task, 1, of)
        assert not np.any(source.rows % 2)
    found, _ = lessons(corpus, "response", 60, of)
    assert not any(cell_of(lesson.example.truth) % 2 for lesson in found)


@pytest.mark.parametrize(
    ("task", "columns", "error", "message"),
    [
        ("annotation", {"labels": None}, ValueError, "labels= must name the obs column"),
        ("annotation", {"labels": "kind"}, KeyError, "labels names no obs column: 'kind'"),
        ("sensitivity", {"drug": None}, ValueError, "needs drug="),
        ("sensitivity", {"sensitivity": None}, ValueError, "sensitivity= must name"),
        ("response", {"perturbation": None}, ValueError, "needs perturbation=, a column of obs, and perturbations="),
        ("response", {"perturbations": {"stim": ("cytokine", "IFNB1")}}, ValueError, r"none of perturbations= is"),
        ("response", {"perturbations": {"ctrl": ("control",)}}, ValueError, "no control and treated cells that agree"),
        ("response", {"match": ("batch",)}, KeyError, "match names no obs column: 'batch'"),
    ],
)
def test_columns_that_will_not_do(corpus, task, columns, error, message):
    with pytest.raises(error, match=message):
        lessons(corpus, task, 1, columns=COLUMNS._replace(**columns))
