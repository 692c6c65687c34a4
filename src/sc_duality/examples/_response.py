"""Examples of perturbation response: control cells paired with treated ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cells import adata_keys, preview
from ..tasks import Perturbation, Response, ResponseExample, Task, TrainingExample
from ._examples import Examples, Pool, Results, every_row, groups, shown_genes
from ._group_changes import Members
from ._model_cells import ModelCells
from ._perturbations import from_json, known_perturbation, known_perturbations, own_perturbation, to_perturbation
from ._results import check_options, param_list, predictions

#: Share of training examples without a perturbation: a model that never sees them predicts the same for every one.
P_CONTROL = 0.5
#: Values of a column that an error names at most.
_MAX_NAMED = 12


class ResponseExamples(Examples):
    """Examples of perturbation response."""

    task: Response
    task_class = Response
    extends_knowledge = True

    @property
    def _results(self) -> type[ResponseResults]:
        return ResponseResults

    @cached_property
    def _perturbation(self) -> NDArray[Any]:
        """The perturbation of each cell, ``None`` where it is unknown."""
        task, spec = self.task, self.cells.spec
        if task.perturbation is None or (task.control is None and not task.perturbations):
            raise ValueError(
                "the task 'response' needs the obs column with perturbations and the value of control cells, such as "
                "tasks={'response': {'perturbation': 'condition', 'control': 'ctrl'}}"
            )
        values = self.cells.column(task.perturbation, "perturbation")
        present = sorted({value for value in values if value is not None})
        meaning = {str(value): to_perturbation(one) for value, one in task.perturbations.items()}
        if not task.perturbations:
            meaning = {value: Perturbation("treatment", value) for value in present}
        if task.control is not None:
            if str(task.control) not in present:
                raise ValueError(
                    f"control={task.control!r} is not a value of obs[{task.perturbation!r}]: pass one of "
                    f"{preview(map(repr, present), _MAX_NAMED)}"
                )
            meaning[str(task.control)] = Perturbation("control")
        if not any(one.is_control for one in meaning.values()):
            raise ValueError("none of perturbations= is ('control',): pass control=, the value of untreated cells")
        known = {value: own_perturbation(spec, one) or one for value, one in meaning.items()}
        return np.array([known.get(value) for value in values], dtype=object)

    @cached_property
    def _present(self) -> list[Perturbation]:
        """Perturbations of these cells, control first."""
        present = dict.fromkeys(one for one in self._perturbation if one is not None)
        return sorted(present, key=lambda one: (not one.is_control, str(one)))

    @cached_property
    def options(self) -> tuple[Perturbation, ...]:
        """All perturbations that the model knows, and all others in the data."""
        return tuple(dict.fromkeys([*known_perturbations(self.cells.spec), *self._present]))

    @cached_property
    def _groups(self) -> NDArray[Any]:
        """Cells that may be paired have the same text; a cell without a value of ``match`` has none."""
        return groups(self.cells, self.task.match, "match")

    @property
    def truth_column(self) -> str | None:
        """The column with the perturbations."""
        return self.task.perturbation

    @property
    def has_truth(self) -> bool:
        """Whether there are treated cells."""
        return any(one is not None and not one.is_control for one in self._perturbation)

    @cached_property
    def _is_control(self) -> NDArray[np.bool_]:
        return np.array([one is not None and one.is_control for one in self._perturbation])

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """Control cells whose group has treated cells among ``rows`` too."""
        members = self._members(rows & self.cells.readable)
        paired = [group for group, cells in members.items() if len(cells) > 1 and any(one.is_control for one in cells)]
        if not paired:
            raise ValueError(
                f"obs[{self.task.perturbation!r}] has no control and treated cells that agree in "
                f"match={self.task.match!r}"
            )
        found = np.flatnonzero(rows & self.cells.readable & self._is_control & np.isin(self._groups, paired))
        return Pool(found, np.ones(len(found)), partial(self._training_example, members))

    def _members(self, rows: NDArray[np.bool_]) -> Members:
        """These rows by group and perturbation."""
        members: dict[str, dict[Perturbation, list[int]]] = {}
        for row in np.flatnonzero(rows & (self._perturbation != None) & (self._groups != None)):  # noqa: E711
            members.setdefault(self._groups[row], {}).setdefault(self._perturbation[row], []).append(int(row))
        return {group: {one: np.array(found) for one, found in present.items()} for group, present in members.items()}

    @cached_property
    def _readable_members(self) -> Members:
        return self._members(self.cells.readable)

    def _training_example(
        self, members: Members, row: int, genes: list[str], rng: np.random.Generator
    ) -> TrainingExample:
        """The control cell with a cell of its group: another control in half of the examples, else a treated one."""
        present = members[self._groups[row]]
        control = next(one for one in present if one.is_control)
        treated = [one for one in present if not one.is_control]
        perturbation = control if rng.random() < P_CONTROL else treated[rng.integers(len(treated))]
        after = self.cells.genes([int(rng.choice(present[perturbation]))])[0]
        return TrainingExample(self.task, self._example(row, genes, perturbation, tuple(after)))

    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """Every control cell under each perturbation in turn."""
        for one in self._present:
            known_perturbation(self.cells.spec, one)
        treatments = [one for one in self.options if not one.is_control]
        chosen = [one for one in treatments if one in self._present] or treatments
        control, found = self._is_control & self.cells.readable, []
        if with_truth:
            control &= self._groups != None  # noqa: E711
        for i, row in enumerate(every_row(np.flatnonzero(control), n, rng)):
            perturbation = chosen[i % len(chosen)]
            truth = self._true_answer(row, perturbation, rng) if with_truth else None
            genes = shown_genes(self.cells, row, rng, augment=augment)
            example = self._example(row, genes, perturbation, truth)
            found.append(TrainingExample(self.task, example, unit=str(self.cells.names[row])))
        return found

    def _true_answer(self, row: int, perturbation: Perturbation, rng: np.random.Generator) -> Any:
        """A random treated cell of the group of this control cell."""
        return tuple(self.cells.genes([int(rng.choice(self._treated_rows(row, perturbation)))])[0])

    def _treated_rows(self, row: int, perturbation: Perturbation) -> NDArray[np.int64]:
        """The treated cells that agree with this control cell, or an error if there are none."""
        same = self._readable_members[self._groups[row]]
        if perturbation not in same:
            raise ValueError(f"no cell that agrees with {self.cells.names[row]!r} in match= has {str(perturbation)!r}")
        return same[perturbation]

    def _example(self, row: int, genes: list[str], perturbation: Perturbation, truth: Any) -> ResponseExample:
        return ResponseExample(
            genes=tuple(genes),
            perturbation=perturbation,
            options=self.options,
            truth=truth,
            context=self.cells.context([row])[0],
        )

    def knowledge(self) -> dict[str, Any]:
        """The perturbations."""
        fields = [{name: value for name, value in asdict(one).items() if value} for one in self._present]
        return {"perturbations": fields}

    @classmethod
    def task_from_params(cls, params: Mapping[str, Any]) -> Task:
        """The task with the perturbations of an earlier result."""
        return Response(perturbations=from_json(params["options_json"]))

    def from_results(self, key: str, seed: int) -> ResponseResults:
        """The predicted cells, and the control cells and the perturbation that they were predicted from."""
        params = self.cells.adata.uns[key]["params"]
        names = {
            name: known_perturbation(self.cells.spec, one) for name, one in from_json(params["options_json"]).items()
        }
        check_options(key, list(names))
        control = ModelCells(
            self.cells.adata,
            self.cells.spec,
            sentence_key=adata_keys.control(self.cells.sentence_key),
            n_genes=self.cells.n_genes,
            context=param_list(params, "context"),
        )
        found = predictions(self.cells.adata, key, names)
        return self._results(self.task, self.cells, control, found, names)


class ResponseResults(Results):
    """Predicted cells with what they were predicted from."""

    def __init__(
        self,
        task: Response,
        treated: ModelCells,
        control: ModelCells,
        perturbations: Sequence[str | None],
        names: Mapping[str, Perturbation],
    ) -> None:
        self.task = task
        self._treated, self._control, self._perturbations, self._names = treated, control, perturbations, names

    def block(self, rows: slice) -> tuple[list[Any], list[Any]]:
        """Examples and predictions."""
        options, chosen = tuple(self._names.values()), self._perturbations[rows]
        cells = zip(self._control.genes(rows), chosen, self._control.context(rows), strict=True)
        examples = [
            self._example(
                genes=tuple(genes),
                perturbation=self._names[one] if one else options[0],
                options=options,
                context=context,
            )
            for genes, one, context in cells
        ]
        answers = zip(chosen, self._treated.genes(rows), self._answers(rows), strict=True)
        return examples, [answer if one and genes else None for one, genes, answer in answers]

    def _example(self, **fields: Any) -> ResponseExample:
        return ResponseExample(**fields)

    def _answers(self, rows: slice) -> list[Any]:
        """Predicted sentences."""
        return [tuple(genes) for genes in self._treated.genes(rows)]
