"""Trim the labelled PBMC3k object to the cells that the package ships.

    python -m recipes.data.pbmc3k PATH/TO/pbmc3k.h5ad

PATH holds raw counts of the 2,638 cells with cell types in ``obs["cell_type"]``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import anndata as ad
import numpy as np

SEED = 0
CELLS_PER_TYPE = 50
SHIPPED = Path(__file__).parents[2] / "src/sc_duality/datasets/data/pbmc3k.h5ad"


def chosen(cell_types: np.ndarray) -> np.ndarray:
    """Indices of the kept cells: up to 50 of a type, at most a third of it; the others are training cells."""
    rng = np.random.default_rng(SEED)
    kept = []
    for name in np.unique(cell_types):
        cells = np.flatnonzero(cell_types == name)
        kept.append(rng.choice(cells, min(CELLS_PER_TYPE, len(cells) // 3), replace=False))
    return np.sort(np.concatenate(kept))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="the labelled PBMC3k object with raw counts")
    whole = ad.read_h5ad(parser.parse_args().path)

    small = whole[chosen(whole.obs["cell_type"].to_numpy(dtype=str))]
    # Only genes without counts are dropped: a cell's counts still sum to its depth.
    small = small[:, small.X.getnnz(axis=0) > 0].copy()
    small.obs = small.obs[["cell_type"]]
    small.uns = {
        "source": "10x Genomics, 3k PBMCs from a Healthy Donor, CC BY 4.0; labels cellxgene_schema 0.0.1, MIT; "
        f"{small.n_obs} of {whole.n_obs} cells"
    }
    small.write_h5ad(SHIPPED, compression="gzip", compression_opts=9)
    print(f"{small.n_obs} cells × {small.n_vars} genes, {SHIPPED.stat().st_size / 1e6:.2f} MB: {SHIPPED.name}")
    print(small.obs["cell_type"].value_counts().to_string())


if __name__ == "__main__":
    main()
