"""The vLLM engine, for real, against transformers on the same weights."""

import json
import multiprocessing
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import ByteLevelBPETokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import sc_duality as sd
from sc_duality.models import SamplingParams
from sc_duality.tasks import Annotation, LabelExample

vllm = pytest.importorskip("vllm")

LIMIT = 128
#: Some longer than a block of the prefix cache, with a common beginning.
PROMPTS = ["A B C", "naive cell " * 14 + "D E", "naive cell " * 14 + "F", "H", "G H A B " * 12]
CHOICES = ["T cell", "NK cell", "B", "naive T cell", "naive B cell", "B cell of the marrow"]
FEW = ["T cell", "NK cell"]


@pytest.fixture(scope="module", autouse=True)
def without_cache():
    before = sd.settings.cache, sd.settings.progress
    sd.settings.cache = sd.settings.progress = False
    yield
    sd.settings.cache, sd.settings.progress = before


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny Llama with random weights, of a shape that vLLM has kernels for, with byte tokens."""
    folder = tmp_path_factory.mktemp("tiny-vllm")
    byte_level = ByteLevelBPETokenizer()
    byte_level.train_from_iterator(["A B C D E F G H naive T cell B NK"] * 20, vocab_size=290, min_frequency=2)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=byte_level._tokenizer, eos_token="</s>", pad_token="<pad>")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        head_dim=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=LIMIT,
        initializer_range=0.3,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def reference(folder):
    return sd.models.load(folder, engine="transformers", dtype="float32")


@pytest.fixture(scope="module")
def model(folder):
    model = sd.models.VLLMModel(sd.models.resolve(folder), dtype="float32", max_num_seqs=64)
    yield model
    model.close()


def processes():
    return {child.pid for child in psutil.Process().children(recursive=True) if child.name().startswith("VLLM")}


@pytest.mark.parametrize("choices", [CHOICES, ["B"], ["B cell"], ["naive T cell", "naive B cell"], ["B", "B cell"]])
def test_scores_equal_those_of_transformers(model, reference, choices):
    np.testing.assert_allclose(model.score(PROMPTS, choices), reference.score(PROMPTS, choices), atol=1e-4)


def test_scores_do_not_depend_on_the_prefix_cache(model, reference):
    # The choice repeats the end of the prompt, so that vLLM takes part of it from its prefix cache.
    start = PROMPTS[1]
    expected = reference.score([start], [" naive cell naive cell naive cell naive cell naive cell naive cell D"])
    for _ in range(2):
        found = model.score([start], [" naive cell naive cell naive cell naive cell naive cell naive cell D"])
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_more_choices_than_fit_into_one_request(model, reference):
    choices = [chr(i) for i in range(33, 127)] + [f"{a} {b}" for a in "ABCDEFGH" for b in "ABCDEFGH"]
    np.testing.assert_allclose(model.score(PROMPTS, choices), reference.score(PROMPTS, choices), atol=1e-4)


def test_likelihoods_equal_those_of_transformers(model, reference):
    answers = ["T cell", "B", "naive B cell", "A", "B cell of the marrow"]
    np.testing.assert_allclose(model.likelihood(PROMPTS, answers), reference.likelihood(PROMPTS, answers), atol=1e-4)


def test_greedy_completion_equals_that_of_transformers(model, reference):
    sampling = SamplingParams(max_tokens=12)
    assert model.generate(PROMPTS, sampling) == reference.generate(PROMPTS, sampling)


def test_samples_depend_on_seed_and_prompt_only(model):
    sampling = SamplingParams(max_tokens=12, temperature=1.0, seed=3)
    together = model.generate(PROMPTS * 2, sampling)
    assert together[: len(PROMPTS)] != together[len(PROMPTS) :]
    assert [model.generate([prompt], sampling)[0] for prompt in PROMPTS] == together[: len(PROMPTS)]
    assert model.generate(PROMPTS, SamplingParams(max_tokens=12, temperature=1.0, seed=4)) != together[: len(PROMPTS)]


def test_samples_after_more_prompts_than_one_step_reads(model):
    """On a CPU, vLLM reads 4,096 tokens per step, and seeded sampling after a chunked prompt crashes it."""
    long = [f"{i} " + "naive cell " * 55 for i in range(100)]
    samples = model.generate(long, SamplingParams(max_tokens=2, temperature=1.0))
    assert samples[-20:] == model.generate(long[-20:], SamplingParams(max_tokens=2, temperature=1.0))


def test_text_is_one_of_the_choices(model, reference):
    assert set(model.generate(PROMPTS, SamplingParams(choices=tuple(CHOICES), temperature=1.0))) <= set(CHOICES)
    single = SamplingParams(choices=("A", "B", "C", "D"))
    assert model.generate(PROMPTS, single) == reference.generate(PROMPTS, single)


def test_prompt_may_fill_the_context_and_no_more(model, reference):
    longest = "A" * (LIMIT - 1)
    np.testing.assert_allclose(model.score([longest], ["A", "B"]), reference.score([longest], ["A", "B"]), atol=1e-4)
    with pytest.raises(ValueError, match=f"prompt 0 has {LIMIT} tokens .* reads {LIMIT}: use fewer genes"):
        model.score([longest + "A"], ["A", "B"])


def test_no_prompts_get_no_answers(model):
    assert model.score([], CHOICES).shape == (0, len(CHOICES))
    assert model.generate([], SamplingParams()) == []


def test_killed_engine_is_reported_and_restarted(model, reference, monkeypatch, tmp_path):
    prompts = [f"A B {i}" for i in range(300)]
    monkeypatch.setattr(sd.settings, "cache", True)
    monkeypatch.setattr(sd.settings, "cache_dir", tmp_path)
    model.score(["A"], FEW)
    before = processes()
    segments = [held.path for pid in before for held in psutil.Process(pid).memory_maps() if "/psm_" in held.path]
    assert before
    assert segments
    # This is called whenever answers have been stored.
    monkeypatch.setattr(
        model, "_progress_note", lambda: [child.kill() for child in multiprocessing.active_children()] and ""
    )
    with pytest.raises(RuntimeError, match="processes of vLLM have ended.*call again") as error:
        model.score(prompts, FEW)
    stored = int(error.value.__notes__[0].split(" of 300 answers are stored")[0])
    assert 0 < stored < 300
    assert not [path for path in segments if Path(path).exists()]
    computed = []
    monkeypatch.setattr(model, "_progress_note", str)
    monkeypatch.setattr(
        model,
        "_score",
        lambda prompts, choices: computed.extend(prompts) or type(model)._score(model, prompts, choices),
    )
    np.testing.assert_allclose(model.score(prompts, FEW), reference.score(prompts, FEW), atol=1e-4)
    assert len(computed) == 300 - stored
    assert not before & processes()


def test_embeddings_equal_those_of_transformers_and_nothing_is_left_running(model, reference):
    np.testing.assert_allclose(model.embed(PROMPTS), reference.embed(PROMPTS), atol=1e-4)
    threads = [thread for thread in threading.enumerate() if "Engine" in thread.name]
    assert processes()
    assert threads
    model.close()
    assert not processes()
    assert not any(thread.is_alive() for thread in threads)


def test_adapter_changes_answers_and_fingerprint(folder, reference, tmp_path):
    names = [f"model.layers.{layer}.self_attn.{name}" for layer in (0, 1) for name in ("q_proj", "v_proj")]
    torch.manual_seed(1)
    parts = {name: (torch.randn(4, 64) / 4, torch.randn(64, 4) / 4) for name in names}
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["q_proj", "v_proj"],
    }
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(FileNotFoundError, match="has no adapter_model.safetensors"):
        sd.models.load(folder, engine="vllm", adapter=tmp_path)
    weights = {
        f"base_model.model.{name}.lora_{x}.weight": part
        for name in names
        for x, part in zip("AB", parts[name], strict=True)
    }
    save_file(weights, tmp_path / "adapter_model.safetensors")
    model = sd.models.VLLMModel(sd.models.resolve(folder), dtype="float32", adapter=tmp_path)
    assert model.fingerprint != reference.fingerprint == sd.models.resolve(folder).fingerprint

    found, plain = model.score(PROMPTS, FEW), reference.score(PROMPTS, FEW)
    model.close()
    with torch.no_grad():
        for name, (a, b) in parts.items():
            reference.model.get_submodule(name).weight += 2 * b @ a
        try:
            expected = reference.score(PROMPTS, FEW)
        finally:
            for name, (a, b) in parts.items():
                reference.model.get_submodule(name).weight -= 2 * b @ a
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.abs(found - plain).max() > 0.1


@pytest.mark.parametrize(("dtype", "atol"), [("float32", 1e-2), ("bfloat16", 0.3)])
def test_real_cells_get_the_same_labels_as_from_transformers(dtype, atol):
    cells = sd.datasets.pbmc3k()[:100].copy()
    sd.pp.cell_sentences(cells)
    spec = sd.models.resolve("embedded")
    task, labels = Annotation(prompt_format="compact"), tuple(spec.known("annotation", "labels"))
    lists = [tuple(g for g in genes if g in spec.genes)[: spec.n_genes] for genes in sd.get.gene_lists(cells)]
    questions = [task.question(LabelExample(genes=genes, options=labels)) for genes in lists]
    prompts, choices = [question.prompt for question in questions], questions[0].completions()
    expected = sd.models.load("embedded", engine="transformers", dtype=dtype).score(prompts, choices)
    model = sd.models.VLLMModel(spec, dtype=dtype)
    found = model.score(prompts, choices)
    model.close()
    likely = expected > -7
    np.testing.assert_allclose(found[likely], expected[likely], atol=atol)
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.99


SCRIPT = """
import sys
import psutil
import sc_duality as sd

if __name__ == "__main__":
    sd.settings.cache = False
    model = sd.models.load(sys.argv[1], engine="vllm", dtype="float32")
    print(model.score(["A B C"], ["B"])[0, 0])
    print(*(child.pid for child in psutil.Process().children(recursive=True)))
"""


def test_nothing_is_left_behind_when_python_ends(folder, reference, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    ran = subprocess.run(
        [sys.executable, tmp_path / "script.py", folder], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr
    score, pids = ran.stdout.splitlines()[-2:]
    np.testing.assert_allclose(float(score), reference.score(["A B C"], ["B"])[0, 0], atol=1e-4)
    assert len(pids.split()) >= 2
    left = [one for one in psutil.process_iter() if str(one.pid) in pids.split() and one.name().startswith("VLLM")]
    assert not [one for one in left if one.status() != psutil.STATUS_ZOMBIE]
    assert "leaked" not in ran.stderr


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"tensor_paralel_size": 2},
            TypeError,
            "no option 'tensor_paralel_size' here: do you mean 'tensor_parallel_size'",
        ),
        ({"runner": "pooling"}, TypeError, "no option 'runner'"),
        ({"data_parallel_size": 2}, ValueError, "behind a server"),
        ({"adapter": "nowhere"}, FileNotFoundError, "nowhere has no adapter_config.json"),
    ],
)
def test_invalid_options_are_refused_before_anything_starts(folder, options, error, message):
    with pytest.raises(error, match=message):
        sd.models.load(folder, engine="vllm", **options)
    assert not processes()


def test_options_that_change_answers_change_the_fingerprint(folder, reference):
    def fingerprint(**options):
        return sd.models.VLLMModel(sd.models.resolve(folder), **options).fingerprint

    assert fingerprint(tensor_parallel_size=2, max_model_len=64) == reference.fingerprint
    assert fingerprint(quantization="fp8") != reference.fingerprint


def test_missing_vllm_says_what_to_install(folder, monkeypatch):
    monkeypatch.setattr("sc_duality.models.engines.vllm._vllm_options.find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r'pip install "sc-duality\[vllm\]"'):
        sd.models.load(folder, engine="vllm")
