"""Models on a hub that cannot be reached: one message, at once."""

from __future__ import annotations

import socket
import time

import pytest
from huggingface_hub import constants

import sc_duality as sd
from sc_duality.models.engines import _hub
from sc_duality.models.engines.vllm import _vllm_engine


@pytest.fixture
def no_hub(monkeypatch):
    """A hub whose port is closed."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    _hub._hub_answers.cache_clear()
    yield port
    _hub._hub_answers.cache_clear()


def test_one_message_at_once(no_hub, capfd):
    sd.models.load("embedded", engine="transformers")  # imports
    start = time.monotonic()
    with pytest.raises(
        OSError, match=rf"cannot load the model 'nobody/nothing': http://127.0.0.1:{no_hub} cannot be re"
    ):
        sd.models.load("nobody/nothing", engine="transformers")
    assert time.monotonic() - start < 3
    assert "Retry" not in capfd.readouterr().err


@pytest.mark.usefixtures("no_hub")
def test_the_cause_is_told():
    message = r"cannot be reached, and this machine lacks files of the model \(no file named model.safetensors\)"
    with pytest.raises(OSError, match=message), _hub.explain_download_errors(sd.models.resolve("nobody/nothing")):
        raise OSError("no file named model.safetensors")


@pytest.mark.usefixtures("no_hub")
def test_a_hub_that_answers_is_used(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert _hub.source_options(sd.models.resolve("nobody/nothing"))["local_files_only"] is False


@pytest.mark.usefixtures("no_hub")
def test_a_folder_needs_no_hub():
    assert _hub.source_options(sd.models.resolve("embedded")) == {"revision": None, "local_files_only": False}


@pytest.mark.usefixtures("no_hub")
def test_a_proxy_decides(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert _hub.source_options(sd.models.resolve("nobody/nothing"))["local_files_only"] is False


@pytest.mark.usefixtures("no_hub")
def test_vllm_has_the_same_message(monkeypatch):
    for name in ("check_options", "Tokens"):
        monkeypatch.setattr(_vllm_engine, name, lambda *_, **__: None)
    with pytest.raises(OSError, match="cannot load the model 'nobody/nothing': http"):
        sd.models.VLLMModel(sd.models.resolve("nobody/nothing"))
