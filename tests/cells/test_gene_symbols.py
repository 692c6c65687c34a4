"""Names of human genes, compared with the shipped table read in plain Python."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sc_duality as sd
from recipes.data.gene_names import table
from sc_duality.cells._gene_symbols import approved_symbols, genes_by_written_name, to_known_names

SHIPPED = Path(sd.__file__).parent / "cells" / "hgnc" / "genes.tsv.gz"
with gzip.open(SHIPPED, "rt", encoding="utf-8") as handle:
    ROWS = list(csv.DictReader(handle, delimiter="\t"))
SYMBOL = {row["ensembl"]: row["symbol"] for row in ROWS if row["ensembl"]}
LISTED = [(row["symbol"], list(filter(None, f"{row['previous']}|{row['aliases']}".split("|")))) for row in ROWS]
EVERY = [name for symbol, others in LISTED for name in (symbol, *others)]


def objects(names: list[str]) -> np.ndarray:
    return np.array(names, dtype=object)


# --- the table ----------------------------------------------------------------------------------------------------


def test_every_name_belongs_to_one_gene() -> None:
    assert len(set(EVERY)) == len(EVERY)
    assert len(SYMBOL) == len({row["symbol"] for row in ROWS if row["ensembl"]})
    assert all(name == name.strip() for name in EVERY)


def test_table_is_small_and_documents_its_source() -> None:
    data = SHIPPED.read_bytes()
    assert len(data) < 500_000
    assert data[4:8] == bytes(4), "a time stamp would change the file each time it is made"
    text = SHIPPED.with_name("README.md").read_text(encoding="utf-8")
    assert "CC0" in text
    assert f"{len(ROWS):,} human genes" in text


def test_table_has_most_genes_of_the_embedded_model() -> None:
    genes = sd.models.resolve("embedded").genes
    assert len(genes & set(EVERY)) > 0.9 * len(genes)


def test_new_table_leaves_out_ambiguous_names() -> None:
    coding, pseudo = "gene with protein product", "pseudogene"
    rows = [
        ("B", "Approved", "OLDB, SHARED", "b1, OLDB, A", "ENSG00000000002", coding),
        ("A", "Approved", "", "a1, SHARED", "ENSG00000000001", coding),
        ("AP1", "Approved", "", "a1, ap", "", pseudo),
        ("AP2", "Approved", "ap2", "", "", pseudo),
        ("C", "Symbol Withdrawn", "", "c1", "", coding),
    ]
    columns = ["Approved symbol", "Status", "Previous symbols", "Alias symbols", "Ensembl gene ID", "Locus type"]
    made = table(pd.DataFrame(rows, columns=columns), {"ap2", "c1"})
    assert made.to_numpy().tolist() == [
        ["A", "ENSG00000000001", "", ""],
        ["AP2", "", "ap2", ""],
        ["B", "ENSG00000000002", "OLDB", "b1"],
    ]


# --- Ensembl ids --------------------------------------------------------------------------------------------------


def test_ids_become_symbols() -> None:
    names = objects(["ENSG00000156738", "ENSG00000105369.13", "CD3E", "ENSG99999999999", "ENSMUSG00000024673"])
    assert approved_symbols(names).tolist() == ["MS4A1", "CD79A", "CD3E", "ENSG99999999999", "ENSMUSG00000024673"]
    assert names[0] == "ENSG00000156738", "the input is not changed"


def test_first_of_two_ids_of_a_gene_gets_the_symbol() -> None:
    names = objects(["ENSG00000156738.1", "ENSG00000156738.2", "ENSG00000105369", "CD79A", "ENSG00000182378.15_PAR_Y"])
    assert approved_symbols(names).tolist() == ["MS4A1", "ENSG00000156738.2", "ENSG00000105369", "CD79A", "PLCXD1"]


@given(
    st.lists(
        st.sampled_from(sorted(SYMBOL)[:40])
        | st.sampled_from(sorted(SYMBOL)[:40]).map(lambda ensembl: ensembl + ".3")
        | st.sampled_from([SYMBOL[ensembl] for ensembl in sorted(SYMBOL)[:40]])
        | st.text(st.characters(categories=["L", "N"]), max_size=4),
        unique=True,
    )
)
def test_different_names_stay_different(names: list[str]) -> None:
    expected: list[str] = []
    for name in names:
        symbol = SYMBOL.get(name.partition(".")[0], name)
        expected.append(name if symbol in names or symbol in expected else symbol)
    found = approved_symbols(objects(names))
    assert found.tolist() == expected
    assert len(set(found)) == len(names)
    assert approved_symbols(found).tolist() == expected


# --- names that a model knows -------------------------------------------------------------------------------------


def known_name(name: str, known: set[str]) -> str | None:
    if name in known:
        return name
    for row, (symbol, others) in zip(ROWS, LISTED, strict=True):
        if name in (symbol, row["ensembl"], *others):
            return next((other for other in (symbol, *others, row["ensembl"]) if other in known), None)
    return None


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_known_names_follow_the_table(share: float) -> None:
    rng = np.random.default_rng(0)
    names = {name for name in EVERY if name.startswith(("CD", "SEP"))} | set(list(SYMBOL)[:50])
    known = set(rng.choice(sorted(names), int(share * len(names)), replace=False))
    queries = [*rng.choice(sorted(names), 300).tolist(), "no gene", ""]
    assert to_known_names(queries, known).tolist() == [known_name(name, known) for name in queries]


def test_known_names_stay_unchanged() -> None:
    assert to_known_names(["FAM65B", "RIPOR2"], {"FAM65B", "RIPOR2"}).tolist() == ["FAM65B", "RIPOR2"]
    assert to_known_names(["FAM65B", "RIPOR2", "ENSG00000111913.20"], {"RIPOR2"}).tolist() == ["RIPOR2"] * 3
    assert to_known_names(["FAM65B", "RIPOR2"], {"FAM65B"}).tolist() == ["FAM65B", "FAM65B"]


def test_ambiguous_names_are_not_mapped() -> None:
    # IL8RA was CXCR1; P40 is an alias of many genes; MLL2 was KMT2D and KMT2B.
    known = {"CXCR1", "KMT2D", "KMT2B", "IL12B", "IL9"}
    assert to_known_names(["IL8RA", "P40", "MLL2"], known).tolist() == ["CXCR1", None, None]


# --- names in prose -----------------------------------------------------------------------------------------------


def test_names_in_prose_are_those_of_the_table_that_are_clear() -> None:
    found = genes_by_written_name([])
    assert {symbol for symbol, _ in LISTED} <= set(found)
    owner = {name: symbol for symbol, others in LISTED for name in (symbol, *others)} | SYMBOL
    assert all(owner[name] == gene for name, gene in found.items())
    assert found["CD31"] == "PECAM1"
    assert not {"OK", "IN", "T", "TH1", "DC", "IGA", "NK1"} & set(found)


def test_genes_of_the_data_go_first() -> None:
    found = genes_by_written_name(["Cd79a", "FAM46C", "CD31", "OK"])
    assert (found["TENT5C"], found["FAM46C"], found["PECAM1"]) == ("FAM46C", "FAM46C", "CD31")
    assert (found["Cd79a"], found["OK"], found["CD79A"]) == ("Cd79a", "OK", "CD79A")
