"""The package as a whole: what it imports, who looks at whom, and the shape of the public API."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import sc_duality as sd

ROOT = Path(sd.__file__).parent
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
PUBLIC = sorted({name for name in ROOMS if name in sd.__all__})
#: Rooms whose functions take an AnnData.
TOOLS = [name for name in PUBLIC if name in {"get", "pl", "pp", "tl"}]

#: The rooms that a room may look at.
MAY_SEE = {
    "cells": set(),
    "datasets": set(),
    "get": {"cells"},
    "io": {"cells"},
    "metrics": set(),
    "models": {"tasks"},
    "pl": {"cells", "get"},
    "pp": {"cells"},
    "rewards": set(),
    "tasks": {"rewards"},
    "tl": {"cells", "get", "metrics", "models", "pp", "rewards", "tasks", "train"},
    "train": {"models", "rewards", "tasks"},
}
#: Who may look at the settings.
SEES_SETTINGS = {"cells", "datasets", "models", "pl", "tl"}
#: Rooms of pure functions: all that they may import besides the standard library.
PURE = {
    "metrics": {"numpy", "ot", "scipy", "sklearn"},
    "rewards": {"numba", "numpy", "scipy"},
    "tasks": {"jinja2", "numpy", "scipy"},
}
#: Rooms whose modules may be looked at one by one: the policy under training is an engine from the inside, and the
#: trainers among the tools are the half of ``train`` that knows AnnData.
OPEN_TO = {"tl": {"train"}, "train": {"models"}}
#: First arguments other than ``adata``: what makes its own cells, takes several objects, or draws what training logged.
FIRST = {
    "generate": "model",
    "train_sft": "adatas",
    "train_grpo_duality": "adatas",
    "distill": "adatas",
    "training": "history",
}
#: Heavy libraries, and the only rooms that may import them.
HEAVY = {"torch", "transformers", "trl", "vllm"}
SEES_HEAVY = {"models", "tl", "train"}


# --- what an import loads ---------------------------------------------------------------------------------------


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after ``statement``."""
    code = (
        f"{statement}\nimport json, sys; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import sc_duality", {*HEAVY, "numba", "scanpy", "sklearn", "matplotlib"}),
        ("import sc_duality as sd; sd.settings", {*HEAVY, "numba", "scanpy"}),
        ("import sc_duality.tasks, sc_duality.rewards", {*HEAVY, "anndata", "numba", "pandas", "scanpy"}),
        ("import sc_duality as sd; sd.pp, sd.get, sd.pl, sd.datasets, sd.tl, sd.models.available()", HEAVY),
    ],
)
def test_import_is_light(statement: str, absent: set[str]) -> None:
    loaded = loaded_by(statement)
    assert "sc_duality" in loaded
    assert not loaded & absent


# --- who looks at whom ------------------------------------------------------------------------------------------


def imports(path: Path) -> set[str]:
    """Absolute dotted names of all that a module imports, wherever in it the import stands."""
    package = ["sc_duality", *path.relative_to(ROOT).parent.parts]
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module or "").split(".")] if node.module else base
            names |= {".".join([*module, alias.name]) for alias in node.names}
    return names


def own(names: set[str]) -> set[str]:
    """First part below ``sc_duality`` of the names that lie in it: a room, or a module beside the rooms."""
    return {name.split(".")[1] for name in names if name.startswith("sc_duality.")}


def foreign(names: set[str]) -> set[str]:
    """Libraries among the names."""
    return {name.partition(".")[0] for name in names} - {"sc_duality", *sys.stdlib_module_names}


MODULES = [
    pytest.param(room, path, id=str(path.relative_to(ROOT))) for room in ROOMS for path in (ROOT / room).rglob("*.py")
]


def test_every_room_has_its_place() -> None:
    assert set(ROOMS) <= set(MAY_SEE)


def test_imports_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    module = tmp_path / "tasks" / "_one.py"
    module.parent.mkdir()
    module.write_text(
        "from .. import _settings\nfrom ..tl import annotate\nfrom ._two import x\ndef f():\n    import torch.nn\n"
    )
    found = imports(module)
    assert own(found) == {"_settings", "tl", "tasks"}
    assert foreign(found) == {"torch"}


@pytest.mark.parametrize(("room", "path"), MODULES)
def test_nothing_looks_upward(room: str, path: Path) -> None:
    names = imports(path)
    seen = own(names) - {room, "__version__"}
    beside = {name for name in seen if name.startswith("_")}
    assert beside <= ({"_settings", "_validation"} if room in SEES_SETTINGS else {"_validation"})
    assert seen - beside <= MAY_SEE[room]
    by_the_back_door = {
        name for name in names if own({name}) & {*ROOMS} - {room, *OPEN_TO.get(room, ())} and "._" in name
    }
    assert not by_the_back_door
    if room not in SEES_HEAVY:
        assert not foreign(names) & HEAVY
    if room in PURE:
        assert foreign(names) <= PURE[room]


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.name) for path in ROOT.glob("_*.py") if not path.name.startswith("__")]
)
def test_modules_beside_the_rooms_look_at_no_room(path: Path) -> None:
    names = imports(path)
    assert not own(names) & set(ROOMS)
    assert not foreign(names) & HEAVY


# --- the shape of the API ---------------------------------------------------------------------------------------


def load_room(name: str) -> ModuleType:
    return importlib.import_module(f"sc_duality.{name}")


def functions(rooms: list[str]) -> list[object]:
    """A test parameter for every public function of ``rooms``."""
    found = [(name, public, getattr(load_room(name), public)) for name in rooms for public in load_room(name).__all__]
    return [pytest.param(f, id=f"{name}.{public}") for name, public, f in found if isinstance(f, FunctionType)]


def test_public_face() -> None:
    assert sorted(sd.__all__) == sd.__all__
    assert set(sd.__all__) <= set(dir(sd))
    for name in sd.__all__:
        assert getattr(sd, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'annotate'"):
        _ = sd.annotate


@pytest.mark.parametrize("name", ROOMS)
def test_all_is_complete(name: str) -> None:
    module = load_room(name)
    public = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_") and getattr(value, "__module__", "").startswith("sc_duality")
    }
    assert public <= set(module.__all__)
    assert all(hasattr(module, key) for key in module.__all__)


@pytest.mark.parametrize("function", functions(TOOLS))
def test_signature(function: FunctionType) -> None:
    parameters = list(inspect.signature(function).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    assert positional[0].name == FIRST.get(function.__name__, "adata")
    assert len(positional) <= 3
    assert "copy" not in {p.name for p in positional}
    assert all(p.annotation is not inspect.Parameter.empty for p in parameters)


@pytest.mark.parametrize("function", functions(PUBLIC))
def test_docstring_has_an_example(function: FunctionType) -> None:
    summary, _, rest = (inspect.getdoc(function) or "").partition("\n")
    assert summary.endswith(".")
    assert ">>> " in rest.partition("Examples\n--------\n")[2]


@pytest.mark.parametrize("function", functions([*TOOLS, "datasets", "io"]))
def test_docstring_tells_what_goes_in_and_out(function: FunctionType) -> None:
    text = inspect.getdoc(function) or ""
    assert "Returns\n-------\n" in text
    lines = [line.strip() for line in text.splitlines()]
    documented = {name.strip() for line in lines for name in line.split(",")}
    assert set(inspect.signature(function).parameters) <= documented


@pytest.mark.parametrize("name", PUBLIC)
def test_api_page_lists_everything(name: str) -> None:
    page = Path(__file__).parents[1] / "docs" / "api" / "index.md"
    listed = set(page.read_text(encoding="utf-8").split())
    assert {f"{name}.{public}" for public in load_room(name).__all__} <= listed
