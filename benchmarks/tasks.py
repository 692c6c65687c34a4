"""Generation and response beside simple baselines: ``python -m benchmarks.tasks [--quick] [--folds FOLDER …]``.

Generation: cells written for the types of a tissue against real cells that were never trained on, beside
sentences whose genes are drawn by how many cells of the type name them, and beside real training cells of
the type (what a perfect copy of the training data would reach).

Response: what becomes of control cells, against cells that were treated, beside "no change" and the mean
shift that other cells showed. What is judged was left out of the training of the model that is judged:
every fold has its own weights (``python -m benchmarks.build_embedded --stage tasks --leave-out I``).

All cells are on one footing: the first 100 genes that the model knows, a value of log10(101 / rank) for each;
distances are taken in the first 50 principal components of the real training cells.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

import sc_duality as sd
from benchmarks import _cells
from benchmarks._folds import is_validation
from benchmarks._report import report
from benchmarks._responses import FOLDS, PERTURBATIONS
from benchmarks._sentences import sentences
from sc_duality.models import LanguageModel
from sc_duality.tasks import Perturbation

N_GENES = 100
#: A type with fewer real cells is not judged.
MIN_CELLS = 10
#: How freely the model draws genes.
TEMPERATURES = {"embedded": 1.0, "embedded, temperature 0.7": 0.7}
#: Of so many cells the one is kept whose type is read back best.
BEST_OF = (8, 16)
#: Cells of a population at most, where a distance needs all pairs.
MAX_CELLS = 500


class Space:
    """The footing and the embedding in which cells are compared.

    Parameters
    ----------
    training
        Sentences of real training cells, which define the principal components.
    genes
        Genes that count.
    """

    def __init__(self, training: Sequence[Sequence[str]], genes: Sequence[str], seed: int) -> None:
        self.place = {gene: i for i, gene in enumerate(genes)}
        self.pca = PCA(50, random_state=seed).fit(self.levels(training))

    def levels(self, cells: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """log10(101 / rank) of every gene that is named, else 0; (n_cells, n_genes)."""
        rows = [[self.place[gene] for gene in genes if gene in self.place][:N_GENES] for genes in cells]
        values = np.concatenate([np.log10((N_GENES + 1) / np.arange(1, len(row) + 1)) for row in rows] or [[]])
        bounds = np.cumsum([0, *map(len, rows)])
        return sparse.csr_matrix(
            (values, np.concatenate(rows).astype(int), bounds), (len(rows), len(self.place))
        ).toarray()

    def embed(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.pca.transform(levels)


def distances(real: NDArray[np.float64], written: NDArray[np.float64], seed: int) -> dict[str, float]:
    """Between two populations in the embedding."""
    rng = np.random.default_rng(seed)
    n = min(len(real), len(written), MAX_CELLS)  # as many of both: the Fréchet distance grows with fewer cells
    real, written = (cells[rng.permutation(len(cells))[:n]] for cells in (real, written))
    return {
        "scFID": sd.metrics.frechet(real, written),
        "MMD": sd.metrics.mmd(real, written),
        "Wasserstein": sd.metrics.wasserstein(real, written),
    }


def spread(points: NDArray[np.float64]) -> float:
    """Mean distance of two cells of a population."""
    return float(pdist(points).mean())


def rounded(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else round(float(value), 4) for name, value in values.items()}


def mean_of(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return pd.DataFrame(each).mean().to_dict()


# --- generation ---------------------------------------------------------------------------------------------------


class Types(NamedTuple):
    """Sentences with the type of each."""

    cells: list[list[str]]
    labels: NDArray[np.str_]

    def of(self, label: str) -> list[list[str]]:
        return [self.cells[i] for i in np.flatnonzero(self.labels == label)]


def types_of(adata: ad.AnnData, known: frozenset[str]) -> Types:
    return Types(sentences(adata, known, N_GENES), adata.obs["label"].to_numpy(str))


def by_model(engine: LanguageModel, tissue: str, counts: dict[str, int], seed: int, **how: Any) -> Types:
    written = sd.tl.generate(engine, counts, tissue=tissue, rng=seed, **how)
    return Types(sd.get.gene_lists(written), written.obs["cell_type"].to_numpy(str))


def by_frequency(train: Types, counts: dict[str, int], seed: int) -> Types:
    """Genes drawn without replacement, the oftener the more training cells of the type name them."""
    rng = np.random.default_rng(seed)
    cells, labels = [], []
    for label, n in counts.items():
        named = pd.Series([gene for genes in train.of(label) for gene in genes]).value_counts()
        for _ in range(n):
            keys = np.log(named.to_numpy()) + rng.gumbel(size=len(named))
            cells.append(named.index[np.argsort(-keys)[:N_GENES]].tolist())
            labels.append(label)
    return Types(cells, np.array(labels))


def by_copying(train: Types, counts: dict[str, int], seed: int) -> Types:
    """Real training cells of the type."""
    rng = np.random.default_rng(seed)
    picked = [rng.choice(np.flatnonzero(train.labels == label), n) for label, n in counts.items()]
    rows = np.concatenate(picked)
    return Types([train.cells[i] for i in rows], train.labels[rows])


def generation(
    engine: LanguageModel, tissue: str, train: ad.AnnData, test: ad.AnnData, seed: int, best_of: Sequence[int]
) -> dict[str, object]:
    """Every method on one tissue; distances are means over types."""
    known = engine.spec.genes
    real, seen = types_of(test, known), types_of(train, known)
    of_type = pd.Series(real.labels).value_counts()
    counts = {str(label): int(n) for label, n in of_type.items() if n >= MIN_CELLS and label in set(seen.labels)}
    space = Space(seen.cells, sorted(known), seed)
    methods: dict[str, Types] = {
        **{name: by_model(engine, tissue, counts, seed, temperature=t) for name, t in TEMPERATURES.items()},
        **{
            f"embedded, temperature 0.7, best of {n}": by_model(
                engine, tissue, counts, seed, temperature=0.7, best_of=n
            )
            for n in best_of
        },
        "gene frequency": by_frequency(seen, counts, seed),
        "real training cells": by_copying(seen, counts, seed),
        "the real cells themselves": Types(
            [genes for label in counts for genes in real.of(label)],
            np.array([label for label, n in counts.items() for _ in range(n)]),
        ),
    }
    levels = space.levels(seen.cells)
    reference = space.embed(levels)
    classifier = LogisticRegression(C=10, max_iter=300, class_weight="balanced").fit(levels, seen.labels)
    held = {label: space.embed(space.levels(real.of(label))) for label in counts}
    results: dict[str, object] = {"n": counts}
    for name, types in methods.items():
        rows = space.levels(types.cells)
        points = space.embed(rows)
        each = [distances(held[label], points[types.labels == label], seed) for label in counts]
        nearest = sd.metrics.knn_accuracy(reference, seen.labels, points, types.labels)
        results[name] = rounded(
            {
                "type fidelity": float((classifier.predict(rows) == types.labels).mean()),
                **{f"kNN {k}": value for k, value in nearest.items()},
                "GW": sd.metrics.gromov_wasserstein(np.concatenate(list(held.values())), points, rng=seed),
                **mean_of(each),
                "diversity": float(np.mean([spread(points[types.labels == label]) for label in counts])),
                "distinct genes": float(len({gene for genes in types.cells for gene in genes})),
            }
        )
        print(tissue, name, results[name], flush=True)
    return results


# --- response -----------------------------------------------------------------------------------------------------


class Question(NamedTuple):
    """Control cells, what is done to them, and what is known otherwise."""

    name: str
    perturbation: Perturbation
    control: ad.AnnData
    #: Cells that were treated so; the model that is judged never saw them.
    treated: ad.AnnData
    #: Pairs of control and treated cells from which the mean shift is learnt.
    others: list[tuple[ad.AnnData, ad.AnnData]]


def question(cells: ad.AnnData, left_out: NDArray[np.bool_], by: str, perturbation: Perturbation) -> Question:
    """Among the cells of ``obs[by]``, those that are left out are judged and all others are known."""
    treated = (cells.obs["perturbation"] != str(_cells.CONTROL)).to_numpy()
    name = str(cells.obs[by][left_out].iloc[0])
    others = []
    for other in sorted(set(cells.obs[by].astype(str)) - {name}):
        same = (cells.obs[by].astype(str) == other).to_numpy()
        if (same & treated).any():
            base = same & ~treated
            others.append((cells[base if base.any() else ~treated].copy(), cells[same & treated].copy()))
    base = left_out & ~treated
    return Question(
        name, perturbation, cells[base if base.any() else ~treated].copy(), cells[left_out & treated].copy(), others
    )


def questions(fold: int) -> dict[str, Question]:
    """What is asked of the model of one fold."""
    kang, patients, stem = _cells.kang_response(), _cells.glioblastoma(), _cells.crispri()
    label, patient, target = FOLDS[fold]
    knockdown = next(one for one in PERTURBATIONS if one.target == target)
    return {
        "kang": question(kang, (kang.obs["label"] == label).to_numpy(), "label", _cells.INTERFERON),
        "glioblastoma": question(patients, (patients.obs["donor"] == patient).to_numpy(), "donor", _cells.PANOBINOSTAT),
        "crispri": question(stem, (stem.obs["perturbation"] == str(knockdown)).to_numpy(), "perturbation", knockdown),
    }


def response(engine: LanguageModel, asked: Question, n: int, seed: int) -> dict[str, dict[str, float | None]]:
    """Every method on one question."""
    known, rng = engine.spec.genes, np.random.default_rng(seed)

    def few(cells: ad.AnnData) -> ad.AnnData:
        return cells[np.sort(rng.permutation(cells.n_obs)[:n])].copy()

    control, treated = few(asked.control), few(asked.treated)
    seen = [tuple(sentences(few(part), known, N_GENES) for part in pair) for pair in asked.others]
    genes = sorted(known & set(asked.control.var_names))
    before, after = sentences(control, known, N_GENES), sentences(treated, known, N_GENES)
    space = Space([cell for pair in seen for part in pair for cell in part] + before, genes, seed)
    levels = space.levels(before)
    shift = np.mean([space.levels(after).mean(0) - space.levels(base).mean(0) for base, after in seen], axis=0)
    written = {
        name: sd.tl.perturb(control, asked.perturbation, engine, temperature=temperature, rng=seed)
        for name, temperature in TEMPERATURES.items()
    }
    # What the model says where nothing is done: alike, if it does not heed the perturbation.
    written["embedded, told control"] = sd.tl.perturb(control, _cells.CONTROL, engine, rng=seed)
    methods = {
        **{name: space.levels(sd.get.gene_lists(predicted)) for name, predicted in written.items()},
        "mean shift": levels + shift,
        "no change": levels,
    }
    real = space.levels(after)
    observed = real.mean(0) - levels.mean(0)
    results = {}
    for name, cells in methods.items():
        change = cells.mean(0) - levels.mean(0)
        correlation = sd.metrics.pearson(observed, change) if np.ptp(change) else np.nan
        results[name] = {**distances(space.embed(real), space.embed(cells), seed), "correlation": correlation}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one tissue, and one fold of 30 cells")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--folds", type=Path, nargs="*", help="folders of the weights of each fold, in order")
    parser.add_argument("--cells", type=int, default=200, help="cells of each population of a response at most")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sd.settings.progress = False
    engine = sd.models.load(args.model)
    shipped, pancreas = sd.datasets.pbmc3k(), _cells.pancreas()
    shipped.obs["label"] = shipped.obs["cell_type"].astype(str).replace(_cells.SYNONYMS)
    sets = {"blood": (_cells.pbmc3k(), shipped)}
    if not args.quick:
        train = pancreas["train"]
        sets["pancreas"] = (train[~is_validation(train)].copy(), pancreas["held_out_donors"])
    best_of = (2,) if args.quick else BEST_OF
    generated = {tissue: generation(engine, tissue, *pair, args.seed, best_of) for tissue, pair in sets.items()}

    responses: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for fold, folder in enumerate((args.folds or [])[: 1 if args.quick else None]):
        judged = sd.models.load(folder)
        for name, asked in questions(fold).items():
            found = response(judged, asked, 30 if args.quick else args.cells, args.seed)
            responses.setdefault(name, {})[asked.name] = found
            print(name, asked.name, {method: rounded(values) for method, values in found.items()}, flush=True)
    table = {
        name: {
            "mean": {
                method: rounded(mean_of([fold[method] for fold in folds.values()]))
                for method in next(iter(folds.values()))
            },
            "folds": {
                left: {method: rounded(values) for method, values in each.items()} for left, each in folds.items()
            },
        }
        for name, folds in responses.items()
    }
    report(
        {"generation": generated, "response": table},
        n=args.cells,
        seed=args.seed,
        packages=("POT", "scikit-learn", "torch", "transformers"),
    )


if __name__ == "__main__":
    main()
