"""Reference texts of groups of cells, from a column of ``obs`` or from a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..cells import preview
from ._cell_groups import CellGroups


class Reference(NamedTuple):
    """A reference text, and the question that it answers if there is one."""

    text: str
    query: str = ""


def reference_texts(groups: CellGroups, truth: Any) -> dict[str, list[Reference]]:
    """One text a group, of the groups that have one.

    Parameters
    ----------
    groups
        The groups.
    truth
        An ``obs`` column with the same text for all cells of a group; or a mapping or Series from groups to texts, or a
        table with the groups as its index and a column ``text``.
    """
    if isinstance(truth, str):
        return {name: [Reference(text)] for name, text in _column_texts(groups, truth).items()}
    if isinstance(truth, pd.DataFrame):
        if "text" not in truth:
            raise KeyError(f"the table truth= has no column 'text', only {list(truth.columns)}")
        truth = truth["text"]
    if not isinstance(truth, Mapping | pd.Series):
        raise TypeError(f"truth={truth!r} must be an obs column, or a mapping, Series or table from groups to texts")
    named = [(str(name), text) for name, text in truth.items() if not (text is None or text is pd.NA or text != text)]
    texts = dict(named)
    if len(texts) < len(named):
        twice = [name for name, n in Counter(name for name, _ in named).items() if n > 1]
        raise ValueError(f"truth= has several texts of the groups {preview(twice)}: pass one text a group")
    found = {name: [Reference(_checked(texts[name], name))] for name in groups.rows if name in texts}
    if not found:
        raise ValueError(
            f"truth= has texts of the groups {preview(list(texts), 5)}, and the groups of the cells are "
            f"{preview(list(groups.rows), 5)}: none is in both"
        )
    return found


def reference_answers(groups: CellGroups, truth: Any) -> dict[str, list[Reference]]:
    """Questions with answers of each group, from a table with ``question`` and ``answer``, and ``group`` if needed."""
    if not isinstance(truth, pd.DataFrame):
        raise TypeError(f"truth={truth!r} must be a table with the columns 'question' and 'answer', or pass query=")
    needed = ["question", "answer", *(["group"] if groups.columns else [])]
    missing = [name for name in needed if name not in truth]
    if missing:
        raise KeyError(f"the table truth= has no column {missing[0]!r}, only {list(truth.columns)}")
    names = truth["group"].astype(str) if groups.columns else pd.Series(next(iter(groups.rows)), index=truth.index)
    found: dict[str, list[Reference]] = {}
    for name, query, text in zip(names, truth["question"], truth["answer"], strict=True):
        if name in groups.rows:
            found.setdefault(name, []).append(Reference(_checked(text, name), _checked(query, name)))
    if not found:
        raise ValueError(
            f"truth= has no row of the groups of the cells, {preview(list(groups.rows), 5)}: its groups are "
            f"{preview(sorted(set(names)), 5)}"
        )
    return found


def _column_texts(groups: CellGroups, column: str) -> dict[str, str]:
    values = pd.Series(groups.cells.column(column, "truth"))
    found = {}
    for name, rows in groups.rows.items():
        texts = values.iloc[np.asarray(rows)].dropna().unique()
        if len(texts) > 1:
            raise ValueError(
                f"obs[{column!r}] has {len(texts)} texts in the group {name!r}: a reference is one text a group"
            )
        if len(texts):
            found[name] = _checked(texts[0], name)
    if not found:
        raise ValueError(f"obs[{column!r}] has no text: all of its values are missing")
    return found


def _checked(text: Any, group: str) -> str:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"the reference of the group {group!r} is {text!r}: pass a text, or leave the group out")
    return text.strip()
