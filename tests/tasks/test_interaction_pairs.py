"""Pairs of interacting genes from tables in the forms that users have."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.tasks import (
    GeneInteraction,
    InteractionExample,
    InteractionPartners,
    PartnersExample,
    interaction_pairs,
)

PAIRS = (("TGFB1", "TGFBR1"), ("TGFB1", "TGFBR2"), ("EGF", "EGFR"))
ROWS = [("TGFB1", "TGFBR1_TGFBR2"), ("EGF", "EGFR"), ("EGFR", "EGF"), ("EGF", "EGF")]
GO = pd.DataFrame(
    {
        "gene": ["EGF", "EGFR", "TGFB1", "TGFBR1", "EGFR"],
        "go_id": ["GO:0005576", "GO:0009986", "GO:0005615", "GO:0005886", "GO:0005634"],
    }
)


@pytest.mark.parametrize(
    "columns",
    [
        ("ligand", "receptor"),
        ("source", "target"),
        ("gene_a", "gene_b"),
        ("source_genesymbol", "target_genesymbol"),
        ("Official Symbol Interactor A", "Official Symbol Interactor B"),
        ("first", "second"),
    ],
)
def test_tables_and_lists_give_the_same_pairs(columns):
    assert interaction_pairs(pd.DataFrame(ROWS, columns=list(columns))) == PAIRS
    assert interaction_pairs(ROWS) == PAIRS


def test_genes_are_preferred_to_cell_types_and_proteins():
    liana = pd.DataFrame({"source": ["B"], "target": ["T"], "ligand_complex": ["EGF"], "receptor_complex": ["EGFR"]})
    assert interaction_pairs(liana) == PAIRS[2:]
    omni = pd.DataFrame(
        {"source": ["P1"], "target": ["P2"], "source_genesymbol": ["EGF"], "target_genesymbol": ["EGFR"]}
    )
    assert interaction_pairs(omni) == PAIRS[2:]


def test_rows_without_a_gene_are_left_out():
    table = pd.DataFrame({"source": ["EGF", None, "EGF"], "target": ["EGFR", "EGFR", float("nan")]})
    assert interaction_pairs(table) == PAIRS[2:]


def test_filters():
    assert interaction_pairs(ROWS, complexes=False) == PAIRS[2:]
    assert interaction_pairs(ROWS, genes=pd.Index(["TGFB1", "TGFBR2", "EGF"])) == PAIRS[1:2]
    assert interaction_pairs(ROWS, extracellular={"EGF", "EGFR", "TGFB1"}) == PAIRS[2:]
    assert interaction_pairs(ROWS, extracellular=GO) == PAIRS[2:]


symbols = st.sampled_from(["A", "B", "C", "D", "E", "F", "A_B", "C_D_E"])


@given(st.lists(st.tuples(symbols, symbols), min_size=1, max_size=30), st.sets(st.sampled_from("ABCDEF"), min_size=2))
def test_pairs_are_unique_and_of_the_genes(rows, genes):
    try:
        found = interaction_pairs(rows, genes=genes)
    except ValueError:
        return
    assert len({frozenset(pair) for pair in found}) == len(found)
    assert all(one != other and {one, other} <= genes for one, other in found)
    assert set(found) <= set(interaction_pairs(rows))
    swapped = interaction_pairs([row[::-1] for row in rows], genes=genes)
    assert {frozenset(pair) for pair in swapped} == {frozenset(pair) for pair in found}


BAD = {
    "a path": ("interactions.csv", {}, TypeError, "must be a DataFrame or a list of pairs: read a file with sd.io"),
    "a number": (3, {}, TypeError, "interactions=3 must be"),
    "no pairs": ([], {}, ValueError, "holds no pair of two genes"),
    "a gene with itself": ([("EGF", "EGF")], {}, ValueError, "holds no pair of two genes"),
    "unknown columns": (pd.DataFrame({"a": ["x"], "b": ["y"], "c": ["z"]}), {}, ValueError, "has a, b, c: rename"),
    "proteins of CellPhoneDB": (
        pd.DataFrame({"partner_a": ["P1"], "partner_b": ["P2"], "is_ppi": [True]}), {}, ValueError, "has partner_a",
    ),
    "three genes": ([("A", "B", "C")], {}, ValueError, r"\('A', 'B', 'C'\) is not a pair of two gene symbols"),
    "a text as a pair": (["AB"], {}, ValueError, "'AB' is not a pair"),
    "a missing gene": ([("A", None)], {}, ValueError, "is not a pair of two gene symbols"),
    "numbers as genes": (pd.DataFrame({"source": [1], "target": [2]}), {}, ValueError, r"\(1, 2\) is not a pair"),
    "only complexes": (ROWS[:1], {"complexes": False}, ValueError, "no pair of two genes without a complex"),
    "genes as text": (ROWS, {"genes": "EGF"}, TypeError, "genes='EGF' must be a list of gene symbols"),
    "genes of a mouse": (
        ROWS, {"genes": ["Egf", "Egfr"]}, ValueError, "none of the 3 pairs, such as TGFB1 .* the 2 of genes=: are",
    ),
    "a term": (ROWS, {"extracellular": "GO:0005576"}, TypeError, "extracellular='GO:0005576' must be a list of gene"),
    "other annotations": (
        ROWS, {"extracellular": GO.rename(columns={"go_id": "term"})}, ValueError, "it has gene, term: read a",
    ),
    "no such term": (ROWS, {"extracellular": GO[-1:]}, ValueError, "no gene has one of the GO terms GO:0005576"),
}  # fmt: skip


@pytest.mark.parametrize(("interactions", "filters", "error", "message"), BAD.values(), ids=BAD)
def test_invalid_input_raises(interactions, filters, error, message):
    with pytest.raises(error, match=message):
        interaction_pairs(interactions, **filters)


def test_dual_of_an_interaction_names_its_answer():
    task, example = GeneInteraction(), InteractionExample(gene="EGF", other="EGFR", truth="yes")
    prompts = [task.dual(example, answer).prompt for answer in ("yes", "no", None)]
    assert len(set(prompts)) == 3
    assert all("EGF." in prompt and "EGFR" not in prompt for prompt in prompts)
    assert task.question(example).parse("<answer>Yes</answer>").value == "yes"
    assert task.dual(example, "yes").similarity(("EGFR",)) == 1


def test_dual_of_partners_chooses_a_gene():
    example = PartnersExample(gene="EGFR", options=("MET", "EGFR"), truth=("EGF", "TGFA"))
    dual = InteractionPartners().dual(example, ("EGF", "TGFA"))
    assert "EGF TGFA?" in dual.prompt
    assert dual.answer_type.options == ("MET", "EGFR")
    assert InteractionPartners().question(example).similarity(("EGF", "TGFA", "HGF", "MET")) == 0.5
