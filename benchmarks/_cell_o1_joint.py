"""Cell puzzles without a large model: independent labels and their joint assignment, by tissue.

The embedded model was trained on the donors of lung, heart and retina, but on none of the donors of the pancreas and of
the lymphoid organs that are tested here. The regression is always fitted on other donors; for retina, which has one, on
other cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

import sc_duality as sd
from benchmarks._baselines import ranks_augmented, thinned
from benchmarks._held_out import shipped_pbmc3k
from recipes.embedded import real_cells
from sc_duality.tl._assignment import best_assignment

#: Puzzles of a tissue and seed, and seeds.
N_PUZZLES, N_SEEDS = 100, 3
METRICS = {"cell": "cell_accuracy", "batch": "batch_accuracy"}


class Fold(NamedTuple):
    """Donors whose cells are in puzzles, and cells of other donors for the regression."""

    train: ad.AnnData
    test: ad.AnnData


class Tissue(NamedTuple):
    """Folds of a tissue, bounds of the number of cells of a puzzle, and whether the embedded model knows the donors."""

    folds: list[Fold]
    n_cells: tuple[int, int]
    in_training: bool


def tissues() -> dict[str, Tissue]:
    """All tissues, each with every donor that has enough types in the puzzles once."""
    pancreas = real_cells.pancreas()
    tested = ad.concat([pancreas[name] for name in ("held_out_donors", "muraro", "tritschler")], merge="same")
    lung, heart, retina = real_cells.lung(), real_cells.heart()[0], real_cells.retina()
    half = np.random.default_rng(0).random(retina.n_obs) < 0.5
    organs = real_cells.lymphoid_organs()
    return {
        "pancreas": Tissue([Fold(pancreas["train"], tested)], (4, 9), False),
        "lymphoid organs": Tissue([Fold(organs["train"], organs["held_out_donors"])], (4, 8), False),
        "lung": Tissue(by_donor(lung, 8), (8, 15), True),
        "heart": Tissue(by_donor(heart, 8), (8, 12), True),
        "retina": Tissue([Fold(retina[half].copy(), retina[~half].copy())], (8, 11), True),
    }


def quick_tissues() -> dict[str, Tissue]:
    """Shipped blood cells, which the embedded model was not trained on, in two made donors."""
    cells = shipped_pbmc3k()
    cells.obs["donor"] = [f"donor {i % 2}" for i in range(cells.n_obs)]
    return {"blood": Tissue(by_donor(cells, 4), (4, 5), False)}


def by_donor(cells: ad.AnnData, n_types: int) -> list[Fold]:
    """Each donor with so many types once, with the cells of all others."""
    donor = cells.obs["donor"].astype(str)
    n = cells.obs["label"].groupby(donor).nunique()
    return [Fold(cells[donor != name].copy(), cells[donor == name].copy()) for name in n.index[n >= n_types]]


def puzzles_of(fold: Fold, tissue: Tissue, n_puzzles: int, seed: int) -> ad.AnnData | None:
    """Puzzles of types that the regression can know; ``None`` where a fold has too few of them."""
    known = fold.test[fold.test.obs["label"].isin(fold.train.obs["label"])].copy()
    most = known.obs.groupby("donor", observed=True)["label"].nunique().max()
    if most < tissue.n_cells[0]:
        return None
    return sd.pp.cell_puzzles(known, "label", n_puzzles=n_puzzles, n_cells=tissue.n_cells, n_genes=200, rng=seed)


def regression(fold: Fold, puzzles: ad.AnnData, seed: int) -> pd.DataFrame:
    """Log-probabilities of the strong regression for the cells of the puzzles."""
    shared = fold.train.var_names.intersection(puzzles.var_names)
    train, features = thinned(fold.train[:, shared].copy(), seed), ranks_augmented()
    model = LogisticRegression(C=10, max_iter=300, class_weight="balanced")
    model.fit(features(train), train.obs["label"].to_numpy(str))
    cells = puzzles[~puzzles.obs["cell"].duplicated(), shared].copy()
    found = pd.DataFrame(model.predict_log_proba(features(cells)), cells.obs["cell"], model.classes_)
    return found.loc[puzzles.obs["cell"]].set_index(puzzles.obs_names)


def write_labels(puzzles: ad.AnnData, key: str, scores: pd.DataFrame) -> None:
    """The label of each cell among the candidates of its puzzle, alone (``<key>_independent``) and jointly."""
    joint, alone = pd.Series(index=puzzles.obs_names, dtype=object), pd.Series(index=puzzles.obs_names, dtype=object)
    for _, cells in puzzles.obs.groupby("puzzle", observed=True):
        options = np.unique(cells["candidate"].astype(str))
        among = scores.loc[cells.index, options].to_numpy()
        joint[cells.index] = options[best_assignment(among)]
        alone[cells.index] = options[among.argmax(axis=1)]
    puzzles.obs[key], puzzles.obs[f"{key}_independent"] = joint, alone


def scored(puzzles: ad.AnnData, key: str) -> pd.DataFrame:
    """Scores of each puzzle, with and without the constraint."""
    tables = {"joint": sd.get.puzzles(puzzles, key), "independent": sd.get.puzzles(puzzles, f"{key}_independent")}
    return pd.concat(tables, axis=1)


def mean_scores(table: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Means over puzzles of both ways, the difference, and 95 % bootstrap intervals."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(table), (1000, len(table)))
    found: dict[str, Any] = {}
    for way in ("independent", "joint"):
        found[way] = {name: round(float(table[way][metric].mean()), 4) for name, metric in METRICS.items()}
    for name, metric in METRICS.items():
        gain = (table["joint"][metric] - table["independent"][metric]).to_numpy()
        found["joint"][f"{name}_gain_interval"] = interval(gain[rows].mean(axis=1))
    return found


def interval(samples: NDArray[np.float64]) -> list[float]:
    return [round(float(bound), 4) for bound in np.quantile(samples, (0.025, 0.975))]


def by_n(table: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    """Independent and joint accuracy by number of cells."""
    parts = table.groupby(table["joint"]["n_cells"])
    return {
        str(n): {
            name: [round(float(part[way][metric].mean()), 4) for way in ("independent", "joint")]
            for name, metric in METRICS.items()
        }
        for n, part in parts
    }


def run(quick: bool, seed: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """Both models on the puzzles of every tissue."""
    figures = {}
    for name, tissue in (quick_tissues() if quick else tissues()).items():
        ours, theirs = [], []
        for puzzles, fold, number in _all_puzzles(tissue, 20 if quick else N_PUZZLES, range(1 if quick else N_SEEDS)):
            sd.tl.annotate(puzzles, unique="puzzle", labels="candidate")
            ours.append(scored(puzzles, "annotation"))
            write_labels(puzzles, "regression", regression(fold, puzzles, number))
            theirs.append(scored(puzzles, "regression"))
        table, of_regression = pd.concat(ours), pd.concat(theirs)
        figures[name] = {
            **mean_scores(table, seed),
            "logistic_regression": mean_scores(of_regression, seed),
            "n": len(table),
            "in_training": tissue.in_training,
            "by_n": by_n(table),
        }
        progress(f"{name}: {figures[name]}")
    return figures


def _all_puzzles(tissue: Tissue, n_puzzles: int, seeds: range) -> Iterator[tuple[ad.AnnData, Fold, int]]:
    for seed in seeds:
        for fold in tissue.folds:
            puzzles = puzzles_of(fold, tissue, -(-n_puzzles // len(tissue.folds)), seed)
            if puzzles is not None:
                yield puzzles, fold, seed
