"""Responses as whole treated cells."""

from __future__ import annotations

from typing import Any

from scipy import sparse

from ..tasks import Perturbation, Question, Response, ResponseExample
from ._response_query import PredictedCells, ResponseQuery


class WholeCellQuery(ResponseQuery):
    """Requests the sentence of the treated cell.

    Control and predicted cells are compared over as many genes as were predicted: otherwise every gene beyond a
    shorter sentence would seem to fall.
    """

    def _task(self) -> Response:
        return Response()

    def check_samples(self, n_samples: int) -> None:
        """Whole cells have no mean."""
        if n_samples > 1:
            raise ValueError(f"n_samples={n_samples} is for the form 'changes': a whole cell is predicted once")

    def _longest(self) -> int:
        return self.cells.n_genes

    def _question(self, **fields: Any) -> Question:
        return self.task.question(ResponseExample(**fields))

    def _predicted(self, perturbation: Perturbation, answers: list[Any]) -> tuple[sparse.csr_matrix, ...]:
        cells = [() if genes is None else genes for genes in answers]
        cells = [genes[: len(shown)] for genes, shown in zip(cells, self.control, strict=True)]
        as_long = [shown[: len(genes)] for genes, shown in zip(cells, self.control, strict=True)]
        X, control = self.expression(cells), self.expression(as_long)
        return X, control, (X - control).tocsr()

    def sentences(self, predicted: PredictedCells) -> list[tuple[str, ...]]:
        """The completions, no longer than the control sentences."""
        pairs = zip(predicted.answers, self.control, strict=True)
        return [() if genes is None else genes[: len(shown)] for genes, shown in pairs]
