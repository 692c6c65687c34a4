"""Predict the responses of cells to several perturbations in one request."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse

from ..cells import gene_columns, rebuild_expression
from ..examples import Context, ModelCells, perturbation_options
from ..models import LanguageModel, ModelSpec, SamplingParams
from ..tasks import Perturbation, Question, Response, ResponseExample
from ._generated_cells import encode, generate_cells, output_genes, with_line


class PredictedCells(NamedTuple):
    """Predicted and control cells, cells × genes of the data, in log10(1 + counts per 10,000)."""

    X: sparse.csr_matrix
    control: sparse.csr_matrix
    #: ``"ok"``, or why there is no prediction.
    status: NDArray[Any]


class ResponseQuery:
    """Control cells, and how their responses are requested and read.

    Parameters
    ----------
    data
        Control cells.
    spec
        The model that will be queried.
    sentence_key, n_genes, context
        See :func:`sc_duality.tl.perturb`.
    """

    def __init__(
        self, data: AnnData, spec: ModelSpec, *, sentence_key: str, n_genes: int | None, context: Context
    ) -> None:
        self.cells = ModelCells(data, spec, sentence_key=sentence_key, n_genes=n_genes, context=context)
        self._spec, sentences = spec, self.cells.sentences
        self._genes = with_line(output_genes(data, spec, sentences), data, sentences)
        self._columns = gene_columns(self._genes.genes, data, self._genes.gene_symbols)
        self.task = Response().for_model(spec.prompt_format, frozenset(self._genes.gene_index))

    def predict(
        self, engine: LanguageModel, perturbations: Sequence[Perturbation], params: SamplingParams, n_samples: int
    ) -> list[list[PredictedCells]]:
        """The predicted cells of each perturbation and sample."""
        control, n = self._control, len(self.cells)
        questions = [question for one in perturbations for question in self._questions(one) * n_samples]
        found = generate_cells(engine, questions, list(map(len, control)) * (len(questions) // n), params)
        parts = []
        for start in range(0, len(questions), n):
            cells = found.cells[start : start + n]
            as_long = [shown[: len(cell)] for shown, cell in zip(control, cells, strict=True)]
            status = np.where(self.cells.readable, found.status[start : start + n], self.cells.status)
            parts.append(PredictedCells(self._expression(cells), self._expression(as_long), status))
        return [parts[start : start + n_samples] for start in range(0, len(parts), n_samples)]

    @cached_property
    def _control(self) -> list[list[str]]:
        return self.cells.genes()

    def _questions(self, perturbation: Perturbation) -> list[Question | None]:
        """One question a cell; none for a cell without genes."""
        options = tuple(perturbation_options(self._spec, perturbation))
        return [
            self.task.question(
                ResponseExample(genes=tuple(shown), perturbation=perturbation, options=options, context=facts)
            )
            if shown
            else None
            for shown, facts in zip(self._control, self.cells.context(slice(None)), strict=True)
        ]

    def _expression(self, cells: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        ranks = encode(cells, self._genes.gene_index, self.cells.n_genes)
        slope, intercept = float(self._genes.line["slope"]), float(self._genes.line["intercept"])
        return rebuild_expression(ranks, self._columns, self.cells.adata.n_vars, slope=slope, intercept=intercept)
