"""AnnData of every kind through sentences, annotation and a file: right, or one of the package's own errors."""

from __future__ import annotations

import logging
import traceback
import warnings
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

import sc_duality as sd
from benchmarks._library import drop_reference_classifier
from benchmarks._reliability_objects import made_object

#: The result, which no made object has.
KEY = "found"
PACKAGE = str(Path(sd.__file__).parent)
#: Tokens of a batch: batches are padded to their full size, and the objects are small.
BATCH_TOKENS = 128
N_LABELS, N_GENES = 3, 12
#: Genome builds in names.
PREFIXES = ("GRCh38______", "GRCh38_", "hg38_")


def annotated_objects(n: int, seed: int, folder: Path, *, every: int = 1) -> dict[str, Any]:
    """Annotate ``n`` made objects, and write and read one in ``every``.

    Returns
    -------
    ``objects``; ``refused``: with an error of the package; ``crashes``: other errors; ``wrong``: objects with a wrong
    sentence, a label that is not an option, or anything of the user's that changed.
    """
    # The reference classifier is fitted to every new set of genes, and takes a hundred times as long as the rest.
    model = sd.models.load(replace(drop_reference_classifier("embedded").spec, n_genes=N_GENES))
    labels = model.spec.known("annotation", "label_sets")["blood"][:N_LABELS]
    known = [str(name) for name in sd.datasets.pbmc3k().var_names if name in (model.spec.genes or ())]
    logger = logging.getLogger("sc_duality")
    before = sd.settings.progress, sd.settings.cache, model.batch_tokens, logger.level
    logger.setLevel(logging.ERROR)
    sd.settings.progress, sd.settings.cache, model.batch_tokens = False, False, BATCH_TOKENS
    count: Counter[str] = Counter(objects=0, refused=0, crashes=0, wrong=0)
    examples: dict[str, str] = {}
    try:
        for number in range(n):
            rng = np.random.default_rng([seed, number])
            adata = made_object(rng, known)
            if adata is None:
                continue
            count["objects"] += 1
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outcome, what = _outcome(adata, model, labels, rng)
                if outcome == "right" and number % every == 0:
                    outcome, what = _written(adata, folder / "one.h5ad")
            count[outcome] += 1
            if outcome in ("crashes", "wrong"):
                examples.setdefault(what, f"object {number} of seed {seed}")
                count[f"{outcome}: {what}"] += 1
    finally:
        sd.settings.progress, sd.settings.cache, model.batch_tokens, level = before
        logger.setLevel(level)
    for what, where in examples.items():
        print(f"{what} ({where})")
    return {name: count[name] for name in ("objects", "refused", "crashes", "wrong")}


def _outcome(adata: ad.AnnData, model: Any, labels: list[str], rng: np.random.Generator) -> tuple[str, str]:
    """``"right"``, ``"refused"``, ``"crashes"`` or ``"wrong"``, and what happened."""
    before = adata.copy()
    options = {}
    if adata.X is None and adata.layers:
        options = {"layer": next(iter(adata.layers))}
    elif adata.X is None and adata.raw is not None:
        options = {"use_raw": True}
    try:
        if options or rng.random() < 0.5:
            sd.pp.cell_sentences(adata, **options)
        sd.tl.annotate(adata, model, labels=labels, key_added=KEY)
    except (KeyError, ValueError, TypeError) as error:
        if not traceback.extract_tb(error.__traceback__)[-1].filename.startswith(PACKAGE):
            return "crashes", _described(error)
        changed = changes(before, adata)
        return ("wrong", f"refused after a change of {changed}") if changed else ("refused", "")
    except Exception as error:  # noqa: BLE001  (the campaign counts them)
        return "crashes", _described(error)
    fault = changes(before, adata) or wrong_labels(adata, labels) or wrong_sentences(adata, options)
    return ("wrong", fault) if fault else ("right", "")


def _written(adata: ad.AnnData, file: Path) -> tuple[str, str]:
    """The same after it was written and read."""
    names = [name for name in adata.obs if str(name).startswith(f"{KEY}_") or name == KEY]
    columns, ranks = adata.obs[names].copy(), adata.obsm["cell_sentence"].copy()
    try:
        adata.write_h5ad(file)
        read = ad.read_h5ad(file)
    except Exception as error:  # noqa: BLE001
        return ("refused", "") if _cannot_be_written(adata, file) else ("crashes", f"file: {_described(error)}")
    if not np.array_equal(read.obsm["cell_sentence"], ranks):
        return "wrong", "sentences read from the file"
    for name in names:
        one, other = columns[name].astype(object), read.obs[name].astype(object)
        if not ((one.to_numpy() == other.to_numpy()) | (one.isna() & other.isna()).to_numpy()).all():
            return "wrong", f"column {name} read from the file"
    return "right", ""


def _cannot_be_written(adata: ad.AnnData, file: Path) -> bool:
    """Whether the object cannot be written without our results either."""
    own = adata.copy()
    own.obs = own.obs[[name for name in own.obs if not str(name).startswith(KEY)]]
    for part in (own.obsm, own.uns):
        for name in [name for name in part if str(name).startswith((KEY, "cell_sentence"))]:
            del part[name]
    try:
        own.write_h5ad(file)
        ad.read_h5ad(file)
    except Exception:  # noqa: BLE001
        return True
    return False


def _described(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}, {frame.name}: {str(error)[:160]!r}"


def changes(before: ad.AnnData, after: ad.AnnData) -> str:
    """What of the user's is not as before."""
    after = after.copy() if after.is_view else after  # a view has lost the mask of a masked array, its copy has not
    if not before.obs_names.equals(after.obs_names) or not before.var_names.equals(after.var_names):
        return "names"
    for name in before.obs:
        if name not in after.obs or not before.obs[name].equals(after.obs[name]):
            return f"obs[{name!r}]"
    if not before.var.equals(after.var):
        return "var"
    for what in ("layers", "obsm"):
        for name, values in getattr(before, what).items():
            if name not in getattr(after, what) or not np.array_equal(dense(values), dense(getattr(after, what)[name])):
                return f"{what}[{name!r}]"
    if (before.X is None) != (after.X is None):
        return "X"
    if before.X is not None and not np.array_equal(dense(before.X), dense(after.X), equal_nan=True):
        return "X"
    return "" if set(before.uns) <= set(after.uns) else "uns"


def wrong_labels(adata: ad.AnnData, labels: list[str]) -> str:
    """A label that is not an option, or a status and a label that contradict each other."""
    label, status = adata.obs[KEY].astype(object), adata.obs[f"{KEY}_status"].astype(str)
    if not label[label.notna()].isin([*labels, "unknown"]).all():
        return f"labels {sorted(set(label.dropna()))}"
    if (label.isna() & status.isin(["ok", "unknown"])).any() or (label.notna() & ~status.isin(["ok", "unknown"])).any():
        return "a label without its status"
    return ""


def wrong_sentences(adata: ad.AnnData, options: dict[str, Any]) -> str:
    """A sentence that is not the ranking by expression; genes of equal expression may have any order.

    Without ``options`` the tool chooses the matrix: ``X``, unless there is none or it has negative values.
    """
    params = adata.uns["cell_sentence"]["params"]
    layer, use_raw = params.get("layer"), params["use_raw"]
    if not options and (layer or use_raw) and adata.X is not None and not (dense(adata.X) < 0).any():
        return "sentences of another matrix than X"
    genes = [str(gene) for gene in adata.uns["cell_sentence"]["genes"]]
    holder = adata.raw if use_raw else adata
    names = [str(name) for name in holder.var_names]
    columns = [_column(names, gene) for gene in genes]
    X = dense(holder.X if layer is None else adata.layers[layer])
    for ranks, values in zip(adata.obsm["cell_sentence"], np.asarray(X), strict=True):
        kept = [columns[rank] for rank in ranks[ranks >= 0]]
        if -1 in kept:
            return "a gene that is not in var"
        shown = [float(values[i]) for i in kept]
        positive = {i for i in columns if i >= 0 and values[i] > 0}
        if len(set(kept)) < len(kept) or any(one < other for one, other in pairwise(shown)):
            return "a sentence in another order"
        left = max((float(values[i]) for i in positive - set(kept)), default=0.0)
        if not set(kept) <= positive or len(kept) != min(len(ranks), len(positive)) or (shown and left > shown[-1]):
            return "a sentence of other genes"
    return ""


def _column(names: list[str], gene: str) -> int:
    """The column of a gene: of its name, else the first of its Ensembl id or another spelling; −1 for none of these."""
    if gene in names:
        return names.index(gene)
    others = ({_SYMBOLS.get(name.split(".")[0]), _without_prefix(name)} for name in names)
    return next((i for i, spelled in enumerate(others) if gene in spelled), -1)


def _without_prefix(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name.replace(".", "-")


#: Symbols of the Ensembl ids of made objects.
_SYMBOLS = {
    "ENSG00000105369": "CD79A",
    "ENSG00000156738": "MS4A1",
    "ENSG00000198851": "CD3E",
    "ENSG00000105374": "NKG7",
    "ENSG00000090382": "LYZ",
}


def dense(X: Any) -> Any:
    """Values as an array; masked ones are 0."""
    if isinstance(X, pd.DataFrame):
        return X.to_numpy()
    if sparse.issparse(X):
        return X.toarray()
    return X.filled(0) if isinstance(X, np.ma.MaskedArray) else np.asarray(X)
