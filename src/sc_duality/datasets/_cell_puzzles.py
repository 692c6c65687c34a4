"""Puzzles of Cell-o1: the cells of one donor are annotated together, one label each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import pandas as pd
from anndata import AnnData

from ..io import read_cell_puzzles
from ._files import local_paths
from ._registry import SETS

Split = Literal["test", "train"]


def cell_puzzles(split: Split = "test", *, files: Sequence[str | Path] | None = None) -> AnnData:
    """Published puzzles of Cell-o1: 8 to 15 cells of one donor, each of a different type, and the shuffled types.

    Parameters
    ----------
    split
        ``"test"`` (1,095 puzzles) or ``"train"`` (6,912).
    files
        A file of your own, as a list of one, in a format of :func:`sc_duality.io.read_cell_puzzles`, instead of a
        download. Its hash is not checked.

    Returns
    -------
    An AnnData with one row for each cell of each puzzle, as :func:`sc_duality.io.read_cell_puzzles` reads it: the true
    label in ``obs["cell_type"]``, the puzzle in ``obs["puzzle"]``, the candidate labels of a puzzle in
    ``obs["candidate"]``, facts about the donor in ``obs["description"]``, ``split``, or that of the file, in
    ``obs["split"]``, and the top genes in ``obsm["cell_sentence"]``. It has no ``X``: the puzzles have ranks alone.

    Raises
    ------
    ImportError
        pyarrow, which reads the file, is not installed.
    OSError
        The file of ``files`` does not exist, or the download failed; the message says where to put it by hand.
    ValueError
        ``split`` is unknown, ``files`` does not have one path, or the file holds a puzzle of another format: delete a
        download to get it again.

    Notes
    -----
    Data set ncbi/CellPuzzles on the Hugging Face Hub, with the public domain notice of the National Library of
    Medicine. The download is untested; its hash is stored after the first download.

    Fang et al. (2025). Cell-o1: training LLMs to solve single-cell reasoning puzzles with reinforcement learning.
    arXiv:2506.02911.

    Examples
    --------
    >>> import sc_duality as sd
    >>> puzzles = sd.datasets.cell_puzzles()  # doctest: +SKIP
    >>> sd.datasets.available().loc["cell_puzzles", "values"]
    'ranked genes'
    """
    if split not in get_args(Split):
        raise ValueError(f"split must be 'test' or 'train', not {split!r}")
    published = dict(zip(get_args(Split), SETS["cell_puzzles"].files, strict=True))
    (path,) = local_paths([published[split]], files)
    puzzles = read_cell_puzzles(path)
    if "split" not in puzzles.obs:
        puzzles.obs["split"] = pd.Categorical([split] * puzzles.n_obs)
    return puzzles
