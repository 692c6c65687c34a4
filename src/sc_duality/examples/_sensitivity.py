"""Examples of drug sensitivity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from ..metrics import normal_form
from ..tasks import Sensitivity, SensitivityExample, Task
from ._hidden_genes import CellParts
from ._known_labels import Meant
from ._label_task import LabelExamples
from ._results import param_list

#: Labels where neither the user nor the model has others.
_LABELS = ("sensitive", "resistant")


class SensitivityExamples(LabelExamples):
    """Examples of drug sensitivity: the labels that the model knows belong to the drug."""

    task: Sensitivity
    task_class = Sensitivity

    @cached_property
    def drug(self) -> str:
        """The model's own name for the drug, or an error if it knows only others."""
        drugs = self.cells.spec.known("sensitivity", "drugs", {})
        drug = {normal_form(name): name for name in drugs}.get(normal_form(self.task.drug), self.task.drug)
        if drugs and drug not in drugs:
            raise ValueError(
                f"the model {self.cells.spec.name!r} does not know the drug {self.task.drug!r}; it knows "
                f"{', '.join(drugs)}: pass another drug or a general model"
            )
        return drug

    @property
    def known_labels(self) -> Sequence[str]:
        """Labels that the model knows for the drug."""
        return tuple(self.cells.spec.known("sensitivity", "drugs", {}).get(self.drug, ()))

    def _options(self, labels: Sequence[str] | str | None) -> dict[str, Meant]:
        return super()._options(self.known_labels or _LABELS if labels is None else labels)

    def example(
        self,
        parts: CellParts,
        *,
        context: Mapping[str, str],
        options: Sequence[str] | None = None,
        truth: str | None = None,
    ) -> SensitivityExample:
        """The example of one cell and the drug."""
        return SensitivityExample(drug=self.drug, **self.fields(parts, context, options, truth))

    def settings(self) -> dict[str, Any]:
        """The drug."""
        return {"drug": self.task.drug}

    @classmethod
    def task_from_params(cls, params: Mapping[str, Any]) -> Task:
        """The task with the drug and the labels of an earlier result."""
        return Sensitivity(drug=str(params["drug"]), labels=param_list(params, "labels"))

    def knowledge(self) -> dict[str, Any]:
        """The labels of the drug."""
        return {"drugs": {**self.cells.spec.known("sensitivity", "drugs", {}), self.drug: list(self._truth[1])}}
