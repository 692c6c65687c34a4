"""A package with the prompts that the prompt format c2s reads."""

import json
import sys

import pytest

PROMPTS = {
    "single_cell_cell_type_prediction_prompts": {
        "model_input": ["{num_genes} of {organism}: {cell_sentence}.\nType:", "Not the first {organism}"],
        "response": ["{cell_type}."],
    },
    "single_cell_cell_type_conditional_generation_prompts": {
        "model_input": ["{cell_type} of {organism}, {num_genes} genes:"],
        "response": ["{cell_sentence}."],
    },
    "multi_cell_tissue_prediction_prompts": {
        "model_input": ["{num_genes} of {num_cells} {organism}: {multi_cell_sentences}.\nTissue:"],
        "response": ["{tissue}."],
    },
    "multi_cell_tissue_conditional_generation": {
        "model_input": ["{num_cells} {organism} of {tissue}, {num_genes} genes:\n"],
        "response": ["{multi_cell_sentences}."],
    },
    "multi_cell_natural_lang_interpretation_prompts": {
        "model_input": ["{num_cells} cells of {organism}, {num_genes} genes:\n{multi_cell_sentences}.\nAbstract:"],
        "response": ["{abstract}."],
    },
}


@pytest.fixture
def fake_cell2sentence(tmp_path, monkeypatch):
    """A folder with a package cell2sentence that cannot be imported."""
    prompts = tmp_path / "cell2sentence" / "prompts"
    prompts.mkdir(parents=True)
    (tmp_path / "cell2sentence" / "__init__.py").write_text("raise RuntimeError('imported')")
    for name, prompt in PROMPTS.items():
        (prompts / f"{name}.json").write_text(json.dumps(prompt))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cell2sentence", raising=False)
    return tmp_path
