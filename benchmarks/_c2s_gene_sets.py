"""Gene sets by name for training and testing, and their baselines.

A fifth of the sets is held out. Ontologies name one process several times: a held-out set that shares more than half
of its genes with a training set (Jaccard index) is not tested. A model with one token a word of a name can only read
names whose words it was trained on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

import sc_duality as sd
from benchmarks._c2s_baselines import Examples, frequency, nearest_rows
from benchmarks._c2s_examples import true_cells

#: Genes of the vocabulary, genes of a set that are in it, and the fewest sets that have a word of a name.
N_VOCABULARY, FEWEST, MOST, MIN_SETS = 2500, 8, 30, 3
_P_TEST, _MOST_SHARED = 0.2, 0.5

Sets = dict[str, tuple[str, ...]]


class SetSplit(NamedTuple):
    """Gene sets for training and held-out ones, on the genes of most sets."""

    train: Sets
    test: Sets
    genes: list[str]


def name_tokens(name: str) -> list[str]:
    """The words of a name."""
    return name.lower().replace("_", " ").split()


def split_sets(sets: Sets, seed: int) -> SetSplit:
    """Random held-out sets that are unlike the training sets, with words that those have."""
    n = Counter(gene for genes in sets.values() for gene in genes)
    vocabulary = {gene for gene, _ in sorted(n.items(), key=lambda pair: (-pair[1], pair[0]))[:N_VOCABULARY]}
    known = {name: tuple(gene for gene in genes if gene in vocabulary) for name, genes in sets.items()}
    number = Counter(token for name in known for token in name_tokens(name))
    fitting = {
        name: genes
        for name, genes in known.items()
        if FEWEST <= len(genes) <= MOST and all(number[token] >= MIN_SETS for token in name_tokens(name))
    }
    names = np.random.default_rng(seed).permutation(list(fitting)).tolist()
    n_test = max(1, round(_P_TEST * len(names)))
    train = {name: fitting[name] for name in names[n_test:]}
    taught = {token for name in train for token in name_tokens(name)}
    test = {
        name: fitting[name]
        for name in names[:n_test]
        if taught.issuperset(name_tokens(name)) and _most_shared(fitting[name], train) <= _MOST_SHARED
    }
    return SetSplit(train, test, sorted(vocabulary))


def _most_shared(genes: Sequence[str], others: Sets) -> float:
    one = set(genes)
    return max(len(one & set(other)) / len(one | set(other)) for other in others.values())


def read_sets(file: Path) -> Sets:
    """The sets of a GMT file."""
    if not file.is_file():
        raise SystemExit(f"{file} does not exist: pass a GMT file, such as that of benchmarks._c2s_go_sets")
    return dict(sd.io.read_gmt(file))


def made_sets(cells: ad.AnnData, seed: int) -> Sets:
    """Random parts of the most expressed genes of each type, for ``--quick``."""
    rng = np.random.default_rng(seed)
    found: Sets = {}
    for label, rows in cells.obs.groupby("label", observed=True).indices.items():
        total = np.asarray(cells.X[rows].sum(axis=0)).ravel()
        frequent = cells.var_names[np.argsort(-total, kind="stable")[:60]]
        for part in range(6):
            found[f"{label} part {part}"] = tuple(rng.choice(frequent, 15, replace=False))
    return found


def cells_of_sets(sets: SetSplit) -> ad.AnnData:
    """The training sets as cells that express their genes, as training on gene sets needs cells too."""
    column = {gene: i for i, gene in enumerate(sets.genes)}
    expressed = [[column[gene] for gene in genes] for genes in sets.train.values()]
    X = sparse.lil_matrix((len(expressed), len(column)), dtype=np.float32)
    X.rows[:], X.data[:] = [sorted(one) for one in expressed], [[1.0] * len(one) for one in expressed]
    names = pd.Index(list(sets.train))
    return ad.AnnData(X.tocsr(), pd.DataFrame(index=names), pd.DataFrame(index=pd.Index(sets.genes)))


def similar_name(training: Examples, test: Examples, seed: int) -> list[Any]:
    """The genes of the training set whose name shares most words, then those of most sets."""
    fill = frequency(training, test, seed)
    found = []
    for one, frequent in zip(test, fill, strict=True):
        best = max(training, key=lambda other: _shared_tokens(other.example.name, one.example.name))
        genes = dict.fromkeys((*best.example.truth, *frequent[0]))
        found.append((tuple(genes)[: len(true_cells(one)[0])],))
    return found


def similar_option(training: Examples, test: Examples, _seed: int) -> list[Any]:
    """The option that shares most words with the name of the training set with the most similar genes."""
    near = [training[i].example.truth for i in nearest_rows(training, test)]
    return [
        max(one.example.options, key=lambda option: _shared_tokens(option, name))
        for one, name in zip(test, near, strict=True)
    ]


def random_option(_training: Examples, test: Examples, seed: int) -> list[Any]:
    """A random option."""
    rng = np.random.default_rng(seed)
    return [str(rng.choice(one.example.options)) for one in test]


def _shared_tokens(one: str, other: str) -> float:
    a, b = set(name_tokens(one)), set(name_tokens(other))
    return len(a & b) / len(a | b)


OF_NAMES = {"random option": random_option, "option like the name of the nearest set": similar_option}
OF_SETS = {"gene frequency": frequency, "genes of the set of the most similar name": similar_name}
