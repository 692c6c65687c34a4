"""Words come from a folder of templates, shipped or the user's own."""

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from sc_duality.tasks import Annotation, PromptFormat, annotation_example


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "format.toml").write_text("version = 3\ntagged = false\n")
    (tmp_path / "annotation.jinja").write_text(
        "{% macro prompt(genes, labels, context) %}{{ genes[0] }}?{% endmacro %}"
        "{% macro answer(label) %}{{ missing }}{% endmacro %}"
        "{% macro dual_answer(genes) %}{{ genes.__class__.__mro__ }}{% endmacro %}"
    )
    return tmp_path


def test_a_folder_of_ones_own_will_do(folder):
    task = Annotation(folder)
    assert task.prompt_format.version == 3
    assert task.prompt(annotation_example(["CD3E"], ["a", "b"])) == "CD3E?"


def test_a_template_cannot_use_what_it_is_not_given(folder):
    with pytest.raises(UndefinedError):
        Annotation(folder).answer("B cell")


def test_a_template_cannot_leave_its_sandbox(folder):
    with pytest.raises(SecurityError):
        Annotation(folder).dual_answer(["CD3E"])


def test_unknown_prompt_format_lists_those_there_are():
    with pytest.raises(ValueError, match=r"prompt format 'klingon'.*'cell-o1', 'compact', 'plain'"):
        PromptFormat("klingon")


def test_task_without_words_is_named(folder):
    with pytest.raises(ValueError, match="no words for the task 'generation'"):
        PromptFormat(folder).say("generation", "prompt")


def test_names_that_look_like_templates_are_data():
    text = Annotation("plain").prompt(annotation_example(["{{ 7 * 7 }}", "{% raw %}"], ["a", "b"]))
    assert "{{ 7 * 7 }} {% raw %}" in text


def test_an_answer_is_cut_out_as_the_prompt_format_writes_it(folder):
    assert PromptFormat("plain").read("<think>so</think><answer> B cell. </answer>").value == "B cell."
    assert PromptFormat(folder).read(" B cell.\n").value == "B cell."
    (folder / "format.toml").write_text('version = 3\ntagged = false\nending = ";"\n')
    assert PromptFormat(folder).read("B cell ;").value == "B cell"
