"""The parts of ``benchmarks.spatial`` that need no model: splits, niches, baselines and means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

import sc_duality as sd
from benchmarks._spatial_baselines import OF_GENES, OF_LABELS
from benchmarks._spatial_cells import SpatialSplit, quick, split
from benchmarks._spatial_features import Side, rows_of, shown_cells
from benchmarks._spatial_niches import add_niches, compositions
from benchmarks._spatial_rows import label_scores, mean_of_seeds
from benchmarks._spatial_trainings import interactions, settings
from sc_duality.tasks import (
    NeighbourGeneration,
    NeighbourGenerationExample,
    Niche,
    NicheExample,
    TrainingExample,
)

GENES = ("CD79A", "MS4A1", "CD3E", "IL7R", "NKG7")


@pytest.fixture(scope="module")
def cells() -> SpatialSplit:
    return quick(0)


def niche(truth: str, *shown: Sequence[str]) -> TrainingExample:
    first, *others = map(tuple, shown)
    example = NicheExample(genes=first, neighbours=tuple(others), options=("a", "b"), truth=truth)
    return TrainingExample(Niche(prompt_format="compact"), example)


def neighbour(truth: Sequence[str], *shown: Sequence[str]) -> TrainingExample:
    example = NeighbourGenerationExample(
        cells=tuple(map(tuple, shown)), n_genes=len(truth), truth=tuple(truth), options=()
    )
    return TrainingExample(NeighbourGeneration(prompt_format="compact"), example)


def side(examples: list[TrainingExample], rows: list[list[int]]) -> Side:
    """Cells 0 and 1 are of one type each and express gene 0 and gene 1."""
    return Side(examples, rows, np.eye(2), np.eye(2))


def test_no_test_cell_has_a_training_neighbour(cells: SpatialSplit) -> None:
    distance = cdist(cells.train.obsm["spatial"], cells.test.obsm["spatial"])
    assert distance.min() > cells.radius
    assert not set(cells.train.obs_names) & set(cells.test.obs_names)


def test_niches_are_those_of_training_and_numbered_by_size(cells: SpatialSplit) -> None:
    counts = cells.train.obs["niche"].value_counts()
    assert counts.index.tolist() == [f"niche {i + 1}" for i in range(len(counts))]
    assert set(cells.test.obs["niche"].dropna()) <= set(counts.index)
    assert settings("niche", cells)["labels"] == sorted(counts.index)


def test_test_cells_do_not_change_the_niches_of_training(cells: SpatialSplit) -> None:
    train, test = cells.train.copy(), cells.test.copy()
    add_niches(train, test, cells.radius, 3, seed=0)
    fewer = train.copy()
    add_niches(fewer, test[:10].copy(), cells.radius, 3, seed=0)
    assert train.obs["niche"].tolist() == fewer.obs["niche"].tolist()


def test_composition_counts_the_cell_and_its_neighbours() -> None:
    made = ad.AnnData(np.ones((3, 1)), pd.DataFrame({"cell_type": ["B", "T", "T"]}, index=list("abc")))
    made.obsm["spatial"] = np.array([[0.0, 0], [0, 1], [0, 5]])
    found = compositions(made, ["B", "T"], radius=2)
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.5, 0.5], [0, 1]])


def test_rare_niches_have_no_label() -> None:
    made = quick(0).train.copy()
    del made.obs["split"]
    made.obs["niche"] = ["rare"] * 5 + ["common"] * (made.n_obs - 5)
    found = split(made, 0, n_genes=5, axis=0, max_genes=50)
    assert set(found.train.obs["niche"].dropna()) == {"common"}
    assert len(found.genes) == 50


def test_shown_cells_are_found_by_their_sentences(cells: SpatialSplit) -> None:
    sentences = [list(map(str, genes)) for genes in sd.get.gene_lists(cells.train)]
    found = rows_of([[genes] for genes in sentences], sentences)
    assert [sentences[row] for (row,) in found] == sentences
    cut = rows_of([[genes[:3]] for genes in sentences], sentences)
    assert [sentences[row][:3] for (row,) in cut] == [genes[:3] for genes in sentences]


@given(st.lists(st.lists(st.sampled_from(GENES), min_size=1, unique=True), min_size=1, max_size=6))
def test_a_whole_sentence_is_preferred_to_a_longer_one(sentences: list[list[str]]) -> None:
    assert [sentences[row] for [row] in rows_of([[genes] for genes in sentences], sentences)] == sentences


def test_unknown_cells_are_an_error() -> None:
    with pytest.raises(KeyError):
        rows_of([[["NKG7"]]], [["CD3E", "IL7R"]])


def test_shown_cells_of_a_niche_are_the_cell_and_its_neighbours() -> None:
    assert shown_cells(niche("a", GENES[:2], GENES[2:])) == (GENES[:2], GENES[2:])


@pytest.mark.parametrize("name", ["linear_mean_expression", "linear_mean_and_spread", "type_composition"])
def test_linear_baselines_learn_what_separates_labels(name: str) -> None:
    training = side([niche("a", GENES), niche("b", GENES)] * 10, [[0], [1]] * 10)
    test = side([niche("b", GENES), niche("a", GENES)], [[1], [0]])
    assert OF_LABELS[name](training, test) == ["b", "a"]


def test_only_the_spread_tells_mixed_groups_from_pure_ones() -> None:
    training = side([niche("a", GENES), niche("a", GENES), niche("b", GENES)] * 20, [[0, 0], [1, 1], [0, 1]] * 20)
    test = side([niche("a", GENES), niche("b", GENES)], [[0, 0], [0, 1]])
    assert OF_LABELS["linear_mean_and_spread"](training, test) == ["a", "b"]
    assert OF_LABELS["linear_mean_expression"](training, test) == ["a", "a"]


def test_majority_is_the_most_frequent_answer() -> None:
    training = side([niche("a", GENES), niche("b", GENES), niche("b", GENES)], [[0], [0], [0]])
    assert OF_LABELS["majority"](training, training) == ["b"] * 3


@pytest.mark.parametrize("name", ["linear_mean_expression", "type_composition"])
def test_generated_genes_depend_on_the_shown_cells(name: str) -> None:
    training = side([neighbour(GENES[:2], GENES), neighbour(GENES[2:4], GENES)] * 10, [[0], [1]] * 10)
    found = OF_GENES[name](training, training)
    assert [set(genes) for genes in found[:2]] == [set(GENES[:2]), set(GENES[2:4])]


def test_generated_cells_have_as_many_genes_as_true_ones() -> None:
    training = side([neighbour(GENES[:3], GENES), neighbour(GENES[2:4], GENES)], [[0], [1]])
    for baseline in OF_GENES.values():
        assert [len(set(genes)) for genes in baseline(training, training)] == [3, 2]


def test_an_answer_that_cannot_be_read_is_wrong() -> None:
    test = side([niche("a", GENES), niche("b", GENES)], [[0], [1]])
    found = label_scores(test, ["a", None])
    assert found == {"accuracy": 0.5, "macro_f1": 0.5}


def test_interactions_are_those_on_the_panel(tmp_path: Path) -> None:
    file = tmp_path / "omni_resource.csv"
    rows = [["consensus", "P1", "P2", "CCL5", "CCR5"], ["consensus", "P3", "P4", "EGF", "EGFR"]]
    columns = ["resource", "source", "target", "source_genesymbol", "target_genesymbol"]
    pd.DataFrame(rows, columns=columns).to_csv(file)
    assert interactions(None, ["CCL5", "CCR5"]) == ()
    assert interactions(file, ["CCL5", "CCR5", "EGF"]) == (("CCL5", "CCR5"),)
    assert interactions(file, ["CCL5", "EGF"]) == ()


def test_seeds_are_averaged_and_each_is_kept() -> None:
    first = {"model": {"accuracy": 0.5}, "with_interactions": "no pair", "each": [0.5]}
    other = {"model": {"accuracy": 0.7}, "with_interactions": "no pair", "each": [0.7]}
    expected = {"model": {"accuracy": 0.6}, "with_interactions": "no pair", "each": [0.5, 0.7]}
    assert mean_of_seeds([first, other]) == expected
