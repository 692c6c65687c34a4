"""Tutorials are stored with what came out of them, from one run from top to bottom."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.public_calls import check_calls

NOTEBOOKS = sorted((Path(__file__).parents[1] / "tutorials").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in NOTEBOOKS])


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@each_notebook
def test_notebook_is_stored_executed(path: Path) -> None:
    code = code_cells(path)
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    types = {output["output_type"] for output in outputs}
    assert "execute_result" in types
    assert "error" not in types
    assert "Traceback" not in json.dumps(outputs)


@each_notebook
def test_notebook_names_no_place_of_one_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)
    assert set(re.findall(r"http://([\w.-]+)", text)) <= {"localhost"}


@each_notebook
def test_calls_of_notebook_exist(path: Path) -> None:
    assert check_calls("\n".join("".join(cell["source"]) for cell in code_cells(path)))


def test_there_are_notebooks() -> None:
    names = {"annotation", "generation", "laptop_to_cluster", "llm_annotation", "train_and_align"}
    assert names <= {path.stem for path in NOTEBOOKS}
