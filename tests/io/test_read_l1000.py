"""Compounds and genes in the file formats of L1000."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import sc_duality as sd

COMPOUNDS = """\
pert_id\tcmap_name\ttarget\tmoa\tcanonical_smiles\tinchi_key\tcompound_aliases
BRD-K12343256\ttrametinib\tMAP2K1\tMEK inhibitor\tCC1=C\tLIRY\tGSK1120212
BRD-K12343256\ttrametinib\tMAP2K2\tMEK inhibitor\tCC1=C\tLIRY\tGSK1120212
BRD-K19796430\tsilmitasertib\tCSNK2A1\tcasein kinase inhibitor\t""\tMUOK\tCX-4945
BRD-A00267231\tBRD-A00267231\t""\t""\tCCO\t""\t""
BRD-K99999999\t""\t""\t""\trestricted\t""\t""
BRD-K11111111\tTrametinib\tMAP2K1\tMEK inhibitor\tCC1=C.C\t""\t""
"""
OLDER = """\
pert_id\tpert_iname\tpert_type\tis_touchstone\tinchi_key_prefix\tinchi_key\tcanonical_smiles\tpubchem_cid
56582\tAKT2\ttrt_oe\t0\t-666\t-666\t-666\t-666
DMSO\tDMSO\tctl_vehicle\t0\tIAZD\tIAZD-X\tCS(C)=O\t679
BRD-K12343256\ttrametinib\ttrt_cp\t1\tLIRY\tLIRY-X\tCC1=C\t11707110
BRD-A00100033\tBRD-A00100033\ttrt_cp\t0\tXUKP\tXUKP-X\t-666\t1
"""
GENES = """\
gene_id\tgene_symbol\tensembl_id\tgene_title\tgene_type\tsrc\tfeature_space
2\tA2M\tENSG00000175899\talpha-2-macroglobulin\tprotein-coding\tNCBI\tinferred
5720\tPSME1\tENSG00000092010\tproteasome activator subunit 1\tprotein-coding\tNCBI\tlandmark
6009\tRHEB\t""\tRas homolog\tprotein-coding\tNCBI\tbest inferred
"""
OLDER_GENES = """\
pr_gene_id\tpr_gene_symbol\tpr_gene_title\tpr_is_lm\tpr_is_bing
5720\tPSME1\tproteasome activator subunit 1\t1\t1
6009\tRHEB\tRas homolog\t0\t1
1\tA1BG\talpha-1-B glycoprotein\t0\t0
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "table.txt"
        path.write_text(text)
        return path

    return write


def test_one_row_a_compound(written) -> None:
    found = sd.io.read_compounds(written(COMPOUNDS)).set_index("name")
    assert found.index.tolist() == ["trametinib", "silmitasertib", "BRD-A00267231", "BRD-K99999999"]
    assert found.loc["trametinib"].to_dict() == {
        "pert_id": "BRD-K12343256|BRD-K11111111",
        "protein_target": "MAP2K1|MAP2K2",
        "moa": "MEK inhibitor",
        "smiles": "CC1=C|CC1=C.C",
        "inchi_key": "LIRY",
        "aliases": "GSK1120212",
    }
    assert found["smiles"].isna().tolist() == [False, True, False, True]
    assert found.loc["BRD-A00267231", "moa"] is None


def test_compounds_without_a_name_are_left_out(written) -> None:
    assert sd.io.read_compounds(written(COMPOUNDS), named_only=True)["name"].tolist() == ["trametinib", "silmitasertib"]
    unnamed = "\n".join(COMPOUNDS.splitlines()[i] for i in (0, 4))
    with pytest.raises(ValueError, match="holds no compound, or all are left out by named_only=True"):
        sd.io.read_compounds(written(unnamed), named_only=True)
    with pytest.raises(ValueError, match="holds no compound$"):
        sd.io.read_compounds(written(COMPOUNDS.splitlines()[0]))


def test_the_older_table_has_other_perturbations_too(written, tmp_path: Path) -> None:
    found = sd.io.read_compounds(written(OLDER))
    assert found["name"].tolist() == ["trametinib", "BRD-A00100033"]
    assert list(found.columns) == ["name", "pert_id", "smiles", "inchi_key"]
    packed = tmp_path / "pert_info.txt.gz"
    packed.write_bytes(gzip.compress(OLDER.encode()))
    assert sd.io.read_compounds(packed).equals(found)


def test_genes_and_landmarks(written) -> None:
    found = sd.io.read_l1000_genes(written(GENES))
    assert found["landmark"].to_dict() == {"A2M": False, "PSME1": True, "RHEB": False}
    assert found.loc["PSME1", "ensembl_id"] == "ENSG00000092010"
    assert found.loc["RHEB", "ensembl_id"] is None
    older = sd.io.read_l1000_genes(written(OLDER_GENES))
    assert older["landmark"].tolist() == [True, False, False]
    assert older["feature_space"].tolist() == ["landmark", "best inferred", "inferred"]
    assert older["gene_id"].tolist() == ["5720", "6009", "1"]


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (sd.io.read_compounds, GENES, "is not a table of L1000 compounds: it needs the columns pert_id, cmap_name or"),
        (sd.io.read_compounds, COMPOUNDS.replace("\t", ","), "separated by tabs"),
        (sd.io.read_compounds, COMPOUNDS[:-9], "line 7 of .* has 5 fields, but there are 7 columns: is the file compl"),
        (sd.io.read_compounds, "", "is empty"),
        (sd.io.read_l1000_genes, COMPOUNDS, "is not a table of L1000 genes"),
        (sd.io.read_l1000_genes, GENES.replace("landmark", "inferred"), "none of the 3 genes .* is a landmark gene"),
        (sd.io.read_l1000_genes, GENES.replace("RHEB", "PSME1"), "has the gene 'PSME1' twice"),
        (sd.io.read_l1000_genes, GENES.replace("RHEB", ""), "1 genes of .* have no symbol"),
    ],
)
def test_invalid_tables_raise(written, read, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(written(text))
