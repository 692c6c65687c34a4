"""Tables of Cell-o1 for any model that writes text: puzzles as a whole, cell by cell, and with free names."""

from __future__ import annotations

from typing import Any

import anndata as ad
import pandas as pd

import sc_duality as sd
from sc_duality.models import LanguageModel

#: Similarity of embedded names from which a free name counts as right (appendix D).
SIMILAR = 0.8


def whole_puzzles(puzzles: ad.AnnData, model: LanguageModel, sampling: sd.Sampling) -> dict[str, Any]:
    """Table 2: all cells of a puzzle in one prompt; scores by number of cells for figure 4A."""
    context = [name for name in ("description", "tissue", "disease") if name in puzzles.obs]
    sd.tl.annotate(
        puzzles, model, unique="puzzle", labels="candidate", method="generate", context=context, sampling=sampling
    )
    scores = sd.get.puzzle_scores(puzzles)
    by_n = scores[scores["n_cells"] != "all"].pivot(index="n_cells", columns="metric", values="value")
    return totals(scores) | {"by_n": by_n.round(4).to_dict("index")}


def by_disease(puzzles: ad.AnnData, model: LanguageModel, sampling: sd.Sampling) -> dict[str, Any]:
    """Table 3: puzzles of diseases that the model was not trained on, each disease on its own."""
    if "disease" not in puzzles.obs:
        raise SystemExit("table 3 needs puzzles with a column 'disease': pass --puzzles with a file that has one")
    return {
        str(name): whole_puzzles(puzzles[rows].copy(), model, sampling)
        for name, rows in puzzles.obs.groupby("disease", observed=True).indices.items()
    }


def cell_by_cell(puzzles: ad.AnnData, model: LanguageModel, sampling: sd.Sampling) -> dict[str, Any]:
    """Table 11: each cell in a prompt of its own with the candidates of its puzzle, and whole puzzles."""
    parts = [
        sd.tl.annotate(puzzles[rows].copy(), model, labels="candidate", method="generate", sampling=sampling, copy=True)
        for rows in puzzles.obs.groupby("puzzle", observed=True, sort=False).indices.values()
    ]
    alone = ad.concat(parts)
    alone.uns = {
        "cell_puzzles": puzzles.uns["cell_puzzles"],
        "annotation": {"answers": pd.concat([part.uns["annotation"]["answers"] for part in parts], ignore_index=True)},
    }
    return {
        "cell_level": totals(sd.get.puzzle_scores(alone)),
        "batch_level": totals(whole_scores(puzzles.copy(), model, sampling)),
    }


def whole_scores(puzzles: ad.AnnData, model: LanguageModel, sampling: sd.Sampling) -> pd.DataFrame:
    """Scores of whole puzzles."""
    sd.tl.annotate(puzzles, model, unique="puzzle", labels="candidate", method="generate", sampling=sampling)
    return sd.get.puzzle_scores(puzzles)


def free_names(puzzles: ad.AnnData, model: LanguageModel, sampling: sd.Sampling, encoder: str) -> dict[str, Any]:
    """Table 12: names without candidates, right from a similarity of 0.8 to the true type, and whole puzzles."""
    free = puzzles.copy()
    sd.tl.annotate(free, model, unique="puzzle", method="generate", sampling=sampling)
    truth, named = free.obs[free.uns["cell_puzzles"]["truth"]].astype(str), free.obs["annotation"].notna()
    predicted = [
        name if known else None for name, known in zip(free.obs["annotation"].astype(object), named, strict=True)
    ]
    encode = sd.models.sentence_encoder(encoder)
    similarity = pd.Series(sd.metrics.semantic_similarity(truth.tolist(), predicted, encode), free.obs_names)
    right = (similarity >= SIMILAR).groupby(free.obs["puzzle"], observed=True)
    return {
        "open_ended": {
            "similarity": round(float(similarity.groupby(free.obs["puzzle"], observed=True).mean().mean()), 4),
            "cell_accuracy": round(float(right.mean().mean()), 4),
            "batch_accuracy": round(float(right.all().mean()), 4),
            "format_validity": round(float(named.groupby(free.obs["puzzle"], observed=True).all().mean()), 4),
        },
        "constrained": totals(whole_scores(puzzles.copy(), model, sampling)),
    }


def totals(scores: pd.DataFrame) -> dict[str, Any]:
    """Each score over all puzzles, with its interval."""
    rows = scores[scores["n_cells"] == "all"]
    return {
        row.metric: {"value": round(row.value, 4), "interval": [round(row.low, 4), round(row.high, 4)]}
        for row in rows.itertuples()
    }
