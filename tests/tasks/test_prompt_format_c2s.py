"""The prompts of the C2S checkpoints is read from an installed cell2sentence, which is not imported."""

import json
import sys
from importlib.util import find_spec

import pytest

from sc_duality.tasks import Annotation, Failure, Generation, GenerationExample, LabelExample, PromptFormat

PREDICTION = "single_cell_cell_type_prediction_prompts"
GENERATION = "single_cell_cell_type_conditional_generation_prompts"
LABELS = ("B cell", "T cell")


def cell(*genes, **fields):
    return LabelExample(genes=genes, options=LABELS, **fields)


def generated(**fields):
    return GenerationExample(cell_type="B cell", options=LABELS, **fields)


@pytest.mark.usefixtures("fake_cell2sentence")
def test_annotation_uses_the_first_prompts():
    task = Annotation(prompt_format="c2s")
    assert task.question(cell("CD79A", "C1orf43")).prompt == "2 of Homo sapiens: CD79A C1ORF43.\nType:"
    assert "cell2sentence" not in sys.modules


@pytest.mark.usefixtures("fake_cell2sentence")
def test_organism_comes_from_context():
    one = cell("Cd79a", context={"organism": "Mus musculus", "tissue": "lung"})
    assert Annotation(prompt_format="c2s").question(one).prompt == "1 of Mus musculus: CD79A.\nType:"


@pytest.mark.usefixtures("fake_cell2sentence")
def test_answers_begin_with_the_space_of_training_and_end_with_a_full_stop():
    assert Annotation(prompt_format="c2s").question(cell("CD79A")).completion("B cell") == " B cell."
    assert Generation(prompt_format="c2s").question(generated()).completion(["CD79A", "MS4A1"]) == " CD79A MS4A1."


@pytest.mark.parametrize("text", [" B cell.", "B cell.", "b cell", " B  Cell.\n"])
@pytest.mark.usefixtures("fake_cell2sentence")
def test_a_label_is_read_with_and_without_its_full_stop(text):
    assert Annotation(prompt_format="c2s").question(cell("CD79A")).parse(text).value == "B cell"


@pytest.mark.usefixtures("fake_cell2sentence")
def test_a_cell_is_read_without_its_full_stop():
    found = Generation(prompt_format="c2s").question(generated()).parse(" CD79A RP11-34P13.7 MS4A1.")
    assert found.value == ("CD79A", "RP11-34P13.7", "MS4A1")


@pytest.mark.usefixtures("fake_cell2sentence")
def test_the_full_stop_at_the_end_does_not_belong_to_the_answer():
    prompt_format = PromptFormat("c2s")
    assert prompt_format.read(" CD79A RP11-34P13.7 MS4A1.\n").value == "CD79A RP11-34P13.7 MS4A1"
    assert prompt_format.read("B cell, n.o.s..").value == "B cell, n.o.s."
    assert prompt_format.read("B cell").value == "B cell"
    assert isinstance(prompt_format.read(" "), Failure)


@pytest.mark.usefixtures("fake_cell2sentence")
def test_a_part_of_an_answer_is_not_a_label():
    assert isinstance(Annotation(prompt_format="c2s").question(cell("CD79A")).parse("B cell, naive."), Failure)


@pytest.mark.usefixtures("fake_cell2sentence")
def test_generation_and_its_dual():
    task = Generation(prompt_format="c2s")
    assert task.question(generated(n_genes=7)).prompt == "B cell of Homo sapiens, 7 genes:"
    dual = task.dual(generated(), ("CD79A",))
    assert dual.prompt == "1 of Homo sapiens: CD79A.\nType:"
    assert dual.completion("B cell") == " B cell."


@pytest.mark.usefixtures("fake_cell2sentence")
def test_dual_of_annotation_generates_the_genes_of_a_type():
    task, one = Annotation(prompt_format="c2s"), cell("CD79A", "MS4A1", hidden_genes=("CD79A", "MS4A1"))
    dual = task.dual(one, "B cell")
    assert dual.prompt == "B cell of Homo sapiens, 2 genes:"
    assert task.dual(one, None).prompt == "unknown of Homo sapiens, 2 genes:"
    assert dual.completion(["CD79A", "MS4A1"]) == " CD79A MS4A1."


@pytest.mark.usefixtures("fake_cell2sentence")
def test_dual_with_observed_genes_raises():
    one = cell("CD79A", observed=("CD79A",), hidden_genes=("MS4A1",))
    with pytest.raises(ValueError, match="context='label'"):
        Annotation(prompt_format="c2s").dual(one, "B cell")


@pytest.mark.usefixtures("fake_cell2sentence")
def test_task_without_a_template_is_named():
    with pytest.raises(ValueError, match="'c2s' has no template for the task 'response'"):
        PromptFormat("c2s").template("response", None)


@pytest.mark.usefixtures("fake_cell2sentence")
def test_braces_in_names_are_data():
    prompt = Annotation(prompt_format="c2s").question(cell("{organism}")).prompt
    assert prompt.startswith("1 of Homo sapiens: {ORGANISM}.")


def test_a_prompts_reaches_no_attributes(fake_cell2sentence):
    path = fake_cell2sentence / "cell2sentence" / "prompts" / f"{PREDICTION}.json"
    path.write_text(json.dumps({"model_input": ["{num_genes.__class__}"], "response": ["{cell_type}."]}))
    with pytest.raises(Exception, match="unsafe"):
        Annotation(prompt_format="c2s").question(cell("CD79A"))


def test_missing_file_is_named(fake_cell2sentence):
    (fake_cell2sentence / "cell2sentence" / "prompts" / f"{GENERATION}.json").unlink()
    with pytest.raises(FileNotFoundError, match=GENERATION):
        Generation(prompt_format="c2s").question(generated())


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("sc_duality.tasks._prompt_format.find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"'c2s'.*pip install --no-deps cell2sentence"):
        PromptFormat("c2s")


@pytest.mark.usefixtures("fake_cell2sentence")
def test_a_prompt_format_of_the_user_reads_promptss_too(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "format.toml").write_text('version = 1\ntagged = false\nprompts = "cell2sentence/prompts"\n')
    (folder / "_shared.jinja").write_text("{% macro label(value) %}{{ value }}{% endmacro %}")
    (folder / "annotation.jinja").write_text(
        f"{{% macro prompt(example) %}}{{{{ prompts('{PREDICTION}').model_input[1].format(organism='human') }}}}"
        "{% endmacro %}"
    )
    assert Annotation(prompt_format=folder).question(cell("CD79A")).prompt == "Not the first human"


@pytest.mark.skipif(find_spec("cell2sentence") is None, reason="needs cell2sentence")
def test_the_real_prompts_fits():
    question = Annotation(prompt_format="c2s").question(cell("CD79A", "MS4A1"))
    assert "2 gene" in question.prompt
    assert "Homo sapiens" in question.prompt
    assert "CD79A MS4A1." in question.prompt
    assert "{" not in question.prompt
    assert question.completion("B cell") == " B cell."
    prompt = Generation(prompt_format="c2s").question(generated(n_genes=9)).prompt
    assert "9 genes" in prompt
    assert "B cell" in prompt
    assert "{" not in prompt
