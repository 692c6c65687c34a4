"""Annotate blood cells that the embedded model has never seen, and look at what came out.

Seven hundred cells of 10x Genomics' PBMC 68k come with scanpy: each carries the name of the sorted
fraction that it resembles (``bulk_labels``). The model reads their cell sentences; the sorted
fractions are only used to compare.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

import sc_duality as sd

#: What both sides call the same: sorted fractions name no kind of monocyte and no state of a T cell.
SORTED = {
    "CD19+ B": "B cell",
    "CD4+/CD25 T Reg": "CD4 T cell",
    "CD4+/CD45RA+/CD25- Naive T": "CD4 T cell",
    "CD4+/CD45RO+ Memory": "CD4 T cell",
    "CD8+ Cytotoxic T": "CD8 T cell",
    "CD8+/CD45RA+ Naive Cytotoxic": "CD8 T cell",
    "CD56+ NK": "NK cell",
    "CD14+ Monocyte": "monocyte",
    "Dendritic": "dendritic cell",
}
ANSWERED = {
    "CD4-positive, alpha-beta T cell": "CD4 T cell",
    "CD8-positive, alpha-beta T cell": "CD8 T cell",
    "natural killer cell": "NK cell",
    "classical monocyte": "monocyte",
    "non-classical monocyte": "monocyte",
}


def compare(adata) -> pd.DataFrame:
    """Write both sides in common words into ``obs``, and count how they agree, type by type."""
    adata.obs["sorted as"] = pd.Categorical(adata.obs["bulk_labels"].astype(str).map(SORTED))
    answers = adata.obs["annotation"].astype(str).replace(ANSWERED)
    adata.obs["model says"] = pd.Categorical(answers)
    table = pd.crosstab(adata.obs["sorted as"], answers)
    return pd.DataFrame(
        {
            "cells": table.sum(axis=1),
            "agree": [table.loc[name].get(name, 0) for name in table.index],
            "most others are called": [
                others.idxmax() if (others := row.drop(name, errors="ignore")).sum() else ""
                for name, row in table.iterrows()
            ],
        }
    )


def draw(adata, path: Path) -> None:
    """The cells in scanpy's UMAP, the comparison, the confidence, and rank against expression."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, ((left, right), (below, last)) = plt.subplots(2, 2, figsize=(14, 11), layout="constrained")
    for name, colour in zip(adata.obs["model says"].cat.categories, mpl.colormaps["tab10"].colors, strict=False):
        cells = (adata.obs["model says"] == name).to_numpy()
        left.scatter(*adata.obsm["X_umap"][cells].T, s=9, color=colour, label=name)
    left.set(title="Cells as the model names them", xlabel="UMAP 1", ylabel="UMAP 2", xticks=[], yticks=[])
    left.legend(markerscale=2, frameon=False)
    sd.pl.annotation(adata, "sorted as", key="model says", ax=right)
    sd.pl.confidence(adata, ax=below)
    sd.pl.rank_expression(adata, ax=last)
    figure.savefig(path, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("demo_output"))
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    logging.getLogger("sc_duality").setLevel(logging.WARNING)

    adata = sd.datasets.pbmc68k_reduced()
    adata = adata[adata.obs["bulk_labels"] != "CD34+"].copy()  # progenitors: a type that the model does not know
    print(f"{adata.n_obs} blood cells, {adata.raw.n_vars} genes; the model has seen none of them.\n")

    sd.pp.cell_sentences(adata, use_raw=True)
    print(f"The sentence of the first cell begins: {sd.get.cell_sentences(adata, n_genes=12).iloc[0]} …")

    start = time.perf_counter()
    sd.tl.annotate(adata)
    seconds = time.perf_counter() - start
    table = compare(adata)
    sure = adata.obs["annotation_status"] == "ok"
    agreement = table["agree"].sum() / table["cells"].sum()
    print(
        f"Annotated in {seconds:.1f} s, loading the model included, choosing from "
        f"{adata.obsm['annotation_probabilities'].shape[1]} types of five tissues.\n"
    )
    print(table.to_string(), "\n")
    print(f"Agreement with bulk_labels: {agreement:.3f} ({table['agree'].sum()} of {table['cells'].sum()} cells)")
    print(f"Called unknown: {(~sure).mean():.3f}. Both count a cell without an answer as a disagreement.")

    sd.pp.fit_expression(adata)
    sd.pp.reconstruct_expression(adata)
    rebuilt, measured = adata.layers["reconstructed"].toarray(), adata.raw.X.toarray()
    named = rebuilt > 0
    each = [spearmanr(m[k], r[k]).statistic for m, r, k in zip(measured, rebuilt, named, strict=True)]
    model = adata.uns["cell_sentence"]["expression_model"]
    print(
        "\nExpression from the order of genes alone: log10(1 + counts per 10,000) ≈ "
        f"{model['slope']:.2f} · log10(rank) + {model['intercept']:.2f} (R² {model['r2']:.2f}); "
        f"median rank correlation within a cell {np.median(each):.2f}."
    )

    adata.write_h5ad(out / "pbmc68k_annotated.h5ad")
    draw(adata, out / "pbmc68k_annotated.png")
    print(
        f"\nLook at {out / 'pbmc68k_annotated.png'}, and open {out / 'pbmc68k_annotated.h5ad'} with scanpy:\n"
        "labels in obs['annotation'], their certainty in obs['annotation_confidence']."
    )


if __name__ == "__main__":
    main()
