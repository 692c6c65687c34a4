"""What cells are asked for a label: the task, and an example of it from any cell's genes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from ..models import ModelSpec, ReferenceClassifier
from ..tasks import Annotation, Example, Sensitivity, annotation_example, sensitivity_example
from ..train._judge import GIVEN, Dual, Given, cell_rng


class Question(NamedTuple):
    """A question about cells, but for the cells."""

    task: Annotation | Sensitivity
    #: Labels as they are written into AnnData, each with the model's own name for it.
    names: dict[str, str]
    #: The question about a cell with these genes.
    example: Callable[..., Example]
    #: What the model says where none of the labels is right; empty where it never does.
    none: str = ""
    #: What the cells that the model learned the labels from say of others, if it has some.
    reference: ReferenceClassifier | None = None

    @property
    def labels(self) -> list[str]:
        """Labels in the model's own words."""
        return list(self.names.values())

    def shown(self, cells: Sequence[Sequence[str]], facts: Sequence[Mapping[str, str]]) -> list[Example]:
        """Each cell with all of its genes in view, as a label is asked for."""
        return [self.example(genes, context=fact) for genes, fact in zip(cells, facts, strict=True)]

    def hidden(
        self, cells: Sequence[Sequence[str]], facts: Sequence[Mapping[str, str]], names: Sequence[str], how: Dual
    ) -> list[Example]:
        """Each cell with genes hidden, as the dual is asked; ``names`` are those of the cells."""
        rngs = (cell_rng(how.seed, "hidden", name) for name in names)
        return [
            self.example(genes, context=fact, hidden_fraction=how.hidden_fraction, rng=rng)
            for genes, fact, rng in zip(cells, facts, rngs, strict=True)
        ]


def annotation_question(spec: ModelSpec, names: dict[str, str], given: Given = GIVEN) -> Question:
    """The cell's type."""
    task = Annotation(spec.prompt_format, spec.genes, given)
    example = partial(annotation_example, labels=list(names.values()))
    return Question(task, names, example, spec.known("annotation", "none_of_these", ""))


def sensitivity_question(spec: ModelSpec, drug: str, names: dict[str, str], given: Given = GIVEN) -> Question:
    """How the cell takes a drug; ``drug`` in the model's own words."""
    task = Sensitivity(spec.prompt_format, spec.genes, given)
    return Question(task, names, partial(sensitivity_example, drug=drug, labels=list(names.values())))
