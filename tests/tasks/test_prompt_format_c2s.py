"""The words of the C2S checkpoints come from an installed cell2sentence, which is read and not imported."""

import json
import sys
from importlib.util import find_spec

import pytest

from sc_duality.tasks import Annotation, Failure, Generation, PromptFormat, annotation_example, generation_example

PREDICTION = "single_cell_cell_type_prediction_prompts"
GENERATION = "single_cell_cell_type_conditional_generation_prompts"
LABELS = ["B cell", "T cell"]


def install(folder, prompts):
    """A package of that name that cannot be imported, with these prompt files."""
    (folder / "cell2sentence" / "prompts").mkdir(parents=True)
    (folder / "cell2sentence" / "__init__.py").write_text("raise RuntimeError('imported')")
    for name, words in prompts.items():
        (folder / "cell2sentence" / "prompts" / f"{name}.json").write_text(json.dumps(words))


@pytest.fixture
def fake(tmp_path, monkeypatch):
    install(
        tmp_path,
        {
            PREDICTION: {
                "model_input": ["{num_genes} of {organism}: {cell_sentence}.\nType:", "Not the first {organism}"],
                "response": ["{cell_type}."],
            },
            GENERATION: {
                "model_input": ["{cell_type} of {organism}, {num_genes} genes:"],
                "response": ["{cell_sentence}."],
            },
        },
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cell2sentence", raising=False)
    return tmp_path


@pytest.mark.usefixtures("fake")
def test_annotation_uses_the_first_wording():
    task = Annotation("c2s")
    example = annotation_example(["CD79A", "C1orf43"], LABELS)
    assert task.prompt(example) == "2 of Homo sapiens: CD79A C1ORF43.\nType:"
    assert "cell2sentence" not in sys.modules


@pytest.mark.usefixtures("fake")
def test_organism_comes_from_context():
    task = Annotation("c2s")
    example = annotation_example(["Cd79a"], LABELS, context={"organism": "Mus musculus", "tissue": "lung"})
    assert task.prompt(example) == "1 of Mus musculus: CD79A.\nType:"


@pytest.mark.usefixtures("fake")
def test_answers_begin_with_the_space_of_training_and_end_with_a_full_stop():
    assert Annotation("c2s").answer("B cell") == " B cell."
    assert Generation("c2s").answer(["CD79A", "MS4A1"]) == " CD79A MS4A1."


@pytest.mark.parametrize("text", [" B cell.", "B cell.", "b cell", " B  Cell.\n"])
@pytest.mark.usefixtures("fake")
def test_a_label_is_read_with_and_without_its_full_stop(text):
    example = annotation_example(["CD79A"], LABELS)
    assert Annotation("c2s").parse(text, example).value == "B cell"


@pytest.mark.usefixtures("fake")
def test_a_cell_is_read_without_its_full_stop():
    example = generation_example("B cell", LABELS)
    assert Generation("c2s").parse(" CD79A RP11-34P13.7 MS4A1.", example).value == ("CD79A", "RP11-34P13.7", "MS4A1")


@pytest.mark.usefixtures("fake")
def test_the_full_stop_that_ends_an_answer_is_no_part_of_it():
    prompt_format = PromptFormat("c2s")
    assert prompt_format.read(" CD79A RP11-34P13.7 MS4A1.\n").value == "CD79A RP11-34P13.7 MS4A1"
    assert prompt_format.read("B cell, n.o.s..").value == "B cell, n.o.s."
    assert prompt_format.read("B cell").value == "B cell"
    assert isinstance(prompt_format.read(" "), Failure)


@pytest.mark.usefixtures("fake")
def test_a_part_of_a_label_is_no_label():
    example = annotation_example(["CD79A"], LABELS)
    assert isinstance(Annotation("c2s").parse("B cell, naive.", example), Failure)


@pytest.mark.usefixtures("fake")
def test_generation_and_its_dual():
    task = Generation("c2s")
    example = generation_example("B cell", LABELS, n_genes=7)
    assert task.prompt(example) == "B cell of Homo sapiens, 7 genes:"
    assert task.dual_prompt(["CD79A"], example) == "1 of Homo sapiens: CD79A.\nType:"
    assert task.dual_answer("B cell") == " B cell."


@pytest.mark.usefixtures("fake")
def test_dual_of_annotation_asks_for_the_genes_of_a_type():
    task = Annotation("c2s", given="label")
    example = annotation_example(["CD79A", "MS4A1"], LABELS, hidden_fraction=1.0)
    assert task.dual_prompt("B cell", example) == "B cell of Homo sapiens, 2 genes:"
    assert task.dual_prompt(None, example) == "unknown of Homo sapiens, 2 genes:"
    assert task.dual_answer(["CD79A", "MS4A1"]) == " CD79A MS4A1."


@pytest.mark.usefixtures("fake")
def test_dual_beside_other_genes_is_refused():
    example = annotation_example(["CD79A", "MS4A1"], LABELS, hidden_fraction=0.5)
    with pytest.raises(ValueError, match="given='label'"):
        Annotation("c2s").dual_prompt("B cell", example)


@pytest.mark.usefixtures("fake")
def test_task_without_wording_is_named():
    with pytest.raises(ValueError, match="'c2s' has no words for the task 'response'"):
        PromptFormat("c2s").say("response", "prompt")


@pytest.mark.usefixtures("fake")
def test_braces_in_names_are_data():
    example = annotation_example(["{organism}"], LABELS)
    assert Annotation("c2s").prompt(example).startswith("1 of Homo sapiens: {ORGANISM}.")


def test_a_wording_reaches_no_attributes(fake):
    path = fake / "cell2sentence" / "prompts" / f"{PREDICTION}.json"
    path.write_text(json.dumps({"model_input": ["{num_genes.__class__}"], "response": ["{cell_type}."]}))
    with pytest.raises(Exception, match="unsafe"):
        Annotation("c2s").prompt(annotation_example(["CD79A"], LABELS))


def test_missing_file_is_named(fake):
    (fake / "cell2sentence" / "prompts" / f"{GENERATION}.json").unlink()
    with pytest.raises(FileNotFoundError, match=GENERATION):
        Generation("c2s").prompt(generation_example("B cell", LABELS))


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("sc_duality.tasks._prompt_format.find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"'c2s'.*pip install --no-deps cell2sentence"):
        PromptFormat("c2s")


@pytest.mark.usefixtures("fake")
def test_a_prompt_format_of_ones_own_reads_wordings_too(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "format.toml").write_text('version = 1\ntagged = false\nwording = "cell2sentence/prompts"\n')
    (folder / "annotation.jinja").write_text(
        f"{{% macro answer(label) %}}{{{{ wording('{PREDICTION}').model_input[1].format(organism=label) }}}}"
        "{% endmacro %}"
    )
    assert Annotation(folder).answer("B cell") == "Not the first B cell"


@pytest.mark.skipif(find_spec("cell2sentence") is None, reason="needs cell2sentence")
def test_the_real_wording_fits():
    example = annotation_example(["CD79A", "MS4A1"], LABELS)
    prompt = Annotation("c2s").prompt(example)
    assert "2 gene" in prompt
    assert "Homo sapiens" in prompt
    assert "CD79A MS4A1." in prompt
    assert "{" not in prompt
    assert Annotation("c2s").answer("B cell") == " B cell."
    asked = Generation("c2s").prompt(generation_example("B cell", LABELS, n_genes=9))
    assert "9 genes" in asked
    assert "B cell" in asked
    assert "{" not in asked
