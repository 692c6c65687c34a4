"""Prompts come from a folder of templates, shipped or the user's own."""

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from sc_duality.tasks import Annotation, LabelExample, PromptFormat


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "format.toml").write_text("version = 3\ntagged = false\n")
    (tmp_path / "_shared.jinja").write_text(
        "{% macro label(value) %}{{ value }}{% endmacro %}{% macro answer(text) %}{{ missing }}{% endmacro %}"
    )
    (tmp_path / "annotation.jinja").write_text(
        "{% macro prompt(example) %}{{ example.genes[0] }}?{% endmacro %}"
        "{% macro dual_prompt(example, answer) %}{{ answer }}!{% endmacro %}"
        "{% macro dual_answer(text) %}{{ text.__class__.__mro__ }}{% endmacro %}"
    )
    return tmp_path


def example(genes=("CD3E",)):
    return LabelExample(genes=genes, options=("a", "b"), hidden_genes=genes)


def test_a_folder_of_the_user(folder):
    task = Annotation(prompt_format=folder)
    assert task.prompt_format.version == 3
    assert task.question(example()).prompt == "CD3E?"
    assert task.dual(example(), "a").prompt == "a!"


def test_a_template_cannot_use_undefined_values(folder):
    with pytest.raises(UndefinedError):
        Annotation(prompt_format=folder).question(example()).completion("a")


def test_a_template_cannot_leave_its_sandbox(folder):
    with pytest.raises(SecurityError):
        Annotation(prompt_format=folder).dual(example(), "a").completion(("CD3E",))


def test_unknown_prompt_format_lists_those_that_are_shipped():
    with pytest.raises(ValueError, match=r"prompt format 'klingon'.*'cell-o1', 'compact', 'plain'"):
        PromptFormat("klingon")


def test_missing_template_is_named(folder):
    with pytest.raises(ValueError, match=r"has no template for the task 'generation': write generation\.jinja in"):
        PromptFormat(folder).template("generation", None)


@pytest.mark.parametrize("macro", ["prompt", "dual_prompt"])
def test_missing_macro_is_named(folder, macro):
    (folder / "annotation.jinja").write_text("{% macro label(value) %}{{ value }}{% endmacro %}")
    with pytest.raises(ValueError, match=f"the template of the task 'annotation' .* has no macro '{macro}'"):
        PromptFormat(folder).template("annotation", None).render(macro, example(), None)


def test_names_that_look_like_templates_are_data():
    prompt = Annotation().question(example(("{{ 7 * 7 }}", "{% raw %}"))).prompt
    assert "{{ 7 * 7 }} {% raw %}" in prompt


def test_a_completion_is_read_as_the_prompt_format_writes_it(folder):
    assert PromptFormat("plain").read("<think>so</think><answer> B cell. </answer>").value == "B cell."
    assert PromptFormat(folder).read(" B cell.\n").value == "B cell."
    (folder / "format.toml").write_text('version = 3\ntagged = false\nending = ";"\n')
    assert PromptFormat(folder).read("B cell ;").value == "B cell"


def test_a_prompt_format_is_loaded_once():
    one = PromptFormat("plain")
    assert PromptFormat.load(one) is one
    assert Annotation(prompt_format=one).prompt_format is one
