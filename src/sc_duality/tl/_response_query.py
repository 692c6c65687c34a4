"""Predict the responses of cells to several perturbations in one request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse

from ..cells import adata_keys, gene_columns, rebuild_expression
from ..examples import Context, ModelCells, perturbation_options
from ..models import LanguageModel, ModelSpec, SamplingParams
from ..tasks import Failure, Perturbation, Question, Response
from ._generated_cells import encode, output_genes, with_line


class PredictedCells(NamedTuple):
    """Predicted and control cells, cells × genes of the data, in log10(1 + counts per 10,000)."""

    X: sparse.csr_matrix
    control: sparse.csr_matrix
    #: Predicted change of every gene, which may lead below 0.
    change: sparse.csr_matrix
    #: ``"ok"``, or why there is no prediction.
    status: NDArray[Any]
    n_unknown_genes: NDArray[np.int64]
    n_duplicate_genes: NDArray[np.int64]
    #: What was read, ``None`` without a prediction.
    answers: list[Any]


class ResponseQuery(ABC):
    """Control cells, and how their responses are requested and read.

    Parameters
    ----------
    data
        Control cells.
    spec
        The model that will be queried.
    sentence_key, n_genes, context, layer, use_raw
        See :func:`sc_duality.tl.perturb`.
    """

    #: The task of the model.
    task: Response
    #: Whether a gene can be in an answer once only, where genes are tokens.
    unique: bool = False
    #: A token that a completion of a model with gene tokens must hold.
    contains: str | None = None

    def __init__(
        self,
        data: AnnData,
        spec: ModelSpec,
        *,
        sentence_key: str,
        n_genes: int | None,
        context: Context,
        layer: str | None = None,
        use_raw: bool | None = None,
    ) -> None:
        self.cells = ModelCells(
            data, spec, sentence_key=sentence_key, n_genes=n_genes, context=context, layer=layer, use_raw=use_raw
        )
        sentences = self.cells.sentences
        self.genes = with_line(output_genes(data, spec, sentences), data, sentences)
        self.columns = gene_columns(self.genes.genes, data, self.genes.gene_symbols)
        self.task = self._task().for_model(spec.prompt_format, frozenset(self.genes.gene_index))
        #: Token budget of a completion.
        self.max_tokens = spec.max_new_tokens(self._longest())

    @abstractmethod
    def _task(self) -> Response:
        """The task, in any prompt format."""

    @abstractmethod
    def _longest(self) -> int:
        """Tokens of the longest answer, with one token a gene."""

    @abstractmethod
    def _question(self, **fields: Any) -> Question:
        """The question about one cell."""

    @abstractmethod
    def _predicted(self, perturbation: Perturbation, answers: list[Any]) -> tuple[sparse.csr_matrix, ...]:
        """``X``, ``control`` and ``change`` of these answers, one a cell."""

    @abstractmethod
    def sentences(self, predicted: PredictedCells) -> list[tuple[str, ...]]:
        """The genes of the predicted cells in the model's symbols, highest expression first."""

    @abstractmethod
    def check_samples(self, n_samples: int) -> None:
        """Refuse several predictions of a cell where their mean has no meaning."""

    @cached_property
    def control(self) -> list[list[str]]:
        """The genes of the control cells that the model reads."""
        return self.cells.genes()

    def fingerprint(self) -> str:
        """A hash of all that decides the predictions of these cells, besides the model and the perturbation."""
        read = (self.cells.names.tolist(), self.control, self.cells.context(slice(0, len(self.cells))))
        return blake2b(repr(read).encode() + self.control_values(), digest_size=8).hexdigest()

    def control_values(self) -> bytes:
        """Expression of the control cells, if predictions are added to it."""
        return b""

    def predict(
        self, engine: LanguageModel, perturbations: Sequence[Perturbation], params: SamplingParams, n_samples: int
    ) -> list[list[PredictedCells]]:
        """The predicted cells of each perturbation and sample; all are requested in one call."""
        requested = [one for one in perturbations for _ in range(n_samples)]
        by_perturbation = {one: self._questions(one) for one in perturbations}
        questions = [question for one in requested for question in by_perturbation[one]]
        present = [question for question in questions if question is not None]
        if self.unique and self.cells.spec.genes is not None:
            params = replace(params, unique=True, contains=self.contains)
        texts = iter(engine.generate([question.prompt for question in present], params) if present else ())
        found = []
        for one in requested:
            read = [None if q is None else _read(q, next(texts)) for q in by_perturbation[one]]
            answers = [None if each is None or isinstance(each, str) else each for each in read]
            status = np.array([_status(each) for each in read], dtype=object)
            status[~self.cells.readable] = self.cells.status[~self.cells.readable]
            n_unknown, n_duplicates = (
                np.array([0 if each is None else getattr(each, name) for each in answers], np.int64)
                for name in ("n_unknown", "n_duplicates")
            )
            values = [None if a is None else a.value for a in answers]
            X, control, change = self._predicted(one, values)
            found.append(PredictedCells(X, control, change, status, n_unknown, n_duplicates, values))
        return [found[start : start + n_samples] for start in range(0, len(found), n_samples)]

    def _questions(self, perturbation: Perturbation) -> list[Question | None]:
        """One question a cell; none for a cell without genes."""
        options = tuple(perturbation_options(self.cells.spec, perturbation))
        cells = zip(self.control, self.cells.context(slice(0, len(self.cells))), strict=True)
        return [
            self._question(genes=tuple(shown), perturbation=perturbation, options=options, context=facts)
            if shown
            else None
            for shown, facts in cells
        ]

    def expression(self, cells: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        """Expression of these sentences by the fitted line."""
        ranks = encode(cells, self.genes.gene_index, self.cells.n_genes)
        slope, intercept = float(self.genes.line["slope"]), float(self.genes.line["intercept"])
        return rebuild_expression(ranks, self.columns, self.cells.adata.n_vars, slope=slope, intercept=intercept)


def _read(question: Question, text: str | None) -> Any:
    """The answer in a completion, or why there is none."""
    if text is None:
        return adata_keys.NOT_ANSWERED
    answer = question.parse(text)
    return str(answer.reason) if isinstance(answer, Failure) else answer


def _status(read: Any) -> str:
    """``"ok"``, or why there is no answer."""
    return adata_keys.NO_GENES if read is None else read if isinstance(read, str) else adata_keys.OK
