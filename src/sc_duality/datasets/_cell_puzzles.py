"""The puzzles of Cell-o1: batches of cells of one donor that get one label each."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

import pandas as pd

from ._fetch import fetch
from ._registry import SETS

Split = Literal["test", "train"]

#: The question as it is published: facts, one line of genes a cell, and the labels.
_QUESTION = re.compile(
    r"Context:\s*(?P<context>.*?)\s*\n(?P<cells>(?:\s*Cell \d+:[^\n]*\n)+)"
    r"\s*Match the cells? above[^\n]*\n(?P<labels>.*)",
    re.DOTALL,
)
_CELL = re.compile(r"Cell \d+:([^\n]*)")
_TAGS = re.compile(r".*<answer>|</answer>.*", re.DOTALL)


def cell_puzzles(split: Split = "test") -> list[dict[str, Any]]:
    """Cell-o1's puzzles: 8 to 15 cells of one donor, each of another type, and the types in another order.

    Parameters
    ----------
    split
        ``"test"`` (1,095 puzzles) or ``"train"`` (6,912).

    Returns
    -------
    One dict a puzzle, which :func:`sc_duality.tasks.puzzle_example` takes as its arguments: ``cells`` (the top genes
    of each, best first), ``labels``, ``truth`` (the label of each cell), and ``context`` with the ``description`` of
    the donor in the paper's words.

    Raises
    ------
    ImportError
        If pyarrow, which reads the file, is not installed.
    OSError
        If the file cannot be fetched; says where to put it by hand.

    Notes
    -----
    The data set ncbi/CellPuzzles on the Hugging Face hub, with the public domain notice of the National Library of
    Medicine. The download is untested; its hash is kept after the first.

    Fang et al. (2025). Cell-o1: training LLMs to solve single-cell reasoning puzzles with reinforcement learning.
    arXiv:2506.02911.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.tasks import puzzle_example
    >>> puzzles = [puzzle_example(**puzzle) for puzzle in sd.datasets.cell_puzzles()]  # doctest: +SKIP
    >>> sd.datasets.available().loc["cell_puzzles", "values"]
    'ranked genes'
    """
    if split not in get_args(Split):
        raise ValueError(f"split must be 'test' or 'train', not {split!r}")
    files = dict(zip(get_args(Split), SETS["cell_puzzles"].files, strict=True))
    table = pd.read_parquet(fetch(files[split]))
    answers = table["answer" if "answer" in table else "assistant_msg"]
    return [_puzzle(question, answer) for question, answer in zip(table["user_msg"], answers, strict=True)]


def _puzzle(question: str, answer: str) -> dict[str, Any]:
    found = _QUESTION.search(question)
    if found is None:
        raise ValueError(f"this is no puzzle as Cell-o1 writes them: {question[:200]!r}")
    return {
        "cells": [[gene.strip() for gene in genes.split(",")] for genes in _CELL.findall(found["cells"])],
        "labels": [label.strip() for label in found["labels"].strip().splitlines()],
        "truth": [label.strip() for label in _TAGS.sub("", answer).split("|")],
        "context": {"description": found["context"]},
    }
