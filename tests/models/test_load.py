"""What a user may write after ``model=``, and what is said of anything else."""

import json
import shutil

import pytest

import sc_duality as sd
from sc_duality.models import LanguageModel, ModelSpec


def test_presets_can_be_looked_at_without_loading_one():
    table = sd.models.available()
    assert table.index[0] == "embedded"
    assert (table["parameters"] > 0).all()
    assert table.loc["embedded", "labels"] == len(sd.models.resolve("embedded").labels)
    for name in table.index:
        assert sd.models.resolve(name).name == name


def test_folder_hub_name_and_object_are_understood(tiny_folder):
    assert sd.models.resolve(tiny_folder).prompt_format == "plain"
    assert sd.models.resolve("owner/some-model").source == "owner/some-model"
    model = sd.models.load(tiny_folder)
    assert isinstance(model, LanguageModel)
    assert sd.models.load(model) is model
    assert sd.models.resolve(model) is model.spec


@pytest.mark.parametrize("options", [{"engine": "vllm"}, {"dtype": "float32"}])
def test_options_for_a_model_that_is_loaded_already_are_refused(tiny_folder, options):
    model = sd.models.load(tiny_folder)
    with pytest.raises(TypeError, match=f"loaded already: {next(iter(options))} would change nothing"):
        sd.models.load(model, **options)


def test_last_model_is_kept_until_it_is_let_go_or_its_folder_changes(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "mine")
    model = sd.models.load(folder)
    assert sd.models.load(folder) is model
    assert sd.models.load(folder, dtype="float32") is not model
    again = sd.models.load(folder)
    (folder / "sc_duality.json").write_text(json.dumps({"n_genes": 7}))
    assert sd.models.load(folder) is not again
    last = sd.models.load(folder)
    sd.models.unload()
    assert sd.models.load(folder) is not last


def test_engine_that_is_none_is_refused(tiny_folder):
    with pytest.raises(ValueError, match="engine must be one of auto, transformers, vllm"):
        sd.models.load(tiny_folder, engine="llama.cpp")


def test_folder_says_how_it_wants_to_be_asked(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "mine")
    (folder / "sc_duality.json").write_text(
        json.dumps({"prompt_format": "compact", "labels": ["B", "T"], "n_genes": 7})
    )
    spec = sd.models.resolve(folder)
    assert (spec.prompt_format, spec.n_genes, list(spec.labels)) == ("compact", 7, ["B", "T"])
    assert "A" in spec.genes
    assert "T" not in spec.genes


def test_fingerprint_follows_the_weights(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "other")
    assert sd.models.resolve(folder).fingerprint == sd.models.resolve(tiny_folder).fingerprint
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    assert sd.models.resolve(folder).fingerprint != sd.models.resolve(tiny_folder).fingerprint


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_folder_that_lacks_a_part_is_refused(tiny_folder, tmp_path, missing):
    folder = shutil.copytree(tiny_folder, tmp_path / "mine")
    (folder / missing).unlink()
    if missing == "tokenizer.json":
        (folder / "tokenizer_config.json").unlink()
    with pytest.raises(FileNotFoundError, match=missing.split(".")[-1]):
        sd.models.resolve(folder)


def test_pickled_weights_are_not_loaded(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "mine")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="other formats are not loaded"):
        sd.models.load(folder)


@pytest.mark.parametrize("model", ["nonsense", "/no/such/folder", "./mine", "a/b/c", ""])
def test_anything_else_is_refused_with_what_there_is(model):
    with pytest.raises(ValueError, match=r"none of \['embedded'"):
        sd.models.resolve(model)


def test_object_without_the_members_is_refused():
    with pytest.raises(TypeError, match="spec, generate, score, likelihood and embed, not int"):
        sd.models.resolve(3)


def test_hub_model_that_is_not_here_says_what_to_fetch(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="hf download owner/no-such-model"):
        sd.models.load(ModelSpec(name="x", source="owner/no-such-model"))
