"""The ranking kernel: the highest expressed genes of every row of a CSR matrix, highest first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import config, njit
from scipy import sparse

from .._compiled import compiled

# The bucket of values that are infinite as float32. NaN has a higher bucket, negative values have one below 1.
_OVERFLOW = 1 + (0x7F800000 >> 19)
# Shorter ranges than this are sorted by insertion.
_SHORT = 12


def rank_rows(
    rows: sparse.csr_matrix,
    vocab_index: np.ndarray,
    gene_hash: np.ndarray,
    cell_hash: np.ndarray,
    out: np.ndarray,
    threads: int | None = None,
) -> np.ndarray:
    """Write the K highest expressed genes of every row into ``out``, and count the values that cannot be ranked.

    Larger values come first; equal values are ordered by a hash of cell and gene. The result of a row depends only on
    its values, its hash and the hashes of its genes: not on other rows, the order of columns or the number of threads.

    Parameters
    ----------
    rows
        Canonical CSR matrix, n cells × m genes. Zero, negative, NaN and infinite values are left out.
    vocab_index
        int32 (m,): the index in the vocabulary of each column, −1 for columns to leave out.
    gene_hash
        uint64 (vocabulary,): a hash for each gene of the vocabulary, all different.
    cell_hash
        uint64 (n,): a hash for each cell.
    out
        int32 (n, K): receives the vocabulary indices of each row, highest expression first. Entries after the last
        gene of a row keep their value.
    threads
        Number of threads. By default as many as numba may use (``NUMBA_NUM_THREADS``).

    Returns
    -------
    int64 (3,): numbers of negative, NaN and infinite values.
    """
    n_rows = rows.shape[0]
    # get_num_threads() would start numba's own threads, which are not used here, and would let OpenMP regions nest in
    # the whole process, which slows down models in bfloat16.
    edges = np.linspace(0, n_rows, min(threads or config.NUMBA_NUM_THREADS, n_rows) + 1).astype(int)

    def rank_part(start: int, stop: int) -> np.ndarray:
        indptr = rows.indptr[start : stop + 1]
        return _rank_rows(
            rows.data, rows.indices, indptr, vocab_index, gene_hash, cell_hash[start:stop], out[start:stop]
        )

    # Plain threads and a kernel without the GIL: numba's own threads abort when two callers use them at once.
    with ThreadPoolExecutor(len(edges) - 1) as pool:
        return np.sum(list(pool.map(rank_part, edges[:-1], edges[1:])), axis=0)


@compiled
def _rank_rows(
    data: np.ndarray,
    indices: np.ndarray,
    indptr: np.ndarray,
    vocab_index: np.ndarray,
    gene_hash: np.ndarray,
    cell_hash: np.ndarray,
    out: np.ndarray,
) -> np.ndarray:
    """Distribute each row over buckets of similar value, highest first, and sort the buckets that reach rank K.

    A row with the values 90 1 91 1 50 and K = 3, where 90 and 91 share a bucket:

        bucket         of 90 and 91    of 50    of 1
        counts         2               1        2      <- a histogram
        next_index     0               2        -      <- a running sum, until it reaches K; lower buckets are dropped
        value          90 91           50              <- filled in the order of the row, then sorted bucket by bucket
    """
    n_rows, n_best = out.shape
    longest = np.diff(indptr).max()
    bucket, candidates, gene = np.empty(longest, np.int32), np.empty(longest, np.int32), np.empty(longest, np.int32)
    value, tie = np.empty(longest, data.dtype), np.empty(longest, np.uint64)
    counts, next_index = np.empty(_OVERFLOW + 1, np.int32), np.empty(_OVERFLOW + 1, np.int32)
    pending = np.empty((64, 2), np.int64)
    n_negative, n_nan, n_infinite = 0, 0, 0

    for i in range(n_rows):
        values, columns = data[indptr[i] : indptr[i + 1]], indices[indptr[i] : indptr[i + 1]]
        lowest, highest = 1, 1
        for j in range(len(values)):
            bucket[j] = _bucket(values[j])
            lowest, highest = min(lowest, bucket[j]), max(highest, bucket[j])
        if lowest < 1 or highest >= _OVERFLOW:
            highest = _OVERFLOW
            for v in values:
                n_negative += v < 0
                n_nan += v != v
                n_infinite += v == np.inf

        counts[: highest + 1] = 0
        for j in range(len(values)):
            usable = (values[j] > 0) & (values[j] < np.inf) & (vocab_index[np.uint32(columns[j])] >= 0)
            bucket[j] = bucket[j] if usable else 0  # bucket 0 is dropped
            counts[np.uint32(bucket[j])] += 1

        n_kept, last = 0, highest + 1  # last: the lowest bucket that reaches rank K
        while last > 1 and n_kept < n_best:
            last -= 1
            next_index[last] = n_kept
            n_kept += counts[last]

        n = 0
        for j in range(len(values)):
            candidates[n] = j
            n += bucket[j] >= last  # no branch, which the processor would mispredict
        row_hash = _mix(cell_hash[i])
        for j in candidates[:n]:
            k = next_index[bucket[j]]
            next_index[bucket[j]] += 1
            gene[k], value[k] = vocab_index[columns[j]], values[j]
            tie[k] = _mix(row_hash ^ gene_hash[gene[k]])

        for b in range(highest, last - 1, -1):
            if counts[b] > 1:
                _sort(value, tie, gene, next_index[b] - counts[b], next_index[b], n_best, pending)
        for k in range(min(n_kept, n_best)):
            out[i, k] = gene[k]
    return np.array([n_negative, n_nan, n_infinite])


@njit(nogil=True)
def _bucket(value: float) -> np.int32:
    """Bucket of a value: 1 + its exponent and first four bits, so a larger value never has a lower bucket."""
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
    value: np.ndarray, tie: np.ndarray, gene: np.ndarray, start: int, stop: int, n_best: int, pending: np.ndarray
) -> None:
    """Quicksort by value (descending), then tie, which skips ranges that lie wholly after rank K.

    ``pending`` is a stack of ranges that are not sorted yet. The larger part always goes onto it, so 64 entries are
    enough. Recursion would be simpler, but numba cannot load a recursive function from its cache.
    """
    pending[0, 0], pending[0, 1] = start, stop
    n_pending = 1
    while n_pending > 0:
        n_pending -= 1
        start, stop = pending[n_pending, 0], pending[n_pending, 1]
        while stop - start > _SHORT:
            pivot = _partition(value, tie, gene, start, stop)
            if pivot + 1 >= n_best:
                stop = pivot
            elif pivot - start > stop - pivot:
                pending[n_pending, 0], pending[n_pending, 1] = start, pivot
                n_pending += 1
                start = pivot + 1
            else:
                pending[n_pending, 0], pending[n_pending, 1] = pivot + 1, stop
                n_pending += 1
                stop = pivot
        for i in range(start + 1, stop):
            v, t, g = value[i], tie[i], gene[i]
            j = i
            while j > start and (value[j - 1] < v or (value[j - 1] == v and tie[j - 1] > t)):
                value[j], tie[j], gene[j] = value[j - 1], tie[j - 1], gene[j - 1]
                j -= 1
            value[j], tie[j], gene[j] = v, t, g


@njit(nogil=True)
def _partition(value: np.ndarray, tie: np.ndarray, gene: np.ndarray, start: int, stop: int) -> int:
    """Move all entries that precede the middle entry in front of it, without a branch, and return its new index."""
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
