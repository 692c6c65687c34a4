"""GO terms of genes in annotation files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import sc_duality as sd


def gaf(*annotations: tuple[str, str, str], version: str = "!gaf-version: 2.2\n!generated-by: a test\n") -> str:
    rows = [
        [
            "UniProtKB",
            "P1",
            gene,
            qualifier,
            term,
            "PMID:1",
            "IDA",
            "",
            "C",
            'a "name',
            "",
            "protein",
            "taxon:9606",
            *[""] * 4,
        ]
        for gene, qualifier, term in annotations
    ]
    return version + "".join("\t".join(row) + "\n" for row in rows)


TEXT = gaf(
    ("EGF", "located_in", "GO:0005576"),
    ("EGF", "NOT|located_in", "GO:0005634"),
    ("NOTCH1", "is_active_in", "GO:0009986"),
    ("GRB2", "", "GO:0005829"),
)


@pytest.mark.parametrize("packed", [False, True])
def test_annotations_without_the_negated_ones(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "goa.gaf"
    path.write_bytes(gzip.compress(TEXT.encode()) if packed else TEXT.encode())
    found = sd.io.read_gaf(path)
    assert found[["gene", "go_id"]].to_numpy().tolist() == [
        ["EGF", "GO:0005576"],
        ["NOTCH1", "GO:0009986"],
        ["GRB2", "GO:0005829"],
    ]
    assert list(found.columns) == ["gene", "go_id", "evidence", "aspect"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not an annotation file .*: it has no annotation"),
        (gaf(), "not an annotation file .*: it has no annotation"),
        (gaf(("EGF", "located_in", "GO:0005576"), version=""), "its first line is not '!gaf-version'"),
        (gaf(("EGF", "located_in", "extracellular")), "a line has no GO id in its fifth column"),
        ("!gaf-version: 2.2\nEGF,GO:0005576\n", "expected 17 and found 1"),
    ],
)
def test_invalid_files_raise(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "goa.gaf"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        sd.io.read_gaf(path)


def test_missing_file_and_folder_raise(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no file"):
        sd.io.read_gaf(tmp_path / "goa.gaf")
    with pytest.raises(ValueError, match="is a folder"):
        sd.io.read_gaf(tmp_path)
