"""Embeddings of cells next to baselines: ``python -m benchmarks.embedding [--model NAME] [--scvi FOLDER] [--quick]``.

``probe``: accuracy of a logistic regression on the standardised embedding, trained on the cells of other donors and
tested on those of held-out donors. ``foscttm``: up to ten cells of each donor and type, and the pseudobulk of the other
cells of that donor and type; the mean over cells and both directions of the share that is nearer than the match, by
cosine. C2S-Scale §4.7.3 leaves the cells in their pseudobulk. Pseudobulks are embedded as cells are.

PCA-50 and SVD-50 (of log-normalised genes, centred or not) and scVI are fitted on the cells of the other donors,
without labels. The embedded model is trained on types, on lung and Kang also on cells of the donors that are held out
here; on the pancreas on none of them. scVI needs another environment: ``--export FOLDER`` writes the cells, ``python
benchmarks/_scvi.py FOLDER`` embeds them there, and ``--scvi FOLDER`` reads the vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import PCA, TruncatedSVD

import sc_duality as sd
from benchmarks._baselines import log_normalised
from benchmarks._held_out import shipped_pbmc3k
from benchmarks._results import parser, report
from recipes.embedded import real_cells

N_COMPONENTS = 50
#: Cells of a donor and type that are compared with their pseudobulk, and the fewest that this pseudobulk has.
N_CELLS, MIN_BULK = 10, 10
#: Most cells of a tissue.
MAX_CELLS = 4000
#: Donors of the tissues whose studies have no held-out donors of their own.
HELD_OUT = {"lung": ("TSP2",), "blood (Kang)": ("1015", "1256")}

Embedding = Callable[[ad.AnnData], NDArray[Any]]


class Tissue(NamedTuple):
    """Cells of one tissue; ``obs["held_out"]`` says which donors are held out, ``obs["group"]`` is donor and type."""

    cells: ad.AnnData
    #: Rows of the cells that are compared with the pseudobulk of the other cells of their group.
    sampled: NDArray[np.int64]
    #: Pseudobulks, and the row of that of each sampled cell.
    bulks: ad.AnnData
    own: NDArray[np.int64]


def to_tissue(cells: ad.AnnData, held_out: NDArray[np.bool_], seed: int) -> Tissue:
    """The cells of types on both sides of the split, with pseudobulks of the donors and types with enough cells."""
    rng = np.random.default_rng(seed)
    cells.obs["held_out"] = held_out
    label = cells.obs["label"].astype(str)
    shared = set(label[held_out]) & set(label[~held_out])
    cells = cells[label.isin(shared).to_numpy()]
    cells = cells[np.sort(rng.permutation(cells.n_obs)[:MAX_CELLS])].copy()
    cells.X = sparse.csr_matrix(cells.X, dtype=np.float32)
    cells.obs["group"] = (cells.obs["donor"].astype(str) + " | " + cells.obs["label"].astype(str)).to_numpy()
    codes, names = pd.factorize(cells.obs["group"], sort=True)
    sampled, sums, kept = [], [], []
    for code, name in enumerate(names):
        rows = rng.permutation(np.flatnonzero(codes == code))
        n = min(N_CELLS, len(rows) - MIN_BULK)
        if n > 0:
            sampled.append(rows[:n])
            sums.append(sparse.csr_matrix(cells.X[rows[n:]].sum(0)))
            kept.append(name)
    bulks = ad.AnnData(sparse.vstack(sums, format="csr"), pd.DataFrame(index=kept), cells.var[[]].copy())
    return Tissue(cells, np.concatenate(sampled), bulks, np.repeat(np.arange(len(sampled)), list(map(len, sampled))))


def tissues(quick: bool, seed: int) -> dict[str, Tissue]:
    """Three tissues; with ``quick`` the shipped cells of PBMC3k, dealt to two made-up donors."""
    if quick:
        cells = shipped_pbmc3k()
        cells.obs["donor"] = np.array(["a", "b"])[np.arange(cells.n_obs) % 2]
        return {"shipped cells of PBMC3k": to_tissue(cells, (cells.obs["donor"] == "b").to_numpy(), seed)}
    pancreas = real_cells.pancreas()
    parts = [pancreas["train"], pancreas["held_out_donors"]]
    held_out = np.repeat([False, True], [part.n_obs for part in parts])
    found = {"pancreas": to_tissue(ad.concat(parts, merge="same"), held_out, seed)}
    for name, cells in (("lung", real_cells.lung()), ("blood (Kang)", real_cells.kang())):
        donor = cells.obs["donor"].astype(str)
        found[name] = to_tissue(cells, donor.isin(HELD_OUT[name]).to_numpy(), seed)
    return found


def methods(training: ad.AnnData, model: str, seed: int) -> dict[str, Embedding]:
    """Embeddings of cells and of pseudobulks by method, fitted on the training cells where they are fitted."""

    def embedded(cells: ad.AnnData) -> NDArray[Any]:
        read = ad.AnnData(cells.X, cells.obs[[]].copy(), cells.var[[]].copy())
        sd.tl.embed(read, model)
        return np.asarray(read.obsm["X_cell_sentence"])

    def genes(cells: ad.AnnData) -> NDArray[Any]:
        return log_normalised(cells)[:, expressed].toarray().astype(np.float32)

    logs = log_normalised(training)
    expressed = np.flatnonzero(logs.getnnz(axis=0) >= 3)
    n = min(N_COMPONENTS, len(expressed) - 1, training.n_obs - 1)
    pca = PCA(n, random_state=seed).fit(genes(training))
    svd = TruncatedSVD(n, random_state=seed).fit(logs[:, expressed])
    return {
        "embedded": embedded,
        "PCA-50": lambda cells: pca.transform(genes(cells)),
        "SVD-50": lambda cells: svd.transform(log_normalised(cells)[:, expressed]),
        "log-normalised genes": genes,
    }


def scores(tissue: Tissue, cells: NDArray[Any], bulks: NDArray[Any]) -> dict[str, Any]:
    """Both scores of one embedding."""
    obs = tissue.cells.obs
    probe = sd.metrics.linear_probe(cells, obs["label"].to_numpy(str), obs["held_out"].to_numpy(bool), C=0.1)
    both = sd.metrics.foscttm(cells[tissue.sampled], bulks, tissue.own)
    return {
        "foscttm": round(float(np.mean(both)), 4),
        "foscttm_cell_to_bulk": round(both.cell_to_bulk, 4),
        "foscttm_bulk_to_cell": round(both.bulk_to_cell, 4),
        "probe": round(probe.accuracy, 4),
        "probe_macro_f1": round(probe.macro_f1, 4),
    }


def evaluate(tissue: Tissue, model: str, scvi: Path | None, name: str, seed: int) -> dict[str, Any]:
    """The scores of every method by score, and the numbers of cells, donors and pseudobulks."""
    training = tissue.cells[~tissue.cells.obs["held_out"].to_numpy()].copy()
    each = {}
    for method, embed in methods(training, model, seed).items():
        each[method] = scores(tissue, embed(tissue.cells), embed(tissue.bulks))
        print(name, method, each[method], flush=True)
    if scvi is not None:
        each["scVI"] = scores(tissue, *(np.load(scvi / f"{name}_{part}.npy") for part in ("cells", "bulks")))
        print(name, "scVI", each["scVI"], flush=True)
    rng = np.random.default_rng(seed)
    noise = [rng.normal(size=(part.n_obs, N_COMPONENTS)) for part in (tissue.cells, tissue.bulks)]
    each["random vectors"] = scores(tissue, *noise)
    obs = tissue.cells.obs
    return {
        **pd.DataFrame(each).T.to_dict(),
        "n": {
            "cells": tissue.cells.n_obs,
            "held_out": int(obs["held_out"].sum()),
            "held_out_donors": int(obs["donor"][obs["held_out"]].nunique()),
            "types": int(obs["label"].nunique()),
            "pseudobulks": tissue.bulks.n_obs,
            "compared": len(tissue.sampled),
        },
    }


def main() -> None:
    options = parser(__doc__, "shipped cells of PBMC3k, dealt to two made-up donors")
    options.add_argument("--model", default="embedded")
    options.add_argument("--export", type=Path, help="folder for the cells that benchmarks/_scvi.py embeds")
    options.add_argument("--scvi", type=Path, help="folder with the vectors of scVI")
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    sd.settings.progress = False
    found = tissues(args.quick, args.seed)
    if args.export is not None:
        args.export.mkdir(parents=True, exist_ok=True)
        for name, tissue in found.items():
            tissue.cells.write_h5ad(args.export / f"{name}_cells.h5ad")
            tissue.bulks.write_h5ad(args.export / f"{name}_bulks.h5ad")
        return
    figures = {name: evaluate(tissue, args.model, args.scvi, name, args.seed) for name, tissue in found.items()}
    report(
        "embedding",
        {"tissues": figures},
        n=sum(tissue.cells.n_obs for tissue in found.values()),
        seed=args.seed,
        quick=args.quick,
        packages=("scikit-learn", "torch", "transformers"),
        model=args.model,
    )


if __name__ == "__main__":
    main()
