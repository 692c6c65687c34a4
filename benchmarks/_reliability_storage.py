"""Results of every tool through every store and change of the AnnData: a part of ``benchmarks.reliability``."""

from __future__ import annotations

import pickle
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks._reliability_stores import read_store, write_store

STORES = ["cells.h5ad", "cells.h5mu", "cells_v3.zarr"]
UNS_MERGES = (None, "same", "unique", "first", "only")


def tools(quick: bool) -> Iterator[tuple[str, ad.AnnData]]:
    """A few real cells with the results of each tool."""
    plain = sd.datasets.pbmc3k()[::32].copy()
    sd.tl.annotate(plain, labels="blood")
    yield "annotate", plain.copy()
    if quick:
        return
    for name, tool in _TOOLS.items():
        cells = plain.copy()
        tool(cells)
        yield name, cells
    yield "generate", sd.tl.generate({"B cell": 4, "NK cell": 4}, n_genes=20)
    yield "perturb", sd.tl.perturb(plain.copy(), ("cytokine", "IFNB1"), n_genes=20)


_TOOLS: dict[str, Callable[[ad.AnnData], Any]] = {
    "sensitivity": lambda cells: sd.tl.sensitivity(cells, "panobinostat"),
    "embed": sd.tl.embed,
    "duality": lambda cells: sd.tl.duality(cells, n_genes=10),
    "fit_expression": sd.pp.fit_expression,
    "reconstruct_expression": lambda cells: (sd.pp.fit_expression(cells), sd.pp.reconstruct_expression(cells)),
}


def changes(cells: ad.AnnData) -> Iterator[tuple[str, ad.AnnData]]:
    """The same cells after each change that users make."""
    half = cells.n_obs // 2
    yield "none", cells
    yield "subset", cells[: half + 1, : cells.n_vars - 2].copy()
    for join in ("inner", "outer"):
        for uns_merge in UNS_MERGES:
            parts = [cells[:half].copy(), cells[half:, : cells.n_vars - 2].copy()]
            yield f"concat {join}, uns_merge={uns_merge}", ad.concat(parts, join=join, uns_merge=uns_merge)
    renamed = cells.copy()
    renamed.obs_names = [f"other {name}" for name in renamed.obs_names]
    yield "rename obs_names", renamed
    renamed = cells.copy()
    renamed.var_names = [f"other-{name}" for name in renamed.var_names]
    yield "rename var_names", renamed
    yield "copy", cells.copy()
    yield "pickle", pickle.loads(pickle.dumps(cells))


def storage(folder: Path, *, quick: bool = False) -> dict[str, int]:
    """Write and read the results of every tool after every change, and use them again.

    Returns ``storage_cells`` (combinations), ``wrong`` (what was read differs), ``refused`` (uses that end in an error
    of this package) and ``crashes`` (in another error).
    """
    counts: Counter[str] = Counter(storage_cells=0, wrong=0, refused=0, crashes=0)
    for tool, cells in tools(quick):
        for change, changed in changes(cells):
            for store in STORES[:1] if quick else STORES:
                path = folder / f"{counts['storage_cells']}_{store}"
                where = f"{tool}, {change}, {store}"
                counts["storage_cells"] += 1
                write_store(changed.copy(), path)
                found = read_store(path)
                if differing := differences(found, changed):
                    print(f"{where}: {differing}")
                    counts["wrong"] += 1
            counts.update(_used_again(found, f"{tool}, {change}"))
    return dict(counts)


def differences(found: ad.AnnData, expected: ad.AnnData) -> list[str]:
    """Names of the elements that differ; missing columns are named too."""
    names = [f"obs {name}" for name in expected.obs if _texts(found.obs.get(name)) != _texts(expected.obs[name])]
    names += [f"var {name}" for name in expected.var if _texts(found.var.get(name)) != _texts(expected.var[name])]
    for kind in ("obsm", "layers"):
        for name, values in getattr(expected, kind).items():
            other = getattr(found, kind).get(name)
            if other is None or not np.array_equal(_dense(other), _dense(values), equal_nan=True):
                names.append(f"{kind} {name}")
    return names + [f"uns {name}" for name in set(expected.uns) ^ set(found.uns)]


def _texts(column: Any) -> list[str] | None:
    return None if column is None else column.astype(object).where(column.notna(), "missing").astype(str).tolist()


def _dense(values: Any) -> np.ndarray:
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=float)


def _used_again(cells: ad.AnnData, where: str) -> Counter[str]:
    """Use the results; an error must be raised by this package and be of a type that it documents."""
    counts: Counter[str] = Counter()
    uses: list[Callable[[], Any]] = [
        lambda: sd.get.cell_sentences(cells),
        lambda: sd.tl.duality(cells, n_genes=5),
        lambda: sd.tl.evaluate(cells, "cell_type", metrics="accuracy"),
    ]
    for use in uses:
        try:
            use()
        except Exception as error:  # noqa: BLE001 - any error is counted
            raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
            own = isinstance(error, KeyError | TypeError | ValueError) and "sc_duality" in raised_in
            counts["refused" if own else "crashes"] += 1
            if not own:
                print(f"{where}: {type(error).__name__} in {raised_in}: {error}")
    return counts
