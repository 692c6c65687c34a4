"""The parts of ``benchmarks.c2s_tasks`` that need no model: splits, baselines and scores."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import _c2s_baselines as baselines
from benchmarks import _c2s_scores as scores
from benchmarks._c2s_cells import quick_split, with_marker_genes
from benchmarks._c2s_examples import conditions, shown_cells
from benchmarks._c2s_gene_sets import cells_of_sets, made_sets, name_tokens, similar_name, similar_option, split_sets
from benchmarks._c2s_texts import TISSUES, with_abstracts
from sc_duality.tasks import (
    Annotation,
    Generation,
    GenerationExample,
    GeneSetEnumeration,
    GeneSetExample,
    GeneSetNaming,
    LabelExample,
    SampleByCellTypes,
    SampleByCellTypesExample,
    TrainingExample,
)

GENES = ("CD79A", "MS4A1", "CD3E", "IL7R", "NKG7")
cells = st.lists(st.lists(st.sampled_from(GENES), min_size=2, max_size=4, unique=True), min_size=1, max_size=8)


def generated(label: str, genes: Sequence[str]) -> TrainingExample:
    example = GenerationExample(cell_type=label, options=("B", "T"), n_genes=len(genes), truth=tuple(genes))
    return TrainingExample(Generation(prompt_format="compact"), example)


def annotated(genes: Sequence[str], label: str) -> TrainingExample:
    example = LabelExample(genes=tuple(genes), options=("B", "T"), truth=label)
    return TrainingExample(Annotation(prompt_format="compact"), example)


@given(cells)
def test_no_constant_answer_overlaps_more_than_the_most_frequent_genes(found: list[list[str]]) -> None:
    same_length = [genes[:2] for genes in found]
    examples = [generated("B", genes) for genes in same_length]
    best = scores.overlap(examples, baselines.frequency_of_condition(examples, examples, 0))
    others = [scores.overlap(examples, [answer] * len(examples)) for answer in itertools.combinations(GENES, 2)]
    assert best == pytest.approx(max(others))


@given(cells)
def test_probabilities_of_sentences_by_frequency_sum_to_one(found: list[list[str]]) -> None:
    genes = baselines.GeneFrequency([*found, GENES])
    total = sum(math.exp(-genes.nats(pair)) for pair in itertools.permutations(GENES, 2))
    # One count is kept for genes that no training cell has.
    assert 0.5 < total < 1


def test_frequency_reads_the_condition_of_each_cell() -> None:
    training = [generated("B", GENES[:2]), generated("T", GENES[2:4]), generated("T", GENES[2:4])]
    options = {"options": ("B", "T"), "n_genes": (2, 2)}
    example = SampleByCellTypesExample(condition=("T", "B"), truth=(GENES[2:4], GENES[:2]), **options)
    test = [TrainingExample(SampleByCellTypes(prompt_format="compact"), example)]
    assert conditions(test[0]) == ("T", "B")
    assert scores.overlap(test, baselines.frequency_of_condition(training, test, 0)) == 100
    assert scores.overlap(test, baselines.sampled_cells(training, test, 0)) == 100
    assert scores.overlap(test, baselines.frequency(training, test, 0)) == 50


def test_nearest_and_majority() -> None:
    training = [annotated(GENES[:2], "B"), annotated(GENES[2:4], "T"), annotated(GENES[2:5], "T")]
    test = [annotated(GENES[:3], "B"), annotated(GENES[3:5], "T")]
    assert scores.exact(test, baselines.nearest(training, test, 0)) == 1
    assert scores.exact(test, baselines.majority(training, test, 0)) == 0.5


def test_cells_that_are_missing_or_too_long_gain_nothing() -> None:
    test = [generated("B", GENES[:2])]
    assert scores.overlap(test, [None]) == 0
    assert scores.overlap(test, [GENES[::-1]]) == 0
    assert scores.overlap(test, [(GENES[1],)]) == 50


def test_sets_of_labels_by_jaccard() -> None:
    test = [annotated(GENES, "B")._replace(example=LabelExample(genes=GENES, options=(), truth=("B", "T")))]
    assert scores.jaccard(test, [("T",)]) == 0.5
    assert scores.jaccard(test, [None]) == 0


def test_donors_are_not_on_both_sides() -> None:
    split, genes = with_marker_genes(quick_split(0))
    assert not set(split.train.obs["donor"]) & set(split.test.obs["donor"])
    assert list(split.train.var_names) == list(split.test.var_names)
    assert set(genes) <= set(split.train.var_names)
    assert set(split.test.obs["label"].dropna()) <= set(split.train.obs["label"].dropna())


def test_held_out_gene_sets_are_unlike_training_sets() -> None:
    split = split_sets(made_sets(quick_split(0).train, 0), 0)
    assert split.test
    assert not set(split.train) & set(split.test)
    for name, genes in split.test.items():
        assert all(any(token in name_tokens(other) for other in split.train) for token in name_tokens(name))
        shared = [len(set(genes) & set(other)) / len(set(genes) | set(other)) for other in split.train.values()]
        assert max(shared) <= 0.5
    assert cells_of_sets(split).shape == (len(split.train), len(split.genes))


def test_similar_names_and_options() -> None:
    sets = {"B cell activation": GENES[:2], "T cell activation": GENES[2:4]}
    listed = [
        TrainingExample(GeneSetEnumeration(prompt_format="compact"), GeneSetExample(name=name, truth=genes, n_genes=2))
        for name, genes in sets.items()
    ]
    named = [
        TrainingExample(
            GeneSetNaming(prompt_format="compact"), GeneSetExample(genes=genes, truth=name, options=tuple(sets))
        )
        for name, genes in sets.items()
    ]
    assert shown_cells(named[0]) == (GENES[:2],)
    assert scores.overlap(listed, similar_name(listed, listed, 0)) == 100
    assert scores.exact(named, similar_option(named, named, 0)) == 1


def test_descriptions_name_tissue_and_types_of_a_sample() -> None:
    train = quick_split(0).train
    described = with_abstracts(train[(train.obs["tissue"] == "blood").to_numpy()].copy(), 0)
    texts = described.obs.groupby("sample")["abstract"].unique()
    assert all(len(one) == 1 for one in texts)
    for sample, (text,) in texts.items():
        most = described.obs["label"][described.obs["sample"] == sample].value_counts().index[0]
        assert TISSUES["blood"][0] in text
        assert most in text


def test_rank_weights_do_not_depend_on_other_cells() -> None:
    training = [annotated(GENES[:3], "B"), annotated(GENES[2:5], "T")]
    assert np.array_equal(baselines.nearest_rows(training, training), [0, 1])
