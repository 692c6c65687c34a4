"""Small AnnData objects of every kind that users bring, made at random."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

Array = Any
#: Ensembl ids of genes that pbmc3k holds.
IDS = ("ENSG00000105369", "ENSG00000156738", "ENSG00000198851.9", "ENSG00000105374.11", "ENSG00000090382")
ODD_NAMES = (
    *(
        "",
        "γδ",
        "a/b",
        "nan",
        "None",
        "index",
        "_index",
        "CD4|CD8",
        "1",
        "Gene 1",
        "x" * 300,
        "\u200b",
        "MT-ND4",
        "RPL3",
    ),
    *("GRCh38_CD3E", "GRCh38______CD79A", "HLA.DRA", "Cd79a", "cd3e", "CD3_TotalSeqB", "CD79A.1", "NA", "../x", "#N/A"),
)
#: One of these is usual, the others are rare.
DTYPES = (
    "float32",
    "float32",
    "float64",
    "float16",
    "int8",
    "int64",
    "uint16",
    "bool",
    ">f4",
    ">i4",
    "float32",
    "complex64",
)
SIZES_OBS, SIZES_VAR = (1, 1, 2, 3, 5, 9), (1, 2, 6, 20, 40, 40)
KEYS = ("batch", "cell type", "γ", "a.b", "old", "_x", "n", "A", "annotation", "total_counts", "#", "x" * 70)


def made_object(rng: np.random.Generator, known: Sequence[str]) -> ad.AnnData | None:
    """An object with these known genes and others, or ``None`` where AnnData itself refuses to hold it."""
    n, m = (int(rng.choice(sizes)) for sizes in (SIZES_OBS, SIZES_VAR))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = ad.AnnData(_matrix(rng, n, m), _obs(rng, n), pd.DataFrame(index=_gene_names(rng, m, known)))
            _add_more(rng, found)
            if rng.random() < 0.1 and n > 1:
                return found[rng.permutation(n)[: max(1, n // 2)]]
        except (ValueError, TypeError, AttributeError, KeyError):
            return None
    return found


def _matrix(rng: np.random.Generator, n: int, m: int) -> Array:
    values = rng.poisson(rng.choice([0.3, 2.0, 20.0]), (n, m)).astype(np.float64)
    if rng.random() < 0.3:
        values[int(rng.integers(n))] = 0
    if rng.random() < 0.3:
        values[:, int(rng.integers(m))] = 0
    if rng.random() < 0.3:
        values = np.log1p(values)
    odd = rng.random()
    dtype = str(rng.choice(DTYPES)) if rng.random() < 0.6 else "float32"
    if odd < 0.12 and np.dtype(dtype).kind in "fc":
        values[int(rng.integers(n)), int(rng.integers(m))] = rng.choice([-1.0, np.nan, np.inf, -np.inf, -0.0, 1e-30])
    with np.errstate(all="ignore"):
        dense = np.minimum(values, 100).astype(dtype) if np.isfinite(values).all() else values.astype(dtype)
    return FORMS[int(rng.integers(len(FORMS)))](dense) if np.dtype(dtype).isnative and dtype != "float16" else dense


def _masked(dense: NDArray[Any]) -> Any:
    return np.ma.masked_array(dense, mask=dense == dense.max())


#: Forms of a matrix.
FORMS: tuple[Callable[[NDArray[Any]], Any], ...] = (
    *(np.asarray, np.asfortranarray, sparse.csr_matrix, sparse.csr_matrix, sparse.csc_matrix),
    *(sparse.csr_array, sparse.csc_array, _masked),
)


def _gene_names(rng: np.random.Generator, m: int, known: Sequence[str]) -> Any:
    names: list[Any] = rng.choice(known, m, replace=False).tolist()
    kind = rng.random()
    if kind < 0.3:
        for i in rng.choice(m, max(1, m // 6), replace=False):
            names[i] = rng.choice((*ODD_NAMES, *IDS))
    elif kind < 0.36:
        names = [*IDS, *names][:m]
    elif kind < 0.4:
        names[-1] = names[0]
    elif kind < 0.43:
        return pd.RangeIndex(m)
    elif kind < 0.46:
        names[-1] = rng.choice([None, np.nan], 1)[0]
    elif kind < 0.49:
        return pd.CategoricalIndex(names)
    return pd.Index(names)


def _obs(rng: np.random.Generator, n: int) -> pd.DataFrame:
    kind = rng.random()
    index = pd.Index([f"cell{i}" for i in range(n)])
    if kind < 0.05:
        index = pd.RangeIndex(n)
    elif kind < 0.1:
        index = pd.Index(["same"] * n)
    elif kind < 0.15:
        index = pd.Index([f"γ/{i} " for i in range(n)], name=str(rng.choice(["barcode", "index", "a/b", "found"])))
    obs = pd.DataFrame(index=index)
    for key in rng.choice(KEYS, int(rng.integers(4)), replace=False):
        obs[key] = COLUMNS[int(rng.integers(len(COLUMNS)))](rng, n)
    if rng.random() < 0.03:
        obs[7] = 1.0
    return obs


def _missing(rng: np.random.Generator, values: list[Any], missing: Any) -> list[Any]:
    return [missing if rng.random() < 0.3 else value for value in values]


#: Columns of every type, with and without missing values.
COLUMNS: tuple[Callable[[np.random.Generator, int], Any], ...] = (
    lambda rng, n: np.array(_missing(rng, rng.random(n).tolist(), np.nan)),
    lambda rng, n: rng.integers(5, size=n),
    lambda rng, n: rng.integers(2, size=n).astype(bool),
    lambda rng, n: pd.Categorical(_missing(rng, rng.choice(["B", "T", "a/b"], n).tolist(), None)),
    lambda rng, n: pd.Categorical(rng.integers(3, size=n)),
    lambda _rng, n: pd.Categorical(["T"] * n, categories=["B", "T", "unused"], ordered=True),
    lambda rng, n: pd.array(_missing(rng, rng.integers(9, size=n).tolist(), None), dtype="Int64"),
    lambda rng, n: pd.array(_missing(rng, [True] * n, None), dtype="boolean"),
    lambda rng, n: np.array(_missing(rng, ["γδ", "", "x"] * n, None)[:n], dtype=object),
    lambda rng, n: pd.array(_missing(rng, ["u"] * n, None), dtype="string"),
    lambda rng, n: rng.random(n).astype(np.float16),
)


def _add_more(rng: np.random.Generator, found: ad.AnnData) -> None:
    """Layers, raw, obsm and uns."""
    n, m = found.shape
    if rng.random() < 0.2:
        found.layers[str(rng.choice(["counts", "log γ", "spliced"]))] = sparse.csr_matrix(
            rng.poisson(1, (n, m)).astype(np.float32)
        )
    if rng.random() < 0.15:
        found.raw = found.copy()
    if rng.random() < 0.05:
        found.X = None
    if rng.random() < 0.2:
        found.obsm["X_pca"] = rng.random((n, 2))
    if rng.random() < 0.2:
        found.uns["log1p"] = {"base": None}
        found.uns["neighbors"] = {"params": {"n": 3}, "names": np.array(["a", "γ"], dtype=object)}
    if rng.random() < 0.2:
        found.var["highly_variable"] = rng.integers(2, size=m).astype(bool)
