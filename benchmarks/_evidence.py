"""Whether the genes that ``sd.tl.explain`` names decide, and whether they are the genes that biologists know.

On cells that the model was not trained on, the ten genes that were named for a label are deleted from other cells with
this label, and so are ten random genes of the same cells, chosen in proportion to the number of cells that express
them. ``full``, ``deleted`` and ``random`` are the mean probability of the label, over labels. ``overlap`` is the share
of the named genes that are among the 50 most differentially expressed genes of the type by its true label, ``chance``
that of random genes, chosen in the same way.
"""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

import sc_duality as sd
from benchmarks._held_out import held_out_sets, shipped_pbmc3k
from sc_duality.cells import marker_genes
from sc_duality.examples import model_names

SETS = ("muraro", "tritschler", "pbmc_facs_800")
N_NAMED, N_DIFFERENTIAL, MIN_CELLS = 10, 50, 10


def run(quick: bool, seed: int = 0) -> dict[str, Any]:
    """Figures of each set, and their means over the sets; ``quick`` takes three types of the shipped PBMC3k."""
    if quick:
        cells = shipped_pbmc3k()
        kept = cells.obs["label"].isin(["B cell", "natural killer cell", "classical monocyte"]).to_numpy()
        sets = {"pbmc3k, shipped cells": evaluate(cells[kept].copy(), seed, n_cells=8, n_read=3, n_random=1)}
    else:
        held_out = held_out_sets()
        sets = {name: evaluate(held_out[name].cells, seed, n_cells=30, n_read=10, n_random=3) for name in SETS}
    means = {name: _mean([figures[name] for figures in sets.values()]) for name in ("full", "deleted", "random")}
    return {"sets": sets, **means}


def evaluate(cells: ad.AnnData, seed: int, *, n_cells: int, n_read: int, n_random: int) -> dict[str, Any]:
    """Deletion and overlap on one set: ``n_cells`` cells of a label are changed, ``n_read`` others are explained."""
    rng = np.random.default_rng(seed)
    cells.obs_names_make_unique()
    sd.tl.annotate(cells)
    labels = cells.obs["annotation"].astype(str).where(cells.obs["annotation_status"].to_numpy() == "ok")
    counts = labels.value_counts()
    chosen = sorted(counts.index[counts >= MIN_CELLS])
    read, changed = _split(labels, chosen, n_read, n_cells, rng)
    explained = cells[read].copy()
    sd.tl.annotate(explained)
    sd.tl.explain(explained, n_genes=N_NAMED, n_cells=n_read, rng=seed)
    table = sd.get.evidence(explained, n_genes=N_NAMED)
    named = {label: part["gene"].tolist() for label, part in table.groupby("group", observed=True) if label in chosen}
    pools = {label: _expressed(cells[(labels == label).to_numpy()]) for label in named}
    versions, truth = [], []
    for label, genes in named.items():
        names, weights = pools[label]
        random = [rng.choice(names, N_NAMED, replace=False, p=weights) for _ in range(n_random)]
        conditions = {"full": [], "deleted": genes, **{f"random {i}": found for i, found in enumerate(random)}}
        for condition, hidden in conditions.items():
            versions.append(_without(cells[changed[label]], hidden, f"{label}|{condition}"))
            truth += [(label, condition.split()[0])] * len(changed[label])
    together = ad.concat(versions, merge="same")
    sd.tl.annotate(together)
    found = together.obsm["annotation_probabilities"]
    probability = [found[label].iloc[i] for i, (label, _) in enumerate(truth)]
    by_label = pd.DataFrame(truth, columns=["label", "condition"]).assign(probability=probability)
    means = by_label.groupby(["label", "condition"])["probability"].mean().unstack()
    return {
        "n_labels": len(named),
        "n_cells": int(sum(len(changed[label]) for label in named)),
        **{name: _mean(means[name]) for name in ("full", "deleted", "random")},
        **_overlap(cells, named, pools),
    }


def _split(
    labels: pd.Series, chosen: list[str], n_read: int, n_cells: int, rng: np.random.Generator
) -> tuple[list[int], dict[str, list[int]]]:
    """Rows of the cells that are explained, and of the other cells of each label, whose genes are deleted."""
    read: list[int] = []
    changed = {}
    for label in chosen:
        rows = rng.permutation(np.flatnonzero(labels == label))
        n = min(n_read, len(rows) // 2)
        read += rows[:n].tolist()
        changed[label] = rows[n : n + n_cells].tolist()
    return read, changed


def _expressed(cells: ad.AnnData) -> tuple[np.ndarray, np.ndarray]:
    """Genes of the cells' sentences that the model knows, and the share of all positions that each has."""
    genes = np.concatenate([np.array(one, dtype=object) for one in sd.get.gene_lists(cells)])
    names, counts = np.unique(genes.astype(str), return_counts=True)
    known = np.array([name is not None for name in model_names(names.astype(object), sd.models.resolve("embedded"))])
    return names[known], counts[known] / counts[known].sum()


def _without(cells: ad.AnnData, genes: list[str], suffix: str) -> ad.AnnData:
    """The cells without counts of these genes, and without results."""
    found = ad.AnnData(cells.X.copy(), pd.DataFrame(index=cells.obs_names + f"|{suffix}"), cells.var[[]].copy())
    kept = np.ones(found.n_vars, dtype=np.float32)
    kept[found.var_names.isin(list(genes))] = 0
    found.X = found.X.multiply(kept).tocsr() if hasattr(found.X, "multiply") else found.X * kept
    return found


def _overlap(
    cells: ad.AnnData, named: dict[str, list[str]], pools: dict[str, tuple[np.ndarray, np.ndarray]]
) -> dict[str, Any]:
    """Named genes among the differentially expressed genes of the types by true labels, and the same by chance."""
    differential = marker_genes(cells, "label", n_genes=N_DIFFERENTIAL)
    shared = [label for label in named if differential.get(label)]
    hits = sum(len(set(named[label]) & set(differential[label])) for label in shared)
    total = sum(len(named[label]) for label in shared)
    by_chance = sum(
        len(named[label]) * pools[label][1][np.isin(pools[label][0], differential[label])].sum() for label in shared
    )
    return {
        "named": total,
        "named_differential": hits,
        "overlap": round(hits / max(1, total), 4),
        "chance": round(float(by_chance) / max(1, total), 4),
        "ratio": round(hits / max(1e-9, float(by_chance)), 2),
    }


def _mean(values: Any) -> float:
    return round(float(np.mean(list(values))), 4)
