"""Build puzzles of Cell-o1 from annotated cells."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData

from .._validation import positive_integer
from ..cells import (
    adata_keys,
    modality,
    plan_ranking,
    seed,
    store_sentences,
    text_column,
)
from ._puzzle_arguments import bounds, check_arguments
from ._puzzle_groups import puzzle_groups
from ._puzzle_sampling import SampledPuzzle, sample_puzzles, split_puzzles

if TYPE_CHECKING:
    from mudata import MuData

logger = logging.getLogger(__name__)


def cell_puzzles(
    adata: AnnData | MuData,
    truth: str,
    groupby: Sequence[str] = ("donor",),
    *,
    n_puzzles: int = 100,
    n_cells: int | tuple[int, int] = (8, 15),
    n_genes: int = 50,
    context: Sequence[str] = (),
    split: Mapping[str, float] | None = None,
    split_by: str | None = None,
    layer: str | None = None,
    use_raw: bool | None = None,
    exclude: str | Sequence[str] | None = "housekeeping",
    gene_symbols: str | None = None,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
) -> AnnData:
    """Build cell puzzles from annotated cells: cells of one donor, each of another type, to be labelled together.

    A puzzle has one cell of each of N types of one group of cells. N is uniform between the bounds of ``n_cells``, but
    at most the number of types of the group. The types, and the cell of each type, are sampled uniformly, so rare types
    are as frequent as others. Its candidate labels are the N true types in random order. Every group has the same
    number of puzzles, as far as it has different ones. The same cell may be in several puzzles. Groups with fewer
    types than the minimum are left out.

    All other functions work on puzzles as on any cells, for example ``sd.tl.annotate(puzzles, "candidate",
    unique="puzzle")`` or, in the trainers, ``tasks={"joint_annotation": {"truth": "cell_type", "groupby": ["puzzle"],
    "n_cells": 15}}``.

    Parameters
    ----------
    adata
        Cells × genes; it is not changed.
    truth
        ``obs`` column with cell types. Cells without one, or of the type ``unknown``, are left out.
    groupby
        ``obs`` columns whose values together make a group: the donor, and the batch if there are several.
    n_puzzles
        Number of puzzles, over all groups. No two have the same cells.
    n_cells
        Smallest and largest number of cells of a puzzle, or one number for all.
    n_genes
        Length of a cell sentence.
    context
        ``obs`` columns with facts about the donor, such as ``["tissue", "disease", "sex"]``. They must have one value
        in each group.
    split
        Sets to divide the puzzles into, with their fractions, such as ``{"train": 0.6, "validation": 0.2, "test":
        0.2}``. Each set gets at least one value of ``split_by``. By default the puzzles are not divided.
    split_by
        ``obs`` column whose values stay together in one set; by default the first of ``groupby``, the donor.
        ``"puzzle"`` divides the puzzles alone, as in the paper; the cells of a donor are in all sets then, and a
        warning says so.
    layer, use_raw, exclude, gene_symbols
        How genes are ranked, see :func:`cell_sentences`. The published puzzles have no genes left out:
        ``exclude=None``.
    mod
        Modality of a MuData.
    rng
        Seed, or a generator. The puzzles of a group depend neither on the order of the cells nor on other groups.

    Returns
    -------
    A new AnnData with one row for each cell of each puzzle. A row has everything that the cell had in ``adata``, but
    for ``obsp``, and

    ``obs_names``
        ``"<cell>-<puzzle>"``.
    ``obs["puzzle"]``
        Name of the puzzle: its group and a number.
    ``obs["candidate"]``
        Candidate label at this position of the puzzle. It says nothing about the cell of this row.
    ``obs["cell"]``
        Name of the cell in ``adata``.
    ``obs["split"]``
        The set, with ``split``.
    ``obsm["cell_sentence"]``, ``obsm["cell_sentence_vocabulary"]``, ``uns["cell_sentence"]``
        Cell sentences, see :func:`cell_sentences`.
    ``uns["cell_puzzles"]``
        The settings.

    Raises
    ------
    KeyError
        ``obs`` lacks one of the columns, or there is no such layer.
    TypeError
        ``groupby`` or ``context`` is one name in place of a list.
    ValueError
        No group has enough types, a cell has no group, labels cannot be told apart in a prompt, a context column has
        several values in a group, ``obs`` has one of the columns above already, names of cells are not unique, or
        expression cannot be ranked.

    See Also
    --------
    sc_duality.io.write_cell_puzzles : writes puzzles in the file format of Cell-o1.
    sc_duality.datasets.cell_puzzles : the published puzzles.
    sc_duality.get.puzzle_scores : scores of predicted labels.

    Notes
    -----
    Fang et al. (2025), Cell-o1, section 3 and appendix A. Their puzzles have 8 to 15 cells and 50 genes a cell.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> adata.obs["donor"] = ["donor1", "donor2"] * 158 + ["donor1"]
    >>> puzzles = sd.pp.cell_puzzles(adata, "cell_type", n_puzzles=4, n_cells=(3, 5))
    >>> puzzles.obs["puzzle"].unique().tolist()
    ['donor1 · 1', 'donor1 · 2', 'donor2 · 1', 'donor2 · 2']
    """
    data = modality(adata, mod)
    check_arguments(adata, truth, groupby, context, split, split_by, mod)
    low, high = bounds(n_cells)
    positive_integer("n_puzzles", n_puzzles)
    number = seed(rng)
    groups = puzzle_groups(data, truth, groupby, low, context)
    found = sample_puzzles(groups, n_puzzles, (low, high), number)
    sets = None if split is None else _sets(data, found, split, split_by or (groupby or ["puzzle"])[0], number)

    rows = np.concatenate([puzzle.rows for puzzle in found])
    used, index = np.unique(rows, return_inverse=True)
    ranking = plan_ranking(  # of all cells: few do not show that a matrix was scaled
        data, n_genes, layer=layer, use_raw=use_raw, exclude=exclude, gene_symbols=gene_symbols, rng=number
    )
    part = data[used].to_memory()
    sentences = ranking.of(part).compute()
    del part.obsp  # a graph between copies of cells is of no use, and large
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Observation names are not unique")
        puzzles = part[index].copy()
    _write_columns(puzzles, found, sets)
    store_sentences(puzzles, adata_keys.SENTENCE, sentences.ranks[index], sentences.genes, sentences.params)
    puzzles.uns[adata_keys.CELL_PUZZLES] = {
        "truth": truth,
        "groupby": np.array(groupby, dtype=object),
        "context": np.array(context, dtype=object),
        "n_cells": np.array([low, high]),
        "rng": number,
        "version": version("sc-duality"),
    }
    logger.info("%d puzzles of %d to %d cells: %d rows of %d cells", len(found), low, high, len(rows), len(used))
    return puzzles


def _sets(
    data: AnnData, found: Sequence[SampledPuzzle], split: Mapping[str, float], split_by: str, number: int
) -> np.ndarray:
    """The set of each puzzle."""
    if split_by == adata_keys.PUZZLE:
        logger.warning(
            "split_by='puzzle': the same donors, and the same cells, are in all sets, so scores on the test set are "
            "too high for new donors: leave split_by out to split by donor"
        )
        return split_puzzles([puzzle.name for puzzle in found], split, split_by, number)
    values = text_column(data, split_by).to_numpy()
    units = []
    for puzzle in found:
        own = set(values[list(puzzle.rows)])
        if len(own) > 1 or None in own:
            group = puzzle.name.rpartition(" · ")[0]
            raise ValueError(
                f"split_by={split_by!r} must have one value in each group, and {group!r} has {sorted(map(str, own))}: "
                "add it to groupby="
            )
        units.append(own.pop())
    return split_puzzles(units, split, split_by, number)


def _write_columns(puzzles: AnnData, found: Sequence[SampledPuzzle], sets: np.ndarray | None) -> None:
    lengths = [len(puzzle.rows) for puzzle in found]
    names = [puzzle.name for puzzle in found]
    cells = np.asarray(puzzles.obs_names, dtype=object)
    by_row = np.repeat(np.array(names, dtype=object), lengths)
    puzzles.obs_names = pd.Index([f"{cell}-{name}" for cell, name in zip(cells, by_row, strict=True)])
    puzzles.obs[adata_keys.PUZZLE] = pd.Categorical(by_row, categories=names)
    puzzles.obs[adata_keys.CANDIDATE] = pd.Categorical([label for puzzle in found for label in puzzle.candidates])
    puzzles.obs[adata_keys.CELL] = cells
    if sets is not None:
        puzzles.obs[adata_keys.SPLIT] = pd.Categorical(np.repeat(sets, lengths), categories=list(dict.fromkeys(sets)))
