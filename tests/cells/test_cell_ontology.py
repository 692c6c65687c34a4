"""The Cell Ontology, compared with the shipped tables read in plain Python."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sc_duality as sd
from recipes.data.cell_ontology import table
from sc_duality.cells import (
    ontology_ancestors,
    ontology_name,
    ontology_short_name,
    ontology_term,
)

FOLDER = Path(sd.__file__).parent / "cells" / "cell_ontology"
with gzip.open(FOLDER / "terms.tsv.gz", "rt", encoding="utf-8") as handle:
    TERMS = {row["id"]: row for row in csv.DictReader(handle, delimiter="\t")}
with (FOLDER / "abbreviations.tsv").open(encoding="utf-8") as handle:
    ABBREVIATIONS = list(csv.DictReader(handle, delimiter="\t"))
KNOWN = json.loads((Path(sd.__file__).parent / "models/embedded/sc_duality.json").read_text())["knows"]["annotation"]


def is_a(term: str) -> set[str]:
    """Ancestors by walking the table."""
    found, rest = set(), [term]
    while rest:
        one = rest.pop()
        if one not in found:
            found.add(one)
            rest += filter(None, TERMS[one]["parents"].split("|"))
    return found


# --- the tables -----------------------------------------------------------------------------------------------------


def test_table_is_small_and_documents_its_source() -> None:
    data = (FOLDER / "terms.tsv.gz").read_bytes()
    assert len(data) < 100_000
    assert data[4:8] == bytes(4), "a time stamp would change the file each time it is made"
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in text
    assert "MIT" in text
    assert f"{len(TERMS):,} cell types" in text


def test_terms_form_a_tree_of_cells() -> None:
    assert [term for term, row in TERMS.items() if not row["parents"]] == ["CL:0000000"]
    assert all("CL:0000000" in is_a(term) for term in TERMS)
    names = [row["name"] for row in TERMS.values()]
    assert len(set(names)) == len(names)
    assert not any("obsolete" in name or "(Mmus)" in name for name in names)


def test_abbreviations_are_of_terms() -> None:
    assert len({row["id"] for row in ABBREVIATIONS}) == len(ABBREVIATIONS)
    assert {row["name"] for row in ABBREVIATIONS if TERMS[row["id"]]["name"] != row["name"]} == set()
    short = [row["short"] for row in ABBREVIATIONS if row["short"]]
    assert len(set(short)) == len(short)
    assert all(len(row["short"]) <= len(row["name"]) for row in ABBREVIATIONS if row["short"])


def test_new_table_leaves_out_what_people_do_not_have() -> None:
    def term(label: str, *ancestors: str, **more: object) -> dict[str, object]:
        return {"label": label, "ancestors": dict.fromkeys(ancestors, 1), "deprecated": False, **more}

    release = {
        "CL:0000000": term("cell"),
        "CL:0000521": term("fungal cell", "CL:0000000"),
        "CL:0000002": term("spore", "CL:0000521", "CL:0000000"),
        "CL:0000003": term("neuron (Mmus)", "CL:0000004", "CL:0000000"),
        "CL:0000004": term("neuron", "CL:0000000", synonyms=["nerve cell"]),
        "CL:0000005": term("interneuron", "CL:0000003", "CL:0000004", "CL:0000000"),
        "CL:0000006": term("obsolete neuron", deprecated=True, replaced_by="CL:0000004"),
    }
    found = table(release, [{"CL:0000004": term("neurone")}]).set_index("id")
    assert found.index.tolist() == ["CL:0000000", "CL:0000004", "CL:0000005"]
    assert found.loc["CL:0000004"].tolist() == ["neuron", "neurone|nerve cell", "CL:0000000", "CL:0000006"]
    assert found.loc["CL:0000005", "parents"] == "CL:0000004"


# --- terms by name --------------------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(TERMS)))
def test_every_term_is_found_by_id_and_name(term: str) -> None:
    name = TERMS[term]["name"]
    assert ontology_term(term) == ontology_term(term.replace(":", "_").lower()) == term
    assert ontology_name(term) == name
    if "+" not in name:
        assert ontology_term(name) == ontology_term(name.upper()) == ontology_term(name.replace(" ", "_")) == term
    assert ontology_ancestors(term) == is_a(term)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["B cells", "b_cell", "B-cell", "B cell.", "B.cells", "B lymphocytes"], "B cell"),
        (["NK", "NK cells", "Natural Killer Cells"], "natural killer cell"),
        (
            ["CD4 T", "CD4+ T cells", "CD4⁺ T cell", "T cells CD4", "CD4-positive, alpha-beta T cells"],
            "CD4-positive, alpha-beta T cell",
        ),
        (["CD8 T", "CD8+ T cell", "CD8-positive, αβ T cell"], "CD8-positive, alpha-beta T cell"),
        (["Treg", "Tregs", "T-reg"], "regulatory T cell"),
        (["gdT", "γδ T cells", "gamma-delta T"], "gamma-delta T cell"),
        (["MAIT"], "mucosal-associated invariant T cell"),
        (["HSC", "HSCs"], "hematopoietic stem cell"),
        (["Mono", "Monocytes"], "monocyte"),
        (["CD14+ monocyte", "CD14+ Mono", "classical monocytes"], "classical monocyte"),
        (["CD16+ Monocytes", "FCGR3A+ Monocytes"], "non-classical monocyte"),
        (["CD14-positive monocyte"], "CD14-positive monocyte"),
        (["DC", "Dendritic cells", "Dendritic"], "dendritic cell"),
        (["pDC"], "plasmacytoid dendritic cell"),
        (["cDC1"], "CD141-positive myeloid dendritic cell"),
        (["AT1", "type I pneumocyte"], "pulmonary alveolar type 1 cell"),
        (["AT2", "Type II pneumocytes"], "pulmonary alveolar type 2 cell"),
        (["beta", "beta cells", "β-cell"], "type B pancreatic cell"),
        (["Endothelial"], "endothelial cell"),
        (["Macrophages"], "macrophage"),
        (["CL:0000812"], "T cell"),
    ],
)
def test_names_of_single_cell_data(names: list[str], expected: str) -> None:
    assert {name: ontology_name(ontology_term(name) or "") for name in names} == dict.fromkeys(names, expected)


@pytest.mark.parametrize(
    "name", ["", "B", "7", "unknown", "my cells", "CD8- T cell", "CD8−T cell", "DC1", "CL:9999999", "CD14..Monocytes"]
)
def test_no_term_where_none_or_several_are_meant(name: str) -> None:
    assert ontology_term(name) is None


@given(st.text())
def test_any_text_has_one_or_no_term(name: str) -> None:
    term = ontology_term(name)
    assert term is None or term in TERMS


def test_labels_of_the_embedded_model_have_the_terms_that_it_knows() -> None:
    assert {name: ontology_term(name) for name in KNOWN["ontology"]} == KNOWN["ontology"]
    for label, coarse in KNOWN["coarse"].items():
        assert ontology_term(coarse) in ontology_ancestors(KNOWN["ontology"][label])


def test_short_names() -> None:
    assert ontology_short_name("CL:0000624") == "CD4 T cell"
    assert ontology_short_name("CL:0000236") == "B cell"
    longest = max((ontology_short_name(term) for term in KNOWN["ontology"].values()), key=len)
    assert len(longest) <= 36


@pytest.mark.parametrize("function", [ontology_name, ontology_short_name, ontology_ancestors])
def test_an_unknown_id_is_named(function: Callable[[str], object]) -> None:
    with pytest.raises(KeyError, match="no term 'CL:9999999'"):
        function("CL:9999999")
