"""Examples of perturbation response as gene changes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..cells import adata_keys, gene_columns
from ..tasks import Changes, GeneChangeExample, GeneChangeResponse, Perturbation, Task, TrainingExample
from ._change_lines import fit_change_lines
from ._examples import Pool
from ._group_changes import GroupChanges, Members, ranked_changes
from ._known_genes import model_names
from ._perturbations import from_json
from ._response import P_CONTROL, ResponseExamples, ResponseResults

#: Genes of each list, as in C2S-Scale, and the longest list as a share of the genes.
_N_CHANGED, _LONGEST = 200, 1 / 3
#: Other perturbations that a change is told from in training.
_N_WRONG = 2


class GeneChangeExamples(ResponseExamples):
    """Examples of perturbation response as gene changes."""

    task: GeneChangeResponse
    task_class = GeneChangeResponse

    @cached_property
    def n_changed(self) -> int:
        """Genes of each list at most."""
        wanted = self.task.n_changed or self.cells.spec.known(self.task.name, "n_changed", _N_CHANGED)
        return min(wanted, max(1, int(_LONGEST * len(self.cells.gene_names))))

    @cached_property
    def _expression(self) -> sparse.csr_matrix:
        """log10(1 + counts per 10,000) of the genes that the model knows."""
        return self.cells.expression()

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """Control cells whose group has treated cells among ``rows`` too."""
        pool = super().labelled(rows)
        members = self._members(rows & self.cells.readable)
        return pool._replace(example=partial(self._change_example, members, GroupChanges(self._expression, members)))

    def _change_example(
        self, members: Members, changes: GroupChanges, row: int, genes: list[str], rng: np.random.Generator
    ) -> TrainingExample:
        """A control cell without a change in half of the examples, else with the change of its group or another."""
        group = self._groups[row]
        present = members[group]
        control = next(one for one in present if one.is_control)
        treated = [one for one in present if not one.is_control]
        lacking = [one for one in changes.of_perturbation if one not in present]
        truth: Changes = ((), ())
        noise = None
        if rng.random() < P_CONTROL:
            perturbation = control
        elif lacking and rng.random() < self.task.transfer:
            perturbation = lacking[rng.integers(len(lacking))]
            group = rng.choice(changes.groups_with(perturbation))
        else:
            perturbation = treated[rng.integers(len(treated))]
        if perturbation.is_control:
            noise = self._ranked(changes.noise(group, rng))
        elif self.task.pairs == "cells" and perturbation in present:
            truth = self._ranked(changes.single(group, perturbation, row, rng))
        else:
            truth = self._ranked(changes.resampled(group, perturbation, rng))
        others = [one for one in self._present if one != perturbation]
        wrong = [others[i] for i in rng.permutation(len(others))[:_N_WRONG]]
        example = self._example(row, genes, perturbation, truth)
        return TrainingExample(self.task, example, wrong, dual_answer=noise)

    def _ranked(self, change: NDArray[np.float64]) -> Changes:
        return ranked_changes(change, self.cells.gene_names, self.n_changed)

    def _true_answer(self, row: int, perturbation: Perturbation, rng: np.random.Generator) -> Changes:
        """The change of the group of this control cell, or from it to a treated cell."""
        self._treated_rows(row, perturbation)
        if self.task.pairs == "cells":
            return self._ranked(self._changes.single(self._groups[row], perturbation, row, rng))
        return self._ranked(self._changes.resampled(self._groups[row], perturbation, rng))

    @cached_property
    def _changes(self) -> GroupChanges:
        """Changes between all readable cells."""
        return GroupChanges(self._expression, self._readable_members)

    def _example(self, row: int, genes: list[str], perturbation: Perturbation, truth: Any) -> GeneChangeExample:
        return GeneChangeExample(
            genes=tuple(genes),
            perturbation=perturbation,
            options=self.options,
            n_changed=self.n_changed,
            truth=truth,
            context=self.cells.context([row])[0],
        )

    def knowledge(self) -> dict[str, Any]:
        """The perturbations, the length of the lists, and the lines from rank and expression to change."""
        return {
            **super().knowledge(),
            "n_changed": self.n_changed,
            "lines": {
                str(one): fit_change_lines(changes, control, self.n_changed)
                for one, (changes, control) in self._changes.of_groups().items()
            },
        }

    @classmethod
    def task_from_params(cls, params: Mapping[str, Any]) -> Task:
        """The task with the perturbations of an earlier result."""
        return GeneChangeResponse(perturbations=from_json(params["options_json"]))

    @property
    def _results(self) -> type[ResponseResults]:
        return GeneChangeResults


class GeneChangeResults(ResponseResults):
    """Predicted changes with the control cells that they were predicted from."""

    @cached_property
    def _columns(self) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        """Columns of the data whose genes the model knows, and its symbols of these."""
        cells = self._treated
        columns = gene_columns(cells.sentences.genes, cells.adata, cells.sentences.params.get("gene_symbols"))
        names = model_names(cells.sentences.genes, cells.spec)
        kept = (columns >= 0) & np.array([name is not None for name in names])
        return columns[kept], names[kept]

    @property
    def _n_changed(self) -> int:
        """Genes of each list at most, as the model was trained: a mean over predictions has more."""
        n_genes = len(self._columns[0])
        return min(n_genes, int(self._treated.spec.known(GeneChangeResponse.name, "n_changed", n_genes)))

    def _example(self, **fields: Any) -> GeneChangeExample:
        return GeneChangeExample(n_changed=self._n_changed, **fields)

    def _answers(self, rows: slice) -> list[Any]:
        columns, names = self._columns
        changes = self._treated.adata.layers[adata_keys.CHANGE_LAYER][rows]
        dense = np.asarray(changes.todense() if hasattr(changes, "todense") else changes, dtype=float)[:, columns]
        return [ranked_changes(change, names, self._n_changed) for change in dense]
