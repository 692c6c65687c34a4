"""CellDuality, table 4, and C2S-Scale, figure 6E: responses to nine unseen drugs of sci-Plex3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import anndata as ad
import numpy as np
import pandas as pd

import sc_duality as sd
from benchmarks._paper_data import PaperData
from benchmarks._paper_expression import log_normalised, sampled_rows, variable_genes
from benchmarks._paper_table import PaperTable, Scores, Setting, Split
from sc_duality.models import LanguageModel
from sc_duality.tasks import Perturbation

#: The drugs of the test set (C2S-Scale, section 4.7.9).
DRUGS = (
    "Dacinostat", "Givinostat", "Belinostat", "Hesperadin", "Quisinostat", "Alvespimycin", "Tanespimycin", "TAK-901",
    "Flavopiridol",
)  # fmt: skip
#: Genes of a cell, and cells of other drugs to which genes and components are fitted.
N_GENES, N_FIT, SEED = 2000, 2000, 42
_METRICS = {"scFID": "frechet", "MMD": "mmd", "Wasserstein": "wasserstein"}
READ = "predictions read (%)"
_CONTROL = "control"


@dataclass(frozen=True)
class ResponsePart:
    """The drugs that no training has seen, each with every dose and cell line."""

    title: str = "sci-Plex3"
    data: str = "sciplex3"
    metrics: tuple[str, ...] = (*_METRICS, READ)

    def split(self, data: PaperData, setting: Setting) -> Split:
        """Treated cells to test; control cells and a sample of other drugs are the training cells."""
        cells = data.read(self.data, lambda adata: chosen_cells(adata, setting.max_cells), backed=True)
        fitted = (cells.obs["role"] == "other").to_numpy()
        genes = np.sort(variable_genes(log_normalised(cells[fitted]), N_GENES))
        tested = (cells.obs["role"] == "test").to_numpy()
        return Split(cells[~tested, genes].copy(), cells[tested, genes].copy())

    def model_scores(self, split: Split, model: LanguageModel, setting: Setting) -> Scores:
        """Cells by :func:`sc_duality.tl.perturb`, from as many control cells as there are treated ones."""
        parts = []
        for condition, control in controls(split).items():
            first = split.test.obs.loc[split.test.obs["condition"] == condition].iloc[0]
            perturbation = Perturbation("drug", first["drug"], dose=first["dose"], time="24 h")
            found = sd.tl.perturb(control, perturbation, model, sampling=setting.sampling(), rng=setting.seed)
            obs = found.obs[["perturbation_status"]].assign(condition=condition)
            parts.append(ad.AnnData(found.X, obs, found.var[[]]))
        predicted = ad.concat(parts, index_unique="-")
        predicted.uns["log1p"] = found.uns["log1p"]
        read = (predicted.obs["perturbation_status"] == "ok").to_numpy()
        if not read.any():
            raise ValueError("no prediction could be read")
        return scores(predicted[read].copy(), split) | {READ: 100 * float(read.mean())}

    def baseline_scores(self, split: Split, setting: Setting) -> Mapping[str, Scores]:
        """Control cells as predictions, and one half of the real cells against the other."""
        parts = controls(split)
        unchanged = ad.concat(parts, label="condition", index_unique="-")
        rank = split.test.obs.groupby("condition", observed=True).cumcount().to_numpy()
        halves = [split.test[rank % 2 == i].copy() for i in (0, 1)]
        return {
            "control cells": scores(unchanged, split),
            "half of the real cells": scores(halves[0], Split(split.train, halves[1])),
        }


def chosen_cells(adata: ad.AnnData, max_cells: int | None) -> ad.AnnData:
    """Cells of the nine drugs, control cells and others, with ``role``, ``drug``, ``dose``, ``line``, ``condition``."""
    obs, rng = adata.obs, np.random.default_rng(SEED)
    names, lines = obs["perturbation"].astype(str), obs["cell_line"].astype(str)
    units = obs["dose_unit"].astype(str) if "dose_unit" in obs else pd.Series("nM", obs.index)
    table = pd.DataFrame({"drug": "", "dose": "", "line": lines, "role": "other", "condition": ""}, index=obs.index)
    table.loc[names == _CONTROL, "role"] = _CONTROL
    for drug in DRUGS:  # the file adds codes and salts to the names
        table.loc[names.str.lower().str.startswith(drug.lower()), ["drug", "role"]] = [drug, "test"]
    tested = table["role"] == "test"
    table.loc[tested, "dose"] = [f"{float(value):g} {unit}" for value, unit in zip(
        obs.loc[tested, "dose_value"], units[tested], strict=True)]  # fmt: skip
    table["condition"] = table["drug"].str.cat([table["dose"], table["line"]], sep=" ")
    if not tested.any() or not (table["role"] == _CONTROL).any():
        raise SystemExit(f"sciplex3 has no cell of {', '.join(DRUGS)}, or no control cell: is the file another one?")
    groups = table[tested].groupby("condition", observed=True).indices
    rows = [np.flatnonzero(tested)[sampled_rows(own, max_cells, rng)] for own in groups.values()]
    rows.append(np.flatnonzero(table["role"] == _CONTROL))
    rows.append(sampled_rows(np.flatnonzero(table["role"] == "other"), N_FIT, rng))
    kept = np.sort(np.concatenate(rows))
    found = adata[kept].to_memory()
    return ad.AnnData(found.X, table.iloc[kept].copy(), found.var[[]].copy())


def controls(split: Split) -> dict[str, ad.AnnData]:
    """For each condition as many control cells of its cell line as it has cells, as far as there are so many."""
    rng = np.random.default_rng(SEED)
    obs, found = split.train.obs, {}
    for condition, cells in split.test.obs.groupby("condition", observed=True):
        pool = np.flatnonzero((obs["role"] == _CONTROL) & (obs["line"] == cells["line"].iloc[0]))
        if len(pool):
            rows = sampled_rows(pool, len(cells), rng)
            found[str(condition)] = ad.AnnData(split.train.X[rows], obs.iloc[rows][["line"]].copy(), split.train.var)
    return found


def scores(predicted: ad.AnnData, split: Split) -> Scores:
    """Means over conditions of the distances in 50 principal components of cells of other drugs."""
    fit = split.train[(split.train.obs["role"] == "other").to_numpy()].copy()
    table = sd.tl.evaluate(
        predicted, split.test, "condition", metrics=list(_METRICS.values()), on="expression", fit=fit, rng=SEED
    )
    means = table[table["condition"] == "mean"].set_index("metric")["value"]
    return {name: float(means[metric]) for name, metric in _METRICS.items()}


PART = ResponsePart()
HOW = (
    f"Test: {', '.join(DRUGS)}, every dose and cell line of them (C2S-Scale, section 4.7.9); for each condition as "
    "many control cells of its cell line as there are treated cells. --max-cells: most treated cells of a condition.",
    "scFID, MMD and Wasserstein by sd.tl.evaluate: log-normalised expression, 50 principal components of "
    f"{N_FIT} cells of other drugs, at most 500 cells of a condition, means over conditions.",
    f"{READ}: share of predictions that are cells; others are left out of the distances.",
    "Ours next to the model: control cells as predictions (no change), and one half of the real cells against the "
    "other (what the number of cells allows).",
)
NOT_REPEATED = (
    "distances in the embedding of scGPT, whose weights are not read here: ours are in principal components, and "
    "values of two embeddings cannot be compared",
    f"the genes of ChemCPA (978 landmarks and 1,022 variable ones): no list of landmarks is read here; the {N_GENES} "
    "genes that vary most in cells of other drugs",
    "scGen, CellOT, scGPT and C2S-Scale, which are not trained here",
    "the training on L1000: its data are not in sd.datasets",
)
TABLE = PaperTable("cellduality-4", "responses to nine unseen drugs", (PART,), HOW, NOT_REPEATED)
