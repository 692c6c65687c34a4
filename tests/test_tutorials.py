"""Tutorials are stored with what came out of them, from one run from top to bottom."""

from __future__ import annotations

import ast
import inspect
import json
import re
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

import sc_duality as sd

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
    """Every ``sd.`` name exists, and takes the arguments of its calls."""
    tree = ast.parse("\n".join("".join(cell["source"]) for cell in code_cells(path)))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and public_name(node.func)]
    assert calls
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (name := public_name(node)):
            reduce(getattr, name, sd)
    for call in calls:
        keywords = {keyword.arg: None for keyword in call.keywords if keyword.arg}
        if not any(isinstance(argument, ast.Starred) for argument in call.args):
            bind = inspect.signature(reduce(getattr, public_name(call.func), sd)).bind_partial
            bind(*[None] * len(call.args), **keywords)


def public_name(node: ast.expr) -> list[str]:
    """``["tl", "annotate"]`` for ``sd.tl.annotate``; empty for other expressions."""
    parts = ast.unparse(node).split(".")
    return parts[1:] if parts[0] == "sd" and all(part.isidentifier() for part in parts) else []


def test_there_are_notebooks() -> None:
    names = {"annotation", "generation", "laptop_to_cluster", "llm_annotation", "train_and_align"}
    assert names <= {path.stem for path in NOTEBOOKS}
