"""The pages of the documentation: what they list is complete, and the calls that they show exist."""

from __future__ import annotations

import ast
import inspect
import re
from functools import reduce
from os.path import normpath
from pathlib import Path

import pytest

import sc_duality as sd

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if not {"_build", "generated", "tutorials"} & set(path.parts))
each_page = pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(DOCS))) for page in PAGES])
#: What users search for: entries of the user guide.
ENTRIES = {
    *("Annotation", "Clusters", "LLMs and endpoints", "Joint annotation", "Generation", "Perturbation"),
    *("Drug response", "Virtual screen", "Spatial", "Embeddings", "Duality", "Training", "Own tasks", "Large data"),
}


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def executed(text: str) -> list[str]:
    """Code of the cells that are run when the page is built."""
    return re.findall(r"^```\{code-cell\} python\n(?::tags:[^\n]*\n)?(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shown(text: str) -> list[str]:
    """Python code of a page, whether it is run or not."""
    return executed(text) + re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def toctrees(text: str) -> dict[str, str]:
    """Titles and targets of the entries of all toctrees; the target stands for a title that is not given."""
    blocks = re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    entries = [line for block in blocks for line in block.splitlines() if line and not line.startswith(":")]
    found = [re.fullmatch(r"(.*) <(.*)>", entry) for entry in entries]
    return dict((match[1], match[2]) if match else (entry, entry) for match, entry in zip(found, entries, strict=True))


def public_name(node: ast.expr) -> list[str]:
    """``["tl", "annotate"]`` for ``sd.tl.annotate``; empty for other expressions."""
    parts = ast.unparse(node).split(".")
    return parts[1:] if parts[0] == "sd" and all(part.isidentifier() for part in parts) else []


@pytest.mark.parametrize("name", sd.pl.__all__)
def test_gallery_draws_every_figure(name: str) -> None:
    text = read(DOCS / "gallery.md")
    assert any(f"sd.pl.{name}(" in code for code in executed(text))
    links = [line for line in text.splitlines() if f"{{func}}`sc_duality.pl.{name}`" in line]
    assert links
    pages = re.findall(r"\{doc\}`(?:[^`<]*<)?([\w/]+)>?`", " ".join(links))
    assert pages
    assert all((DOCS / f"{page}.md").exists() for page in pages)


@pytest.mark.parametrize("name", sd.tl.__all__)
def test_user_guide_names_every_tool(name: str) -> None:
    assert f"<sc_duality.tl.{name}>`" in read(DOCS / "guide.md")


def test_user_guide_has_the_words_of_a_search() -> None:
    assert toctrees(read(DOCS / "index.md")).keys() >= ENTRIES


@each_page
def test_pages_of_toctrees_exist(page: Path) -> None:
    for target in toctrees(read(page)).values():
        found = [*page.parent.glob(f"{target}.md"), *page.parent.glob(f"{target}.ipynb")]
        assert found, target


def test_every_page_is_in_one_toctree() -> None:
    targets = [
        Path(normpath(page.parent / target)).relative_to(DOCS).as_posix()
        for page in PAGES
        for target in toctrees(read(page)).values()
        if not target.startswith("tutorials/")  # notebooks
    ]
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES}
    assert sorted(targets) == sorted(pages - {"index"})


@each_page
def test_calls_of_page_exist(page: Path) -> None:
    """Every ``sd.`` name exists, and takes the arguments of its calls."""
    for code in shown(read(page)):
        nodes = list(ast.walk(ast.parse(code)))
        for name in (public_name(node) for node in nodes if isinstance(node, ast.Attribute)):
            if name:
                reduce(getattr, name, sd)
        calls = [node for node in nodes if isinstance(node, ast.Call) and public_name(node.func)]
        for call in calls:
            keywords = {keyword.arg: None for keyword in call.keywords if keyword.arg}
            positional = [None for argument in call.args if not isinstance(argument, ast.Starred)]
            bind = inspect.signature(reduce(getattr, public_name(call.func), sd)).bind_partial
            bind(*positional, **keywords)
