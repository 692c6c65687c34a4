"""How captions and answers of a model, or of a baseline, are scored against the references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from sklearn.metrics.pairwise import cosine_similarity

import sc_duality as sd
from benchmarks._baselines import log_normalised
from benchmarks._caption_cells import FUNCTION, TISSUE, TYPE, Described
from sc_duality.metrics import bert_score, bert_score_baseline, keyword_recall
from sc_duality.models import LanguageModel

QUESTIONS = {"cell type": TYPE, "tissue": TISSUE, "function": FUNCTION}
#: What is written of a group: a caption, and answers.
TEXTS: dict[str, str | None] = {"caption": None, **QUESTIONS}
#: Cells of a prompt, differentially expressed genes of a caption's prompt.
N_CELLS, N_MARKERS = 2, 8


def written(model: LanguageModel, test: Described, length: int, max_tokens: int, seed: int) -> dict[str, pd.DataFrame]:
    """What a model writes about each test group: the tables of captions and of the answers to each question."""
    cells = test.cells.copy()
    sampling = sd.models.Sampling(max_tokens=max_tokens)
    shared: dict[str, Any] = {
        "groupby": "group",
        "length": length,
        "n_cells": N_CELLS,
        "sampling": sampling,
        "rng": seed,
    }
    sd.tl.describe(cells, model, n_markers=N_MARKERS, key_added="caption", **shared)
    for name, question in QUESTIONS.items():
        sd.tl.ask(cells, question, model, key_added=name, **shared)
    return {name: sd.get.texts(cells, name) for name in TEXTS}


def scores(tables: Mapping[str, pd.DataFrame], test: Described, scorer: Any) -> dict[str, dict[str, float | None]]:
    """Of captions and of the answers to each question: BERTScore, keyword recall, precision of cited genes."""
    return {name: text_scores(table, test, TEXTS[name], scorer) for name, table in tables.items()}


def text_scores(table: pd.DataFrame, test: Described, question: str | None, scorer: Any) -> dict[str, float | None]:
    """Scores of one table; a text that cannot be read counts as empty."""
    truths, keywords = test.truths(question), test.keywords(question)
    texts = [_text(text) for text in table["text"].reindex(list(truths))]
    found: dict[str, float | None] = {
        "bert_score": float(bert_score(texts, list(truths.values()), scorer).f1.mean()),
        "read": float(np.mean([bool(text) for text in texts])),
    }
    recall = keyword_recall(texts, [keywords[name] for name in truths])
    if not np.isnan(recall).all():
        found["keyword_recall"] = float(np.nanmean(recall))
    if "cited" in table and question is None:
        found["cited_gene_precision"] = cited_precision(table)
    return {name: None if value is None else round(value, 4) for name, value in found.items()}


def cited_precision(table: pd.DataFrame) -> float | None:
    """Share of the cited genes that at least a tenth of the cells of the group express; ``None`` if none is cited."""
    cited, expressed = (table[name].fillna("").str.split().str.len().sum() for name in ("cited", "expressed"))
    return float(expressed / cited) if cited else None


def floor(test: Described, question: str | None, scorer: Any) -> float:
    """BERTScore of the references of other groups."""
    truths = list(test.truths(question).values())
    return round(float(bert_score_baseline(truths, truths, scorer)), 4)


def nearest_texts(training: Sequence[Described], test: Described) -> dict[str, pd.DataFrame]:
    """The baseline: each test group gets the texts of the training group with the most similar mean expression."""
    means = [group_means(one.cells) for one in training]
    known = pd.concat(means)
    wanted = group_means(test.cells)
    similar = cosine_similarity(wanted.to_numpy(), known.to_numpy())
    nearest = dict(zip(wanted.index, known.index[similar.argmax(axis=1)], strict=True))
    found = {}
    for name, question in TEXTS.items():
        texts = {group: text for one in training for group, text in one.truths(question).items()}
        found[name] = pd.DataFrame({"text": {group: texts[near] for group, near in nearest.items()}})
    return found


def group_means(cells: ad.AnnData) -> pd.DataFrame:
    """Mean log-normalised expression of each group."""
    values = log_normalised(cells)
    rows = cells.obs.groupby("group", observed=True).indices
    return pd.DataFrame({name: np.asarray(values[one].mean(axis=0)).ravel() for name, one in rows.items()}).T


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
