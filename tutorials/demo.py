"""Annotate blood cells that are not in the training data of the embedded model, and draw the results.

The cells are 700 of 10x Genomics' PBMC 68k, which come with scanpy. Each is labelled by the most similar
sorted population (``bulk_labels``). The model reads only the cell sentences; the labels are used to
compare its predictions with.
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

#: Both label sets in common labels, without the subtypes that only one of them has.
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
PREDICTED = {
    "CD4-positive, alpha-beta T cell": "CD4 T cell",
    "CD8-positive, alpha-beta T cell": "CD8 T cell",
    "natural killer cell": "NK cell",
    "classical monocyte": "monocyte",
    "non-classical monocyte": "monocyte",
}


def compare(adata) -> pd.DataFrame:
    """Write both label sets as common labels into ``obs``, and count for each cell type how many cells agree."""
    adata.obs["coarse bulk_labels"] = pd.Categorical(adata.obs["bulk_labels"].astype(str).map(SORTED))
    predicted = adata.obs["annotation"].astype(str).replace(PREDICTED)
    adata.obs["coarse annotation"] = pd.Categorical(predicted)
    table = pd.crosstab(adata.obs["coarse bulk_labels"], predicted)
    return pd.DataFrame(
        {
            "cells": table.sum(axis=1),
            "agree": [table.loc[name].get(name, 0) for name in table.index],
            "most frequent other prediction": [
                others.idxmax() if (others := row.drop(name, errors="ignore")).sum() else ""
                for name, row in table.iterrows()
            ],
        }
    )


def draw(adata, path: Path) -> None:
    """Draw the predicted types in scanpy's UMAP, the confusion matrix, the confidence, and expression by rank."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, ((umap, confusion), (confidence, ranks)) = plt.subplots(2, 2, figsize=(14, 11), layout="constrained")
    for name, colour in zip(adata.obs["coarse annotation"].cat.categories, mpl.colormaps["tab10"].colors, strict=False):
        cells = (adata.obs["coarse annotation"] == name).to_numpy()
        umap.scatter(*adata.obsm["X_umap"][cells].T, s=9, color=colour, label=name)
    umap.set(title="Predicted cell types", xlabel="UMAP 1", ylabel="UMAP 2", xticks=[], yticks=[])
    umap.legend(markerscale=2, frameon=False)
    sd.pl.annotate(adata, "coarse bulk_labels", key="coarse annotation", ax=confusion)
    sd.pl.confidence(adata, ax=confidence)
    sd.pl.rank_expression(adata, ax=ranks)
    figure.savefig(path, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("demo_output"))
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    logging.getLogger("sc_duality").setLevel(logging.WARNING)

    adata = sd.datasets.pbmc68k_reduced()
    adata = adata[adata.obs["bulk_labels"] != "CD34+"].copy()  # progenitors: not among the labels of the model
    print(f"{adata.n_obs} blood cells, {adata.raw.n_vars} genes; none of them is in the training data of the model.\n")

    sd.pp.cell_sentences(adata, use_raw=True)
    print(f"The sentence of the first cell begins: {sd.get.cell_sentences(adata, n_genes=12).iloc[0]} …")

    start = time.perf_counter()
    sd.tl.annotate(adata)
    seconds = time.perf_counter() - start
    table = compare(adata)
    labelled = adata.obs["annotation_status"] == "ok"
    agreement = table["agree"].sum() / table["cells"].sum()
    tissues = sd.models.resolve("embedded").known("annotation", "label_sets")
    print(
        f"Annotated in {seconds:.1f} s, loading the model included, with a label set of "
        f"{adata.obsm['annotation_probabilities'].shape[1]} types of {len(tissues)} tissues.\n"
    )
    print(table.to_string(), "\n")
    print(f"Agreement with bulk_labels: {agreement:.3f} ({table['agree'].sum()} of {table['cells'].sum()} cells)")
    print(f"Labelled unknown: {(~labelled).mean():.3f}. These cells count as a disagreement.")

    # The unit is recognised by the totals of cells; these have logarithms of 765 genes only.
    sd.pp.fit_expression(adata, unit="log1p", target_sum=1e4)
    sd.pp.reconstruct_expression(adata)
    reconstructed, measured = adata.layers["reconstructed"].toarray(), adata.raw.X.toarray()
    expressed = reconstructed > 0
    correlations = [spearmanr(m[k], r[k]).statistic for m, r, k in zip(measured, reconstructed, expressed, strict=True)]
    model = adata.uns["cell_sentence"]["expression_model"]
    print(
        "\nExpression from the order of genes alone: log10(1 + counts per 10,000) ≈ "
        f"{model['slope']:.2f} · log10(rank) + {model['intercept']:.2f} (R² {model['r2']:.2f}); "
        f"median rank correlation within a cell {np.median(correlations):.2f}."
    )

    adata.write_h5ad(out / "pbmc68k_annotated.h5ad")
    draw(adata, out / "pbmc68k_annotated.png")
    print(
        f"\nLook at {out / 'pbmc68k_annotated.png'}, and open {out / 'pbmc68k_annotated.h5ad'} with scanpy:\n"
        "labels in obs['annotation'], their confidence in obs['annotation_confidence']."
    )


if __name__ == "__main__":
    main()
