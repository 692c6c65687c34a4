"""A real vLLM server on this machine against transformers on the same weights."""

import json
import shutil
from importlib.util import find_spec
from itertools import count

import numpy as np
import pytest

import sc_duality as sd
from benchmarks._server import serve
from sc_duality.models import EndpointModel, SamplingParams, TransformersModel

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="needs vLLM")

SPEC = sd.models.resolve("embedded")
LABELS = [label.replace(" ", "_") for label in SPEC.known("annotation", "labels")]
TEMPLATE = "{% for message in messages %}{{ message['content'] }} {% endfor %}<type>"


@pytest.fixture(scope="module")
def adata():
    adata = sd.datasets.pbmc3k()[:60].copy()
    sd.pp.cell_sentences(adata)
    return adata


@pytest.fixture(scope="module")
def genes(adata):
    return [[gene for gene in genes if gene in SPEC.genes][:100] for genes in sd.get.gene_lists(adata)]


@pytest.fixture(scope="module")
def prompts(genes):
    return [f"<annotate> <cell> {' '.join(one)} <type>" for one in genes]


@pytest.fixture(scope="module")
def here():
    return TransformersModel(SPEC, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def served():
    with serve(SPEC.source, options=["--dtype", "float32"]) as server:
        yield EndpointModel(sd.models.resolve(f"endpoint:{server.address}"), like=SPEC)


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setattr(sd.settings, "cache", False)
    monkeypatch.setattr(sd.settings, "progress", False)


def test_scores_agree(served, here, prompts):
    found, expected = served.score(prompts, LABELS), here.score(prompts, LABELS)
    np.testing.assert_allclose(found, expected, atol=1e-2)
    np.testing.assert_array_equal(found.argmax(1), expected.argmax(1))


def test_scores_of_choices_of_several_tokens_agree(served, here, prompts):
    choices = [
        LABELS[0],
        f"{LABELS[0]} {LABELS[1]}",
        f"{LABELS[0]} {LABELS[2]} {LABELS[3]}",
        f"{LABELS[4]} {LABELS[2]}",
    ]
    np.testing.assert_allclose(served.score(prompts[:20], choices), here.score(prompts[:20], choices), atol=1e-2)


def test_likelihoods_agree(served, here, prompts, genes):
    answers = [" ".join(one[i % 7 : 20]) for i, one in enumerate(genes)]
    np.testing.assert_allclose(served.likelihood(prompts, answers), here.likelihood(prompts, answers), atol=1e-2)


def test_completions_agree_and_samples_repeat(served, here, prompts):
    greedy = SamplingParams(max_tokens=12)
    found, expected = served.generate(prompts, greedy), here.generate(prompts, greedy)
    assert [text.strip() for text in found] == [text.strip() for text in expected]
    samples = [
        served.generate([prompts[0]] * 20, SamplingParams(max_tokens=5, temperature=2.0, seed=s)) for s in (1, 1, 2)
    ]
    assert samples[0] == samples[1] != samples[2]
    assert len(set(samples[0])) > 1


def test_completions_are_restricted_to_choices(served, prompts):
    choices = tuple(LABELS[10:14])
    assert set(served.generate(prompts, SamplingParams(max_tokens=20, choices=choices))) <= set(choices)


def test_prompt_that_is_too_long_is_its_own_failure(served, prompts, genes):
    long = f"<annotate> <cell> {' '.join(genes[0] * 9)} <type>"
    assert served.generate([long, *prompts[:3]], SamplingParams(max_tokens=5))[0] is None
    scores = served.score([*prompts[:3], long], LABELS)
    assert np.isnan(scores).all(1).tolist() == [False, False, False, True]


def test_cells_get_the_same_types(served, here, adata):
    for key, model in (("served", served), ("here", here)):
        sd.tl.annotate(adata, model=model, key_added=key)
    assert (adata.obs["served"] == adata.obs["here"]).all()


def test_chat_template_is_the_models_own_and_a_killed_server_leaves_the_rest(prompts, tmp_path, caplog, monkeypatch):
    folder = shutil.copytree(SPEC.source, tmp_path / "chat")
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "chat_template": TEMPLATE}))
    here = TransformersModel(sd.models.resolve(folder), device="cpu", dtype="float32")
    messages = [prompt.removesuffix(" <type>") for prompt in prompts]
    with serve(folder, options=["--dtype", "float32"]) as server:
        model = EndpointModel(
            sd.models.resolve(f"endpoint:{server.address}"), like=SPEC, attempts=2, backoff=0.1, concurrency=4
        )
        np.testing.assert_allclose(model.score(messages, LABELS), here.score(messages, LABELS), atol=1e-2)
        greedy = SamplingParams(max_tokens=2)
        found, expected = model.generate(messages, greedy), here.generate(messages, greedy)
        assert [text.strip() for text in found] == [text.strip() for text in expected]
        many = [f"{prompt} {i}" for i in range(10) for prompt in messages]
        send, n_sent = model._client.send, count()

        async def send_until_killed(*request):
            if next(n_sent) == 200:
                server.kill()
            return await send(*request)

        monkeypatch.setattr(model._client, "send", send_until_killed)
        texts = model.generate(many, SamplingParams(max_tokens=30))
    assert 200 - 4 <= len(many) - texts.count(None) <= 200  # four requests are in progress at once
    assert f"{texts.count(None)} of {len(many)} prompts have no answer" in caplog.text
    assert "no connection" in caplog.text
