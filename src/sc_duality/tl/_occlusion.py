"""Occlusion: how the log-probability of each label changes when one gene is hidden from a cell sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from ..examples import LabelExamples
from ..models import LanguageModel, ReferenceClassifier
from ..tasks import LabelExample
from ._label_predictions import sum_by_type
from ._predict_labels import label_probabilities

#: Cells of a group whose genes are all hidden in turn, to choose the candidates that are hidden from the other cells.
_N_SCREENED = 3
#: Smallest probability whose logarithm is taken.
_TINY = 1e-12

#: A cell by its index, and a gene of its sentence.
Hidden = tuple[int, str]


class ExplainedGroup(NamedTuple):
    """A group of cells, and the two labels between which its genes decide."""

    #: Indices of its cells, each with an answer of the model.
    cells: list[int]
    #: Indices of its label and of the runner-up.
    label: int
    runner_up: int


class Occlusion:
    """Label probabilities of some cells, with all of their genes and with one gene hidden.

    Parameters
    ----------
    model, examples, classifier
        As of :func:`label_probabilities`.
    cells
        The cells as examples.
    genes
        The genes of each cell that the classifier reads.
    """

    def __init__(
        self,
        model: LanguageModel,
        examples: LabelExamples,
        classifier: ReferenceClassifier | None,
        cells: Sequence[LabelExample],
        genes: Sequence[Sequence[str]],
    ) -> None:
        self._model, self._examples, self._classifier = model, examples, classifier
        self._cells, self._genes = cells, [tuple(one) for one in genes]
        #: (n_cells, n_labels); NaN where the model gave no answer.
        self.probability = self._probability(cells, self._genes)
        self._log = np.log(np.maximum(self.probability, _TINY))
        self._drops: dict[Hidden, NDArray[np.float64]] = {}

    def deciding_genes(self, groups: Sequence[ExplainedGroup], n_genes: int) -> list[pd.DataFrame]:
        """For each group a DataFrame with one row a candidate gene: ``drop`` and ``contrast`` in nats.

        ``drop`` is how much the log-probability of the label falls when the gene is hidden, ``contrast`` how much it
        falls against that of the runner-up: both are means over the cells of the group, 0 for cells without the gene.
        Candidates are the genes that count most in three cells of the group, or for the reference classifier in all of
        them; these are hidden from all cells.
        """
        screened = [group._replace(cells=group.cells[:_N_SCREENED]) for group in groups]
        self._hide((i, gene) for group in screened for i in group.cells for gene in self._shown(i))
        candidates = [self._candidates(few, group, n_genes) for few, group in zip(screened, groups, strict=True)]
        self._hide(
            (i, gene)
            for group, genes in zip(groups, candidates, strict=True)
            for i in group.cells
            for gene in self._shown(i)
            if gene in genes
        )
        found = [self._means(group) for group in groups]
        return [means[means.index.isin(genes)] for means, genes in zip(found, candidates, strict=True)]

    def _candidates(self, screened: ExplainedGroup, group: ExplainedGroup, n_genes: int) -> set[str]:
        """Genes with the largest drops and contrasts in the screened cells, and for the classifier in all cells."""
        means = self._means(screened)
        found = {*means["drop"].nlargest(2 * n_genes).index, *means["contrast"].nlargest(n_genes).index}
        if self._classifier is not None:
            found |= set(self._classifier_drops(group, self._classifier).nlargest(n_genes).index)
        return found

    def _classifier_drops(self, group: ExplainedGroup, classifier: ReferenceClassifier) -> pd.Series:
        """Summed drop of the label's log-probability by the reference classifier alone, by gene."""
        drops: dict[str, float] = {}
        for i in group.cells:
            genes = self._genes[i]
            hidden = [genes, *(without(genes, gene) for gene in genes)] if len(genes) > 1 else [genes]
            scores = classifier.class_scores(hidden, self._examples.options) / classifier.temperature
            of_labels = sum_by_type(softmax(scores, axis=1), np.asarray(self._examples.label_of_option))
            log = np.log(np.maximum(of_labels[:, group.label], _TINY))
            for gene, drop in zip(genes, (log[0] - log[1:]).tolist(), strict=False):
                drops[gene] = drops.get(gene, 0.0) + drop
        return pd.Series(drops, dtype=float)

    def _shown(self, cell: int) -> tuple[str, ...]:
        """The genes that the model or the classifier reads of a cell."""
        return tuple(dict.fromkeys((*self._cells[cell].genes, *self._genes[cell])))

    def _probability(self, cells: Sequence[LabelExample], genes: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        questions = [self._examples.task.question(cell) for cell in cells]
        found = label_probabilities(self._model, self._examples, questions, genes, self._classifier)
        return sum_by_type(found, np.asarray(self._examples.label_of_option))

    def _hide(self, hidden: Iterable[Hidden]) -> None:
        """Query the model with each of these genes hidden, once; a cell keeps at least one gene."""
        new = [one for one in dict.fromkeys(hidden) if one not in self._drops and len(self._cells[one[0]].genes) > 1]
        if not new:
            return
        cells = [replace(self._cells[i], genes=without(self._cells[i].genes, gene)) for i, gene in new]
        probability = self._probability(cells, [without(self._genes[i], gene) for i, gene in new])
        drops = self._log[[i for i, _ in new]] - np.log(np.maximum(probability, _TINY))
        self._drops |= dict(zip(new, drops, strict=True))

    def _means(self, group: ExplainedGroup) -> pd.DataFrame:
        """Mean drop and contrast of each gene that was hidden, over the cells of the group."""
        sums: dict[str, NDArray[np.float64]] = {}
        for i in group.cells:
            for gene in self._shown(i):
                drop = self._drops.get((i, gene))
                if drop is not None and not np.isnan(drop).any():
                    both = np.array([drop[group.label], drop[group.label] - drop[group.runner_up]])
                    sums[gene] = sums.get(gene, np.zeros(2)) + both
        table = pd.DataFrame.from_dict(sums, orient="index", columns=["drop", "contrast"], dtype=float)
        return table / len(group.cells)


def without(genes: Sequence[str], hidden: str) -> tuple[str, ...]:
    """The genes of a sentence but one; later genes move up."""
    return tuple(gene for gene in genes if gene != hidden)
