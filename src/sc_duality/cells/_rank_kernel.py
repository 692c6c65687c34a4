"""The ranking kernel: the best genes of every row of a CSR matrix."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import config, njit
from scipy import sparse

# The bucket of values that are infinite as float32; NaN lies above it, and what is negative below 1.
_OVERFLOW = 1 + (0x7F800000 >> 19)
# Shorter stretches than this are sorted by insertion.
_SHORT = 12


def rank_rows(
    rows: sparse.csr_matrix,
    word: np.ndarray,
    gene_hash: np.ndarray,
    cell_hash: np.ndarray,
    out: np.ndarray,
    threads: int | None = None,
) -> np.ndarray:
    """Write the best genes of every row into ``out``, and count the values that cannot be ranked.

    Larger values come first; equal values follow a hash of cell and gene. A row's result depends on nothing but the
    row, its hash and the hashes of its genes: not on other rows, the order of the columns, or the number of threads.

    Parameters
    ----------
    rows
        Canonical CSR matrix, n cells × m genes. Zeros, negative, NaN and infinite values never enter.
    word
        int32 (m,): the index that stands for each column in ``out``, or −1 for a column that may not enter.
    gene_hash
        uint64: a hash for each index, all different.
    cell_hash
        uint64 (n,).
    out
        int32 (n, K): receives the K best indices of each row, best first. Places that a row cannot fill stay as
        they are.
    threads
        As many as numba may use, by default (``NUMBA_NUM_THREADS``).

    Returns
    -------
    int64 (3,): how many values are negative, NaN and infinite.
    """
    n_rows = rows.shape[0]
    # Not get_num_threads(): it starts numba's own threads, of which none is used here, and lets OpenMP nest in all of
    # the process, which models in bfloat16 are slow under.
    edges = np.linspace(0, n_rows, min(threads or config.NUMBA_NUM_THREADS, n_rows) + 1).astype(int)

    def part(start: int, stop: int) -> np.ndarray:
        pointers = rows.indptr[start : stop + 1]
        return _rank_rows(rows.data, rows.indices, pointers, word, gene_hash, cell_hash[start:stop], out[start:stop])

    # Plain threads and a kernel that frees the interpreter: numba's own threads abort when two callers meet in them.
    with ThreadPoolExecutor(len(edges) - 1) as pool:
        return np.sum(list(pool.map(part, edges[:-1], edges[1:])), axis=0)


@njit(nogil=True, cache=True)
def _rank_rows(
    data: np.ndarray,
    indices: np.ndarray,
    indptr: np.ndarray,
    word: np.ndarray,
    gene_hash: np.ndarray,
    cell_hash: np.ndarray,
    out: np.ndarray,
) -> np.ndarray:
    """Lay each row out in buckets of similar value, best first, and sort only those that reach the K best places."""
    n_rows, n_best = out.shape
    longest = np.diff(indptr).max()
    bucket, kept, gene = np.empty(longest, np.int32), np.empty(longest, np.int32), np.empty(longest, np.int32)
    value, tie = np.empty(longest, data.dtype), np.empty(longest, np.uint64)
    place, later = np.empty(_OVERFLOW + 1, np.int32), np.empty((64, 2), np.int64)
    negative, nan, infinite = 0, 0, 0

    for i in range(n_rows):
        values, columns = data[indptr[i] : indptr[i + 1]], indices[indptr[i] : indptr[i + 1]]
        low, high = 1, 1
        for j in range(len(values)):
            bucket[j] = _bucket(values[j])
            low, high = min(low, bucket[j]), max(high, bucket[j])
        if low < 1 or high >= _OVERFLOW:
            high = _OVERFLOW
            for v in values:
                negative += v < 0
                nan += v != v
                infinite += v == np.inf

        place[: high + 1] = 0  # for now, the number of entries in each bucket; those in bucket 0 do not enter
        for j in range(len(values)):
            enters = (values[j] > 0) & (values[j] < np.inf) & (word[np.uint32(columns[j])] >= 0)
            bucket[j] *= enters
            place[np.uint32(bucket[j])] += 1

        end, last = 0, high + 1  # from here, the place of the next entry of each bucket, down to the last one needed
        while last > 1 and end < n_best:
            last -= 1
            place[last], end = end, end + place[last]

        n = 0
        for j in range(len(values)):
            kept[n] = j
            n += bucket[j] >= last
        cell = _mix(cell_hash[i])
        for j in kept[:n]:
            p = place[bucket[j]]
            place[bucket[j]] += 1
            gene[p], value[p] = word[columns[j]], values[j]
            tie[p] = _mix(cell ^ gene_hash[gene[p]])

        start = 0
        for b in range(high, last - 1, -1):
            if place[b] - start > 1:
                _sort(value, tie, gene, start, place[b], n_best, later)
            start = place[b]
        for j in range(min(end, n_best)):
            out[i, j] = gene[j]
    return np.array([negative, nan, infinite])


@njit(nogil=True)
def _bucket(value: float) -> np.int32:
    """Bucket of a positive value: 1 + its exponent and first four bits, which never puts a larger value lower."""
    return 1 + (np.float32(value).view(np.int32) >> np.int32(19))


@njit(nogil=True)
def _mix(x: np.uint64) -> np.uint64:
    """Scramble 64 bits one to one (SplitMix64; Steele, Lea and Flood 2014)."""
    x += np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(nogil=True)
def _sort(
    value: np.ndarray, tie: np.ndarray, gene: np.ndarray, start: int, stop: int, n_best: int, later: np.ndarray
) -> None:
    """Quicksort by value (descending), then tie, which leaves alone what lies wholly beyond the K best places.

    ``later`` is room for the stretches that wait; as the larger part waits, 64 are always enough. (Recursion would
    say it better, but numba cannot load a recursive function from its cache.)
    """
    later[0, 0], later[0, 1] = start, stop
    waiting = 1
    while waiting > 0:
        waiting -= 1
        start, stop = later[waiting, 0], later[waiting, 1]
        while stop - start > _SHORT:
            m = _partition(value, tie, gene, start, stop)
            if m + 1 >= n_best:
                stop = m
            elif m - start > stop - m:
                later[waiting, 0], later[waiting, 1] = start, m
                waiting += 1
                start = m + 1
            else:
                later[waiting, 0], later[waiting, 1] = m + 1, stop
                waiting += 1
                stop = m
        for i in range(start + 1, stop):
            v, t, g = value[i], tie[i], gene[i]
            j = i
            while j > start and (value[j - 1] < v or (value[j - 1] == v and tie[j - 1] > t)):
                value[j], tie[j], gene[j] = value[j - 1], tie[j - 1], gene[j - 1]
                j -= 1
            value[j], tie[j], gene[j] = v, t, g


@njit(nogil=True)
def _partition(value: np.ndarray, tie: np.ndarray, gene: np.ndarray, start: int, stop: int) -> int:
    """Move what comes before the middle entry in front of it; its new place. No branch that a processor must guess."""
    middle = (start + stop) // 2
    v, t, g = value[middle], tie[middle], gene[middle]
    value[middle], tie[middle], gene[middle] = value[start], tie[start], gene[start]
    m = start + 1
    for i in range(start + 1, stop):
        x, y, z = value[i], tie[i], gene[i]
        value[i], tie[i], gene[i] = value[m], tie[m], gene[m]
        value[m], tie[m], gene[m] = x, y, z
        m += (x > v) | ((x == v) & (y < t))
    m -= 1
    value[start], tie[start], gene[start] = value[m], tie[m], gene[m]
    value[m], tie[m], gene[m] = v, t, g
    return m
