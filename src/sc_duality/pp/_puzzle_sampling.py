"""Sample puzzles from groups of cells, and divide them into sets."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._puzzle_groups import PuzzleGroup

logger = logging.getLogger(__name__)

#: Samples in a row that are all known before a group has no other puzzle.
_TRIES = 100


class SampledPuzzle(NamedTuple):
    """One cell of each of a few types of one group."""

    name: str
    #: Index of the group, and number of the puzzle in it.
    group: int
    number: int
    rows: tuple[int, ...]
    #: The label of each cell, and the same labels in another order.
    truth: tuple[str, ...]
    candidates: tuple[str, ...]


def sample_puzzles(
    groups: Sequence[PuzzleGroup], n_puzzles: int, n_cells: tuple[int, int], seed: int
) -> list[SampledPuzzle]:
    """Different puzzles, as many of each group as possible alike; those of a group do not depend on other groups."""
    streams = [_puzzles(i, group, n_cells, seed) for i, group in enumerate(groups)]
    found: list[SampledPuzzle] = []
    while streams and len(found) < n_puzzles:
        taken = [(stream, next(stream, None)) for stream in streams[: n_puzzles - len(found)]]
        found += [puzzle for _, puzzle in taken if puzzle is not None]
        empty = [stream for stream, puzzle in taken if puzzle is None]
        streams = [stream for stream in streams if stream not in empty]
    if len(found) < n_puzzles:
        logger.warning("the groups have %d different puzzles, fewer than n_puzzles=%d", len(found), n_puzzles)
    return sorted(found, key=lambda puzzle: (puzzle.group, puzzle.number))


def _puzzles(index: int, group: PuzzleGroup, n_cells: tuple[int, int], seed: int) -> Iterator[SampledPuzzle]:
    rng = _rng(seed, group.name)
    types = list(group.rows)
    low, high = n_cells[0], min(n_cells[1], len(types))
    seen: set[frozenset[int]] = set()
    for number in count(1):
        for _ in range(_TRIES):
            n = int(rng.integers(low, high, endpoint=True))
            truth = tuple(types[i] for i in rng.choice(len(types), n, replace=False))
            rows = tuple(int(rng.choice(group.rows[label])) for label in truth)
            if frozenset(rows) not in seen:
                break
        else:
            return
        seen.add(frozenset(rows))
        candidates = tuple(truth[i] for i in rng.permutation(n))
        yield SampledPuzzle(f"{group.name} · {number}", index, number, rows, truth, candidates)


def split_puzzles(units: Sequence[str], fractions: Mapping[str, float], name: str, seed: int) -> NDArray[np.object_]:
    """The set of each puzzle; ``units`` are what stays together, such as the donors, and ``name`` is their column."""
    different = np.array(sorted(set(units)), dtype=object)
    if len(different) < len(fractions):
        raise ValueError(
            f"split= names {len(fractions)} sets, but the puzzles have {len(different)} values of {name!r}: pass fewer "
            "sets, or another split_by="
        )
    sizes = _sizes(len(different), list(fractions.values()))
    sets = np.repeat(np.array(list(fractions), dtype=object), sizes)
    by_unit = dict(zip(_rng(seed, "split").permutation(different), sets, strict=True))
    return np.array([by_unit[unit] for unit in units], dtype=object)


def _sizes(n: int, fractions: Sequence[float]) -> list[int]:
    """``n`` in parts close to these fractions, each part at least 1."""
    left = n - len(fractions)
    exact = [max(n * fraction - 1, 0) for fraction in fractions]
    exact = [value * left / (sum(exact) or 1) for value in exact]
    sizes = [math.floor(value) for value in exact]
    largest = sorted(range(len(sizes)), key=lambda i: sizes[i] - exact[i])
    for i in largest[: left - sum(sizes)]:
        sizes[i] += 1
    return [size + 1 for size in sizes]


def _rng(seed: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng([seed, *blake2b(purpose.encode(), digest_size=16).digest()])
