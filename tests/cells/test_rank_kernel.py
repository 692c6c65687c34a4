"""The kernel compared with a numpy ranking, and its invariance to other cells, column order and threads."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from sc_duality.cells._rank_kernel import _OVERFLOW, _bucket, _mix, rank_rows

DTYPES = [np.uint8, np.int32, np.int64, np.float32, np.float64]


def hashes(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.integers(2**63, size=n).astype(np.uint64)


def numpy_ranks(
    X: np.ndarray, vocab_index: np.ndarray, gene_hash: np.ndarray, cell_hash: np.ndarray, n_best: int
) -> np.ndarray:
    out = np.full((len(X), n_best), -1, np.int32)
    for i, row in enumerate(X):
        columns = np.flatnonzero((vocab_index >= 0) & (row > 0) & np.isfinite(row))
        genes = vocab_index[columns]
        ties = np.array([_mix(_mix(cell_hash[i]) ^ gene_hash[gene]) for gene in genes], np.uint64)
        order = np.lexsort([ties, -row[columns].astype(np.longdouble)])[:n_best]
        out[i, : len(order)] = genes[order]
    return out


def ranked(
    X: np.ndarray,
    vocab_index: np.ndarray,
    gene_hash: np.ndarray,
    cell_hash: np.ndarray,
    n_best: int,
    threads: int | None = None,
) -> np.ndarray:
    out = np.full((len(X), n_best), -1, np.int32)
    rank_rows(sparse.csr_matrix(X), vocab_index, gene_hash, cell_hash, out, threads)
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_best", [1, 7, 50, 300])
def test_equals_a_full_sort(dtype: type, n_best: int) -> None:
    rng = np.random.default_rng(n_best)
    X = rng.negative_binomial(0.5, 0.05, (40, 300))
    X = np.minimum(X, 255).astype(dtype)
    if np.issubdtype(dtype, np.floating):
        X[20:] = np.log1p(X[20:] * rng.random(X[20:].shape)).astype(dtype)
    vocab_index = np.full(300, -1, np.int32)
    vocab_index[rng.choice(300, 250, replace=False)] = rng.permutation(250)
    arguments = vocab_index, hashes(rng, 250), hashes(rng, 40), n_best
    np.testing.assert_array_equal(ranked(X, *arguments), numpy_ranks(X, *arguments))


@pytest.mark.parametrize("shape", ["rising", "falling", "equal", "organ pipe"])
def test_any_order_of_values(shape: str) -> None:
    n = 3000
    row = {
        "rising": np.arange(1, n + 1),
        "falling": np.arange(n, 0, -1),
        "equal": np.ones(n),
        "organ pipe": 1 + np.minimum(np.arange(n), np.arange(n)[::-1]),
    }[shape]
    rng = np.random.default_rng(0)
    arguments = np.arange(n, dtype=np.int32), hashes(rng, n), hashes(rng, 1), 400
    np.testing.assert_array_equal(ranked(row[None], *arguments), numpy_ranks(row[None], *arguments))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.lists(
            st.one_of(
                st.integers(0, 3).map(float),
                st.floats(0, 1e300, allow_subnormal=True),
                st.sampled_from([np.nan, np.inf, -1.0]),
            ),
            min_size=20,
            max_size=20,
        ),
        min_size=1,
        max_size=5,
    ),
    n_best=st.integers(1, 20),
)
def test_any_value(rows: list[list[float]], n_best: int) -> None:
    X, rng = np.array(rows), np.random.default_rng(0)
    arguments = np.arange(20, dtype=np.int32), hashes(rng, 20), hashes(rng, len(X)), n_best
    np.testing.assert_array_equal(ranked(X, *arguments), numpy_ranks(X, *arguments))


def test_values_that_differ_in_their_last_bit_are_not_tied() -> None:
    rng = np.random.default_rng(0)
    arguments = np.arange(2, dtype=np.int32), hashes(rng, 2), hashes(rng, 1), 2
    for low, high in [
        (np.float64(1), np.nextafter(1.0, 2)),
        (np.int64(2**60), np.int64(2**60 + 1)),
        (np.nextafter(np.float64(0), 1), 2 * np.nextafter(np.float64(0), 1)),
    ]:
        assert ranked(np.array([[low, high]]), *arguments).tolist() == [[1, 0]]
        assert ranked(np.array([[high, low]]), *arguments).tolist() == [[0, 1]]


def test_unusable_values_are_counted() -> None:
    X = sparse.csr_matrix(np.array([[1, -1, np.nan, np.inf], [-2, -np.inf, 0, 3]]))
    out, rng = np.full((2, 4), -1, np.int32), np.random.default_rng(0)
    n_unusable = rank_rows(X, np.arange(4, dtype=np.int32), hashes(rng, 4), hashes(rng, 2), out)
    assert n_unusable.tolist() == [3, 1, 1]
    assert out.tolist() == [[0, -1, -1, -1], [3, -1, -1, -1]]


def test_buckets_have_the_order_of_values() -> None:
    values = np.sort(np.concatenate([np.geomspace(1e-320, 1e308, 2000), np.arange(1, 200)]))
    buckets = [_bucket(value) for value in values]
    assert buckets == sorted(buckets)
    assert (min(buckets), max(buckets)) == (1, _OVERFLOW)
    assert len({_bucket(float(count)) for count in range(1, 33)}) == 32, "each small count has its own bucket"
    assert _bucket(np.nan) >= _bucket(np.inf) == _OVERFLOW
    assert max(_bucket(-1e-320), _bucket(-0.0), _bucket(-1.0), _bucket(-np.inf)) < 1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_best=st.integers(1, 30))
def test_ranks_are_invariant_to_other_rows_column_order_and_threads(seed: int, n_best: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.poisson(0.7, (13, 30)).astype(np.float32)
    vocab_index, gene_hash, cell_hash = np.arange(30, dtype=np.int32), hashes(rng, 30), hashes(rng, 13)
    whole = ranked(X, vocab_index, gene_hash, cell_hash, n_best)

    rows, columns = rng.permutation(13)[: rng.integers(1, 14)], rng.permutation(30)
    part = ranked(X[rows][:, columns], vocab_index[columns], gene_hash, cell_hash[rows], n_best)
    np.testing.assert_array_equal(part, whole[rows])

    for threads in (1, 4):
        np.testing.assert_array_equal(ranked(X, vocab_index, gene_hash, cell_hash, n_best, threads), whole)


def test_openmp_is_not_changed() -> None:
    """Numba's threads let parallel regions nest, which slows down torch's attention in bfloat16."""
    code = """
import ctypes, numpy as np, torch
from scipy import sparse
from threadpoolctl import threadpool_info
from sc_duality.cells._rank_kernel import rank_rows
vocab_index, hashes = np.arange(9, dtype=np.int32), np.arange(9, dtype=np.uint64)
rank_rows(sparse.csr_matrix(np.ones((9, 9), np.float32)), vocab_index, hashes, hashes, np.zeros((9, 3), np.int32))
openmp = [ctypes.CDLL(one["filepath"]) for one in threadpool_info() if one["user_api"] == "openmp"]
assert openmp and not any(one.omp_get_nested() for one in openmp)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_every_order_of_a_tie_has_the_same_probability() -> None:
    rng = np.random.default_rng(1)
    first = ranked(np.ones((4000, 4)), np.arange(4, dtype=np.int32), hashes(rng, 4), hashes(rng, 4000), 4)
    for rank in range(4):
        shares = np.bincount(first[:, rank], minlength=4) / 4000
        assert np.abs(shares - 0.25).max() < 0.03, "more than four standard errors"
