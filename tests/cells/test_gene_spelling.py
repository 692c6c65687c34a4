"""Gene names in the spellings of genome references, R and exports."""

from __future__ import annotations

import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sc_duality as sd
from sc_duality.cells import approved_symbols, default_sentences, gene_columns
from sc_duality.cells._gene_spelling import texts
from tests.cells.test_gene_symbols import EVERY, ROWS, objects

SYMBOLS = ["HLA-DRA", "MT-CO1", "NKX2-1", "CD3E", "LINC00266-1", "LINC00266", "RN7SK", "7SK", "C4B_2", "TBCE"]
IDS = [row["ensembl"] for row in ROWS if row["ensembl"]][:5]
SPELLINGS = [
    "{}",
    " {} ",
    "GRCh38_{}",
    "hg19-{}",
    "mm10___{}",
    "GRCh38_GRCh38_{}",
    "HUMAN_{}",
    "{}_ENSG00000198851",
    "ENSG00000198851.3|{}",
    "{}.1",
    "X{}",
]


def spelled(name: str) -> str:
    return approved_symbols(objects([name]))[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GRCh38_CD3E", "CD3E"),
        ("GRCh38-CD3E", "CD3E"),
        ("hg19_MT-CO1", "MT-CO1"),
        ("mm10___Cd3e", "Cd3e"),
        ("GRCm39_mt-Co1", "mt-Co1"),
        ("MOUSE_Cd3e", "Cd3e"),
        ("GRCh38_ENSG00000198851", "CD3E"),
        ("GRCh38_HLA.DRA", "HLA-DRA"),
        ("HLA.DRA", "HLA-DRA"),
        ("MT.CO1", "MT-CO1"),
        ("NKX2.1", "NKX2-1"),
        ("HLA.DQB1.AS1", "HLA-DQB1-AS1"),
        ("X7SK", "7SK"),
        ("CD3E_ENSG00000198851", "CD3E"),
        ("CD3E_ENSG00000198851.12", "CD3E"),
        ("ENSG00000198851|CD3E", "CD3E"),
        ("CD3E (ENSG00000198851)", "CD3E"),
        ("Cd3e_ENSMUSG00000032093", "Cd3e"),
        ("HLA-DRA_ENSG00000204287", "HLA-DRA"),
        ("nan_ENSG00000198851", "nan_ENSG00000198851"),
        ("ENSG00000182378.15_PAR_Y", "PLCXD1"),
        (" CD3E\t", "CD3E"),
        ("AC012345.1", "AC012345.1"),
        ("RP11-34P13.7", "RP11-34P13.7"),
        ("H2.Ab1", "H2.Ab1"),
        ("GRCh38_", "GRCh38_"),
        ("", ""),
    ],
)
def test_usual_spelling(name: str, expected: str) -> None:
    assert spelled(name) == expected


def test_a_number_of_make_unique_stays() -> None:
    names = objects(["LINC00266", "LINC00266.1", "HLA.DRA", "HLA.DRA.1"])
    assert approved_symbols(names).tolist() == ["LINC00266", "LINC00266.1", "HLA-DRA", "HLA.DRA.1"]


def test_names_of_the_table_stay() -> None:
    assert approved_symbols(objects(EVERY)).tolist() == EVERY


@given(st.lists(st.sampled_from(EVERY), unique=True))
def test_names_of_the_table_stay_among_any_others(names: list[str]) -> None:
    assert approved_symbols(objects(names)).tolist() == names


made_names = (
    st.tuples(st.sampled_from(SPELLINGS), st.sampled_from(SYMBOLS + IDS), st.booleans()).map(
        lambda made: made[0].format(made[1].replace("-", ".") if made[2] else made[1])
    )
    | st.text("AX1.-_| ", max_size=6)
    | st.text(max_size=5)
)


@given(st.lists(made_names, unique=True))
def test_different_names_stay_different_and_spelling_twice_changes_nothing(names: list[str]) -> None:
    found = approved_symbols(objects(names))
    assert len(set(found)) == len(names)
    assert approved_symbols(found).tolist() == found.tolist()


@given(st.lists(made_names, unique=True, min_size=1))
def test_a_vocabulary_finds_its_columns(names: list[str]) -> None:
    adata = ad.AnnData(np.ones((1, len(names))), var=pd.DataFrame(index=pd.Index(names, dtype=object)))
    found = approved_symbols(texts(names))
    entered = np.flatnonzero(found != "")
    assert gene_columns(found[entered], adata, None).tolist() == entered.tolist()


def renamed(counts: ad.AnnData, names: list[str]) -> ad.AnnData:
    adata = counts.copy()
    adata.var_names = names
    return adata


@pytest.mark.parametrize("spelling", ["GRCh38_{}", "mm10___{}", "{}_ENSG00000198851", " {}"])
def test_sentences_are_those_of_the_usual_names(
    counts: ad.AnnData, spelling: str, caplog: pytest.LogCaptureFixture
) -> None:
    adata = renamed(counts, [spelling.format(name) for name in counts.var_names])
    with caplog.at_level(logging.INFO, "sc_duality"):
        found = default_sentences(adata)
    assert found.gene_lists() == default_sentences(counts).gene_lists()
    (message,) = [text for text in caplog.messages if "usual spelling" in text]
    assert message.startswith(f"read 120 gene names in their usual spelling: {spelling.format('CD79A')} as CD79A, ")
    sd.pp.cell_sentences(adata)
    sd.pp.fit_expression(adata)
    sd.pp.reconstruct_expression(adata)
    assert (adata.layers["reconstructed"].getnnz(1) > 0).all()


def test_housekeeping_genes_by_any_spelling(counts: ad.AnnData) -> None:
    excluded = ["MT.CO1", "mt.Co1", "mm10___mt-Nd1", "mm10___Rpl3", "GRCh38_RPS27A", "hg19_RPS27A", "ENSG00000100316"]
    kept = ["MT1X", "GRCh38_RPS6KA1", "NKX2.1"]
    adata = renamed(counts[:, :10].copy(), excluded + kept)
    sd.pp.cell_sentences(adata)
    assert adata.uns["cell_sentence"]["genes"].tolist() == ["MT1X", "RPS6KA1", "NKX2-1"]


def test_genes_and_exclude_take_either_name(counts: ad.AnnData) -> None:
    adata = renamed(counts[:, :3].copy(), ["GRCh38_CD79A", "HLA.DRA", "CD3E"])

    def vocabulary(**arguments: object) -> list[str]:
        return sd.pp.cell_sentences(adata, copy=True, **arguments).uns["cell_sentence"]["genes"].tolist()

    assert vocabulary(genes=["GRCh38_CD79A", "HLA-DRA"]) == ["CD79A", "HLA-DRA"]
    assert vocabulary(exclude=["CD79A", "HLA.DRA"]) == ["CD3E"]
    assert vocabulary(exclude="^GRCh38_CD|^HLA-") == ["CD3E"]


def test_symbols_of_a_column_are_used_unchanged(counts: ad.AnnData) -> None:
    counts.var["symbol"] = [f"GRCh38_{name}" for name in counts.var_names]
    sd.pp.cell_sentences(counts, gene_symbols="symbol", exclude=None)
    assert counts.uns["cell_sentence"]["genes"].tolist() == counts.var["symbol"].tolist()


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, "nan", "<NA>", "None", "", " "])
@pytest.mark.parametrize("column", [None, "symbol"])
def test_a_gene_without_a_name_does_not_enter(counts: ad.AnnData, missing: object, column: str | None) -> None:
    names = counts.var_names.to_numpy(object).copy()
    names[[0, 2]] = missing
    if column is None:
        counts.var.index = pd.Index(names, dtype=object)
    else:
        counts.var[column] = names
    sd.pp.cell_sentences(counts, gene_symbols=column)
    assert counts.uns["cell_sentence"]["genes"][:2].tolist() == ["MS4A1", "NKG7"]
    sd.pp.fit_expression(counts)
    sd.pp.reconstruct_expression(counts)
    assert counts.layers["reconstructed"][:, [0, 2]].nnz == 0


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA])
def test_a_cell_without_a_name_is_ranked(counts: ad.AnnData, missing: object) -> None:
    expected = default_sentences(counts).gene_lists()
    names = counts.obs_names.to_numpy(object).copy()
    names[3] = missing
    counts.obs.index = pd.Index(names, dtype=object)
    found = default_sentences(counts).gene_lists()
    assert found[:3] + found[4:] == expected[:3] + expected[4:]
    assert set(found[3]) == set(expected[3])
