"""Speed and memory of cell sentences, next to cell2sentence: ``python -m benchmarks.sentences [--quick]``.

Made counts: 20,000 cells × 20,000 genes as float32 CSR, 1,500 nonzeros a cell, values with a long tail (half are 1).
Times are medians after compilation.

- ``cells_per_s``: ``pp.cell_sentences`` on an AnnData, 200 genes a cell.
- ``all_genes_cells_per_s``: the same with 1,500 genes a cell, as cell2sentence ranks them.
- ``text_cells_per_s``: 200 genes a cell, and ``get.cell_sentences`` as text.
- ``peer_cells_per_s``: ``generate_vocabulary`` and ``generate_sentences`` of cell2sentence, which return text.
- ``rebuild_cells_per_s``: 200 genes a cell back to a CSR matrix of expression.
- ``bound_cells_per_s``: the measured memory bandwidth over the bytes of a cell.
- ``peak_over_output``: rise of the peak of resident memory by ``pp.cell_sentences`` over the bytes that it writes,
  measured in a fresh process that compiles first and loads the matrix last.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anndata as ad
import numba
import numpy as np
import pandas as pd
from scipy import sparse

import sc_duality as sd
from benchmarks._cell2sentence import cell2sentence
from benchmarks._library import rebuild_expression
from benchmarks._memory import STATUS, peak_bytes
from benchmarks._results import parser, report
from benchmarks._timing import seconds

N_GENES, NONZEROS, SEED = 20_000, 1_500, 0
PARTS = ("data", "indices", "indptr")


def made_counts(n_cells: int) -> sparse.csr_matrix:
    """Cells with distinct random genes and counts with a long tail."""
    rng = np.random.default_rng(SEED)
    gaps = np.sort(rng.integers(0, N_GENES - NONZEROS + 1, (n_cells, NONZEROS), dtype=np.int32), axis=1)
    indices = (gaps + np.arange(NONZEROS, dtype=np.int32)).ravel()
    data = np.floor(1 / (1 - rng.random(len(indices), dtype=np.float32)))  # P(count ≥ k) = 1 / k
    return as_csr(np.minimum(data, 10_000), indices, np.arange(0, len(indices) + 1, NONZEROS))


def as_csr(data: np.ndarray, indices: np.ndarray, indptr: np.ndarray) -> sparse.csr_matrix:
    return sparse.csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, N_GENES))


def as_anndata(X: sparse.csr_matrix) -> ad.AnnData:
    cells = pd.DataFrame(index=[f"cell{i}" for i in range(X.shape[0])])
    return ad.AnnData(X, cells, pd.DataFrame(index=[f"GENE{i}" for i in range(N_GENES)]))


def cells_per_s(work: Callable[[], Any], n_cells: int, repeats: int) -> float:
    return n_cells / float(np.median(seconds(work, repeats)))


def bandwidth(values: np.ndarray, repeats: int) -> float:
    """Bytes per second that all threads together read."""
    parts = np.array_split(values.view(np.int32), numba.config.NUMBA_NUM_THREADS)
    with ThreadPoolExecutor(len(parts)) as pool:
        return cells_per_s(lambda: list(pool.map(np.max, parts)), values.nbytes, repeats)


def with_peer(adata: ad.AnnData, rounds: int) -> tuple[float, float | None]:
    """Cells per second of both, measured in turns; the peer on a tenth of the cells."""
    utils, part = cell2sentence(), adata[: adata.n_obs // 10].copy()
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        ours += seconds(lambda: sd.pp.cell_sentences(adata), 3)
        if utils is not None:
            with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
                theirs += seconds(lambda: utils.generate_sentences(part, utils.generate_vocabulary(part)), 1)
    return adata.n_obs / float(np.median(ours)), part.n_obs / float(np.median(theirs)) if theirs else None


def peak_over_output(X: sparse.csr_matrix) -> float | None:
    """``peak_over_output``, measured in a fresh process that reads the matrix from files."""
    if not STATUS.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            np.save(Path(folder) / part, getattr(X, part))
        command = [sys.executable, "-m", "benchmarks.sentences", "--peak-of", folder]
        return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def print_peak(folder: Path) -> None:
    sd.pp.cell_sentences(as_anndata(made_counts(100)))
    adata = as_anndata(as_csr(*(np.load(folder / f"{part}.npy") for part in PARTS)))
    before = peak_bytes()
    sd.pp.cell_sentences(adata)
    print((peak_bytes() - before) / sum(values.nbytes for values in adata.obsm.values()))


def main() -> None:
    made = parser(__doc__, "10,000 cells and fewer repeats")
    made.add_argument("--peak-of", type=Path, help=argparse.SUPPRESS)
    options = made.parse_args()
    sd.settings.progress = False
    if options.peak_of:
        print_peak(options.peak_of)
        return

    n_cells, repeats = (10_000, 5) if options.quick else (20_000, 9)
    X = made_counts(n_cells)
    adata = as_anndata(X)
    sd.pp.cell_sentences(as_anndata(X[:100]))

    speed, peers = with_peer(adata, repeats)
    text = cells_per_s(lambda: (sd.pp.cell_sentences(adata), sd.get.cell_sentences(adata)), n_cells, repeats)
    ranks = adata.obsm["cell_sentence"]
    line = {"slope": -0.7, "intercept": 2.5}
    rebuilt = cells_per_s(lambda: rebuild_expression(ranks, np.arange(N_GENES), N_GENES, **line), n_cells, repeats)
    whole = cells_per_s(lambda: sd.pp.cell_sentences(adata, NONZEROS), n_cells, repeats)
    peak = peak_over_output(X)
    bytes_per_cell = (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / n_cells
    report(
        "sentences",
        {
            "cells_per_s": round(speed),
            "peer_cells_per_s": peers and round(peers),
            "ratio": peers and round(speed / peers, 1),
            "peak_over_output": peak and round(peak, 2),
            "all_genes_cells_per_s": round(whole),
            "text_cells_per_s": round(text),
            "rebuild_cells_per_s": round(rebuilt),
            "bound_cells_per_s": round(bandwidth(X.data, repeats) / bytes_per_cell),
        },
        n=n_cells,
        seed=SEED,
        quick=options.quick,
        packages=("anndata", "cell2sentence", "numba", "numpy", "scipy"),
    )


if __name__ == "__main__":
    main()
