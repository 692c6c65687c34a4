"""Cells as lists to cells as the rows of a matrix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray


def encode(
    cells: Sequence[Sequence[Any]], place: Mapping[str, int] | None = None, width: int | None = None
) -> NDArray[np.int32]:
    """Lists of genes as a matrix of indices into a vocabulary, as cell sentences are stored.

    Parameters
    ----------
    cells
        Genes of each cell, best first.
    place
        Index of each gene of the vocabulary; ``None`` where the cells hold indices already, as
        :func:`read_indices` reads them.
    width
        Genes that are kept of each cell; by default those of the longest.

    Returns
    -------
    int32 (n, width), −1 after the last gene of a cell.

    Raises
    ------
    KeyError
        A gene is not in the vocabulary.

    Examples
    --------
    >>> from sc_duality.tasks import encode
    >>> encode([("CD79A", "MS4A1"), ("CD3E",)], {"CD3E": 0, "CD79A": 1, "MS4A1": 2}, width=3)
    array([[ 1,  2, -1],
           [ 0, -1, -1]], dtype=int32)
    """
    lengths = np.fromiter(map(len, cells), np.int64, len(cells))
    width = int(lengths.max(initial=0)) if width is None else width
    if (lengths > width).any():
        cells = [cell[:width] for cell in cells]
        lengths = np.minimum(lengths, width)
    genes: Iterable[Any] = chain.from_iterable(cells)
    codes = np.full((len(cells), width), -1, np.int32)
    try:
        indices = np.fromiter(genes if place is None else map(place.__getitem__, genes), np.int32, int(lengths.sum()))
    except KeyError as error:
        raise KeyError(f"gene {error.args[0]!r} is not in the vocabulary: read genes with known=place") from None
    codes[np.arange(width) < lengths[:, None]] = indices
    return codes
