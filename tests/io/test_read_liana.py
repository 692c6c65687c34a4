"""Ligand-receptor pairs in the resource file of LIANA."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import sc_duality as sd

RESOURCE = """\
"","source","target","source_genesymbol","target_genesymbol","resource"
"1","O00182","P08575","LGALS9","PTPRC","consensus"
"2","P01137","COMPLEX:P36897_P37173","TGFB1","TGFBR1_TGFBR2","consensus"
"3","P01137","P01137","Tgfb1","Tgfbr1","mouseconsensus"
"4","P01137","P01137","TGFB1","","consensus"
"""


def test_pairs_of_a_resource(tmp_path: Path) -> None:
    path = tmp_path / "omni_resource.csv"
    path.write_text(RESOURCE)
    found = sd.io.read_liana(path)
    assert found[["source", "target"]].to_numpy().tolist() == [["LGALS9", "PTPRC"], ["TGFB1", "TGFBR1_TGFBR2"]]
    assert sd.io.read_liana(path, "mouseconsensus")["source"].tolist() == ["Tgfb1"]
    packed = tmp_path / "omni_resource.csv.gz"
    packed.write_bytes(gzip.compress(RESOURCE.encode()))
    assert sd.io.read_liana(packed, None)["resource"].tolist() == ["consensus", "consensus", "mouseconsensus"]


@pytest.mark.parametrize(
    ("text", "resource", "message"),
    [
        ("", "consensus", "is empty"),
        (RESOURCE, "cellphonedb", "resource='cellphonedb' is not in .*: choose from 'consensus', 'mouseconsensus'"),
        (RESOURCE.replace(",", "\t"), "consensus", "needs the columns source_genesymbol.*separated by commas"),
        (RESOURCE.replace("_genesymbol", ""), "consensus", "is not the resource file of LIANA"),
        (RESOURCE[:-13], "consensus", "line 5 of .* has 5 fields, but there are 6 columns"),
    ],
)
def test_invalid_files_raise(tmp_path: Path, text: str, resource: str, message: str) -> None:
    path = tmp_path / "omni_resource.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        sd.io.read_liana(path, resource)
