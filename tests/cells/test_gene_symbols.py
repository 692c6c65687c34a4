"""Other names of human genes, against the shipped table read in plain Python."""

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
from benchmarks.make_gene_names import table
from sc_duality.cells._gene_symbols import approved_symbols, to_known_names

SHIPPED = Path(sd.__file__).parent / "cells" / "hgnc" / "genes.tsv.gz"
with gzip.open(SHIPPED, "rt", encoding="utf-8") as handle:
    ROWS = list(csv.DictReader(handle, delimiter="\t"))
SYMBOL = {row["ensembl"]: row["symbol"] for row in ROWS if row["ensembl"]}
LISTED = [(row["symbol"], list(filter(None, f"{row['previous']}|{row['aliases']}".split("|")))) for row in ROWS]
EVERY = [name for symbol, others in LISTED for name in (symbol, *others)]


def objects(names: list[str]) -> np.ndarray:
    return np.array(names, dtype=object)


# --- the table ----------------------------------------------------------------------------------------------------


def test_every_name_stands_for_one_gene() -> None:
    assert len(set(EVERY)) == len(EVERY)
    assert len(SYMBOL) == len({row["symbol"] for row in ROWS if row["ensembl"]})
    assert all(name == name.strip() for name in EVERY)


def test_table_is_small_and_says_where_it_is_from() -> None:
    data = SHIPPED.read_bytes()
    assert len(data) < 500_000
    assert data[4:8] == bytes(4), "a time in the file would make it another one each time it is made"
    text = SHIPPED.with_name("README.md").read_text(encoding="utf-8")
    assert "CC0" in text
    assert f"{len(ROWS):,} human genes" in text


def test_table_knows_most_words_of_the_embedded_model() -> None:
    words = sd.models.resolve("embedded").genes
    assert len(words & set(EVERY)) > 0.9 * len(words)


def test_making_the_table_leaves_out_names_that_do_not_tell_the_gene() -> None:
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
    assert names[0] == "ENSG00000156738", "what is given stays as it is"


def test_of_two_ids_of_a_gene_the_first_takes_the_symbol() -> None:
    names = objects(["ENSG00000156738.1", "ENSG00000156738.2", "ENSG00000105369", "CD79A", "ENSG00000182378.15_PAR_Y"])
    assert approved_symbols(names).tolist() == ["MS4A1", "ENSG00000156738.2", "ENSG00000105369", "CD79A", "PLCXD1"]


@given(
    st.lists(
        st.sampled_from(sorted(SYMBOL)[:40])
        | st.sampled_from(sorted(SYMBOL)[:40]).map(lambda one: one + ".3")
        | st.sampled_from([SYMBOL[one] for one in sorted(SYMBOL)[:40]])
        | st.text(max_size=4),
        unique=True,
    )
)
def test_no_two_names_become_one(names: list[str]) -> None:
    expected: list[str] = []
    for name in names:
        symbol = SYMBOL.get(name.partition(".")[0], name)
        expected.append(name if symbol in names or symbol in expected else symbol)
    found = approved_symbols(objects(names))
    assert found.tolist() == expected
    assert len(set(found)) == len(names)
    assert approved_symbols(found).tolist() == expected


# --- names that a model knows -------------------------------------------------------------------------------------


def in_plain_words(name: str, known: set[str]) -> str | None:
    if name in known:
        return name
    for row, (symbol, others) in zip(ROWS, LISTED, strict=True):
        if name in (symbol, row["ensembl"], *others):
            return next((other for other in (symbol, *others, row["ensembl"]) if other in known), None)
    return None


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_reading_is_what_the_table_says(share: float) -> None:
    rng = np.random.default_rng(0)
    few = {name for name in EVERY if name.startswith(("CD", "SEP"))} | set(list(SYMBOL)[:50])
    known = set(rng.choice(sorted(few), int(share * len(few)), replace=False))
    asked = [*rng.choice(sorted(few), 300).tolist(), "no gene", ""]
    assert to_known_names(asked, known).tolist() == [in_plain_words(name, known) for name in asked]


def test_known_names_are_never_translated() -> None:
    assert to_known_names(["FAM65B", "RIPOR2"], {"FAM65B", "RIPOR2"}).tolist() == ["FAM65B", "RIPOR2"]
    assert to_known_names(["FAM65B", "RIPOR2", "ENSG00000111913.20"], {"RIPOR2"}).tolist() == ["RIPOR2"] * 3
    assert to_known_names(["FAM65B", "RIPOR2"], {"FAM65B"}).tolist() == ["FAM65B", "FAM65B"]


def test_names_of_several_genes_are_not_read() -> None:
    # IL8RA was CXCR1's; P40 is an alias of many; MLL2 was both KMT2D's and KMT2B's.
    known = {"CXCR1", "KMT2D", "KMT2B", "IL12B", "IL9"}
    assert to_known_names(["IL8RA", "P40", "MLL2"], known).tolist() == ["CXCR1", None, None]
