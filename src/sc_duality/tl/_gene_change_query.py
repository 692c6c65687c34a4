"""Responses as the genes that change."""

from __future__ import annotations

import logging
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from ..cells import data_expression
from ..examples import ChangeLines
from ..tasks import GeneChangeExample, GeneChangeResponse, GeneChanges, Perturbation, Question
from ._response_query import PredictedCells, ResponseQuery

logger = logging.getLogger(__name__)

#: Length of the lists of a model that was not trained on this task.
_N_CHANGED = 50


class GeneChangeQuery(ResponseQuery):
    """Requests the genes up and the genes down, and adds their changes to the control cell."""

    unique = True
    contains = GeneChanges.contains

    def _task(self) -> GeneChangeResponse:
        if not self.cells.spec.known(GeneChangeResponse.name, "lines"):
            logger.warning(
                "the model %r was not trained on gene changes: the order of its genes counts, not the size of changes",
                self.cells.spec.name,
            )
        return GeneChangeResponse(n_changed=self.cells.spec.known(GeneChangeResponse.name, "n_changed", _N_CHANGED))

    def check_samples(self, n_samples: int) -> None:
        """Changes have a mean."""

    def _longest(self) -> int:
        return 2 * self.n_changed + 1

    def control_values(self) -> bytes:
        """Expression of the control cells, over the genes of the data."""
        return b"".join(
            np.ascontiguousarray(part).tobytes() for part in (self._expression.indices, self._expression.data)
        )

    @property
    def n_changed(self) -> int:
        """Genes of each list at most."""
        return self.task.n_changed  # type: ignore[attr-defined]

    def _question(self, **fields: Any) -> Question:
        return self.task.question(GeneChangeExample(n_changed=self.n_changed, **fields))

    def _predicted(self, perturbation: Perturbation, answers: list[Any]) -> tuple[sparse.csr_matrix, ...]:
        lines = ChangeLines(self.cells.spec, perturbation)
        rows, columns, values = [], [], []
        for row, answer in enumerate(answers):
            before = self._expression[row].toarray().ravel()
            for genes, sizes in zip(answer or (), (lines.up, lines.down), strict=False):
                index = self.columns[[self.genes.gene_index[gene] for gene in genes]]
                in_data = index >= 0  # a gene of .raw may lack a column in var
                rows += [row] * int(in_data.sum())
                columns.append(index[in_data])
                values.append(sizes(np.where(in_data, before[index], 0))[in_data])
        shape = (len(answers), self.cells.adata.n_vars)
        if rows:
            entries = (np.concatenate(values), (rows, np.concatenate(columns)))
            change = sparse.csr_matrix(entries, shape, dtype=np.float32)
        else:
            change = sparse.csr_matrix(shape, dtype=np.float32)
        ok = sparse.diags([float(answer is not None) for answer in answers], dtype=np.float32)
        control = (ok @ self._expression).tocsr()
        X = (control + change).maximum(0).tocsr()
        X.eliminate_zeros()
        return X, control, change

    @cached_property
    def _expression(self) -> sparse.csr_matrix:
        """Expression of the control cells over the genes of the data."""
        return data_expression(self.cells.adata, self.cells.sentences)

    def sentences(self, predicted: PredictedCells) -> list[tuple[str, ...]]:
        """The genes of the predicted cells that the model knows, by their expression."""
        symbols = np.full(predicted.X.shape[1], None, dtype=object)
        columns = self.columns[list(self.genes.gene_index.values())]
        symbols[columns[columns >= 0]] = np.array(list(self.genes.gene_index), dtype=object)[columns >= 0]
        found = []
        for start, stop in pairwise(predicted.X.indptr):
            order = np.argsort(-predicted.X.data[start:stop], kind="stable")
            genes = symbols[predicted.X.indices[start:stop][order]]
            found.append(tuple(genes[genes != None][: self.cells.n_genes].tolist()))  # noqa: E711
        return found
