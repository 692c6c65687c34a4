"""Checked reasoning is read, or an error says why there is none."""

import pytest

import sc_duality as sd
from tests.scripted_model import ScriptedModel


def test_results_without_reasoning_say_what_to_do():
    adata = sd.datasets.pbmc3k()[:4].copy()
    with pytest.raises(KeyError, match="uns has no result 'annotation'; results with reasoning are none"):
        sd.get.reasoning(adata)
    sd.tl.annotate(adata, labels="blood")
    with pytest.raises(KeyError, match="has no reasoning: run the tool with method='generate'"):
        sd.get.reasoning(adata)
    model = ScriptedModel(texts=["<think>CD3E</think><answer>B cell</answer>"])
    sd.tl.annotate(adata, model, labels=["B cell", "NK cell"], method="generate", key_added="written")
    with pytest.raises(KeyError, match="results with reasoning are written"):
        sd.get.reasoning(adata, "other")
    assert sd.get.reasoning(adata, "written").index.tolist() == [0, 1, 2, 3]
