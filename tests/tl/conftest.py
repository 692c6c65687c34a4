"""Real cells, and a model that gives the answers of a test."""

import pytest

import sc_duality as sd
from sc_duality.models.engines import TransformersModel
from tests.scripted_model import ScriptedModel


@pytest.fixture(autouse=True, scope="package")
def quiet():
    sd.settings.progress = False


@pytest.fixture(autouse=True, scope="package")
def small_batches():
    """Batches are padded to their full size, so that a call with few prompts costs as much as one with many."""
    model = sd.models.load("embedded")
    if not isinstance(model, TransformersModel):
        yield
        return
    usual, model.batch_tokens = model.batch_tokens, 512
    yield
    model.batch_tokens = usual


@pytest.fixture
def cells():
    """Some thirty real cells of PBMC3k with sentences."""
    adata = sd.datasets.pbmc3k()[::10].copy()
    sd.pp.cell_sentences(adata)
    return adata


@pytest.fixture
def scripted_model():
    return ScriptedModel
