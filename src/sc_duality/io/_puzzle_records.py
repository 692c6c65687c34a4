"""Puzzles in the file formats of Cell-o1: one record a puzzle, checked as it is read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._validation import is_missing

#: The published prompt: context, one line of genes a cell, and the candidate labels.
_PROMPT = re.compile(
    r"Context:[ \t]*(?P<context>.*?)\s*\n(?P<cells>(?:\s*Cell \d+:[^\n]*\n)+)"
    r"\s*Match the cells? above[^\n]*\n(?P<labels>.*)",
    re.DOTALL,
)
_CELL = re.compile(r"Cell \d+:([^\n]*)")
_TAGS = re.compile(r".*<answer>|</answer>.*", re.DOTALL)
#: Columns of the published files with the prompt and the completion.
PROMPTS, COMPLETIONS = ("user_msg", "question"), ("answer", "assistant_msg")


class PuzzleRecord(NamedTuple):
    """One puzzle of a file."""

    name: str
    context: str
    #: Top genes of each cell, highest expression first.
    cells: tuple[tuple[str, ...], ...]
    candidates: tuple[str, ...]
    #: The true label of each cell.
    truth: tuple[str, ...]
    #: The set, and the names of the cells; empty if the file has none.
    split: str = ""
    cell_names: tuple[str, ...] = ()


def read_record(record: Any, default_name: str) -> PuzzleRecord:
    """A puzzle from one record of a file, or an error that says what is wrong with it."""
    if not isinstance(record, Mapping):
        raise ValueError(f"it is not a record with names, but {str(record)[:60]!r}")
    found = _from_lists(record) if "cells" in record else _from_prompt(record)
    names = _names(record.get("selected_cells"), "selected_cells") if _has(record, "selected_cells") else ()
    puzzle = found._replace(
        context="" if is_missing(found.context) else found.context,
        name=str(record["puzzle"]) if _has(record, "puzzle") else default_name,
        split=str(record["split"]) if _has(record, "split") else "",
        cell_names=names,
    )
    _check(puzzle)
    return puzzle


def _from_lists(record: Mapping[str, Any]) -> PuzzleRecord:
    lacking = [name for name in ("context", "candidates", "answer") if not _has(record, name)]
    if lacking:
        raise ValueError(f"it has no {' and no '.join(lacking)}, only {', '.join(map(str, record))}")
    if isinstance(record["cells"], str | Mapping) or not isinstance(record["cells"], Iterable):
        raise ValueError(f"its cells must be lists of genes, not {str(record['cells'])[:60]!r}")
    cells = tuple(_names(genes, f"cell {i}") for i, genes in enumerate(record["cells"], 1))
    for i, genes in enumerate(cells, 1):
        if any(not gene.strip() for gene in genes):
            raise ValueError(f"its cell {i} has a gene without a name: leave it out")
        if twice := [gene for gene, k in Counter(genes).items() if k > 1]:
            raise ValueError(f"its cell {i} holds the gene {twice[0]!r} twice: pass each gene once")
    candidates, truth = _names(record["candidates"], "candidates"), _names(record["answer"], "answer")
    if not isinstance(record["context"], str):
        raise ValueError(f"its context must be text, not {record['context']!r}")
    return PuzzleRecord("", record["context"], cells, candidates, truth)


def _from_prompt(record: Mapping[str, Any]) -> PuzzleRecord:
    prompt = next((record[name] for name in PROMPTS if _has(record, name)), None)
    completion = next((record[name] for name in COMPLETIONS if _has(record, name)), None)
    if prompt is None or completion is None:
        raise ValueError(
            f"it has neither cells nor both of a prompt ({' or '.join(PROMPTS)}) and an answer "
            f"({' or '.join(COMPLETIONS)}), only {', '.join(map(str, record))}"
        )
    match = _PROMPT.search(str(prompt))
    if match is None:
        raise ValueError(f"expected a prompt in the format of Cell-o1, got {str(prompt)[:200]!r}")
    cells = tuple(_stripped(genes.split(",")) for genes in _CELL.findall(match["cells"]))
    truth = _stripped(_TAGS.sub("", str(completion)).split("|"))
    return PuzzleRecord("", match["context"], cells, _stripped(match["labels"].splitlines()), truth)


def _check(puzzle: PuzzleRecord) -> None:
    n = len(puzzle.cells)
    if n == 0:
        raise ValueError("it has no cells")
    if len(puzzle.truth) != n:
        raise ValueError(f"its answer has {len(puzzle.truth)} labels for {n} cells")
    twice = [label for label, k in Counter(puzzle.candidates).items() if k > 1]
    if twice:
        raise ValueError(f"its candidates hold {twice[0]!r} twice")
    other = sorted(set(puzzle.truth) ^ set(puzzle.candidates))
    if other or len(puzzle.candidates) != n:
        differ = f": {other[0]!r} is in one of them alone" if other else ""
        raise ValueError(f"its answer is not an order of its {len(puzzle.candidates)} candidates{differ}")
    if missing := [label for label in puzzle.candidates if is_missing(label)]:
        raise ValueError(f"its label {missing[0]!r} stands for a missing value: rename it")
    split = [label for label in puzzle.candidates if "|" in label]
    if split:
        raise ValueError(f"its label {split[0]!r} holds '|', which separates labels")
    if puzzle.cell_names and len(puzzle.cell_names) != n:
        raise ValueError(f"its selected_cells have {len(puzzle.cell_names)} names for {n} cells")


def _has(record: Mapping[str, Any], name: str) -> bool:
    """Whether the record has a value of this name; a table has None or NaN where there is none."""
    value = record.get(name)
    return value is not None and not (isinstance(value, float) and value != value)


def _names(values: Any, what: str) -> tuple[str, ...]:
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise ValueError(f"its {what} must be a list of names, not {str(values)[:60]!r}")
    names = tuple(values)
    other = [name for name in names if not isinstance(name, str)]
    if other:
        raise ValueError(f"its {what} must be names, not {other[0]!r}")
    return names


def _stripped(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in names if name.strip())
