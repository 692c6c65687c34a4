"""Alignment whose answers and duals are written by vLLM, in the trainer's process or behind a server."""

import json
import shutil

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

import sc_duality as sd
from benchmarks._server import serve
from tests.train.vllm_on_cpu import ENVIRONMENT, weights_reach_vllm

pytest.importorskip("vllm")

TASKS = ["annotation", "generation", "response"]
PERTURBATIONS = {"control": ("control",), "stimulated": ("cytokine", "IFNB1")}
G, ROLLOUT, STEPS = 4, 16, 4


def starts_with_few(completions, **_):
    """A reward that is easy to raise: the answer's first word is early in the alphabet."""
    return [float(text[:1] in "ABCDE") if text else 0.0 for text in completions]


@pytest.fixture(scope="module")
def cells():
    cells = sd.datasets.pbmc3k()[:80].copy()
    cells.obs["done"] = np.resize([*PERTURBATIONS], cells.n_obs)
    return cells


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """The embedded model with an output layer of its own, since vLLM's kernels for processors keep a packed copy of a
    shared one, which nothing can change.
    """
    folder = tmp_path_factory.mktemp("start") / "embedded"
    shutil.copytree(sd.models.resolve("embedded").source, folder)
    weights = {name: weight.float() for name, weight in load_file(folder / "model.safetensors").items()}
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False, "dtype": "float32"}))
    return folder


@pytest.fixture(scope="module")
def align(cells, start, tmp_path_factory):
    """Train and return the model's folder, the history and what vLLM was asked."""

    def align(mode, **options):
        shelf = tmp_path_factory.mktemp("weights")
        with weights_reach_vllm(shelf) as asked:
            trained = sd.tl.train_grpo_duality(
                cells,
                start,
                tmp_path_factory.mktemp(mode) / "model",
                tasks=TASKS,
                reward=["duality", starts_with_few],
                reward_weights=[0.1, 1.0],
                dual="sample",
                draws=2,
                verifier="policy",
                hidden_fraction=0.3,
                labels="blood",
                perturbation="done",
                perturbations=PERTURBATIONS,
                n_genes=60,  # of 20, it does not stop after the type
                group_size=G,
                rollout=ROLLOUT,
                batch_size=ROLLOUT,
                steps=STEPS,
                bf16=False,
                use_vllm=True,
                vllm_mode=mode,
                **options,
            )
        return trained, asked

    return align


@pytest.fixture(scope="module", params=["colocate", "colocate with LoRA", "server"])
def run(request, align, start):
    if request.param == "colocate":
        return align("colocate", learning_rate=1e-3)
    if request.param == "colocate with LoRA":
        return align("colocate", learning_rate=1e-2, lora=8)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "VLLM_SERVER_DEV_MODE": "1"}.items():
            patch.setenv(name, value)
        options = ["--dtype", "float32", "--logprobs-mode", "processed_logprobs"]
        with serve(start, options=options) as server:
            address = server.address.removesuffix("/v1")
            return align("server", learning_rate=1e-3, vllm_server_base_url=address)


def test_rollouts_follow_the_weights(run):
    (_, history), asked = run
    assert len(list(asked.rollouts())) == len(history) == STEPS
    # The policy goes away from where it began, and is as likely to write what vLLM wrote as vLLM is.
    assert history["kl"].iloc[0] == pytest.approx(0, abs=1e-4)
    assert history["kl"].max() > 0.05
    assert history["sampling/sampling_logp_difference/mean"].max() < 0.01


def test_duals_of_all_tasks_are_answered(run):
    (_, history), asked = run
    for prompts, texts in asked.duals():
        assert len(texts) == len(prompts) > 0
        assert all(texts)
    for task in TASKS:
        assert history[f"duality_{task}/valid"].max() > 0
    assert history[["duality_annotation/mean", "duality_generation/mean"]].max().max() > 0


def test_a_dual_that_is_asked_again_is_drawn_anew(run):
    _, asked = run
    again = [
        {tuple(text) for other, text in zip(prompts, texts, strict=True) if other == prompt}
        for prompts, texts in asked.duals()
        for prompt in prompts
    ]
    assert max(map(len, again)) > 1


def test_the_trained_model_answers(run, cells):
    (model, _), _ = run
    cells = cells[:10].copy()
    sd.tl.annotate(cells, model, labels="blood", n_genes=60)
    assert cells.obs["annotation"].notna().all()
