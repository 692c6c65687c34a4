"""The content of a report of predicted labels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .. import get
from ..cells import adata_keys, in_memory, matrix_name, ranked_matrix, stored_evidence, text_column
from ._report_figures import confidence_figure, evidence_figure, umap_figure

#: Share of cells without a label, and mean in-distribution probability, from which the page warns.
_MANY_UNKNOWN, _LOW_IN_DISTRIBUTION = 0.2, 0.5
#: Rows of the tables of answers and corrections at most.
_MAX_ROWS = 100
#: Settings that are shown elsewhere, or that only this package needs.
_NOT_SHOWN = {"columns", "arrays", "versions", "labels"}
#: Settings that are shown first, in this order.
_FIRST = ("model", "engine", "fingerprint", "task", "method", "groupby", "context", "unknown")
#: Columns of the summary as fractions.
_FRACTIONS = {"agreement", "runner_up_probability", "runner_up_share", "confidence", "unknown"}


def render_report(adata: AnnData, key: str, groupby: str | None, title: str | None, n_genes: int) -> str:
    """The page as HTML."""
    summary = get.summary(adata, key, groupby, n_genes=n_genes)
    result: Any = adata.uns.get(key)
    result = result if isinstance(result, Mapping) else {}
    params = result.get(adata_keys.PARAMS, {})
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja").render(
        title=title or f"Predicted labels: {key}",
        version=version("sc-duality"),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        facts=_facts(adata, key, groupby, summary, params),
        notes=_notes(adata, key, groupby, summary),
        umap=umap_figure(adata, key),
        summary=_summary_rows(summary if groupby else summary.drop(columns=["label", "agreement"])),
        group_title=groupby or key,
        evidence=evidence_figure(adata, key),
        evidence_groupby=_explained_groups(adata, key),
        confidence=confidence_figure(adata, key),
        key=key,
        settings=_settings(adata, key, params),
        labels=[str(label) for label in np.asarray(params.get("labels", ()), dtype=object)],
        tables=[
            (name, _rows(result[entry]))
            for name, entry in (("Corrections", "corrections"), ("Answers of the model", "answers"))
            if entry in result and len(result[entry])
        ],
    )


def _facts(
    adata: AnnData, key: str, groupby: str | None, summary: pd.DataFrame, params: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """The figures at the top."""
    labels = text_column(adata, key)
    known = labels[labels.notna() & (labels != adata_keys.UNKNOWN)]
    facts = [("cells", f"{adata.n_obs:,}"), ("genes", f"{adata.n_vars:,}"), ("labels", f"{known.nunique():,}")]
    if groupby is not None:
        facts.append((f"groups of {groupby}", f"{len(summary):,}"))
    facts.append(("with a label", f"{100 * len(known) / adata.n_obs:.1f} %"))
    return [*facts, *([("model", str(params["model"]))] if "model" in params else [])]


def _notes(adata: AnnData, key: str, groupby: str | None, summary: pd.DataFrame) -> list[str]:
    """What a reader should know before trusting the labels."""
    notes = []
    labels = text_column(adata, key)
    unknown = (labels.isna() | (labels == adata_keys.UNKNOWN)).mean()
    if unknown >= _MANY_UNKNOWN:
        notes.append(f"{100 * unknown:.0f} % of the cells are unknown or have no prediction.")
    name = adata_keys.in_distribution(key)
    if name in adata.obs:
        mean = float(pd.to_numeric(in_memory(adata.obs[[name]])[name], errors="coerce").mean())
        if mean < _LOW_IN_DISTRIBUTION:
            notes.append(f"The cells differ from the training cells: mean in-distribution probability {mean:.2f}.")
    if groupby is not None:
        mixed = [str(group) for group, share in summary["agreement"].items() if share < 0.5]
        if mixed:
            notes.append(f"Fewer than half of the cells have the label of their group in: {', '.join(mixed)}.")
    if "X_umap" not in adata.obsm:
        notes.append('There is no UMAP: run sc.tl.umap(adata), which writes obsm["X_umap"].')
    if stored_evidence(adata, key) is None:
        notes.append(f"The labels are not explained: run sd.tl.explain(adata, {key!r}) for the genes that decided.")
    return notes


def _explained_groups(adata: AnnData, key: str) -> str:
    found = stored_evidence(adata, key)
    return str(found[adata_keys.PARAMS].get("groupby", key)) if found is not None else key


def _summary_rows(summary: pd.DataFrame) -> tuple[list[str], list[list[tuple[str, float | None]]]]:
    """Titles of the columns, and cells: a text, with a fraction where a bar is drawn."""
    names = [str(name) for name in summary.columns]
    rows = [
        [(str(group), None), *(_cell(name, value) for name, value in zip(names, values, strict=True))]
        for group, values in zip(summary.index, summary.itertuples(index=False, name=None), strict=True)
    ]
    return [name.replace("_", " ") for name in names], rows


def _cell(name: str, value: Any) -> tuple[str, float | None]:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "–", None
    if name in _FRACTIONS:
        return f"{100 * value:.0f} %" if value >= 0.01 or value == 0 else "< 1 %", float(value)
    return (f"{value:,}" if isinstance(value, int | np.integer) else str(value)), None


def _settings(adata: AnnData, key: str, params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the labels were predicted: settings, the matrix, versions."""
    names = [*(name for name in _FIRST if name in params), *sorted(set(params) - {*_FIRST, *_NOT_SHOWN})]
    shown = [(name.replace("_", " "), _text(params[name])) for name in names]
    if not shown:
        return []
    matrix = ranked_matrix(adata, key)
    name = matrix_name(matrix["layer"], matrix["use_raw"])
    versions = ", ".join(f"{name} {value}" for name, value in sorted(params.get("versions", {}).items()))
    return [*shown, ("expression matrix", name), ("versions", versions)]


def _rows(table: Any) -> tuple[list[str], list[list[str]], int]:
    """Titles and texts of the first rows of a table in ``uns``, and the number of all rows."""
    frame = in_memory(table).drop(columns="cells", errors="ignore")  # the names of corrected cells
    rows = [[_text(value) for value in row] for row in frame.head(_MAX_ROWS).itertuples(index=False, name=None)]
    return [str(name).replace("_", " ") for name in frame.columns], rows, len(frame)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(one)}" for name, one in value.items())
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(str(one) for one in np.asarray(value, dtype=object).ravel())
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:g}"
    return "" if value is None or value is pd.NA else str(value)
