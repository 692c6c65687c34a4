"""Ligand-receptor pairs in the tables of CellPhoneDB: lines made by hand in the format of release 5."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

import sc_duality as sd

TABLES = {
    "interaction": """\
id_cp_interaction,partner_a,partner_b,source,is_ppi,classification,directionality
,P01137,TGFbeta receptor1,"PMID:1, curated",TRUE,Signaling by TGFbeta,Ligand-Receptor
,HLAC,P43626,uniprot,TRUE,Signaling by HLA,Ligand-Receptor
,Estradiol_byCYP19A1,P03372,uniprot,FALSE,Signaling by Steroids,Ligand-Receptor
,P01137,P03372,uniprot,TRUE,,
,P01137,Q99999,uniprot,TRUE,,
""",
    "gene": """\
"gene_name","uniprot","hgnc_symbol","ensembl"
"TGFB1","P01137","TGFB1","ENSG00000105329"
"TGFBR1","P36897","TGFBR1","ENSG00000106799"
"TGFBR2","P37173","TGFBR2","ENSG00000163513"
"HLA-C","HLAC","HLA-C","ENSG00000204525"
"HLA-C","HLAC","HLA-C","ENSG00000206435"
"KIR2DL1","P43626","KIR2DL1","ENSG00000125498"
"CYP19A1","P11511","CYP19A1","ENSG00000137869"
"ESR1","P03372","ESR1","ENSG00000091831"
""",
    "complex": """\
complex_name,uniprot_1,uniprot_2,uniprot_3,transmembrane,peripheral,secreted,comments_complex
TGFbeta receptor1,P36897,P37173,,True,False,False,"Two subunits, as a heterotetramer"
Estradiol_byCYP19A1,P11511,,,False,False,False,
no gene,P36897,Q99999,,True,False,False,
""",
    "protein": """\
uniprot,protein_name,transmembrane,peripheral,secreted
P01137,TGFB1_HUMAN,FALSE,FALSE,TRUE
HLAC,HLAC,TRUE,FALSE,FALSE
P43626,KI2L1_HUMAN,TRUE,FALSE,FALSE
P03372,ESR1_HUMAN,FALSE,FALSE,FALSE
""",
}


def write(folder: Path, **changed: str) -> Path:
    for name, text in {**TABLES, **changed}.items():
        (folder / f"{name}_input.csv").write_text(text)
    return folder


def test_partners_are_genes_and_complexes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = sd.io.read_cellphonedb(write(tmp_path))
    assert found[["source", "target"]].to_numpy().tolist() == [
        ["TGFB1", "TGFBR1_TGFBR2"],
        ["HLA-C", "KIR2DL1"],
        ["TGFB1", "ESR1"],
    ]
    assert found["extracellular"].tolist() == [True, True, False]
    assert found["classification"].tolist() == ["Signaling by TGFbeta", "Signaling by HLA", None]
    assert found["evidence"].iloc[0] == "PMID:1, curated"
    assert "1 of 4 interactions have a partner without genes" in caplog.text


def test_enzymes_stand_for_small_molecules(tmp_path: Path) -> None:
    found = sd.io.read_cellphonedb(write(tmp_path), proteins_only=False)
    assert ["CYP19A1", "ESR1"] in found[["source", "target"]].to_numpy().tolist()
    assert len(found) == 4


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"gene": TABLES["gene"].replace("uniprot", "id")},
            "is not the gene table of CellPhoneDB: it needs the columns",
        ),
        ({"complex": ""}, "complex_input.csv' is empty"),
        ({"interaction": TABLES["interaction"][:-9]}, "line 6 of .* has 4 fields, but there are 7 columns"),
        (
            {"gene": '"uniprot","hgnc_symbol"\n"P1","A"\n'},
            "has genes for both partners: are the tables of one release?",
        ),
    ],
)
def test_invalid_tables_raise(tmp_path: Path, changed: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sd.io.read_cellphonedb(write(tmp_path, **changed))


def test_a_missing_table_raises(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "protein_input.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"there is no file .*protein_input\.csv"):
        sd.io.read_cellphonedb(tmp_path)
