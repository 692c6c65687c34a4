"""The package speaks the words of its field: words that went do not come back."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Parts of identifiers (``asked`` in ``asked_labels``) with the words that stand instead.
IDENTIFIERS = {
    "ask": "query, request",
    "asked": "requested, query",
    "asking": "query",
    "backwards": "dual",
    "beside": "metadata, companion",
    "dialect": "prompt_format",
    "dialects": "prompt_formats",
    "doubled": "duplicate",
    "familiar": "in_distribution",
    "familiarity": "in_distribution",
    "footing": "shared_genes",
    "foreign": "unknown, invalid",
    "harder": "augmented",
    "heeds": "responds",
    "judge": "verifier, duality_score",
    "judged": "scored",
    "lesson": "example",
    "lessons": "examples",
    "levels": "expression, rank weights",
    "lift": "log_likelihood_gain",
    "mend": "fix",
    "place": "index, position",
    "places": "indices, positions",
    "room": "max_new_tokens, subpackage",
    "rooms": "subpackages",
    "strange": "unknown, invalid",
    "told": "with_label",
    "untold": "without_label",
    "voice": "ensemble member",
    "word": "token, vocabulary index",
    "wording": "template",
    "wordings": "prompt_formats",
    "words": "tokens, genes, names",
}
#: Functions are called by what they return.
FUNCTIONS = {"learn", "nothing", "several", "some", "where"}
#: Identifiers that other packages or installed files decide.
ALLOWED = {"WordLevel", "levels", "omp_get_max_active_levels", "omp_set_max_active_levels", "tie_word_embeddings"}
#: The tool tl.ask.
ALLOWED |= {"ask", "_ask"}
#: Words and phrases of prose.
PHRASES = {
    r"as (?:it|they) (?:is|are)(?=\s*(?:[.,;:)]|$))": "say it directly",
    r"ask(?:ed|ing|s)? backwards": "dual task",
    r"beside(?!s)": "next to",
    r"dialects?": "prompt format",
    r"doubled genes?": "duplicate genes",
    r"familiar(?:ity)?": "in-distribution probability",
    r"footing": "shared gene space",
    r"foreign": "unknown, out-of-distribution",
    r"g[ia]ven? back": "reconstructed",
    r"gives? back": "reconstructs",
    r"harder cells?": "augmented cells",
    r"heeds?": "responds to",
    r"how (?:a|the|this|every) cell takes?": "responds to",
    r"(?<!there )(?-i:is none)\b": "say what it is not",
    r"(?<!there )(?:is|are|was|were) no (?!longer\b|cancer\b)[a-z]+": "is not a",
    r"judge[ds]?": "scores, verifier",
    r"lessons?": "training example",
    r"mend(?:s|ed|ing)?": "fix",
    r"of which": "two sentences",
    r"second voice|voices": "ensemble member, reference classifier",
    r"strange": "unknown, unexpected",
    r"take[sn]? (?:a|the) drug": "responds to",
    r"turned around": "dual",
    r"un?told": "without the label",
    r"who answers": "the model",
    r"wordings?": "template, prompt",
}
PROSE = re.compile("|".join(rf"(?<![\w`])(?:{phrase})(?!\w)" for phrase in PHRASES), re.IGNORECASE)


def python_files() -> Iterator[Path]:
    for folder in ("src", "recipes", "benchmarks", "tutorials"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def texts() -> Iterator[Path]:
    yield from (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml"))
    yield from (path for path in sorted((ROOT / "docs").rglob("*.md")) if "generated" not in path.parts)
    yield from sorted((ROOT / "benchmarks").glob("*.md"))
    yield from sorted((ROOT / "src").rglob("*.md"))
    yield from sorted((ROOT / "src").rglob("*.jinja"))
    yield from sorted((ROOT / "src").rglob("format.toml"))


def identifiers(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of every identifier."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
            yield token.start[0], token.string


def gone_identifiers(source: str) -> list[str]:
    found = []
    for line, name in identifiers(source):
        parts = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")
        gone = [part for part in parts if part in IDENTIFIERS]
        if gone and name not in ALLOWED:
            found.append(f"line {line}: {name} (instead: {IDENTIFIERS[gone[0]]})")
    names = re.findall(r"^\s*def (\w+)", source, re.MULTILINE)
    return found + [f"def {name}: name it by what it returns" for name in names if name in FUNCTIONS]


def gone_phrases(text: str) -> list[str]:
    lines = text.splitlines()
    return [f"line {i}: {match[0]!r}" for i, line in enumerate(lines, 1) for match in PROSE.finditer(line)]


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in python_files()])
def test_code(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not gone_identifiers(source) + gone_phrases(source)


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in texts()])
def test_prose(path: Path) -> None:
    assert not gone_phrases(path.read_text(encoding="utf-8"))


def test_changelog_headings() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert not gone_phrases("\n".join(line for line in lines if line.startswith("#")))


def test_words_are_found() -> None:
    assert gone_identifiers("asked_labels = lessons\ndef some():\n    pass\n")
    assert gone_phrases("The genes that lie beside it are judged.")
    assert not gone_phrases("Ask a colleague in other words: in the first place, besides.")
    assert not gone_identifiers("task = replace(basket)")
