"""The tables of the documents agree with ``benchmarks/results``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import sc_duality as sd
from benchmarks import tables
from benchmarks._results import RESULTS

FIELDS = {"figures", "command", "n", "seed", "versions", "machine", "date", "weights"}
SHIPPED = Path(sd.__file__).parent / "models/embedded/model.safetensors"
#: Results of the shipped weights.
CURRENT = ("embedded", "panels", "annotation_tools", "cell_o1", "generation", "duality_score_seeds")


@pytest.mark.parametrize("path", tables.DOCUMENTS, ids=lambda path: str(path.relative_to(tables.ROOT)))
def test_documents_have_the_tables_of_the_results(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "<!-- table: " in text
    assert tables.fill(text) == text, "run python -m benchmarks.tables"


def test_every_table_is_in_a_document() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in tables.DOCUMENTS)
    assert set(tables.TABLES) == {block["name"] for block in tables.BLOCK.finditer(texts)}


def test_changed_figures_change_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for file in RESULTS.glob("*.json"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8").replace('"n": 271', '"n": 272'))
    monkeypatch.setattr("benchmarks._markdown.RESULTS", tmp_path)
    text = tables.DOCUMENTS[0].read_text(encoding="utf-8")
    assert tables.fill(text) != text


def test_unknown_tables_are_named() -> None:
    with pytest.raises(KeyError, match="There is no table 'nothing'"):
        tables.fill("<!-- table: nothing -->\n<!-- end -->")


@pytest.mark.parametrize("file", sorted(RESULTS.glob("*.json")), ids=lambda file: file.stem)
def test_results_say_how_they_were_measured(file: Path) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    assert FIELDS <= set(content) <= FIELDS | {"transcribed"}
    assert content["command"].startswith("python -m benchmarks.")
    assert "/" not in content["command"] + content["machine"]  # no paths


@pytest.mark.parametrize("name", CURRENT)
def test_current_results_are_those_of_the_shipped_weights(name: str) -> None:
    fingerprint = hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
    content = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    assert fingerprint.startswith(content["weights"]["fingerprint"] or "none")


def test_documents_are_short() -> None:
    for name, limit in (("RESULTS.md", 250), ("RESULTS_TASKS.md", 250), ("HISTORY.md", 150)):
        text = (RESULTS.parent / name).read_text(encoding="utf-8")
        assert len(text.splitlines()) <= limit
