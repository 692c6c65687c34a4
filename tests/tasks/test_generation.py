"""Generation: the dual is the annotation of the cell that was written."""

import pytest

from sc_duality.tasks import Annotation, Failure, Generation, Reason, annotation_example, generation_example

TYPES = ["B cell", "natural killer cell"]


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_cells_and_types_are_read_back(prompt_format):
    task = Generation(prompt_format, known_genes={"A", "B", "C"})
    example = generation_example("B cell", TYPES)
    cell = task.parse(task.answer(["A", "B", "A", "WHAT"]), example)
    assert (cell.value, cell.dropped, cell.doubled) == (("A", "B"), 1, 1)
    assert task.parse_dual(task.dual_answer("natural killer cell"), example).value == "natural killer cell"


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_dual_is_the_annotation(prompt_format):
    example = generation_example("B cell", TYPES, context={"tissue": "blood"})
    expected = Annotation(prompt_format).prompt(annotation_example(("A", "B"), TYPES, context={"tissue": "blood"}))
    assert Generation(prompt_format).dual_prompt(("A", "B"), example) == expected


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_prompt_names_the_type_and_the_tissue(prompt_format):
    example = generation_example("B cell", TYPES, n_genes=50, context={"tissue": "blood"})
    text = Generation(prompt_format).prompt(example)
    assert "B cell" in text.replace("_", " ")
    assert "blood" in text
    assert prompt_format == "compact" or " 50 " in text


def test_score_is_whether_the_type_came_back():
    task = Generation()
    assert task.score("B cell", "b_cell") == 1
    assert task.score("B cell", "natural killer cell") == 0


def test_text_without_a_known_gene_is_a_failure():
    found = Generation("compact", known_genes={"A"}).parse("WHAT", generation_example("B cell", TYPES))
    assert isinstance(found, Failure)
    assert found.reason == Reason.NO_KNOWN_GENE


def test_what_cannot_be_asked_for_is_refused():
    with pytest.raises(ValueError, match="'T cell' must be one of the candidates"):
        generation_example("T cell", TYPES)
    with pytest.raises(ValueError, match="n_genes must be at least 1, not 0"):
        generation_example("B cell", TYPES, n_genes=0)
