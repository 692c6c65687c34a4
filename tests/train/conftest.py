"""No progress bars, and no cached answers of earlier runs."""

import pytest

import sc_duality as sd


@pytest.fixture(autouse=True, scope="package")
def quiet():
    before = sd.settings.progress, sd.settings.cache
    sd.settings.progress = sd.settings.cache = False
    yield
    sd.settings.progress, sd.settings.cache = before
