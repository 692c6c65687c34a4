"""Every task in every shipped prompt format, from both sides."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

import sc_duality
from sc_duality.tasks import (
    Annotation,
    Caption,
    CellGroupExample,
    CellLanguageModelling,
    ClusterAnnotation,
    ClusterExample,
    Example,
    GeneChangeExample,
    GeneChangeResponse,
    GeneInteraction,
    Generation,
    GenerationExample,
    GeneSetEnumeration,
    GeneSetExample,
    GeneSetNaming,
    InteractionExample,
    InteractionPartners,
    Interpretation,
    JointAnnotation,
    JointAnnotationExample,
    LabelExample,
    NeighbourGeneration,
    NeighbourGenerationExample,
    Niche,
    NicheExample,
    PartnersExample,
    Perturbation,
    PromptFormat,
    QuestionAnswer,
    QuestionExample,
    Response,
    ResponseExample,
    SameNeighbourhood,
    SameNiche,
    SampleByAbstract,
    SampleByCellTypes,
    SampleByCellTypesExample,
    SampleByTissue,
    SampleCellTypes,
    SampleGenerationExample,
    SampleLabel,
    SampleLabelExample,
    SampleLanguageModelling,
    Sensitivity,
    SensitivityExample,
    TextExample,
    Tissue,
)

FORMATS = sorted(path.name for path in (Path(sc_duality.__file__).parent / "tasks/prompt_formats").iterdir())
TASKS = {
    "niche": Niche,
    "same_neighbourhood": SameNeighbourhood,
    "same_niche": SameNiche,
    "neighbour_generation": NeighbourGeneration,
    "sample_cell_types": SampleCellTypes,
    "sample_label": SampleLabel,
    "tissue": Tissue,
    "cell_language_modelling": CellLanguageModelling,
    "gene_interaction": GeneInteraction,
    "gene_set_enumeration": GeneSetEnumeration,
    "gene_set_naming": GeneSetNaming,
    "sample_by_abstract": SampleByAbstract,
    "sample_by_cell_types": SampleByCellTypes,
    "sample_by_tissue": SampleByTissue,
    "sample_language_modelling": SampleLanguageModelling,
    "annotation": Annotation,
    "caption": Caption,
    "cluster_annotation": ClusterAnnotation,
    "gene_changes": GeneChangeResponse,
    "generation": Generation,
    "interaction_partners": InteractionPartners,
    "interpretation": Interpretation,
    "joint_annotation": JointAnnotation,
    "question_answer": QuestionAnswer,
    "response": Response,
    "sensitivity": Sensitivity,
}
#: Tasks on samples, neighbourhoods, gene sets and interactions, and texts, have no terse prompts.
LONG = {name for name in TASKS if name.startswith(("cell_language", "gene_set", "neighbour", "sam"))}
LONG |= {"gene_interaction", "interaction_partners", "niche", "tissue"}
TEXTS = {"caption", "interpretation", "question_answer"}
SUPPORTED = {
    "plain": set(TASKS),
    "terse": set(TASKS) - LONG - TEXTS,
    "compact": set(TASKS) - {"cluster_annotation", "sample_by_abstract"} - TEXTS,
    "c2s": {"annotation", "generation", "interpretation", "sample_by_tissue", "tissue"},
    "cell-o1": {"annotation", "joint_annotation"},
}
PAIRS = [(name, task) for name, tasks in SUPPORTED.items() for task in sorted(tasks)]

CELL, PART, REST = ("CD79A", "MS4A1", "CD74", "HLA-DRA"), ("CD79A", "CD74"), ("MS4A1", "HLA-DRA")
LABELS, CONTEXT = ("B cell", "natural killer cell"), {"tissue": "blood", "disease": "normal"}
HIDDEN = {
    "label": {"observed": ((), ()), "hidden_genes": (CELL, REST)},
    "observed": {"observed": (PART, PART), "hidden_genes": (REST, REST)},
    "observed cells": {"observed": (CELL, ()), "hidden_genes": ((), REST)},
}
CAPTION = "These cells of the blood express CD79A and MS4A1."
DRUG, CONTROL = Perturbation("drug", "panobinostat", dose="0.2 µM", time="24 h"), Perturbation("control")


def label_fields(observed, labels, context):
    return {
        "genes": observed or CELL,
        "observed": observed,
        "hidden_genes": REST if observed else CELL,
        "options": labels,
        "truth": labels[1],
        "context": context,
    }


def examples_of(task, context):
    """Examples of a task with a truth, by what makes them different."""
    match task:
        case "annotation":
            return {
                "label": LabelExample(**label_fields((), LABELS, context)),
                "observed": LabelExample(**label_fields(PART, LABELS, context)),
            }
        case "cluster_annotation":
            fields = {"n_cells": 1234, "share": 0.25, "markers": CELL[:2]}
            return {
                "label": ClusterExample(**fields, **label_fields((), LABELS, context)),
                "observed": ClusterExample(**fields, **label_fields(PART, LABELS, context)),
                "free": ClusterExample(**fields, **{**label_fields((), LABELS, context), "options": ()}),
                "no markers": ClusterExample(**{**fields, "markers": ()}, **label_fields((), LABELS, context)),
            }
        case "sensitivity":
            labels, others = ("sensitive", "resistant"), ("treated", "not treated")
            return {
                "label": SensitivityExample(drug="erlotinib", **label_fields((), labels, context)),
                "observed": SensitivityExample(drug="erlotinib", **label_fields(PART, others, context)),
            }
        case "generation":
            fields = {"cell_type": LABELS[1], "options": LABELS, "context": context}
            return {"cell type": GenerationExample(truth=CELL, n_genes=4, **fields)}
        case "response":
            fields = {"genes": CELL, "truth": CELL[::-1], "context": context}
            return {
                "drug": ResponseExample(perturbation=DRUG, options=(DRUG, CONTROL), **fields),
                "control": ResponseExample(perturbation=CONTROL, options=(DRUG, CONTROL), **fields),
                "label": ResponseExample(
                    perturbation="resistant", options=("sensitive", "resistant"), drug="erlotinib", **fields
                ),
            }
        case "gene_changes":
            fields = {"genes": CELL, "context": context, "n_changed": 3}
            changed = (CELL[2:], CELL[:1])
            return {
                "drug": GeneChangeExample(perturbation=DRUG, options=(DRUG, CONTROL), truth=changed, **fields),
                "control": GeneChangeExample(perturbation=CONTROL, options=(DRUG, CONTROL), truth=((), ()), **fields),
                "label": GeneChangeExample(
                    perturbation="resistant",
                    options=("sensitive", "resistant"),
                    drug="erlotinib",
                    truth=((), CELL[1:]),
                    **fields,
                ),
            }
        case "tissue" | "sample_label":
            fields = {"cells": (CELL, REST), "options": ("blood", "bone marrow"), "truth": "bone marrow"}
            fields |= {"fact": "tissue", "context": context}
            return {kind: SampleLabelExample(**fields, **hidden) for kind, hidden in HIDDEN.items()}
        case "niche":
            found = {}
            for kind, neighbours in (("alone", ()), ("one neighbour", (REST,)), ("neighbours", (REST, CELL))):
                for observed in ((), PART):
                    fields = label_fields(observed, LABELS, context)
                    found[f"{'observed' if observed else 'label'} {kind}"] = NicheExample(
                        neighbours=neighbours, **fields
                    )
            return found | {"label": found["label neighbours"]}
        case "same_neighbourhood" | "same_niche":
            fields = {"cells": (CELL, REST), "options": ("yes", "no"), "truth": "yes", "context": context}
            return {kind: CellGroupExample(**fields, **hidden) for kind, hidden in HIDDEN.items()}
        case "neighbour_generation":
            fields = {"cells": (CELL, REST), "truth": REST, "n_genes": 2, "context": context}
            return {kind: NeighbourGenerationExample(**fields, **hidden) for kind, hidden in HIDDEN.items()}
        case "sample_cell_types":
            fields = {"cells": (CELL, REST), "options": (*LABELS, "T cell"), "truth": LABELS, "context": context}
            return {kind: CellGroupExample(**fields, **hidden) for kind, hidden in HIDDEN.items()}
        case "cell_language_modelling":
            return {"cell": SampleGenerationExample(n_genes=(4,), truth=CELL, context=context)}
        case "sample_language_modelling" | "sample_by_tissue" | "sample_by_abstract":
            condition = {"sample_by_tissue": "lung", "sample_by_abstract": "We profiled a lung."}.get(task)
            options = ("lung", "skin") if task == "sample_by_tissue" else ()
            fields = {"condition": condition, "options": options, "context": context}
            return {"sample": SampleGenerationExample(n_genes=(4, 2), truth=(CELL, PART), **fields)}
        case "sample_by_cell_types":
            fields = {"condition": LABELS[1:], "options": LABELS, "truth": (CELL,), "context": context}
            return {"sample": SampleByCellTypesExample(n_genes=(4,), **fields)}
        case "gene_interaction":
            fields = {"gene": "EGF", "other": "EGFR", "context": context}
            return {
                "label": InteractionExample(truth="yes", **fields),
                "no interaction": InteractionExample(truth="no", **fields),
            }
        case "interaction_partners":
            fields = {"gene": "EGFR", "options": ("MET", "EGFR"), "n_genes": 2, "context": context}
            return {"partners": PartnersExample(truth=("EGF", "TGFA"), **fields)}
        case "gene_set_enumeration":
            fields = {"name": "interferon response", "truth": CELL, "reconstructed": True, "context": context}
            return {
                "options": GeneSetExample(options=("interferon response", "hypoxia"), n_genes=4, **fields),
            }
        case "gene_set_naming":
            fields = {"genes": CELL, "truth": "interferon response", "reconstructed": True, "context": context}
            return {"options": GeneSetExample(options=("interferon response", "hypoxia"), **fields)}
        case "caption" | "interpretation" | "question_answer":
            fields = {"cells": (CELL, REST), "n_cells": 1234, "length": 20, "truth": CAPTION, "context": context}
            fields |= {"query": "Are they activated?"} if task == "question_answer" else {}
            make = QuestionExample if task == "question_answer" else TextExample
            return {
                "label": make(markers=CELL[:2], cell_type=LABELS[0], options=LABELS, **fields),
                "no markers": make(cell_type=LABELS[1], options=LABELS, **fields),
            }
        case "joint_annotation":
            fields = {"options": LABELS, "truth": LABELS[::-1], "context": context}
            return {
                "label": JointAnnotationExample(
                    cells=(CELL, REST), observed=((), ()), hidden_genes=(CELL, REST), **fields
                ),
                "observed": JointAnnotationExample(
                    cells=(PART, REST), observed=(PART, REST), hidden_genes=(REST, PART), **fields
                ),
            }


def build(prompt_format, task):
    settings = {
        "sensitivity": {"drug": "erlotinib"},
        "cluster_annotation": {"groupby": "leiden"},
        "caption": {"groupby": "leiden"},
        "sample_label": {"fact": "disease"},
    }
    return TASKS[task](prompt_format=prompt_format, **settings.get(task, {}))


def question_of(task, example, side):
    """The question of one side."""
    if side == "primal":
        return task.question(example)
    if not example.has_hidden:
        pytest.skip("no dual task")
    return task.dual(example, example.truth if side == "dual" else None)


def takes_no_answer(task):
    """Whether the dual task can do without the answer: it reconstructs genes."""
    return task in (
        "niche",
        "same_neighbourhood",
        "same_niche",
        "tissue",
        "sample_label",
        "sample_cell_types",
        "annotation",
        "cluster_annotation",
        "gene_interaction",
        "sensitivity",
        "joint_annotation",
    )


def test_formats_and_tasks_are_those_that_are_shipped():
    folder = Path(sc_duality.__file__).parent / "tasks/prompt_formats"
    shipped = {
        name: {path.stem for path in (folder / name).glob("*.jinja") if not path.stem.startswith("_")}
        for name in FORMATS
    }
    assert shipped == SUPPORTED


@pytest.mark.usefixtures("fake_cell2sentence")
@pytest.mark.parametrize("side", ["primal", "dual", "dual without the answer"])
@pytest.mark.parametrize("context", [{}, CONTEXT], ids=["no context", "context"])
@pytest.mark.parametrize(("prompt_format", "name"), PAIRS)
def test_prompts_and_completions(prompt_format, name, context, side):
    task = build(prompt_format, name)
    for kind, example in examples_of(name, context).items():
        if side == "dual without the answer" and not takes_no_answer(name):
            continue
        if side != "primal" and prompt_format == "c2s" and kind.startswith("observed"):
            with pytest.raises(ValueError, match="context='label'"):
                question_of(task, example, side)
            continue
        if side != "primal" and (prompt_format, name) == ("c2s", "interpretation"):
            with pytest.raises(ValueError, match="leave cell_type= out"):
                question_of(task, example, side)
            continue
        question = question_of(task, example, side)
        assert question.target == (example.truth if side == "primal" else example.hidden)
        assert question.parse(question.completion(question.target)).value == question.target
        assert question.similarity(question.target) == pytest.approx(1)
        for option in question.answer_type.options or ():
            assert question.parse(question.completion(option)).value == option
        assert question.prompt == question.prompt.strip("\n")
        for unwanted in ("None", "Undefined", "Perturbation(", "{{", "{%", "\n\n\n", "()"):
            assert unwanted not in question.prompt
            assert unwanted not in question.completion(question.target)


@pytest.mark.usefixtures("fake_cell2sentence")
@pytest.mark.parametrize(("prompt_format", "name"), [pair for pair in PAIRS if takes_no_answer(pair[1])])
def test_dual_without_the_answer_does_not_hold_it(prompt_format, name):
    example = examples_of(name, {})["label"]
    prompt = build(prompt_format, name).dual(example, None).prompt.replace("_", " ")
    truth = (example.truth,) if isinstance(example.truth, str) else example.truth
    assert not any(label in prompt for label in truth)


@pytest.mark.usefixtures("fake_cell2sentence")
@pytest.mark.parametrize(
    ("prompt_format", "name"), [(name, task) for name in SUPPORTED for task in sorted(set(TASKS) - SUPPORTED[name])]
)
def test_missing_templates_are_named(prompt_format, name):
    example = next(iter(examples_of(name, {}).values()))
    with pytest.raises(ValueError, match=f"the prompt format '{prompt_format}' has no template for the task '{name}'"):
        build(prompt_format, name).question(example)


@pytest.mark.usefixtures("fake_cell2sentence")
@pytest.mark.parametrize("prompt_format", FORMATS)
def test_text_to_embed(prompt_format):
    text = PromptFormat(prompt_format).cell_text(CELL)
    assert [text.upper().index(gene) for gene in CELL] == sorted(text.upper().index(gene) for gene in CELL)


@pytest.mark.parametrize(("prompt_format", "name"), [pair for pair in PAIRS if pair[0] != "c2s"])
def test_examples_of_another_task_raise(prompt_format, name):
    """A template that reads a field that the example lacks never renders it as empty text."""
    with pytest.raises((UndefinedError, TypeError, AttributeError)):
        build(prompt_format, name).question(Example())
