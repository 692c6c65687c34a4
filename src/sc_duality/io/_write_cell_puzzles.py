"""Write puzzles in the file formats of Cell-o1."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData

from .._replacement import check_writable, replacement
from ..cells import adata_keys, check_column, check_columns, modality, read_sentences, text_column
from ..tasks import JointAnnotation, JointAnnotationExample, context_sentences
from ._puzzle_records import PuzzleRecord, read_record

if TYPE_CHECKING:
    from mudata import MuData

logger = logging.getLogger(__name__)

#: What stands between the instruction and the puzzle in the prompt of Cell-o1.
_START = "\n\nContext:"


def write_cell_puzzles(
    adata: AnnData | MuData,
    path: str | Path,
    truth: str | None = None,
    *,
    context: Sequence[str] | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
) -> None:
    """Write puzzles in a file format of Cell-o1: JSON with lists, or parquet with prompts as in the published files.

    Parameters
    ----------
    adata
        Puzzles, from :func:`sc_duality.pp.cell_puzzles` or :func:`read_cell_puzzles`.
    path
        The file, which ends in ``.json`` or ``.parquet``. An existing file is replaced. A record of JSON has ``puzzle``
        (its name), ``context``, ``cells``, ``candidates`` and ``answer``; a row of parquet has ``puzzle``,
        ``system_msg``, ``user_msg`` and ``answer``. Both have ``selected_cells`` and ``split`` if ``obs`` has them.
    truth
        ``obs`` column with the true labels; by default the one that the puzzles were built from.
    context
        ``obs`` columns with facts about the donor, which are written as sentences; by default those that the puzzles
        were built with.
    sentence_key
        ``obsm`` key of the sentences.
    mod
        Modality of a MuData.

    Returns
    -------
    None. :func:`read_cell_puzzles` returns the same genes, candidates, labels and context.

    Raises
    ------
    KeyError
        There are no puzzles, sentences or columns.
    ImportError
        pyarrow, which writes parquet, is not installed.
    ValueError
        The name of the file has another ending, or a puzzle cannot be written: its labels are not its candidates, its
        context is not one text, or a name holds a sign that separates names. The message names it, and no file is
        written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import sc_duality as sd
    >>> puzzles = sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", (), n_puzzles=3, n_cells=4)
    >>> with TemporaryDirectory() as folder:
    ...     sd.io.write_cell_puzzles(puzzles, Path(folder) / "puzzles.json")
    ...     again = sd.io.read_cell_puzzles(Path(folder) / "puzzles.json")
    >>> sd.get.gene_lists(again) == sd.get.gene_lists(puzzles)
    True
    """
    data, file = modality(adata, mod), Path(path)
    kind = file.suffix.lower()
    if kind not in (".json", ".parquet"):
        raise ValueError(f"path={str(file)!r} must end in .json or .parquet")
    if not file.parent.is_dir():
        raise FileNotFoundError(f"the folder {str(file.parent)!r} does not exist: create it first")
    check_writable(file)
    settings = data.uns.get(adata_keys.CELL_PUZZLES, {})
    truth = settings.get("truth") if truth is None else truth
    if truth is None:
        raise KeyError("uns has no 'cell_puzzles' with the name of the true labels: pass truth=")
    columns = list(settings.get("context", ())) if context is None else context
    check_column(data, truth, "truth", mod)
    check_columns(data, columns, "context", mod)
    check_column(data, adata_keys.PUZZLE, "puzzle", mod)
    check_column(data, adata_keys.CANDIDATE, "candidate", mod)
    puzzles = _puzzles(data, truth, list(map(str, columns)), sentence_key)
    task = JointAnnotation(prompt_format="cell-o1")
    rows = [_as_prompt(puzzle, task) if kind == ".parquet" else _as_lists(puzzle) for puzzle in puzzles]
    with replacement(file) as new:
        if kind == ".parquet":
            try:
                pd.DataFrame(rows).to_parquet(new)
            except ImportError as error:
                raise ImportError('parquet files need pyarrow: pip install "sc-duality[datasets]"') from error
        else:
            new.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    logger.info("wrote %d puzzles into %s", len(rows), file)


def _puzzles(data: AnnData, truth: str, context: Sequence[str], sentence_key: str) -> list[PuzzleRecord]:
    """The puzzles in the order of their first cells."""
    genes = read_sentences(data, sentence_key).gene_lists()
    optional = [name for name in (adata_keys.CELL, adata_keys.SPLIT) if name in data.obs]
    names = dict.fromkeys([adata_keys.PUZZLE, adata_keys.CANDIDATE, truth, *context, *optional])
    columns = {name: text_column(data, name).to_numpy() for name in names}
    members: dict[str | None, list[int]] = {}
    for row, name in enumerate(columns[adata_keys.PUZZLE]):
        members.setdefault(name, []).append(row)
    if None in members:
        raise ValueError(f"{len(members[None])} of {data.n_obs} cells have no puzzle in obs['puzzle']: leave them out")
    found = []
    for name, rows in members.items():
        part = {column: values[rows] for column, values in columns.items()}
        try:
            facts = {column: str(_one(part, column)) for column in context if _one(part, column) is not None}
            split = str(_one(part, adata_keys.SPLIT) or "") if adata_keys.SPLIT in part else ""
            lists = {"candidates": part[adata_keys.CANDIDATE].tolist(), "answer": part[truth].tolist()}
            record = {"context": " ".join(context_sentences(facts)), "cells": [genes[i] for i in rows], **lists}
            cells = {"selected_cells": part[adata_keys.CELL].tolist()} if adata_keys.CELL in part else {}
            found.append(read_record({"puzzle": name, "split": split, **record, **cells}, str(name)))
        except ValueError as error:
            raise ValueError(f"the puzzle {name!r} cannot be written: {error}") from None
    return found


def _one(part: Mapping[str, np.ndarray], column: str) -> Any:
    values = list(dict.fromkeys(part[column].tolist()))
    if len(values) > 1:
        raise ValueError(f"obs[{column!r}] has several values, {values[:3]}, and one text describes all its cells")
    return values[0]


def _as_lists(puzzle: PuzzleRecord) -> dict[str, Any]:
    lists = {"cells": list(map(list, puzzle.cells)), "candidates": list(puzzle.candidates)}
    named = {"puzzle": puzzle.name, "context": puzzle.context}
    return {**named, **lists, "answer": list(puzzle.truth), **_optional(puzzle)}


def _as_prompt(puzzle: PuzzleRecord, task: JointAnnotation) -> dict[str, Any]:
    example = JointAnnotationExample(
        cells=puzzle.cells, options=puzzle.candidates, truth=puzzle.truth, context={"description": puzzle.context}
    )
    system, _, user = task.question(example).prompt.partition(_START)
    prompt = {"puzzle": puzzle.name, "system_msg": system, "user_msg": f"Context:{user}"}
    record = {**prompt, "answer": " | ".join(puzzle.truth), **_optional(puzzle)}
    if read_record(record, "") != puzzle:
        raise ValueError(
            f"the puzzle {puzzle.name!r} cannot be written as a prompt, as the name of a gene or a label, or its "
            "context, holds a comma, a line break or spaces at its end: write .json"
        )
    return record


def _optional(puzzle: PuzzleRecord) -> dict[str, Any]:
    """The set and the names of the cells, if they are known."""
    found: dict[str, Any] = {"split": puzzle.split} if puzzle.split else {}
    return found | ({"selected_cells": list(puzzle.cell_names)} if puzzle.cell_names else {})
