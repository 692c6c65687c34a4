"""Read puzzles in the file formats of Cell-o1 as an AnnData."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from ..cells import adata_keys, check_name, store_sentences
from ._puzzle_records import PuzzleRecord, read_record

logger = logging.getLogger(__name__)

#: Column of ``obs`` with the context of a puzzle as text, which prompts hold unchanged.
DESCRIPTION = "description"


def read_cell_puzzles(path: str | Path, *, truth: str = "cell_type") -> AnnData:
    """Read puzzles in a file format of Cell-o1: cells of one donor, each of another type, and their candidate labels.

    A file holds a list of records, as JSON or parquet. A record is either a prompt and its answer, as in the published
    files (columns ``user_msg`` and ``answer`` or ``assistant_msg``), or lists (``context``, ``cells``, ``candidates``,
    ``answer``).

    Parameters
    ----------
    path
        The file, which ends in ``.json`` or ``.parquet``.
    truth
        ``obs`` column for the true labels.

    Returns
    -------
    An AnnData with one row for each cell of each puzzle and the genes of the file. It has no ``X``: the files have
    ranks alone.

    ``obs["puzzle"]``
        Name of the puzzle; if the file has none, the name of the file and a number.
    ``obs[truth]``
        The true label.
    ``obs["candidate"]``
        Candidate label at this position of the puzzle. It says nothing about the cell of this row.
    ``obs["description"]``
        The context of the puzzle as text, if the file has any.
    ``obs["cell"]``, ``obs["split"]``
        Names of the cells and the set, if the file has them.
    ``obsm["cell_sentence"]``, ``obsm["cell_sentence_vocabulary"]``, ``uns["cell_sentence"]``
        Cell sentences, see :func:`sc_duality.pp.cell_sentences`.
    ``uns["cell_puzzles"]``
        The names of the columns with the true labels and the context.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ImportError
        pyarrow, which reads parquet, is not installed.
    ValueError
        The file is neither JSON nor parquet, or a puzzle is incomplete or contradictory; the message names it.

    See Also
    --------
    sc_duality.datasets.cell_puzzles : the published puzzles.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import sc_duality as sd
    >>> puzzle = '''[{"context": "The cell originates from the blood.", "cells": [["CD79A", "CD74"], ["CD3E", "IL7R"]],
    ...     "candidates": ["T cell", "B cell"], "answer": ["B cell", "T cell"]}]'''
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "puzzles.json"
    ...     _ = path.write_text(puzzle)
    ...     puzzles = sd.io.read_cell_puzzles(path)
    >>> puzzles.obs[["puzzle", "cell_type", "candidate"]].values.tolist()
    [['puzzles · 1', 'B cell', 'T cell'], ['puzzles · 1', 'T cell', 'B cell']]
    """
    file = Path(path)
    check_name("truth", truth)
    if truth in (adata_keys.PUZZLE, adata_keys.CANDIDATE, adata_keys.CELL, adata_keys.SPLIT, DESCRIPTION):
        raise ValueError(f"truth={truth!r} is the name of another column of puzzles: pass another one")
    puzzles = []
    for i, record in enumerate(_records(file), 1):
        try:
            puzzles.append(read_record(record, f"{file.stem} · {i}"))
        except ValueError as error:
            named = record.get("puzzle") if isinstance(record, dict) else None
            raise ValueError(f"puzzle {i}{f' ({named})' if named else ''} of {file.name!r}: {error}") from None
    _check_names(puzzles, file)
    return _to_anndata(puzzles, truth)


def _records(file: Path) -> Sequence[Any]:
    if not file.is_file():
        raise FileNotFoundError(f"{str(file)!r} does not exist")
    kind = file.suffix.lower()
    if kind == ".parquet":
        try:
            return pd.read_parquet(file).to_dict("records")
        except ImportError as error:
            raise ImportError('parquet files need pyarrow: pip install "sc-duality[datasets]"') from error
    if kind != ".json":
        raise ValueError(f"path={str(file)!r} must end in .json or .parquet")
    try:
        records = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file.name!r} is not JSON: {error}") from None
    if not isinstance(records, list):
        raise ValueError(f"{file.name!r} must hold a list of puzzles, not a {type(records).__name__}")
    return records


def _check_names(puzzles: Sequence[PuzzleRecord], file: Path) -> None:
    if not puzzles:
        raise ValueError(f"{file.name!r} has no puzzles")
    seen: set[str] = set()
    for puzzle in puzzles:
        if puzzle.name in seen:
            raise ValueError(f"{file.name!r} has two puzzles of the name {puzzle.name!r}")
        seen.add(puzzle.name)


def _to_anndata(puzzles: Sequence[PuzzleRecord], truth: str) -> AnnData:
    lengths = [len(puzzle.cells) for puzzle in puzzles]
    cells = [genes for puzzle in puzzles for genes in puzzle.cells]
    vocabulary = list(dict.fromkeys(chain.from_iterable(cells)))
    if not vocabulary:
        raise ValueError("the puzzles have no genes")
    index = {gene: i for i, gene in enumerate(vocabulary)}
    ranks = np.full((len(cells), max(map(len, cells))), adata_keys.PADDING, np.int32)
    for row, genes in zip(ranks, cells, strict=True):
        row[: len(genes)] = [index[gene] for gene in genes]

    def by_row(values: Sequence[str]) -> pd.Categorical:
        """One value a puzzle as one a cell; missing where it is empty."""
        categories = list(dict.fromkeys(value for value in values if value))
        return pd.Categorical([value or None for value in np.repeat(values, lengths)], categories=categories)

    names = [puzzle.cell_names or [f"cell {i + 1}" for i in range(len(puzzle.cells))] for puzzle in puzzles]
    obs_names = [f"{cell}-{puzzle.name}" for puzzle, own in zip(puzzles, names, strict=True) for cell in own]
    obs = pd.DataFrame(index=obs_names)
    obs[adata_keys.PUZZLE] = by_row([puzzle.name for puzzle in puzzles])
    obs[truth] = pd.Categorical([label for puzzle in puzzles for label in puzzle.truth])
    obs[adata_keys.CANDIDATE] = pd.Categorical([label for puzzle in puzzles for label in puzzle.candidates])
    has_context = any(puzzle.context for puzzle in puzzles)
    if has_context:
        obs[DESCRIPTION] = by_row([puzzle.context for puzzle in puzzles])
    if any(puzzle.cell_names for puzzle in puzzles):
        obs[adata_keys.CELL] = [cell for own in names for cell in own]
    if any(puzzle.split for puzzle in puzzles):
        obs[adata_keys.SPLIT] = by_row([puzzle.split for puzzle in puzzles])
    adata = AnnData(obs=obs, var=pd.DataFrame(index=vocabulary))
    params = {"n_genes": ranks.shape[1], "version": version("sc-duality")}
    store_sentences(adata, adata_keys.SENTENCE, ranks, np.array(vocabulary, dtype=object), params)
    adata.uns[adata_keys.CELL_PUZZLES] = {
        "truth": truth,
        "context": np.array([DESCRIPTION] * has_context, dtype=object),
    }
    logger.info("%d puzzles: %d cells with up to %d of %d genes", len(puzzles), *ranks.shape, len(vocabulary))
    return adata
