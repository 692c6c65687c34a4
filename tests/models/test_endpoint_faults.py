"""Servers that fail: no prompt is lost, no answer is wrong, and no request is repeated without need."""

import gc
import json
import logging
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from threading import enumerate as threads

import numpy as np
import pytest

import sc_duality as sd
from benchmarks._fake_handler import Handler
from benchmarks._fake_server import NUMBERS, TRANSIENT, FakeServer, answer_to, when
from sc_duality.models import EndpointModel, SamplingParams

PROMPTS = [f"cell {i}" for i in range(40)]
ANSWERS = [answer_to(prompt) for prompt in PROMPTS]
SAMPLING = SamplingParams()


def endpoint(*servers, **options):
    addresses = ",".join(server.address for server in servers)
    options = {"backoff": 0.01, "timeout": 20.0, "concurrency": 8, **options}
    return EndpointModel(sd.models.resolve(f"endpoint:{addresses}"), **options)


pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(sd.settings, "progress", False)


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


@pytest.mark.parametrize("fault", [*TRANSIENT, "slow", "drip"])
def test_transient_fault_costs_no_answer(server, fault):
    server.slow = 4.0
    waits = fault in ("slow", "drip")
    faulty = PROMPTS[:: 20 if waits else 4]
    for prompt in faulty:
        server.faults[prompt] = [fault, fault]
    model = endpoint(server, timeout=1.5 if waits else 20.0)
    assert model.generate(PROMPTS, SAMPLING) == ANSWERS
    assert server.answered == dict.fromkeys(PROMPTS, 1)
    assert model.usage.faults.total() == model.usage.retries == 2 * len(faulty)
    assert (model.usage.requests, model.usage.failures) == (40 + 2 * len(faulty), 0)


@pytest.mark.parametrize("fault", [*TRANSIENT, "slow"])
def test_permanent_fault_is_reported_and_only_its_prompt_is_retried(server, fault, caplog):
    server.slow = 4.0
    server.faults["cell 7"] = [fault, "always"]
    model = endpoint(server, attempts=2, timeout=1.5 if fault == "slow" else 20.0)
    assert model.generate(PROMPTS, SAMPLING) == [
        None if prompt == "cell 7" else answer_to(prompt) for prompt in PROMPTS
    ]
    assert "1 of 40 prompts have no answer" in caplog.text
    assert "after 2 attempts" in caplog.text
    assert (model.usage.failures, server.sent["cell 7"]) == (1, 2)
    server.faults.clear()
    assert model.generate(PROMPTS, SAMPLING) == ANSWERS
    assert server.sent == {**dict.fromkeys(PROMPTS, 1), "cell 7": 3}


def test_any_mixture_of_faults_costs_no_answer(server):
    rng = np.random.default_rng(0)
    for prompt in PROMPTS:
        server.faults[prompt] = [str(fault) for fault in rng.choice(TRANSIENT, rng.integers(5))]
    assert endpoint(server).generate(PROMPTS, SAMPLING) == ANSWERS
    for prompt in PROMPTS:
        server.faults[prompt] = [str(fault) for fault in rng.choice(TRANSIENT, rng.integers(3))]
    scores = endpoint(server, attempts=99).score(PROMPTS, ["T cell", "B"])
    server.faults.clear()
    sd.models.clear_cache()
    np.testing.assert_array_equal(scores, endpoint(server).score(PROMPTS, ["T cell", "B"]))


@pytest.mark.parametrize("fault", [*NUMBERS, "bytes"])
def test_log_likelihoods_of_a_malformed_response_are_not_taken(server, fault):
    expected = endpoint(server).score(PROMPTS, ["T cell", "B"])
    sd.models.clear_cache()
    server.faults["cell 7"] = [fault]
    np.testing.assert_array_equal(endpoint(server, concurrency=2).score(PROMPTS, ["T cell", "B"]), expected)
    assert server.failed == {fault: 1}


def test_a_response_is_read_as_utf_8_whatever_its_header_says(server):
    server.content_type, server.writes = "text/html; charset=latin-1", lambda _prompt: "γδ T cell"
    assert endpoint(server).generate(["a"], SAMPLING) == ["γδ T cell"]


def test_half_a_character_is_replaced(server, monkeypatch):
    """A completion that was cut within an emoji, as JSON writes it."""
    monkeypatch.setattr("benchmarks._fake_handler.json.dumps", lambda answer, **_: json.JSONEncoder().encode(answer))
    server.writes = lambda _prompt: "B cell \ud83e"
    assert endpoint(server).generate(["a"], SAMPLING) == endpoint(server).generate(["a"], SAMPLING) == ["B cell ?"]
    assert server.sent == {"a": 1}


@pytest.mark.parametrize("fault", ["503", "reset", "html"])
def test_a_fault_does_not_decide_whether_chat_messages_are_sent(fault):
    with FakeServer(template=True) as server:
        server.faults["/tokenize ?"] = [fault]
        with pytest.raises(ConnectionError, match=r"no server answers \(http.*\)\. Try again"):
            endpoint(server)
        endpoint(server).generate(["a"], SAMPLING)
    assert "messages" in server.bodies[0]


def test_faults_are_reported_by_kind(server, caplog):
    caplog.set_level(logging.INFO, "sc_duality")
    server.faults["cell 1"], server.faults["cell 2"] = ["429", "html"], ["429"]
    assert endpoint(server).generate(PROMPTS, SAMPLING) == ANSWERS
    assert "3 faults of the servers: 2 × HTTP 429, 1 × unreadable response" in caplog.text


def test_one_prompt_that_cannot_be_scored_does_not_affect_the_others_in_its_request(server):
    server.faults["cell 7"] = ["500", "always"]
    scores = endpoint(server, attempts=2, concurrency=2).score(PROMPTS, ["T cell", "B"])
    assert np.flatnonzero(np.isnan(scores).any(1)).tolist() == [7]


@pytest.mark.parametrize(("status", "error"), [("400", ValueError), ("403", PermissionError), ("404", ValueError)])
def test_refused_request_ends_the_run_and_answers_are_stored(server, status, error):
    server.faults["cell 30"] = [status]
    model = endpoint(server, concurrency=1)
    with pytest.raises(
        error, match=f"{server.port}/v1 refuses the request with HTTP {status}: fault {status}"
    ) as raised:
        model.generate(PROMPTS, SAMPLING)
    assert "30 of 40 answers are stored" in str(raised.value.__notes__)
    assert server.sent == dict.fromkeys(PROMPTS[:31], 1)
    assert model.generate(PROMPTS, SAMPLING) == ANSWERS
    assert server.sent == {**dict.fromkeys(PROMPTS, 1), "cell 30": 2}


def test_request_without_quota_is_not_retried(server):
    server.faults["cell 0"] = ["quota"]
    with pytest.raises(ValueError, match="HTTP 429: no quota left"):
        endpoint(server, concurrency=1).generate(PROMPTS, SAMPLING)
    assert server.sent == {"cell 0": 1}


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_concurrency_limits_the_requests_in_progress(server, concurrency):
    server.delay = 0.1
    endpoint(server, concurrency=concurrency).generate(PROMPTS[:20], SAMPLING)
    assert concurrency / 2 < server.max_concurrent <= concurrency


def test_requests_are_spread_over_the_minute(server):
    endpoint(server, requests_per_minute=1200).generate(PROMPTS[:20], SAMPLING)
    assert server.times[-1] - server.times[0] > 0.9 * 19 * 0.05
    per_half_second = [sum(t <= other < t + 0.5 for other in server.times) for t in server.times]
    assert max(per_half_second) <= 14


def test_pause_that_a_server_requests_is_kept(server):
    server.retry_after = "1"
    server.faults["cell 5"] = ["429"]
    assert endpoint(server).generate(PROMPTS, SAMPLING) == ANSWERS
    pauses = [later - earlier for earlier, later in pairwise(server.times)]
    assert max(pauses) > 0.9


@pytest.fixture
def interruptible():
    """Ctrl-C interrupts, also where the tests run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_answers_before_an_interrupt_are_stored_and_no_request_follows_it(server):
    server.delay = 0.4
    model = endpoint(server, concurrency=4)
    when(lambda: server.answered.total() >= 8, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        model.generate(PROMPTS, SAMPLING)
    time.sleep(0.8)
    before = dict(server.sent)
    assert 8 <= len(before) < len(PROMPTS)
    time.sleep(0.8)
    assert dict(server.sent) == before
    server.delay = 0.0
    assert model.generate(PROMPTS, SAMPLING) == ANSWERS
    # Sent again: requests in progress, and answers that were not stored yet.
    assert sum(server.sent.values()) <= len(PROMPTS) + 8


def test_server_that_dies_leaves_the_rest_for_the_next_call(server, caplog):
    server.delay = 0.2
    model = endpoint(server, attempts=3)
    when(lambda: server.answered.total() >= 10, server.stop)
    found = model.generate(PROMPTS, SAMPLING)
    stored = {prompt for prompt, text in zip(PROMPTS, found, strict=True) if text is not None}
    assert 0 < len(stored) < len(PROMPTS)
    assert all(text in (None, answer) for text, answer in zip(found, ANSWERS, strict=True))
    assert f"{len(PROMPTS) - len(stored)} of 40 prompts have no answer" in caplog.text
    assert "no connection" in caplog.text
    with pytest.raises(ConnectionError, match=f"no response from .*{server.port}/v1: .*Is the server running") as error:
        model.generate(PROMPTS, SAMPLING)
    assert f"{len(stored)} of 40 answers are stored" in str(error.value.__notes__)
    with FakeServer(port=server.port) as again:
        assert model.generate(PROMPTS, SAMPLING) == ANSWERS
        assert set(again.sent) == set(PROMPTS) - stored


def test_no_time_is_lost_on_a_server_that_stopped(server):
    server.delay = 0.05
    model = endpoint(server, attempts=4, backoff=0.1)
    when(lambda: server.answered.total() >= 10, server.stop)
    start = time.monotonic()
    found = model.generate([f"cell {i}" for i in range(500)], SAMPLING)
    assert found.count(None) > 400
    assert time.monotonic() - start < 20, "four attempts with pauses for each prompt would take 44 s"


def test_server_that_is_down_is_avoided(server):
    prompts = [f"cell {i}" for i in range(300)]
    with FakeServer() as other:
        model = endpoint(server, other, attempts=2)
        server.stop()
        assert model.generate(prompts, SAMPLING) == [answer_to(prompt) for prompt in prompts]
    assert 0 < model.usage.faults["no connection"] < 100


def test_work_is_shared_among_servers(server):
    with FakeServer() as other:
        server.delay, other.delay = 0.01, 0.04
        assert endpoint(server, other).generate(PROMPTS, SAMPLING) == ANSWERS
        assert len(server.times) > len(other.times) > 0


def test_engine_that_was_closed_or_deleted_ends_its_thread(server):
    gc.collect()
    before = set(threads())
    closed, deleted = endpoint(server), endpoint(server)
    closed.generate(PROMPTS, SAMPLING)
    deleted.generate(PROMPTS, SAMPLING)
    assert {thread.name for thread in set(threads()) - before} >= {"sc_duality endpoint"}
    closed.close()
    closed.close()
    del deleted
    gc.collect()
    assert "sc_duality endpoint" not in {thread.name for thread in set(threads()) - before}


WORK = """
import sys
import sc_duality as sd
from sc_duality.models import SamplingParams
sd.settings.progress = False
model = sd.models.load(f"endpoint:{sys.argv[1]}", concurrency=4, backoff=0.01)
print("\\n".join(model.generate([f"cell {i}" for i in range(40)], SamplingParams())))
"""


def test_two_processes_share_one_cache(server, cache):
    server.delay = 0.05
    command = [sys.executable, "-c", WORK, server.address]
    run = {
        "env": os.environ | {"SC_DUALITY_CACHE": "1", "SC_DUALITY_CACHE_DIR": str(cache)},
        "stdout": subprocess.PIPE,
        "text": True,
    }
    both = [subprocess.Popen(command, **run) for _ in range(2)]
    assert [process.communicate()[0].splitlines() for process in both] == [ANSWERS, ANSWERS]
    n_sent = sum(server.sent.values())
    assert n_sent <= 80
    assert endpoint(server).generate(PROMPTS, SAMPLING) == ANSWERS
    assert sum(server.sent.values()) == n_sent


def test_a_server_without_json_schema_leads_to_generate(monkeypatch):
    with FakeServer(vllm=False, template=True) as server:
        monkeypatch.setattr(Handler, "_fail", lambda self, _: self._error(400, "'json_schema' is not supported"))
        server.faults["cell 1"] = ["refused"]
        with pytest.raises(ValueError, match="is not supported. It cannot restrict answers: pass method='generate'"):
            endpoint(server).generate(["cell 1"], SamplingParams(choices=("B cell", "T cell")))
