"""From answers as AnnData holds them back to their questions, with what the dual is to give back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from anndata import AnnData

from ..cells import adata_keys, cell_names, column
from ..models import ModelSpec
from ..tasks import Example, Generation, Response, Task, generation_example, response_example
from ..train._judge import Dual
from ._answers import OK
from ._ask import Cells, Facts, cells_for, check_task, context_of, genes_asked
from ._labels import drug_choices, own_names
from ._perturbations import known_as, restored
from ._questions import Question, annotation_question, sensitivity_question

#: Of some of the cells, the questions and the answers in the judge's words; ``None`` or no genes is no answer.
Part = Callable[[slice], tuple[list[Example], list[Any]]]


class Backwards(NamedTuple):
    """Answers and their questions."""

    task: Task
    part: Part
    #: Labels that each answer competes with, itself among them; 1 where it does not.
    n_labels: int
    sentence_key: str


class _Asked(NamedTuple):
    """What was asked, and who is to judge the answers."""

    adata: AnnData
    key: str
    params: Mapping[str, Any]
    spec: ModelSpec
    how: Dual
    sentence_key: str
    n_genes: int

    def cells(self, key: str) -> Cells:
        return cells_for(self.adata, self.spec, key=key, n_genes=self.n_genes)

    def facts(self) -> Facts:
        return context_of(self.adata, self.texts("context"))

    def texts(self, name: str) -> list[str]:
        """A list among the settings; files hold it as an array."""
        return [str(text) for text in np.asarray(self.params.get(name, ()), dtype=object)]

    def refuse_one(self, candidates: Sequence[str]) -> None:
        """A single candidate always comes back, whatever the cell."""
        if len(candidates) < 2:
            raise ValueError(
                f"obs[{self.key!r}] could only be {candidates[0]!r}: judge with a model that has others to choose from"
            )

    def answers(self, possible: Sequence[str]) -> list[str | None]:
        """What stands in ``obs``, ``None`` where there is no answer or it is ``"unknown"``."""
        given, status = column(self.adata, self.key).astype(object), column(self.adata, adata_keys.status(self.key))
        answers = [str(answer) if good else None for answer, good in zip(given, status == OK, strict=True)]
        strange = sorted({answer for answer in answers if answer is not None} - set(possible))
        if strange:
            raise ValueError(
                f"obs[{self.key!r}] holds answers {strange} that were not to choose from: leave its names as they were"
            )
        return answers


def turned_around(
    adata: AnnData, key: str, spec: ModelSpec, how: Dual, *, sentence_key: str | None, n_genes: int | None
) -> Backwards:
    """The answers under ``key`` with what they are to give back, or an error that says why they cannot be judged."""
    if key not in adata.obs:
        raise KeyError(f"obs has no answers {key!r}: run sd.tl.annotate(adata, key_added={key!r}) first")
    params = adata.uns[key].get(adata_keys.PARAMS, {}) if key in adata.uns else {}
    find = _TASKS.get(params.get("task"))
    if find is None or adata_keys.status(key) not in adata.obs:
        raise KeyError(
            f"uns[{key!r}]['params'] does not say how obs[{key!r}] came about: only answers of sd.tl.annotate, "
            'sensitivity, generate and perturb can be judged (anndata.concat keeps uns with uns_merge="same")'
        )
    asked = _Asked(adata, key, params, spec, how, sentence_key or params["key"], genes_asked(spec, n_genes))
    return Backwards(*find(asked), asked.sentence_key)


_Found = tuple[Task, Part, int]


def _annotation(asked: _Asked) -> _Found:
    check_task(asked.spec, "annotation")
    names = own_names(asked.spec, asked.texts("labels"))
    return _labelled(asked, annotation_question(asked.spec, names, asked.how.given))


def _sensitivity(asked: _Asked) -> _Found:
    check_task(asked.spec, "sensitivity")
    drug, names = drug_choices(asked.adata, asked.spec, asked.params["drug"], asked.texts("labels"))
    return _labelled(asked, sensitivity_question(asked.spec, drug, names, asked.how.given))


def _labelled(asked: _Asked, question: Question) -> _Found:
    labels = asked.answers(list(question.names))
    cells, facts, names = asked.cells(asked.sentence_key), asked.facts(), cell_names(asked.adata)

    def part(rows: slice) -> tuple[list[Example], list[Any]]:
        own = [question.names[label] if label else None for label in labels[rows]]
        return question.hidden(cells.genes(rows), facts.of(rows), names[rows], asked.how), own

    return question.task, part, len(question.names)


def _generation(asked: _Asked) -> _Found:
    check_task(asked.spec, "annotation")  # which its dual is
    names = own_names(asked.spec, asked.texts("candidates"))
    asked.refuse_one(list(names))
    own = list(names.values())
    context = {"tissue": str(asked.params["tissue"])} if "tissue" in asked.params else {}
    labels, cells = asked.answers(list(names)), asked.cells(asked.sentence_key)

    def part(rows: slice) -> tuple[list[Example], list[Any]]:
        done = labels[rows]
        examples = [generation_example(names[label] if label else own[0], own, context=context) for label in done]
        return examples, _where(done, cells.genes(rows))

    return Generation(asked.spec.prompt_format, asked.spec.genes), part, 1


def _response(asked: _Asked) -> _Found:
    check_task(asked.spec, "response")
    stored = restored(asked.params["candidates_json"])
    own = {words: known_as(asked.spec, one) for words, one in stored.items()}
    every = list(own.values())
    asked.refuse_one(list(own))
    done, facts = asked.answers(list(own)), asked.facts()
    before, after = asked.cells(adata_keys.control(asked.sentence_key)), asked.cells(asked.sentence_key)

    def part(rows: slice) -> tuple[list[Example], list[Any]]:
        examples = [
            response_example(genes, own[words] if words else every[0], every, context=fact)
            for genes, words, fact in zip(before.genes(rows), done[rows], facts.of(rows), strict=True)
        ]
        return examples, _where(done[rows], after.genes(rows))

    return Response(asked.spec.prompt_format, asked.spec.genes), part, 1


def _where(answered: Sequence[str | None], cells: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    return [genes if answer else () for answer, genes in zip(answered, cells, strict=True)]


_TASKS: dict[str | None, Callable[[_Asked], _Found]] = {
    "annotation": _annotation,
    "sensitivity": _sensitivity,
    "generation": _generation,
    "response": _response,
}
