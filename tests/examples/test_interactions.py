"""Examples of interactions: balanced, held out together, in the model's symbols."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import sc_duality as sd
from sc_duality.examples import ModelCells, build, sample_examples
from sc_duality.models import ModelSpec
from sc_duality.tasks import GeneInteraction, InteractionPartners
from tests.examples.test_negative_pairs import ligand_receptor_pairs

TABLE = pd.DataFrame(ligand_receptor_pairs(60, 40, 300, 1), columns=["ligand", "receptor"])
PAIRS = {frozenset(pair) for pair in TABLE.to_numpy().tolist()}


@pytest.fixture(scope="module")
def cells():
    return ModelCells(sd.datasets.pbmc3k()[::3].copy(), ModelSpec("general", "general"), n_genes=30)


def training_examples(cells, task, rows, seed=0):
    """Every example of the pairs for which these cells stand."""
    pool = build(task, cells).labelled(rows)
    return list(sample_examples(cells, pool, len(pool.rows), np.random.default_rng(seed), augment=True))


def all_rows(cells):
    return np.ones(len(cells), dtype=bool)


def test_as_many_pairs_interact_as_do_not(cells):
    found = [one.example for one in training_examples(cells, GeneInteraction(interactions=TABLE), all_rows(cells))]
    answers = {answer: {frozenset((e.gene, e.other)) for e in found if e.truth == answer} for answer in ("yes", "no")}
    assert answers["yes"] == PAIRS
    assert len(answers["no"]) == len(PAIRS)
    assert not answers["no"] & PAIRS
    for gene in sorted({gene for pair in PAIRS for gene in pair}):
        assert sum(gene in pair for pair in answers["yes"]) == sum(gene in pair for pair in answers["no"])


def test_further_known_interactions_are_not_negatives(cells):
    first = [one.example for one in training_examples(cells, GeneInteraction(interactions=TABLE), all_rows(cells))]
    known = [(e.gene, e.other) for e in first if e.truth == "no"][:60]
    task = GeneInteraction(interactions=TABLE, known=known)
    second = [one.example for one in training_examples(cells, task, all_rows(cells))]
    negatives = {frozenset((e.gene, e.other)) for e in second if e.truth == "no"}
    assert not negatives & set(map(frozenset, known))
    assert len(negatives) == len(PAIRS)


@pytest.mark.parametrize("task", [GeneInteraction(interactions=TABLE), InteractionPartners(interactions=TABLE)])
def test_questions_of_both_sides_are_read(cells, task):
    for one in build(task, cells).unlabelled(8, np.random.default_rng(0), with_truth=True):
        for question in one.questions():
            assert question.parse(question.completion(question.target)).value == question.target
            assert question.similarity(question.target) == 1
    without = build(task, cells).unlabelled(8, np.random.default_rng(0))
    assert all(one.example.truth is None and one.wrong == () for one in without)


def shown(examples):
    """The known pairs that the training texts of these examples tell."""
    found = set()
    for one in examples:
        others = one.example.truth if isinstance(one.task, InteractionPartners) else [one.example.other]
        found |= {frozenset((one.example.gene, other)) for other in others if one.example.truth != "no"}
    return found


def test_a_pair_is_held_out_of_both_tasks(cells):
    held = np.random.default_rng(0).random(len(cells)) < 0.3
    tasks = GeneInteraction(interactions=TABLE), InteractionPartners(interactions=TABLE)
    train, test = ([shown(training_examples(cells, task, rows)) for task in tasks] for rows in (~held, held))
    assert train[0] == train[1]
    assert test[0] == test[1]
    assert not train[0] & test[0]
    assert train[0] | test[0] == PAIRS
    assert 0 < len(test[0]) < len(train[0])


def test_negatives_of_training_and_held_out_pairs_differ_and_are_balanced(cells):
    held = np.random.default_rng(0).random(len(cells)) < 0.3
    parts = [training_examples(cells, GeneInteraction(interactions=TABLE), rows) for rows in (~held, held)]
    negatives = [
        {frozenset((e.gene, e.other)) for e in (one.example for one in part) if e.truth == "no"} for part in parts
    ]
    assert not negatives[0] & negatives[1]
    assert not (negatives[0] | negatives[1]) & PAIRS
    for part, new in zip(parts, negatives, strict=True):
        known = shown(part)
        assert len(new) == len(known)
        counts = [
            sum(gene in pair for pair in known) - sum(gene in pair for pair in new) for gene in set().union(*known)
        ]
        assert np.mean(np.array(counts) == 0) > 0.9


def test_the_genes_alone_do_not_tell_the_answer(cells):
    held = np.random.default_rng(0).random(len(cells)) < 0.3
    parts = [training_examples(cells, GeneInteraction(interactions=TABLE), rows) for rows in (~held, held)]
    genes = sorted({gene for pair in PAIRS for gene in pair})
    is_in = [np.array([[g in (e.example.gene, e.example.other) for g in genes] for e in part]) for part in parts]
    truth = [np.array([one.example.truth == "yes" for one in part]) for part in parts]
    classifier = LogisticRegression().fit(is_in[0], truth[0])
    assert 0.4 < classifier.score(is_in[1], truth[1]) < 0.6


def test_the_dual_of_partners_has_one_right_option(cells):
    partners = {}
    for one, other in TABLE.to_numpy().tolist():
        partners.setdefault(one, set()).add(other)
        partners.setdefault(other, set()).add(one)
    for one in training_examples(cells, InteractionPartners(interactions=TABLE, max_genes=3), all_rows(cells)):
        example = one.example
        assert len(example.truth) == min(3, len(partners[example.gene])) == example.n_genes
        assert {gene for gene in example.options if partners[gene] & set(example.truth)} == {example.gene}
        assert {gene[0] for gene in example.options} == {example.gene[0]}  # ligands or receptors


def test_symbols_are_those_of_the_model(cells):
    known = ModelCells(cells.adata, sd.models.resolve("embedded"))
    assert {"PECAM1", "CD79A", "MS4A1"} <= known.spec.genes
    pairs = [("CD31", "CD79A"), ("CD79A", "PECAM1"), ("MS4A1", "CD79A"), ("MS4A1", "LOC999999999")]
    assert build(GeneInteraction(interactions=pairs), known).pairs == [("PECAM1", "CD79A"), ("MS4A1", "CD79A")]
    with pytest.raises(
        ValueError, match="'embedded' knows both genes of none of the 1 interactions, such as Egf and Egfr"
    ):
        build(InteractionPartners(interactions=[("Egf", "Egfr")]), known).labelled(all_rows(known))


@pytest.mark.parametrize(
    ("task", "error", "match"),
    [
        (GeneInteraction(), ValueError, "'gene_interaction' needs interactions: pass tasks="),
        (InteractionPartners(), ValueError, "'interaction_partners' needs interactions"),
        (GeneInteraction(interactions="pairs.csv"), TypeError, "read a file with sd.io"),
        (GeneInteraction(interactions=TABLE, known=[("A",)]), ValueError, r"\('A',\) is not a pair"),
        (GeneInteraction(interactions=[("A", "B"), ("B", "C"), ("A", "C")]), ValueError, "no pair with the answer no"),
    ],
)
def test_bad_settings_are_named(cells, task, error, match):
    with pytest.raises(error, match=match):
        build(task, cells).labelled(all_rows(cells))
