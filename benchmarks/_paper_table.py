"""A table of a paper: its parts, how each is measured here, and what of it cannot be repeated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import anndata as ad

import sc_duality as sd
from benchmarks._paper_data import PaperData
from sc_duality.models import LanguageModel

#: The papers' numbers, by table, row, part and metric, as they are printed.
NUMBERS = Path(__file__).parent / "paper_numbers.json"
Scores = dict[str, float]


@dataclass(frozen=True)
class Setting:
    """How models are measured.

    Parameters
    ----------
    method
        How labels are read off a model, see :func:`sc_duality.tl.annotate`; the choice of the table by default.
    max_cells
        Most test cells of a data set, of a type or of a condition, as the table says; the table's choice by default.
    max_tokens
        Longest completion.
    encoder
        Encoder of names of cell types, for ``cell-o1-12``.
    seed
        Seed of sampling.
    """

    method: Literal["score", "generate", "choose"] | None = None
    max_cells: int | None = None
    max_tokens: int | None = None
    encoder: str = "medcpt"
    seed: int = 0

    def sampling(self, temperature: float | None = None) -> sd.Sampling:
        """Sampling settings for a tool."""
        return sd.Sampling(temperature=temperature, max_tokens=self.max_tokens)


class Split(NamedTuple):
    """Cells of a part: those that baselines are fitted to, and those that are tested."""

    train: ad.AnnData
    test: ad.AnnData


class Part(Protocol):
    """The data set of a table, or one of its settings, with metrics in the paper's units."""

    @property
    def title(self) -> str:
        """Name of the part, as the paper writes it."""

    @property
    def data(self) -> str:
        """The data set in ``sd.datasets``."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, as the paper writes them."""

    def split(self, data: PaperData, setting: Setting) -> Split:
        """Read the data set and split it as the paper does."""

    def model_scores(self, split: Split, model: LanguageModel, setting: Setting) -> Scores:
        """The metrics of a model."""

    def baseline_scores(self, split: Split, setting: Setting) -> Mapping[str, Scores]:
        """The metrics of baselines that are fitted here."""


@dataclass(frozen=True)
class PaperTable:
    """A table of a paper.

    Parameters
    ----------
    name
        Name on the command line.
    about
        What it measures.
    parts
        Its data sets; none where no data can be had, which ``missing`` explains then.
    how
        Splits, metrics and choices, one sentence each.
    not_repeated
        What differs from the paper, and why.
    missing
        Why nothing of it can be repeated.
    needs_files
        Why it can be repeated with ``--data`` only, and what to pass.
    """

    name: str
    about: str
    parts: tuple[Part, ...] = ()
    how: tuple[str, ...] = ()
    not_repeated: tuple[str, ...] = ()
    missing: str = ""
    needs_files: str = ""
    #: Where the paper's numbers stand; that of ``paper_numbers.json`` where it has the table.
    source: str = field(default="")

    @property
    def data(self) -> tuple[str, ...]:
        """The data sets that it needs."""
        return tuple(dict.fromkeys(part.data for part in self.parts))

    def of_paper(self) -> dict[str, Any]:
        """Source and rows of the paper's numbers."""
        found: dict[str, Any] = paper_numbers().get(self.name, {"source": self.source, "rows": {}})
        return found


@cache
def paper_numbers() -> dict[str, Any]:
    """Every number that is cited."""
    found: dict[str, Any] = json.loads(NUMBERS.read_text(encoding="utf-8"))
    return found


def chosen_parts(table: PaperTable, names: Sequence[str] | None) -> list[Part]:
    """The parts of some data sets, or all."""
    unknown = sorted(set(names or ()) - set(table.data))
    if unknown:
        raise SystemExit(f"--sets {unknown}: the table {table.name} has {', '.join(table.data)}")
    return [part for part in table.parts if names is None or part.data in names]
