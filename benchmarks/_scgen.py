"""scGen (Lotfollahi et al. 2019) as a baseline of response prediction, where pertpy is installed.

``pip install pertpy "scvi-tools[jax]" "statsmodels<0.15"`` in an environment of its own: pertpy 1.0.3 cannot be
imported with statsmodels 0.15. ``python -m benchmarks._scgen --out FILE`` scores it on every held-out group.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from benchmarks._response_baselines import Cells, Pair, Prediction
from benchmarks._response_scores import ResponseScores
from benchmarks._response_sets import SETS, held_out_groups, log_normalised

SETTING = {"n_hidden": 256, "n_latent": 32, "max_epochs": 100, "batch_size": 32}


def is_installed() -> bool:
    """Whether scGen can be trained here."""
    return find_spec("pertpy") is not None and find_spec("scvi") is not None


def scgen(training: Sequence[Pair], control: Cells, seed: int = 0, *, train_on_control: bool = False) -> Prediction:
    """Treated cells that scGen decodes from the control cells plus the mean shift of the training groups.

    The change is that of decoded cells: with against without the shift, so that errors of the decoder cancel.

    Parameters
    ----------
    training, control
        See :mod:`benchmarks._response_baselines`.
    seed
        Seed of the weights and of batches.
    train_on_control
        Whether the model is trained on ``control`` too, as where only the treated cells are held out.
    """
    import pertpy
    import scvi

    scvi.settings.seed = seed
    np.random.seed(seed)  # noqa: NPY002 (pertpy balances groups by numpy's global state)
    cells = _cells([*training, Pair(control, control[:0])] if train_on_control else training)
    pertpy.tl.Scgen.setup_anndata(cells, batch_key="condition", labels_key="group")
    model = pertpy.tl.Scgen(cells, n_hidden=SETTING["n_hidden"], n_latent=SETTING["n_latent"])
    model.train(
        max_epochs=SETTING["max_epochs"], batch_size=SETTING["batch_size"], early_stopping=True,
        early_stopping_patience=15, enable_progress_bar=False,
    )  # fmt: skip
    unlabelled = pd.DataFrame(
        {"condition": "control", "group": "0"}, index=[f"held out {i}" for i in range(len(control))]
    )
    held_out = ad.AnnData(control.astype(np.float32), unlabelled)
    predicted, _ = model.predict(ctrl_key="control", stim_key="treated", adata_to_predict=held_out)
    latent = model.get_latent_representation(held_out)
    decoded = np.asarray(model.module.as_bound().generative(latent)["px"], dtype=float)
    found = np.asarray(predicted.X, dtype=float)
    return Prediction(np.maximum(found, 0), found.mean(0) - decoded.mean(0))


def _cells(pairs: Sequence[Pair]) -> ad.AnnData:
    parts = [
        (condition, str(i), cells)
        for i, pair in enumerate(pairs)
        for condition, cells in (("control", pair.control), ("treated", pair.treated))
    ]
    obs = pd.DataFrame(
        [(condition, group) for condition, group, cells in parts for _ in cells], columns=["condition", "group"]
    )
    obs.index = obs.index.astype(str)
    return ad.AnnData(np.concatenate([cells for _, _, cells in parts]).astype(np.float32), obs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    args = parser.parse_args()
    if not is_installed():
        parser.error("pertpy or scvi-tools is not installed")
    found: dict[str, Any] = {"setting": SETTING, "groups": {}}
    for name in args.sets:
        for held_out in held_out_groups(name):
            score = ResponseScores(held_out)
            training = [Pair(log_normalised(each.control), log_normalised(each.treated)) for each in held_out.training]
            control = log_normalised(held_out.control)
            for seed in args.seeds:
                predicted = scgen(training, control, seed, train_on_control=name == "kang")
                scores = score(*predicted)
                found["groups"].setdefault(name, {}).setdefault(held_out.name, []).append(scores)
                print(name, held_out.name, seed, {key: round(value, 3) for key, value in scores.items()}, flush=True)
                args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
