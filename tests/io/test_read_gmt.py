"""Gene sets from GMT files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import sc_duality as sd

SETS = "IFN\thttps://example.org\tISG15\tIFI6\tISG15\n\nEMPTY DESCRIPTION\t\tSTAT1,1.0\t TP53 \t\n"


def test_sets_by_name(tmp_path: Path) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text(SETS)
    expected = {"IFN": ("ISG15", "IFI6"), "EMPTY DESCRIPTION": ("STAT1", "TP53")}
    assert sd.io.read_gmt(path) == expected
    assert list(sd.io.read_gmt(str(path))) == list(expected)
    packed = tmp_path / "sets.gmt.gz"
    packed.write_bytes(gzip.compress(SETS.replace("\n", "\r\n").encode("utf-8-sig")))
    assert sd.io.read_gmt(packed) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"IFN ISG15 IFI6\n", "line 1 of .* needs a name, a description and genes, separated by tabs, got 'IFN ISG15"),
        (b"IFN\tdescription\n", "line 1"),
        (b"A\t\tISG15\n\t\tISG15\n", "line 2"),
        (b"A\t\tISG15\nA\t\tIFI6\n", "line 2 of .*: there is another set 'A' above"),
        (b"\x89HDF\r\n\x1a\n\xff\xfe", "not a text file"),
        (b"A\x00\t\tISG15", "not a text file"),
        (gzip.compress(SETS.encode(), mtime=0)[:-9], "not a text file"),
    ],
)
def test_invalid_files_raise(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "sets.gmt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        sd.io.read_gmt(path)


def test_missing_file_and_folder_raise(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file .*sets\.gmt"):
        sd.io.read_gmt(tmp_path / "sets.gmt")
    with pytest.raises(ValueError, match="is a folder"):
        sd.io.read_gmt(tmp_path)
