"""One case of every task, and what a model of known numbers makes of it."""

from typing import Any, NamedTuple

import pytest

from sc_duality.duality import Duality, duality_score
from sc_duality.tasks import (
    Annotation,
    CellGroupExample,
    Example,
    GeneInteraction,
    Generation,
    GenerationExample,
    InteractionExample,
    InteractionPartners,
    JointAnnotation,
    JointAnnotationExample,
    LabelExample,
    NeighbourGeneration,
    NeighbourGenerationExample,
    Niche,
    NicheExample,
    PartnersExample,
    Perturbation,
    Response,
    ResponseExample,
    SameNeighbourhood,
    SameNiche,
    SampleCellTypes,
    SampleLabelExample,
    Sensitivity,
    SensitivityExample,
    Task,
    Tissue,
)

GENES, OTHER = ("CD79A", "MS4A1", "CD74"), ("CD3E", "IL7R", "TRAC")
STIMULATED, CONTROL = Perturbation("cytokine", "IFNB1"), Perturbation("control")
THREE, SEVEN = ("B cell", "T cell", "NK cell"), tuple("ABCDEFG")


class Case(NamedTuple):
    """A task with an example, a right and a wrong answer."""

    task: Task
    example: Example
    wrong: Any
    #: Text of the dual prompt with the right answer, and of no dual prompt with the wrong one.
    sign: str
    #: Posterior of the right and of the wrong answer by a model that prefers the right one by a factor of three.
    posterior: tuple[float, float] | None = (0.75, 0.25)


def joint(labels, wrong, posterior):
    cells = tuple((f"G{i}", f"H{i}") for i in range(len(labels)))
    example = JointAnnotationExample(
        cells=cells, observed=((),) * len(cells), hidden_genes=cells, options=labels[::-1], truth=labels
    )
    return Case(JointAnnotation(), example, wrong, f"Cell 1, {labels[0]},", posterior)


label_fields = {"genes": GENES, "hidden_genes": GENES, "n_hidden_max": 5}
two_cells = {"cells": (GENES, OTHER), "observed": (GENES, ()), "hidden_genes": ((), OTHER)}
CASES = {
    "annotation": Case(
        Annotation(), LabelExample(options=THREE[:2], truth="B cell", **label_fields), "T cell", "of type B cell"
    ),
    "sensitivity": Case(
        Sensitivity(drug="erlotinib"),
        SensitivityExample(drug="erlotinib", options=("sensitive", "resistant"), truth="resistant", **label_fields),
        "sensitive",
        "erlotinib is: resistant",
    ),
    "generation": Case(
        Generation(),
        GenerationExample(cell_type="B cell", options=THREE[:2], n_genes=3, truth=GENES),
        OTHER,
        "CD79A MS4A1",
    ),
    "response": Case(
        Response(),
        ResponseExample(
            genes=("ACTB", "GAPDH", "B2M"), perturbation=STIMULATED, options=(STIMULATED, CONTROL), truth=GENES
        ),
        OTHER,
        "CD79A MS4A1",
    ),
    "tissue": Case(
        Tissue(),
        SampleLabelExample(fact="tissue", options=("blood", "lung"), truth="lung", **two_cells),
        "blood",
        "of the tissue lung",
    ),
    "niche": Case(
        Niche(),
        NicheExample(options=("follicle", "T zone"), truth="T zone", neighbours=(OTHER,), **label_fields),
        "follicle",
        "in the niche T zone",
    ),
    "same neighbourhood": Case(
        SameNeighbourhood(),
        CellGroupExample(options=("yes", "no"), truth="yes", **two_cells),
        "no",
        "from one neighbourhood",
    ),
    "same niche": Case(
        SameNiche(),
        CellGroupExample(options=("yes", "no"), truth="no", **two_cells),
        "yes",
        "from different niches",
    ),
    "neighbour generation": Case(
        NeighbourGeneration(),
        NeighbourGenerationExample(n_genes=3, truth=("LYZ", "CST3", "S100A8"), **two_cells),
        ("NKG7", "GNLY"),
        "LYZ CST3 S100A8",
        None,
    ),
    # Six other sets are as likely as each other.
    "cell types of a sample": Case(
        SampleCellTypes(),
        CellGroupExample(options=THREE, truth=THREE[:2], **two_cells),
        THREE[2:],
        "cell types: B cell | T cell.",
        (1 / 3, 1 / 9),
    ),
    "gene interaction": Case(
        GeneInteraction(), InteractionExample(gene="EGF", other="EGFR", truth="yes"), "no", "protein interacts with"
    ),
    "interaction partners": Case(
        InteractionPartners(),
        PartnersExample(gene="EGFR", options=("EGFR", "MET"), n_genes=3, truth=("EGF", "TGFA", "AREG")),
        ("HGF",),
        "EGF TGFA AREG?",
    ),
    # Two of the six orders give the first cell its true label.
    "joint annotation of 3": joint(THREE, ("T cell", "NK cell", "B cell"), (0.3, 0.1)),
    "joint annotation of 7": joint(SEVEN, (*SEVEN[1:], "A"), None),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def dual_model(scripted_model, case, **spec):
    """A model that prefers the hidden part where the dual prompt holds the right answer."""
    dual = case.task.dual(case.example, case.example.truth)
    return scripted_model(case.sign, dual.completion(dual.target), **spec)


def scores(model, case, form, **settings):
    answers = [case.example.truth, case.wrong, None]
    return duality_score(model, case.task, [case.example] * 3, answers, Duality(form=form, **settings))
