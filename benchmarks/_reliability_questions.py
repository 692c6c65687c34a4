"""A question of every task in every prompt format, from both sides, and answers to it."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks._reliability_texts import GENES, LABELS
from sc_duality.tasks import (
    Annotation,
    Example,
    Generation,
    GenerationExample,
    JointAnnotation,
    JointAnnotationExample,
    LabelExample,
    Perturbation,
    PromptFormat,
    Question,
    Response,
    ResponseExample,
    Sensitivity,
    SensitivityExample,
    Task,
)

FORMATS = ("plain", "terse", "compact", "c2s", "cell-o1")
#: Where the prompts of c2s come from if cell2sentence is not installed; parsers do not depend on them.
_PROMPTS = {
    "single_cell_cell_type_prediction_prompts": {"model_input": ["{cell_sentence}:"], "response": ["{cell_type}."]},
    "single_cell_cell_type_conditional_generation_prompts": {
        "model_input": ["{cell_type}:"],
        "response": ["{cell_sentence}."],
    },
}
_DOSES = (("0.2 µM", "24 h"), ("1 µM", ""), ("", "6 h"))
_PERTURBATIONS = (
    Perturbation("control"),
    Perturbation("knockdown", "STAT1"),
    Perturbation("knockout", "NKX2-5"),
    Perturbation("cytokine", "IFN-γ"),
)
_DRUGS = (*(Perturbation("drug", "panobinostat", *dose) for dose in _DOSES), Perturbation("control"))


class Parser(NamedTuple):
    """A question, and the prompt format and task that it is from."""

    name: str
    question: Question
    #: What decides how a completion is read: questions with an equal one share a parser.
    kind: tuple[Any, ...]


def parsers(folder: Path) -> list[Parser]:
    """Every question; ``folder`` is for prompts that are not installed."""
    _add_prompts(folder)
    found = []
    for name in FORMATS:
        prompt_format = PromptFormat(name)
        # The models behind c2s read and write symbols in capitals.
        genes = tuple(gene.upper() for gene in GENES) if name == "c2s" else GENES
        for task, example in _tasks(prompt_format, genes):
            try:
                sides = {"primal": task.question(example), "dual": task.dual(example, example.truth)}
            except ValueError as error:
                if "has no template" in str(error) or "context='label'" in str(error):
                    continue
                raise
            for side, question in sides.items():
                assert question is not None
                kind = prompt_format.tagged, prompt_format.ending, question.answer_type
                found.append(Parser(f"{name} {task.name} {side}", question, kind))
    return found


def answers(question: Question, rng: random.Random) -> Iterator[Any]:
    """Valid answers to a question, without end."""
    target = question.target
    while True:
        if question.answer_type.longest is None:  # genes
            nested = isinstance(target[0], tuple)
            lists = [tuple(rng.sample(genes, rng.randint(1, len(genes)))) for genes in (target if nested else [target])]
            yield tuple(lists) if nested else lists[0]
        elif question.answer_type.options is None:  # an order of many labels
            yield tuple(rng.sample(target, len(target)))
        else:
            yield rng.choice(question.answer_type.options)


def _tasks(prompt_format: PromptFormat, genes: tuple[str, ...]) -> Iterator[tuple[Task, Example]]:
    fields: dict[str, Any] = {"prompt_format": prompt_format, "vocabulary": frozenset(genes)}
    half = len(genes) // 2
    for observed in ((), genes[:half]):
        hidden = genes[half:] if observed else genes
        shown: dict[str, Any] = {"genes": genes, "observed": observed, "hidden_genes": hidden}
        yield Annotation(**fields), LabelExample(options=LABELS, truth=LABELS[0], **shown)
        for labels in (("sensitive", "resistant"), ("treated", "not treated", "sensitive to both")):
            example = SensitivityExample(drug="erlotinib", options=labels, truth=labels[1], **shown)
            yield Sensitivity(drug="erlotinib", **fields), example
    cell = GenerationExample(cell_type="B cell", options=LABELS, n_genes=len(genes), truth=genes)
    yield Generation(**fields), cell
    # Models of compact know one dose.
    drugs = _DRUGS[2:] if prompt_format.gene_tokens else _DRUGS
    for options in (_PERTURBATIONS, drugs):
        yield Response(**fields), ResponseExample(genes=genes, perturbation=options[1], options=options, truth=genes)
    labels = ("sensitive", "resistant")
    response = ResponseExample(genes=genes, perturbation=labels[1], options=labels, drug="erlotinib", truth=genes)
    yield Response(**fields), response
    for n in (2, 3, 6):
        cells = tuple(genes[i::n] for i in range(n))
        batch = JointAnnotationExample(
            cells=cells, options=LABELS[:n], hidden_genes=cells, observed=cells, truth=LABELS[:n]
        )
        yield JointAnnotation(**fields), batch


def _add_prompts(folder: Path) -> None:
    if find_spec("cell2sentence") is not None:
        return
    prompts = folder / "cell2sentence" / "prompts"
    prompts.mkdir(parents=True)
    (folder / "cell2sentence" / "__init__.py").touch()
    for name, content in _PROMPTS.items():
        (prompts / f"{name}.json").write_text(json.dumps(content))
    sys.path.append(str(folder))
