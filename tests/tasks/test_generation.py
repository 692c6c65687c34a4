"""Generation: the dual task is the annotation of the generated cell."""

import pytest

from sc_duality.tasks import Annotation, Failure, Generation, GenerationExample, LabelExample, Reason

TYPES = ("B cell", "natural killer cell")


def example(**fields):
    return GenerationExample(**{"cell_type": "B cell", "options": TYPES} | fields)


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_cells_and_types_are_read(prompt_format):
    task = Generation(prompt_format=prompt_format, vocabulary={"A", "B", "C"})
    question = task.question(example())
    cell = question.parse(question.completion(["A", "B", "A", "WHAT"]))
    assert (cell.value, cell.n_unknown, cell.n_duplicates) == (("A", "B"), 1, 1)
    dual = task.dual(example(), cell.value)
    assert dual.parse(dual.completion("natural killer cell")).value == "natural killer cell"


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_dual_is_the_annotation(prompt_format):
    context = {"tissue": "blood"}
    cell = LabelExample(genes=("A", "B"), options=TYPES, context=context)
    expected = Annotation(prompt_format=prompt_format).question(cell).prompt
    assert Generation(prompt_format=prompt_format).dual(example(context=context), ("A", "B")).prompt == expected


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_prompt_has_the_type_and_the_tissue(prompt_format):
    task = Generation(prompt_format=prompt_format)
    prompt = task.question(example(n_genes=50, context={"tissue": "blood"})).prompt
    assert "B cell" in prompt.replace("_", " ")
    assert "blood" in prompt
    assert prompt_format == "compact" or " 50 " in prompt


def test_dual_target_is_the_type():
    dual = Generation().dual(example(), ("A",))
    assert dual.target == "B cell"
    assert dual.similarity("b_cell") == 1
    assert dual.similarity("natural killer cell") == 0


def test_text_without_a_known_gene_fails():
    found = Generation(prompt_format="compact", vocabulary={"A"}).question(example()).parse("WHAT")
    assert isinstance(found, Failure)
    assert found.reason == Reason.NO_KNOWN_GENE


def test_invalid_examples_raise():
    with pytest.raises(ValueError, match="the cell type 'T cell' is not one of the options"):
        example(cell_type="T cell")
    with pytest.raises(ValueError, match="n_genes must be a positive integer, got 0"):
        example(n_genes=0)
