"""What ``model=`` takes, and the errors for anything else."""

import json
import shutil

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.models import LanguageModel, ModelSpec


def test_presets_are_listed_without_loading_one():
    table = sd.models.available()
    assert table.index[0] == "embedded"
    assert (table["parameters"] > 0).all()
    assert table.loc["embedded", "labels"] == len(sd.models.resolve("embedded").known("annotation", "labels"))
    for name in table.index:
        assert sd.models.resolve(name).name == name


def test_folder_hub_name_specification_and_object_are_resolved(tiny_folder):
    assert sd.models.resolve(tiny_folder).prompt_format == "plain"
    assert sd.models.resolve("owner/some-model").source == "owner/some-model"
    model = sd.models.load(tiny_folder)
    assert isinstance(model, LanguageModel)
    assert sd.models.load(model) is model
    assert sd.models.resolve(model) is model.spec is sd.models.resolve(model.spec)


@pytest.mark.parametrize("options", [{"engine": "vllm"}, {"dtype": "float32"}])
def test_options_for_a_loaded_model_are_refused(tiny_folder, options):
    model = sd.models.load(tiny_folder)
    with pytest.raises(TypeError, match=f"loaded already: {next(iter(options))} would change nothing"):
        sd.models.load(model, **options)


def test_last_model_is_kept_until_unload_or_a_change_of_its_folder(tiny_folder, tmp_path):
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


def test_unknown_engine_is_refused(tiny_folder):
    with pytest.raises(ValueError, match="engine='llama.cpp': pass one of auto, transformers, vllm"):
        sd.models.load(tiny_folder, engine="llama.cpp")


def test_folder_has_the_fields_of_its_specification(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "mine")
    (folder / "sc_duality.json").write_text(
        json.dumps({"prompt_format": "compact", "knows": {"annotation": {"labels": ["B", "T"]}}, "n_genes": 7})
    )
    spec = sd.models.resolve(folder)
    assert (spec.prompt_format, spec.n_genes, spec.known("annotation", "labels")) == ("compact", 7, ["B", "T"])
    assert "A" in spec.genes
    assert "T" not in spec.genes
    assert spec.max_new_tokens(9) == 9


def test_labels_of_every_task_are_no_genes(tiny_folder):
    knows = {"tissue": {"labels": ["A"]}, "sensitivity": {"drugs": {"x": ["B", "C"]}}}
    spec = ModelSpec("x", str(tiny_folder), prompt_format="compact", knows=knows)
    assert spec.genes.isdisjoint("ABC")
    assert {"D", "E", "T"} <= spec.genes


def test_known_has_a_default_and_a_copy_may_know_less():
    spec = ModelSpec("x", "y", knows={"annotation": {"labels": ["B"], "unknown": 0.5}})
    assert spec.known("annotation", "unknown", 0.0) == 0.5
    assert spec.known("annotation", "coarse", {}) == {}
    assert spec.known("response", "perturbations") is None
    assert spec.without("annotation", "unknown").knows == {"annotation": {"labels": ["B"]}}
    assert spec.tasks is None
    assert spec.max_new_tokens(10) == 256 + 80


def test_unknown_field_in_a_folder_is_refused(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "mine")
    (folder / "sc_duality.json").write_text(json.dumps({"labels": ["B"], "n_genes": 7}))
    with pytest.raises(ValueError, match=r"sc_duality.json has unknown fields \['labels'\]"):
        sd.models.resolve(folder)


def test_engine_tells_what_identifies_it(tiny_folder):
    model = sd.models.load(tiny_folder, engine="transformers", dtype="float32")
    info = sd.models.engine_info(model)
    assert info == ("transformers", "float32", model.fingerprint, ("torch", "transformers"), None, 256, model.n_tokens)
    texts = ["CD79A MS4A1", "", "CD79A"]
    assert info.n_tokens(texts) == [len(model.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts]
    assert info.n_tokens([]) == []
    with sd.models.live(model) as entered:
        assert entered is model
    sd.models.skip_generate(model)


def test_a_users_own_model_needs_five_members_only():
    class Own:
        spec = ModelSpec("own", "nowhere", revision="1")

        def generate(self, prompts, sampling):
            return list(prompts)

        score = likelihood = embed = generate

    model = Own()
    assert sd.models.load(model) is model
    assert sd.models.engine_info(model) == ("Own", None, "1", (), None, 2048, None)
    with sd.models.live(model):
        sd.models.skip_generate(model)


def test_fingerprint_depends_on_the_weights(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "other")
    assert sd.models.resolve(folder).fingerprint == sd.models.resolve(tiny_folder).fingerprint
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    assert sd.models.resolve(folder).fingerprint != sd.models.resolve(tiny_folder).fingerprint


@pytest.mark.parametrize(
    "name", ["generation_config.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model"]
)
def test_fingerprint_depends_on_what_ends_a_text_and_on_the_vocabulary(tiny_folder, tmp_path, name):
    folder = shutil.copytree(tiny_folder, tmp_path / "other")
    (folder / name).write_text("{}")
    assert sd.models.resolve(folder).fingerprint != sd.models.resolve(tiny_folder).fingerprint


@pytest.mark.parametrize("option", ["adapter", "like"])
def test_a_change_of_another_folder_loads_the_model_again(tiny_folder, tmp_path, monkeypatch, option):
    class Loaded:
        name = "transformers"

        def __init__(self, spec, **options):
            pass

    monkeypatch.setattr("sc_duality.models._load._engine_class", lambda *_: Loaded)
    other = shutil.copytree(tiny_folder, tmp_path / "other")
    model = sd.models.load(tiny_folder, **{option: other})
    assert sd.models.load(tiny_folder, **{option: other}) is model
    (other / "model.safetensors").write_bytes(b"trained again")
    assert sd.models.load(tiny_folder, **{option: other}) is not model
    sd.models.unload()


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    knows = {"annotation": {"unknown": np.float32(0.5), "labels": np.array(["B", "T"])}}
    sd.models.write_spec(ModelSpec("x", "y", n_genes=np.int64(100), knows=knows), tmp_path)
    content = json.loads((tmp_path / "sc_duality.json").read_text())
    assert content == {
        "prompt_format": "plain", "n_genes": 100, "exclude": "housekeeping",
        "knows": {"annotation": {"unknown": 0.5, "labels": ["B", "T"]}}, "temperature": 1.0, "dual_temperature": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_folder_without_a_required_file_is_refused(tiny_folder, tmp_path, missing):
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
def test_anything_else_is_refused_with_the_alternatives(model):
    with pytest.raises(ValueError, match=r"nor one of \['embedded'"):
        sd.models.resolve(model)


def test_object_without_the_members_is_refused():
    with pytest.raises(TypeError, match="spec, generate, score, likelihood and embed, not int"):
        sd.models.resolve(3)


def test_hub_model_that_is_not_here_says_what_to_download(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="hf download owner/no-such-model"):
        sd.models.load(ModelSpec(name="x", source="owner/no-such-model"))
