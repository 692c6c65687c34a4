"""The pages of the documentation: what they list is complete, and the calls that they show exist."""

from __future__ import annotations

import re
from os.path import normpath
from pathlib import Path

import pytest

import sc_duality as sd
from tests.public_calls import check_calls

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
    for code in shown(read(page)):
        check_calls(code)
