"""Tutorials run again, from a clean state and without a network, and give what is stored: ``make tutorials``."""

from __future__ import annotations

import json
import os
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.notebook_outputs import SAMPLED, differences

TUTORIALS = Path(__file__).parents[1] / "tutorials"
NOTEBOOKS = sorted(TUTORIALS.glob("*.ipynb"))
#: A whole tutorial, on a slow machine.
TIMEOUT = 3600

pytestmark = [pytest.mark.tutorials, pytest.mark.slow]


def missing(notebook: dict[str, Any], folder: Path) -> str:
    """What a notebook needs and this machine lacks, as its metadata say; files that are there go into its folder."""
    needs = notebook["metadata"].get("needs", {})
    data = Path(os.environ.get("SC_DUALITY_BENCHMARK_DATA", "."))
    for name in needs.get("files", []):
        if not (data / name).is_file():
            return f"{name} in the folder SC_DUALITY_BENCHMARK_DATA"
        (folder / name).symlink_to((data / name).resolve())
    for package in needs.get("packages", []):
        if find_spec(package) is None:
            return f"the package {package}"
    for address in needs.get("servers", []):
        try:
            urllib.request.urlopen(address, timeout=2)
        except OSError:
            return f"a server at {address}"
    return ""


def outputs_of(path: Path, folder: Path) -> list[list[dict[str, Any]]]:
    """Run a notebook in an empty folder, with an empty cache; the outputs of its code cells."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(path, 4)
    client = nbclient.NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    offline = {"HF_HUB_OFFLINE": "1", "SC_DUALITY_CACHE": "1", "SC_DUALITY_CACHE_DIR": str(folder / "cache")}
    client.execute(env={**os.environ, **offline})
    return [cell["outputs"] for cell in notebook.cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in NOTEBOOKS])
def test_rerun(path: Path, tmp_path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    if lack := missing(notebook, tmp_path):
        pytest.skip(f"needs {lack}")
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    found = []
    for cell, outputs in zip(cells, outputs_of(path, tmp_path), strict=True):
        sampled = SAMPLED in cell["metadata"].get("tags", []) or notebook["metadata"].get(SAMPLED, False)
        found += [f"{cell['id']}: {message}" for message in differences(cell["outputs"], outputs, sampled=sampled)]
    assert not found, "\n".join(found)
