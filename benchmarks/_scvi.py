"""Embed the cells of ``benchmarks.embedding`` by scVI: ``python benchmarks/_scvi.py FOLDER``.

Run it in an environment with scvi-tools. scVI is fitted with its defaults on the 2,000 most variable genes of the
training cells, without a batch, since it embeds cells of new donors.
"""

from __future__ import annotations

import sys
from pathlib import Path

import anndata as ad
import numpy as np
import scanpy as sc
import scvi

N_GENES = 2000


def main() -> None:
    scvi.settings.seed = 0
    folder = Path(sys.argv[1])
    for path in sorted(folder.glob("*_cells.h5ad")):
        name = path.name.removesuffix("_cells.h5ad")
        parts = {part: ad.read_h5ad(folder / f"{name}_{part}.h5ad") for part in ("cells", "bulks")}
        training = parts["cells"][~parts["cells"].obs["held_out"].to_numpy(bool)].copy()
        logs = training.copy()
        sc.pp.normalize_total(logs)
        sc.pp.log1p(logs)
        sc.pp.highly_variable_genes(logs, n_top_genes=min(N_GENES, logs.n_vars))
        genes = logs.var_names[logs.var["highly_variable"]]
        training = training[:, genes].copy()
        scvi.model.SCVI.setup_anndata(training)
        model = scvi.model.SCVI(training)
        model.train(accelerator="cpu", enable_progress_bar=False)
        for part, cells in parts.items():
            np.save(folder / f"{name}_{part}.npy", model.get_latent_representation(cells[:, genes].copy()))
        print(name, scvi.__version__, training.shape, flush=True)


if __name__ == "__main__":
    main()
