"""Real cells, and a model that gives the answers of a test."""

import pytest

import sc_duality as sd
from tests.scripted_model import ScriptedModel


@pytest.fixture(autouse=True, scope="package")
def quiet():
    sd.settings.progress = False


@pytest.fixture
def cells():
    """Some thirty real cells of PBMC3k with sentences."""
    adata = sd.datasets.pbmc3k()[::10].copy()
    sd.pp.cell_sentences(adata)
    return adata


@pytest.fixture
def scripted_model():
    return ScriptedModel
