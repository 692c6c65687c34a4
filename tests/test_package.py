"""The package as a whole: what it imports, who imports whom, and the shape of the public API."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import sc_duality as sd

ROOT = Path(sd.__file__).parent
SUBPACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
PUBLIC = sorted({name for name in SUBPACKAGES if name in sd.__all__})
#: Subpackages whose functions take an AnnData.
TOOLS = [name for name in PUBLIC if name in {"get", "pl", "pp", "tl"}]

#: The subpackages that a subpackage imports. There are no exceptions.
IMPORTS = {
    "cells": set(),
    "datasets": {"io"},
    "duality": {"models", "rewards", "tasks"},
    "examples": {"cells", "duality", "metrics", "models", "tasks"},
    "get": {"cells", "metrics"},
    "io": {"cells", "get", "pl", "tasks"},
    "metrics": set(),
    "models": {"tasks"},
    "pl": {"cells", "get", "metrics"},
    "pp": {"cells"},
    "rewards": {"metrics", "tasks"},
    "tasks": {"metrics"},
    "tl": {"cells", "duality", "examples", "get", "metrics", "models", "rewards", "tasks", "train"},
    "train": {"duality", "models", "rewards", "tasks"},
}
#: Modules of the package that any subpackage imports.
SHARED = {"__version__", "_compiled", "_replacement", "_settings", "_store_format", "_validation"}
#: Subpackages of pure functions: the only libraries that they import.
PURE = {
    "metrics": {"numba", "numpy", "ot", "scipy", "sklearn"},
    "rewards": {"numpy"},
    "tasks": {"jinja2", "numpy"},
}
#: Heavy libraries, and the only subpackages that import them.
HEAVY = {"torch", "transformers", "trl", "vllm"}
IMPORTS_HEAVY = {"models", "train"}
#: First arguments other than ``adata``.
FIRST = {
    "tl.generate_gene_sets": "names",
    "tl.generate_samples": "samples",
    "tl.name_gene_sets": "gene_sets",
    "pl.screen": "result",
    "pl.training": "history",
    "tl.add_reference_cells": "adatas",
    "tl.calibrate": "adatas",
    "tl.distill": "adatas",
    "tl.generate": "counts",
    "tl.screen": "adatas",
    "tl.train_grpo_duality": "adatas",
    "tl.train_sft": "adatas",
}
MAX_PARAMETERS = 16


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
        (
            "import sc_duality.tasks, sc_duality.rewards, sc_duality.metrics",
            {*HEAVY, "anndata", "numba", "pandas", "scanpy"},
        ),
        ("import sc_duality as sd; sd.Duality, sd.Sampling", HEAVY),
        ("import sc_duality as sd; sd.pp, sd.get, sd.pl, sd.datasets, sd.tl, sd.models.available()", HEAVY),
    ],
)
def test_import_is_light(statement: str, absent: set[str]) -> None:
    loaded = loaded_by(statement)
    assert "sc_duality" in loaded
    assert not loaded & absent


# --- who imports whom -------------------------------------------------------------------------------------------


def module_name(path: Path) -> str:
    """Dotted name of the module in this file."""
    parts = ["sc_duality", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, *, at_import: bool = False) -> set[str]:
    """Absolute dotted names that a module imports, anywhere in it, or only while it is itself imported."""
    package = ["sc_duality", *path.relative_to(ROOT).parent.parts]
    names = set()
    for node in _statements(ast.parse(path.read_text(encoding="utf-8")), at_import=at_import):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module or "").split(".")] if node.module else base
            names |= {".".join([*module, alias.name]) for alias in node.names}
    return names


def _statements(tree: ast.AST, *, at_import: bool) -> list[ast.AST]:
    if not at_import:
        return list(ast.walk(tree))
    found: list[ast.AST] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        found += [node, *_statements(node, at_import=True)]
    return found


def own(names: set[str]) -> set[str]:
    """First part below ``sc_duality`` of the names that lie in it: a subpackage or a module next to them."""
    return {name.split(".")[1] for name in names if name.startswith("sc_duality.")}


def libraries(names: set[str]) -> set[str]:
    """Libraries among the names."""
    return {name.partition(".")[0] for name in names} - {"sc_duality", *sys.stdlib_module_names}


FILES = sorted(ROOT.rglob("*.py"))
MODULES = [
    pytest.param(subpackage, path, id=str(path.relative_to(ROOT)))
    for subpackage in SUBPACKAGES
    for path in sorted((ROOT / subpackage).rglob("*.py"))
]


def test_every_subpackage_is_listed() -> None:
    assert set(SUBPACKAGES) == set(IMPORTS)


def test_imports_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    module = tmp_path / "tasks" / "_one.py"
    module.parent.mkdir()
    module.write_text(
        "from .. import _settings\nfrom ..tl import annotate\nfrom ._two import x\ndef f():\n    import torch.nn\n"
    )
    found = imports(module)
    assert own(found) == {"_settings", "tl", "tasks"}
    assert libraries(found) == {"torch"}
    assert libraries(imports(module, at_import=True)) == set()


@pytest.mark.parametrize(("subpackage", "path"), MODULES)
def test_imports_between_subpackages(subpackage: str, path: Path) -> None:
    names = imports(path)
    assert own(names) - {subpackage} - SHARED <= IMPORTS[subpackage]
    private = {name for name in names if own({name}) & set(SUBPACKAGES) - {subpackage} and "._" in name}
    assert not private
    if subpackage not in IMPORTS_HEAVY:
        assert not libraries(names) & HEAVY
    if subpackage in PURE:
        assert libraries(names) <= PURE[subpackage]


def test_a_subpackage_imports_nothing_above_it() -> None:
    """The map of imports has no circle."""
    order: list[str] = []
    left = dict(IMPORTS)
    while left:
        free = sorted(name for name, needed in left.items() if needed <= set(order))
        assert free, f"a circle among {sorted(left)}"
        order += free
        left = {name: needed for name, needed in left.items() if name not in free}


def test_no_import_circle_between_modules() -> None:
    names = {module_name(path): path for path in FILES}
    graph = {}
    for name, path in names.items():
        found = {one if one in names else one.rpartition(".")[0] for one in imports(path)}
        inside = {one for one in found if one in names and one != name}
        # A package imports its own modules: what these import from it again would be the circle.
        graph[name] = inside - ({name.rpartition(".")[0]} if not path.name.startswith("__") else set())
    circle = find_circle(graph)
    assert circle is None, " -> ".join(circle or [])


def find_circle(graph: dict[str, set[str]]) -> list[str] | None:
    """A path that returns to its start, if there is one."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        for other in sorted(graph.get(name, ())):
            if circle := visit(other, [*path, name]):
                return circle
        done.add(name)
        return None

    return next((circle for name in sorted(graph) if (circle := visit(name, []))), None)


def test_circles_are_found() -> None:
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": set()}) is None
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in ROOT.glob("_[!_]*.py")])
def test_shared_modules_import_no_subpackage(path: Path) -> None:
    names = imports(path)
    assert not own(names) & set(SUBPACKAGES)
    assert not libraries(names) & HEAVY


def test_a_file_name_stands_for_one_thing() -> None:
    """Files of one name belong to one task, or to public functions of one name."""
    places = defaultdict(set)
    for path in FILES:
        if not path.stem.startswith("__") and path.parent != ROOT:
            places[path.stem.removeprefix("_")].add(path.relative_to(ROOT).parts[0])
    shared = {stem: found for stem, found in places.items() if len(found) > 1}
    for stem, found in shared.items():
        functions = all(stem in load(name).__all__ for name in found - {"tasks", "examples"})
        assert functions, f"{stem}.py is in {sorted(found)}"


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in FILES])
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250


# --- the shape of the API ---------------------------------------------------------------------------------------


def load(name: str) -> ModuleType:
    return importlib.import_module(f"sc_duality.{name}")


def functions(subpackages: list[str]) -> list[object]:
    """A test parameter for every public function of ``subpackages``."""
    found = [(name, public, getattr(load(name), public)) for name in subpackages for public in load(name).__all__]
    return [
        pytest.param(f"{name}.{public}", f, id=f"{name}.{public}")
        for name, public, f in found
        if isinstance(f, FunctionType)
    ]


def test_public_names() -> None:
    assert sorted(sd.__all__) == sd.__all__
    assert set(sd.__all__) <= set(dir(sd))
    for name in sd.__all__:
        assert getattr(sd, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'annotate'"):
        _ = sd.annotate


@pytest.mark.parametrize("name", SUBPACKAGES)
def test_all_is_complete(name: str) -> None:
    module = load(name)
    public = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_") and getattr(value, "__module__", "").startswith("sc_duality")
    }
    assert public <= set(module.__all__)
    assert all(hasattr(module, key) for key in module.__all__)


def test_figures_have_the_names_of_their_tools() -> None:
    tools = set(load("tl").__all__)
    assert {"annotate", "duality", "generate", "perturb"} <= tools & set(load("pl").__all__)
    assert not {"annotation", "generation", "response"} & set(load("pl").__all__)


@pytest.mark.parametrize(("name", "function"), functions(TOOLS))
def test_signature(name: str, function: FunctionType) -> None:
    parameters = list(inspect.signature(function).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    assert positional[0].name == FIRST.get(name, "adata")
    assert len(positional) <= 3
    assert "copy" not in {p.name for p in positional}
    assert all(p.annotation is not inspect.Parameter.empty for p in parameters)


@pytest.mark.parametrize(("name", "function"), functions(SUBPACKAGES))
def test_number_of_parameters(name: str, function: FunctionType) -> None:
    assert len(inspect.signature(function).parameters) <= MAX_PARAMETERS, name


@pytest.mark.parametrize(("name", "function"), functions(["tl"]))
def test_model_is_the_argument_after_the_subject(name: str, function: FunctionType) -> None:
    """``adata``, what the tool is about, ``model``."""
    names = list(inspect.signature(function).parameters)
    if "model" in names:
        assert names.index("model") == (1 if len(names) < 2 or names[1] == "model" else 2), name


@pytest.mark.parametrize(("name", "function"), functions(PUBLIC))
def test_docstring_has_an_example(name: str, function: FunctionType) -> None:
    summary, _, rest = (inspect.getdoc(function) or "").partition("\n")
    assert summary.endswith("."), name
    assert ">>> " in rest.partition("Examples\n--------\n")[2], name


@pytest.mark.parametrize(("name", "function"), functions([*TOOLS, "datasets", "io"]))
def test_docstring_describes_arguments_and_result(name: str, function: FunctionType) -> None:
    text = inspect.getdoc(function) or ""
    assert "Returns\n-------\n" in text, name
    lines = [line.strip() for line in text.splitlines()]
    documented = {one.strip() for line in lines for one in line.split(",")}
    assert set(inspect.signature(function).parameters) <= documented


@pytest.mark.parametrize("name", PUBLIC)
def test_api_page_lists_everything(name: str) -> None:
    page = Path(__file__).parents[1] / "docs" / "api" / "index.md"
    listed = set(page.read_text(encoding="utf-8").split())
    assert {f"{name}.{public}" for public in load(name).__all__} <= listed
