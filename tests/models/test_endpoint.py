"""Requests over HTTP: sent as the served model needs them, and their responses."""

import asyncio
import multiprocessing as mp
import sys

import numpy as np
import pytest

import sc_duality as sd
from benchmarks._fake_server import FakeServer, answer_to, log_likelihood
from sc_duality.models import EndpointModel, SamplingParams
from sc_duality.models.engines.endpoint._text_requests import read_text

PROMPTS = [f"cell {i}" for i in range(40)]
EMBEDDED = sd.models.resolve("embedded")
CHOICES = ("T cell", "NK cell", "B", "naive T cell", "naive B cell")


def endpoint(*servers, model="", **options):
    addresses = ",".join(server.address for server in servers)
    options = {"backoff": 0.01, "timeout": 20.0, **options}
    return EndpointModel(sd.models.resolve(f"endpoint:{addresses}{model}"), **options)


pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(sd.settings, "progress", False)
    for name in ("SC_DUALITY_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


def test_text_comes_back_in_the_order_of_the_prompts(server):
    assert endpoint(server).generate(PROMPTS, SamplingParams()) == [answer_to(prompt) for prompt in PROMPTS]
    assert server.sent == dict.fromkeys(PROMPTS, 1)


@pytest.mark.parametrize(
    ("vllm", "template", "like", "chat"),
    [
        (True, True, None, True),
        (True, False, None, False),
        (True, True, "embedded", True),
        (True, False, "embedded", False),
        (False, False, None, True),
        (False, False, "embedded", False),
    ],
)
def test_chat_messages_are_sent_where_the_model_has_a_template(vllm, template, like, chat):
    with FakeServer(vllm=vllm, template=template) as server:
        assert endpoint(server, like=like and sd.models.resolve(like)).generate(["a"], SamplingParams()) == [
            answer_to("a")
        ]
        assert endpoint(server, like=like and sd.models.resolve(like), chat=not chat).generate(
            ["a"], SamplingParams()
        ) == [answer_to("a")]
    assert ["messages" in body for body in server.bodies] == [chat, not chat]


def test_sampling_reaches_the_server_and_each_prompt_has_its_seed(server):
    sampling = SamplingParams(max_tokens=7, temperature=0.5, top_p=0.9)
    endpoint(server).generate(["a", "b", "b"], sampling)
    assert all((body["max_tokens"], body["temperature"], body["top_p"]) == (7, 0.5, 0.9) for body in server.bodies)
    assert len({body["seed"] for body in server.bodies}) == 3
    assert server.sent == {"a": 1, "b": 2}


def test_fields_can_be_added_and_removed(server):
    endpoint(server, extra={"reasoning_effort": "low", "temperature": None}).generate(["a"], SamplingParams())
    assert server.bodies[0]["reasoning_effort"] == "low"
    assert "temperature" not in server.bodies[0]


@pytest.mark.parametrize("vllm", [True, False])
def test_completions_are_restricted_to_choices(vllm):
    with FakeServer(vllm=vllm) as server:
        found = endpoint(server).generate(PROMPTS, SamplingParams(choices=CHOICES))
    assert found == [answer_to(prompt, CHOICES) for prompt in PROMPTS]


def test_choice_is_read_where_the_server_ignores_the_schema(server):
    server.vllm = False
    server.writes = lambda prompt: {"a": " NK cell\n", "b": "I think it is a B"}[prompt]
    model = endpoint(server, like=EMBEDDED, attempts=3)
    assert model.generate(["a", "b"], SamplingParams(choices=CHOICES)) == ["NK cell", None]
    assert server.sent == {"a": 1, "b": 3}
    assert model.usage.faults == {"not one of the choices": 3}


def expected(server, prompt, choice, *, chat=False):
    ids = [1, *server.ids(prompt), 2] if chat else [0, *server.ids(prompt)]
    total = 0.0
    for token in server.ids(choice):
        total += log_likelihood(ids, token)
        ids.append(token)
    return total


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("choices", [CHOICES, CHOICES[2:3], [f"w{i}" for i in range(140)], ["T", "T cell"]])
@pytest.mark.parametrize("concurrency", [1, 64])
def test_scores_are_sums_over_the_tokens_of_a_choice(chat, choices, concurrency):
    with FakeServer(template=chat) as server:
        found = endpoint(server, concurrency=concurrency).score(PROMPTS, choices)
        rows = [[expected(server, prompt, choice, chat=chat) for choice in choices] for prompt in PROMPTS]
    np.testing.assert_allclose(found, rows)


@pytest.mark.parametrize("chat", [False, True])
def test_likelihoods_are_sums_over_the_tokens_of_an_answer(chat):
    answers = [CHOICES[i % len(CHOICES)] for i in range(len(PROMPTS))]
    with FakeServer(template=chat) as server:
        found = endpoint(server, concurrency=2).likelihood(PROMPTS, answers)
        each = [expected(server, *pair, chat=chat) for pair in zip(PROMPTS, answers, strict=True)]
    np.testing.assert_allclose(found, each)


def test_answer_outside_the_vocabulary_is_refused(server):
    with pytest.raises(ValueError, match="the answer 'unheard' is not in the vocabulary"):
        endpoint(server).score(["a"], ["b", "unheard"])
    with pytest.raises(ValueError, match="the answer 'unheard' is not in the vocabulary"):
        endpoint(server).likelihood(["a"], ["unheard"])


@pytest.mark.parametrize("call", [lambda m: m.score(["a"], ["b"]), lambda m: m.likelihood(["a"], ["b"])])
def test_server_without_log_likelihoods_says_what_else_to_do(call):
    with FakeServer(vllm=False) as server, pytest.raises(ValueError, match="method='choose' or 'generate'"):
        call(endpoint(server))


def test_server_without_embeddings_says_so(server):
    with pytest.raises(ValueError, match="404.*embeddings need a server with that route"):
        endpoint(server).embed(["a"])


def test_prompt_that_is_too_long_is_its_own_failure(server, caplog):
    server.limit = 4
    prompts = ["a b c d e", *PROMPTS]
    model = endpoint(server, concurrency=4)
    assert model.generate(prompts, SamplingParams()) == [None, *map(answer_to, PROMPTS)]
    scores = model.score(prompts, CHOICES)
    assert np.isfinite(scores[1:]).all()
    assert np.isnan(scores[0]).all()
    assert "1 of 41 prompts have no answer (1 × the prompt exceeds the context length of the server" in caplog.text
    assert server.sent["a b c d e"] == 3


def test_served_model_is_found_or_must_be_named():
    with FakeServer(models=("one",)) as one, FakeServer(models=("one", "two")) as two, FakeServer(models=()) as none:
        assert endpoint(one).fingerprint == "one from /weights/one (text)"
        assert endpoint(one, two, model="#one").fingerprint == "one from /weights/one (text)"
        for wrong, model, message in (
            ((two,), "", "serves one, two: write #name"),
            ((one,), "#three", "serves one, not 'three'"),
            ((one, two), "#two", "serves one, not 'two'"),
            ((none,), "", "no model in its list"),
        ):
            with pytest.raises(ValueError, match=message):
                endpoint(*wrong, model=model)


def test_a_name_that_a_provider_does_not_list_is_refused():
    with FakeServer(vllm=False, models=("one:latest", "three")) as server:
        endpoint(server, model="#one")
        endpoint(server, model="#three")
        with pytest.raises(ValueError, match="serves one:latest, three, not 'thre': write #name of one of these"):
            endpoint(server, model="#thre")


def test_reasoning_that_a_server_took_apart_is_kept():
    parts = {"content": "<answer>B cell</answer>"}
    for name in ("reasoning", "reasoning_content"):
        answer = {"choices": [{"message": {**parts, name: "CD79A."}}]}
        assert read_text(answer, ()) == "<think>CD79A.</think><answer>B cell</answer>"
        assert read_text(answer, ("<answer>B cell</answer>",)) == "<answer>B cell</answer>"
    assert read_text({"choices": [{"message": {**parts, "reasoning": None}}]}, ()) == parts["content"]
    unfinished = {"content": None, "reasoning": "CD79A and"}
    assert read_text({"choices": [{"message": unfinished}]}, ()) == "<think>CD79A and"


def test_servers_of_different_models_are_refused():
    different = pytest.raises(ValueError, match="different models, x, y")
    with FakeServer(models=("x",)) as one, FakeServer(models=("y",)) as two, different:
        endpoint(one, two)


def test_cached_answers_are_those_of_the_same_model_and_options(server):
    assert endpoint(server).fingerprint != sd.models.resolve("embedded").fingerprint
    options = [{}, {"chat": True}, {"extra": {"a": 1}}, {"extra": {"a": 2}}]
    for model in [endpoint(server, **one) for one in [*options, *options]]:
        model.generate(["a"], SamplingParams())
    server.models = ("other",)
    endpoint(server).generate(["a"], SamplingParams())
    assert server.sent == {"a": 5}


def test_model_has_the_specification_of_another(server):
    spec = sd.models.load(f"endpoint:{server.address}", like="embedded").spec
    assert (spec.prompt_format, spec.knows, spec.genes) == (EMBEDDED.prompt_format, EMBEDDED.knows, EMBEDDED.genes)
    assert spec.source == server.address
    assert "127.0.0.1" in spec.name
    with pytest.raises(TypeError, match="like='embedded': pass a ModelSpec"):
        endpoint(server, like="embedded")


def test_tools_take_it_like_any_model(server):
    adata = sd.datasets.pbmc3k()[:20].copy()
    sd.tl.annotate(adata, model=endpoint(server, like=EMBEDDED))
    assert adata.obs["cell_type"].notna().all()
    assert server.address in str(adata.uns["annotation"])


def test_key_is_sent_but_never_shown(server, caplog, monkeypatch):
    caplog.set_level("DEBUG")
    server.key = "sk-very-secret"
    assert endpoint(server, api_key="sk-very-secret").generate(["a"], SamplingParams()) == [answer_to("a")]
    monkeypatch.setenv("SC_DUALITY_API_KEY", "sk-very-secret")
    model = endpoint(server)
    assert model.generate(["b"], SamplingParams()) == [answer_to("b")]
    server.key = "another"
    with pytest.raises(PermissionError, match="HTTP 401: wrong key in Bearer …. Pass api_key=") as error:
        model.generate(["c"], SamplingParams())
    texts = [caplog.text, str(error.value), repr(model.spec), model.fingerprint, str(model.usage)]
    assert not any("very-secret" in text for text in texts)
    assert server.sent == {"a": 1, "b": 1}


def test_openais_key_is_not_sent_to_others(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    server.key = "sk-very-secret"
    with pytest.raises(PermissionError, match="refuses the key"):
        endpoint(server)


def test_tokens_and_costs_are_counted(server):
    model = endpoint(server, price=(2.0, 8.0))
    model.generate(PROMPTS, SamplingParams())
    assert (model.usage.requests, model.usage.prompt_tokens, model.usage.completion_tokens) == (40, 400, 200)
    assert model.usage.cost == pytest.approx((400 * 2 + 200 * 8) / 1e6)
    assert str(model.usage) == "600 tokens, $0.00"
    assert endpoint(server).usage.cost is None


def test_progress_bar_shows_tokens_and_faults(server):
    server.faults |= {"cell 1": ["500"], "cell 2": ["500", "always"]}
    model = endpoint(server, attempts=2)
    model.generate(PROMPTS, SamplingParams())
    assert model._progress_note() == "585 tokens, 2 retries, 1 failures"


def test_it_works_inside_a_running_event_loop(server):
    async def notebook():
        return endpoint(server).generate(PROMPTS, SamplingParams())

    assert asyncio.run(notebook()) == [answer_to(prompt) for prompt in PROMPTS]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 0}, "concurrency=0: pass a number above 0"),
        ({"attempts": 0}, "attempts=0: pass a number above 0"),
        ({"requests_per_minute": 0}, "None for no limit"),
    ],
)
def test_invalid_options_are_refused(server, options, message):
    with pytest.raises(ValueError, match=message):
        endpoint(server, **options)


@pytest.mark.parametrize("address", ["ftp://host", "http://", "http://user:secret@host/v1"])
def test_invalid_addresses_are_refused(address):
    with pytest.raises(ValueError, match="address") as error:
        EndpointModel(sd.models.ModelSpec(name="x", source=address))
    assert "secret" not in str(error.value)


def test_missing_server_is_reported_at_once(server):
    server.stop()
    with pytest.raises(ConnectionError, match=f"no server answers .*:{server.port}/v1: .*Is it running"):
        endpoint(server)


def generate_in_worker(model, address, found):
    try:
        model.generate(["a"], SamplingParams())
    except RuntimeError as error:
        found.put(str(error))
    found.put(sd.models.load(f"endpoint:{address}").generate(["a"], SamplingParams()))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_worker_loads_the_endpoint_anew(server):
    model = sd.models.load(f"endpoint:{server.address}")
    context = mp.get_context("fork")
    found = context.SimpleQueue()
    worker = context.Process(target=generate_in_worker, args=(model, server.address, found))
    worker.start()
    assert found.get() == "this endpoint was opened before the process was forked: load it in each worker"
    assert found.get() == [answer_to("a")]
    worker.join(20)
    assert worker.exitcode == 0
    assert model.generate(["b"], SamplingParams()) == [answer_to("b")]
