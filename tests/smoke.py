"""Smoke test of an installed package: ``python smoke.py``, outside the repository, with the base dependencies alone.

Annotates, generates, predicts a response, scores by duality, draws, and writes and reads the result.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import anndata as ad
import matplotlib as mpl

import sc_duality as sd


def check(condition: object, what: str) -> None:
    """Stop with a message where a step did not give what it should."""
    if not condition:
        raise SystemExit(f"smoke test failed: {what}")


def main() -> None:
    mpl.use("agg")
    sd.settings.cache = sd.settings.progress = False
    package, here = Path(sd.__file__).resolve(), Path(__file__).resolve().parents[1]
    check(not package.is_relative_to(here / "src"), f"{package} is the repository, not an installed package")
    adata = sd.datasets.pbmc3k()
    sd.tl.annotate(adata, labels="blood")
    known, predicted = adata.obs["cell_type"].astype(str), adata.obs["annotation"].astype(str)
    b_cells = predicted[known == "B cells"]
    check((b_cells == "B cell").mean() > 0.8, f"B cells are predicted as {b_cells.value_counts().to_dict()}")
    sd.tl.duality(adata)
    check(adata.obs["annotation_duality"].notna().any(), "no cell has a duality score")
    cells = sd.tl.generate({"B cell": 4}, tissue="blood")
    check(cells.n_obs == 4, f"{cells.n_obs} generated cells in place of 4")
    control = adata[known.to_numpy() == "CD14+ Monocytes"][:20].copy()
    response = sd.tl.perturb(control, ("cytokine", "IFNB1"))
    check("change" in response.layers, "no predicted change")
    check(sd.pl.annotate(adata, "cell_type") is not None, "no figure")
    with tempfile.TemporaryDirectory() as folder:
        adata.write_h5ad(Path(folder) / "cells.h5ad")
        again = ad.read_h5ad(Path(folder) / "cells.h5ad")
    check(again.obs["annotation"].equals(adata.obs["annotation"]), "labels changed when written and read")
    sys.stdout.write(f"sc-duality {sd.__version__} works in {package.parent}" + "\n")


if __name__ == "__main__":
    main()
