"""Puzzles of Cell-o1: the cells of one donor are annotated together, one label each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal, get_args

import pandas as pd

from ._fetch import fetch
from ._registry import SETS

Split = Literal["test", "train"]

#: The published prompt: context, one line of genes per cell, and the candidate labels.
_PROMPT = re.compile(
    r"Context:\s*(?P<context>.*?)\s*\n(?P<cells>(?:\s*Cell \d+:[^\n]*\n)+)"
    r"\s*Match the cells? above[^\n]*\n(?P<labels>.*)",
    re.DOTALL,
)
_CELL = re.compile(r"Cell \d+:([^\n]*)")
_TAGS = re.compile(r".*<answer>|</answer>.*", re.DOTALL)


def cell_puzzles(split: Split = "test") -> list[dict[str, Any]]:
    """Puzzles of Cell-o1: 8 to 15 cells of one donor, each of a different type, and the shuffled types.

    Parameters
    ----------
    split
        ``"test"`` (1,095 puzzles) or ``"train"`` (6,912).

    Returns
    -------
    One dict per puzzle, with the arguments of :class:`sc_duality.tasks.JointAnnotationExample`: ``cells`` (the top
    genes of each cell, highest expression first), ``options`` (the candidate labels), ``truth`` (the true label of
    each cell), and ``context`` with the published ``description`` of the donor.

    Raises
    ------
    ImportError
        pyarrow, which reads the file, is not installed.
    OSError
        The file cannot be downloaded; the message says where to put it by hand.
    ValueError
        ``split`` is unknown, or the file holds a prompt of another format.

    Notes
    -----
    Data set ncbi/CellPuzzles on the Hugging Face Hub, with the public domain notice of the National Library of
    Medicine. The download is untested; its hash is stored after the first download.

    Fang et al. (2025). Cell-o1: training LLMs to solve single-cell reasoning puzzles with reinforcement learning.
    arXiv:2506.02911.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.tasks import JointAnnotationExample
    >>> puzzles = [JointAnnotationExample(**puzzle) for puzzle in sd.datasets.cell_puzzles()]  # doctest: +SKIP
    >>> sd.datasets.available().loc["cell_puzzles", "values"]
    'ranked genes'
    """
    if split not in get_args(Split):
        raise ValueError(f"split must be 'test' or 'train', not {split!r}")
    files = dict(zip(get_args(Split), SETS["cell_puzzles"].files, strict=True))
    table = pd.read_parquet(fetch(files[split]))
    completions = table["answer" if "answer" in table else "assistant_msg"]
    return [_puzzle(prompt, completion) for prompt, completion in zip(table["user_msg"], completions, strict=True)]


def _puzzle(prompt: str, completion: str) -> dict[str, Any]:
    match = _PROMPT.search(prompt)
    if match is None:
        raise ValueError(
            f"expected a prompt in the format of Cell-o1, got {prompt[:200]!r}: delete the file to download it again"
        )
    return {
        "cells": tuple(_stripped(genes.split(",")) for genes in _CELL.findall(match["cells"])),
        "options": _stripped(match["labels"].strip().splitlines()),
        "truth": _stripped(_TAGS.sub("", completion).split("|")),
        "context": {"description": match["context"]},
    }


def _stripped(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in names)
