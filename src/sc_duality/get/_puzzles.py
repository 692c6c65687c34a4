"""How the predicted labels of each puzzle agree with the true ones."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import ArrayLike, NDArray

from ..cells import (
    adata_keys,
    cell_names,
    check_column,
    column,
    in_memory,
    is_labelled,
    modality,
    ontology_term,
    text_column,
)
from ..metrics import normal_form, scores_by_puzzle, semantic_similarity

if TYPE_CHECKING:
    from mudata import MuData

logger = logging.getLogger(__name__)

#: What follows the name of a puzzle in the name of a prompt about a part of it.
_PART = r" \(\d+ of \d+\)$"


def puzzles(
    adata: AnnData | MuData,
    key: str = adata_keys.ANNOTATION,
    truth: str | None = None,
    *,
    groupby: str = adata_keys.PUZZLE,
    encoder: Callable[[list[str]], ArrayLike] | None = None,
    threshold: float | None = None,
    mod: str = "rna",
) -> pd.DataFrame:
    """Scores of the predicted labels of each puzzle: cells that are labelled together, each with another label.

    Names and ids of the Cell Ontology are compared as its terms, so that ``"NK cells"`` is ``"natural killer cell"``;
    other labels by their text without case and spacing. A cell without a label, or with a status other than ``"ok"``,
    is wrong, and its puzzle has an invalid format. Cells without a puzzle or a true label are left out, with a warning.

    Parameters
    ----------
    adata
        Annotated puzzles.
    key
        ``obs`` column with the predicted labels, of :func:`sc_duality.tl.annotate`.
    truth
        ``obs`` column with the true labels; by default the one that the puzzles were built from.
    groupby
        ``obs`` column of the puzzles. It may be any groups of cells that are labelled together.
    encoder
        Function of texts that returns vectors, such as :func:`sc_duality.models.sentence_encoder` loads, to compare the
        names of types by what they mean.
    threshold
        With ``encoder``, a label is correct if its semantic similarity to the true one is at least this (Cell-o1: 0.8),
        for open-ended answers. By default it must be the true label.
    mod
        Modality of a MuData.

    Returns
    -------
    One row a puzzle, indexed by its name, with ``n_cells``, ``cell_accuracy`` (share of the cells with the correct
    label), ``batch_accuracy`` (1 if all are correct), ``format_validity`` (1 if all cells have a label), ``uniqueness``
    (number of different labels over the number of cells) and, if a model generated text, ``response_length`` (mean
    number of characters of its completions); with ``encoder``, also ``semantic_similarity`` (mean over the cells, 0 for
    a cell without a label).

    Raises
    ------
    KeyError
        There are no such columns.
    ValueError
        No cell has a puzzle and a true label, or ``threshold`` is not a similarity or has no ``encoder``.

    See Also
    --------
    puzzle_scores : their means, with intervals.

    Examples
    --------
    >>> import sc_duality as sd
    >>> puzzles = sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", (), n_puzzles=2, n_cells=4)
    >>> puzzles.obs["annotation"] = puzzles.obs["candidate"]
    >>> sd.get.puzzles(puzzles)["uniqueness"].tolist()
    [1.0, 1.0]
    """
    _check_threshold(threshold, encoder)
    data = modality(adata, mod)
    truth = data.uns.get(adata_keys.CELL_PUZZLES, {}).get("truth") if truth is None else truth
    if truth is None:
        raise KeyError("uns has no 'cell_puzzles' with the name of the true labels: pass truth=")
    for argument, name in (("key", key), ("truth", truth), ("groupby", groupby)):
        check_column(adata, name, argument, mod)
    cells = _cells(data, key, truth, groupby)
    terms = _terms(cells["truth"], cells["label"])
    rows = {str(name): part for name, part in cells.groupby("puzzle", sort=False)}
    true = [[terms[name] for name in part["truth"]] for part in rows.values()]
    predicted = [[terms.get(name) for name in part["label"]] for part in rows.values()]
    scores = scores_by_puzzle(true, predicted)
    table = pd.DataFrame({"n_cells": [len(part) for part in rows.values()], **scores}, index=list(rows))
    table.index.name = groupby
    lengths = _response_lengths(data, key, cells)
    if lengths is not None:
        table["response_length"] = lengths
    if encoder is not None:
        similarity = semantic_similarity(cells["truth"].tolist(), cells["label"].tolist(), encoder)
        _add_similarity(table, similarity, cells["puzzle"].tolist(), threshold)
    return table


def _cells(data: AnnData, key: str, truth: str, groupby: str) -> pd.DataFrame:
    """Name, puzzle, true label and label of each cell that has the first three; ``None`` without a valid label."""
    cells = pd.DataFrame({"cell": np.asarray(cell_names(data), dtype=str)})
    columns = {"puzzle": groupby, "truth": truth, "label": key}
    cells = cells.assign(**{name: text_column(data, column).to_numpy() for name, column in columns.items()})
    if adata_keys.status(key) in data.obs:
        status = column(data, adata_keys.status(key)).to_numpy()
        cells.loc[~np.isin(status.astype(str), [adata_keys.OK, adata_keys.BY_HAND]), "label"] = None
    kept = cells["puzzle"].notna() & is_labelled(cells["truth"])
    if not kept.any():
        raise ValueError(f"no cell has both a puzzle in obs[{groupby!r}] and a true label in obs[{truth!r}]")
    if not kept.all():
        logger.warning(
            "%d of %d cells have no puzzle in obs[%r] or no true label in obs[%r] and are left out",
            *(int((~kept).sum()), len(cells), groupby, truth),
        )
    return cells[kept].reset_index(drop=True)


def _add_similarity(
    table: pd.DataFrame, similarity: NDArray[np.float64], names: Sequence[str], threshold: float | None
) -> None:
    """Mean similarity of each puzzle, and its accuracies where a similarity decides on them."""
    by_puzzle = pd.Series(similarity).groupby(names)
    table["semantic_similarity"] = by_puzzle.mean()
    if threshold is not None:
        correct = (pd.Series(similarity) >= threshold).groupby(names)
        table["cell_accuracy"], table["batch_accuracy"] = correct.mean(), correct.all().astype(float)


def _check_threshold(threshold: Any, encoder: Any) -> None:
    if threshold is None:
        return
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold <= 1:
        raise ValueError(f"threshold={threshold!r} must be a similarity above 0 and at most 1, such as 0.8")
    if encoder is None:
        raise ValueError(f"threshold={threshold!r} needs encoder=, such as sd.models.sentence_encoder('medcpt')")


def _terms(truth: pd.Series, predicted: pd.Series) -> dict[str, str]:
    """Each label as its term in the Cell Ontology, or in its normal form; two true labels stay two."""
    found = {name: ontology_term(name) or normal_form(name) for name in {*truth, *predicted.dropna()}}
    n_names = Counter(found[name] for name in set(truth))
    return {name: term if n_names[term] <= 1 else normal_form(name) for name, term in found.items()}


def _response_lengths(data: AnnData, key: str, cells: pd.DataFrame) -> pd.Series | None:
    """Mean number of characters of the completions about each puzzle, or about its cells."""
    entry = data.uns.get(key)
    answers = entry.get(adata_keys.ANSWERS) if isinstance(entry, Mapping) else None
    if answers is None:
        return None
    answers = in_memory(answers)
    puzzle_of = {**dict(zip(cells["cell"], cells["puzzle"], strict=True)), **{name: name for name in cells["puzzle"]}}
    written = answers[answers["status"] != adata_keys.NOT_ANSWERED]
    units = written["unit"].astype(str)
    units = units.where(units.isin(list(puzzle_of)), units.str.replace(_PART, "", regex=True))
    lengths = written["text"].str.len().groupby(units.map(puzzle_of)).mean()
    return lengths if len(lengths) else None
