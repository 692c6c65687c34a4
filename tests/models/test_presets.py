"""Presets: their fields are consistent."""

import re
from importlib.util import find_spec

import pytest

import sc_duality as sd
from sc_duality.models import ModelSpec, write_spec
from sc_duality.models._presets import HUB
from sc_duality.tasks import Annotation, JointAnnotation, JointAnnotationExample, LabelExample, PromptFormat

#: Tasks of general models.
TASKS = ("annotation", "sensitivity", "generation", "response", "joint_annotation")
NAMES = {
    "embedded",
    "embedded-response",
    "smollm2-135m",
    "qwen2.5-1.5b",
    "qwen3-4b",
    "llama-3.2-3b",
    "c2s-pythia-410m",
    "c2s-scale-2b",
    "c2s-scale-27b",
    "cell-o1",
}


def test_available_lists_every_preset():
    table = sd.models.available()
    assert set(table.index) == NAMES
    assert (table["parameters"] > 0).all()
    assert (table["genes"] > 0).all()
    assert table[["license", "tasks", "prompt_format", "source", "note"]].ne("").all(axis=None)


@pytest.mark.parametrize("spec", HUB, ids=lambda spec: spec.name)
def test_preset_resolves_without_a_network(spec):
    assert sd.models.resolve(spec.name) == spec
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", spec.source)
    assert spec.revision is None or re.fullmatch("[0-9a-f]{40}", spec.revision)
    assert spec.fingerprint == (spec.revision or "newest")
    assert spec.knows == {}


@pytest.mark.parametrize(
    ("model", "source"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("https://host/v1#llama", "https://host/v1#llama"),
        ("ollama:llama3.2", "http://localhost:11434/v1#llama3.2"),
        ("openai:gpt-4.1-mini", "https://api.openai.com/v1#gpt-4.1-mini"),
        ("endpoint:ollama:qwen3:8b", "http://localhost:11434/v1#qwen3:8b"),
    ],
)
def test_a_server_by_its_address_or_its_name(model, source):
    spec = sd.models.resolve(model)
    assert (spec.name, spec.source) == (model, source)


def test_a_provider_is_never_guessed():
    with pytest.raises(ValueError, match="A model behind a server is .* or 'openai:gpt-4.1-mini'"):
        sd.models.resolve("gpt-4.1-mini")


@pytest.mark.parametrize("spec", HUB, ids=lambda spec: spec.name)
def test_prompt_format_has_a_template_for_every_task(spec):
    if spec.prompt_format == "c2s" and find_spec("cell2sentence") is None:
        pytest.skip("needs cell2sentence")
    prompt_format = PromptFormat(spec.prompt_format)
    for task in spec.tasks or TASKS:
        assert prompt_format.template(task, None)


def test_cell_o1_has_prompts_for_one_cell_and_for_many():
    prompt_format = sd.models.resolve("cell-o1").prompt_format
    one = LabelExample(genes=("CD79A", "MS4A1"), options=("B cell", "T cell"), context={"tissue": "lung"})
    question = Annotation(prompt_format=prompt_format).question(one)
    assert "\nContext: The cell originates from the lung.\n" in question.prompt
    assert "\nCell: CD79A, MS4A1\n" in question.prompt
    assert question.prompt.endswith("Match the cell above to one of the following cell types:\nB cell\nT cell")
    assert question.parse("<think>CD79A marks B cells.</think>\n<answer>B cell</answer>").value == "B cell"

    many = JointAnnotationExample(cells=(("CD79A",), ("CD3E",)), options=("T cell", "B cell"))
    question = JointAnnotation(prompt_format=prompt_format).question(many)
    assert question.parse("<answer>B cell | T cell</answer>").value == ("B cell", "T cell")


@pytest.mark.parametrize("exclude", [None, "housekeeping", ["MALAT1"]])
def test_a_folder_keeps_what_differs_from_the_defaults(tmp_path, exclude):
    spec = ModelSpec("m", "", n_genes=30, exclude=exclude, tasks=())
    write_spec(spec, tmp_path)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    found = sd.models.resolve(tmp_path)
    assert (found.exclude, found.n_genes, found.tasks, found.prompt_format) == (exclude, 30, [], "plain")
