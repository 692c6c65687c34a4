"""Protein interactions in the format TAB 3.0 of BioGRID: lines made by hand with all 37 columns."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

import sc_duality as sd

SIDES = ("Interactor A", "Interactor B")
HEADER = [
    "#BioGRID Interaction ID",
    *(f"{name} {side}" for name in ("Entrez Gene", "BioGRID ID", "Systematic Name") for side in SIDES),
    *(f"{name} {side}" for name in ("Official Symbol", "Synonyms") for side in SIDES),
    *("Experimental System", "Experimental System Type", "Author", "Publication Source"),
    *(f"Organism ID {side}" for side in SIDES),
    *("Throughput", "Score", "Modification", "Qualifications", "Tags", "Source Database"),
    *(f"{name} Accessions {side}" for side in SIDES for name in ("SWISS-PROT", "TREMBL", "REFSEQ")),
    *(f"Ontology Term {name}" for name in ("IDs", "Names", "Categories", "Qualifier IDs", "Qualifier Names", "Types")),
    *(f"Organism Name {side}" for side in SIDES),
]
ROWS = [
    ("EGF", "EGFR", "physical", "PUBMED:1", "9606", "9606", "Low Throughput"),
    ("EGFR", "EGF", "physical", "PUBMED:2", "9606", "9606", "High Throughput"),
    ("EGF", "EGFR", "physical", "PUBMED:2", "9606", "9606", "High Throughput"),
    ("EGFR", "GRB2", "physical", "PUBMED:3", "9606", "9606", "High Throughput|Low Throughput"),
    ("ITGB1", "ITGA5", "physical", "PUBMED:4", "9606", "9606", "High Throughput"),
    ("EGFR", "KRAS", "genetic", "PUBMED:5", "9606", "9606", "High Throughput"),
    ("EGFR", "EGFR", "physical", "PUBMED:6", "9606", "9606", "Low Throughput"),
    ("EGFR", "-", "physical", "PUBMED:7", "9606", "9606", "Low Throughput"),
    ("EGFR", "Grb2", "physical", "PUBMED:8", "9606", "10090", "Low Throughput"),
    ("Egf", "Egfr", "physical", "PUBMED:9", "10090", "10090", "Low Throughput"),
]
COLUMNS = [
    *(f"Official Symbol {side}" for side in SIDES),
    *("Experimental System Type", "Publication Source"),
    *(f"Organism ID {side}" for side in SIDES),
    "Throughput",
]


def tab3(rows=ROWS, header=HEADER):
    lines = [
        dict.fromkeys(header, "-") | {"Author": '"A "quoted'} | dict(zip(COLUMNS, row, strict=True)) for row in rows
    ]
    return "".join(
        "\t".join(map(str, line)) + "\n" for line in (header, *([one[name] for name in header] for one in lines))
    )


def test_the_header_is_that_of_the_format():
    assert len(HEADER) == 37


def test_one_row_a_pair(tmp_path: Path) -> None:
    path = tmp_path / "BIOGRID-ALL.tab3.txt"
    path.write_text(tab3())
    found = sd.io.read_biogrid(path)
    assert found.to_dict("list") == {
        "source": ["EGF", "EGFR", "ITGB1"],
        "target": ["EGFR", "GRB2", "ITGA5"],
        "n_publications": [2, 1, 1],
        "low_throughput": [True, True, False],
    }
    assert sd.io.read_biogrid(path, physical=False)["target"].tolist() == ["EGFR", "GRB2", "ITGA5", "KRAS"]
    assert sd.io.read_biogrid(path, organism=10090)["source"].tolist() == ["Egf"]
    packed = tmp_path / "BIOGRID-ALL.tab3.txt.gz"
    packed.write_bytes(gzip.compress(tab3().encode()))
    assert sd.io.read_biogrid(packed).equals(found)


def test_blocks_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "BIOGRID-ALL.tab3.txt"
    path.write_text(tab3())
    expected = sd.io.read_biogrid(path)
    monkeypatch.setattr("sc_duality.io._read_biogrid._CHUNK", 2)
    assert sd.io.read_biogrid(path).equals(expected)


def archive(path: Path, *organisms: str) -> Path:
    with zipfile.ZipFile(path, "w") as handle:
        for name in organisms:
            handle.writestr(f"BIOGRID-ORGANISM-{name}-4.4.245.tab3.txt", tab3())
    return path


def test_an_archive_of_all_organisms(tmp_path: Path) -> None:
    path = archive(tmp_path / "BIOGRID-ORGANISM.tab3.zip", "Mus_musculus", "Homo_sapiens", "Homo_sapiens_virus")
    assert sd.io.read_biogrid(path)["source"].tolist() == ["EGF", "EGFR", "ITGB1"]
    assert sd.io.read_biogrid(path, organism=10090)["source"].tolist() == ["Egf"]
    with pytest.raises(ValueError, match="has 3 files, and which one is of organism=7227 is not known: unzip it"):
        sd.io.read_biogrid(path, organism=7227)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a file of BioGRID in the format TAB 3.0: No columns"),
        (tab3(header=HEADER).replace("Official Symbol", "OFFICIAL_SYMBOL"), "format TAB 3.0: Usecols do not match"),
        (tab3(ROWS[-2:]), "has no physical interaction of two genes of the organism 9606"),
    ],
)
def test_invalid_files_raise(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "BIOGRID-ALL.tab3.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        sd.io.read_biogrid(path)


def test_missing_file_and_folder_raise(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file .*a\.tab3\.txt"):
        sd.io.read_biogrid(tmp_path / "a.tab3.txt")
    with pytest.raises(ValueError, match="is a folder"):
        sd.io.read_biogrid(tmp_path)
