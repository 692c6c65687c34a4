"""Pairs of genes that are not known to interact, with as many partners a gene as in the known pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

Pair = tuple[str, str]

#: Exchanges that are tried for each pair that is known, and how often, before a partner of another degree is taken.
_TRIES, _PASSES = 200, 10


def unordered(pair: Pair) -> Pair:
    """The pair whichever gene comes first."""
    return min(pair), max(pair)


def negative_pairs(pairs: Sequence[Pair], known: Collection[Pair], rng: np.random.Generator) -> list[Pair | None]:
    """A pair with the same first gene for each of ``pairs``, none of them known or twice.

    Second genes are permuted, and exchanged again where the pair is known: each gene is first and second as often as in
    ``pairs``. Where this fails, as for a gene that interacts with most others, the second gene is one of the nearest
    number of pairs; ``None`` where there is none.

    Parameters
    ----------
    pairs
        Known pairs, each once.
    known
        All known pairs, as :func:`unordered` gives them.
    rng
        Random numbers.
    """
    sources = [source for source, _ in pairs]
    targets = [pairs[i][1] for i in rng.permutation(len(pairs))]
    used = Counter(map(unordered, zip(sources, targets, strict=True)))

    def is_free(source: str, target: str, n_used: int = 0) -> bool:
        key = unordered((source, target))
        return source != target and key not in known and used[key] <= n_used

    def set_target(i: int, target: str) -> None:
        used[unordered((sources[i], targets[i]))] -= 1
        targets[i] = target
        used[unordered((sources[i], target))] += 1

    def exchanged(i: int, j: int) -> bool:
        """Exchange the second genes of two pairs if both pairs are free then."""
        mine, yours = targets[i], targets[j]
        set_target(i, yours)
        set_target(j, mine)
        if is_free(sources[i], yours, 1) and is_free(sources[j], mine, 1):
            return True
        set_target(i, mine)
        set_target(j, yours)
        return False

    left = [i for i in range(len(pairs)) if not is_free(sources[i], targets[i], 1)]
    for _ in range(_PASSES):
        left = [i for i in left if not any(exchanged(i, int(j)) for j in rng.integers(len(pairs), size=_TRIES))]
    degree = Counter(target for _, target in pairs)
    for i in left:
        free = [target for target in degree if is_free(sources[i], target)]
        nearest = min(free, key=lambda target: abs(degree[target] - degree[targets[i]]), default=None)
        if nearest is not None:
            set_target(i, nearest)
    return [pair if is_free(*pair, 1) else None for pair in zip(sources, targets, strict=True)]
