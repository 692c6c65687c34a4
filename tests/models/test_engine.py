"""What all engines share: cache, repeated requests, failures, resume."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.models import Engine, LanguageModel, ModelSpec, SamplingParams, Unanswered


class Counting(Engine):
    """Answers with the length of a prompt, two prompts at a time, last ones first, and records the prompts."""

    name = "counting"
    dtype = "float32"

    def __init__(self, *, dies_after=None, fails=(), **spec):
        super().__init__(ModelSpec(name="counting", source="nowhere", **spec))
        self.prompts, self.dies_after, self.fails = [], dies_after, fails

    def _pairs(self, prompts, answer):
        indices = list(reversed(range(len(prompts))))
        for start in range(0, len(indices), 2):
            if self.dies_after is not None and len(self.prompts) >= self.dies_after:
                raise RuntimeError("the engine died")
            part = indices[start : start + 2]
            self.prompts += [prompts[i] for i in part]
            yield [(i, Unanswered("HTTP 500") if prompts[i] in self.fails else answer(i)) for i in part]

    def _generate(self, prompts, sampling, seeds):
        return self._pairs(prompts, lambda i: f"{prompts[i]} {seeds[i] if sampling.temperature else 0}")

    def _score(self, prompts, choices):
        return self._pairs(prompts, lambda i: np.array([-float(len(prompts[i])) - len(one) for one in choices]))

    def _likelihood(self, prompts, answers):
        return self._pairs(prompts, lambda i: -float(len(prompts[i]) * len(answers[i])))

    def _embed(self, prompts):
        return self._pairs(prompts, lambda i: np.array([len(prompts[i]), 1], np.float32))


PROMPTS = ["A", "A B", "A", "A B C", "D", "A B"]


def call(model, method, prompts=PROMPTS):
    if method == "generate":
        return model.generate(prompts, SamplingParams())
    if method == "score":
        return model.score(prompts, ["T", "NK"])
    return (
        model.likelihood(prompts, ["x" * len(one) for one in prompts])
        if method == "likelihood"
        else model.embed(prompts)
    )


METHODS = ["generate", "score", "likelihood", "embed"]


def test_it_is_a_language_model():
    assert isinstance(Counting(), LanguageModel)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cached", [False, True])
def test_equal_requests_are_computed_once_and_answers_keep_their_order(method, cached, request):
    if cached:
        request.getfixturevalue("cache")
    model = Counting()
    first = call(model, method)
    assert sorted(model.prompts) == ["A", "A B", "A B C", "D"]
    expected = {"generate": [f"{one} 0" for one in PROMPTS], "embed": [[len(one), 1] for one in PROMPTS]}
    expected["score"] = [[-len(one) - 1, -len(one) - 2] for one in PROMPTS]
    expected["likelihood"] = [-float(len(one) ** 2) for one in PROMPTS]
    np.testing.assert_array_equal(first, expected[method])
    again = call(model, method)
    np.testing.assert_array_equal(again, expected[method])
    assert getattr(again, "dtype", None) == getattr(first, "dtype", None)
    assert len(model.prompts) == (4 if cached else 8)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("method", METHODS)
def test_answers_before_the_engine_died_are_not_computed_again(method):
    dying, healthy = Counting(dies_after=2), Counting()
    with pytest.raises(RuntimeError, match="died") as caught:
        call(dying, method)
    assert "2 of 4 answers are stored" in caught.value.__notes__[0]
    resumed = call(healthy, method)
    assert len(dying.prompts) == 2
    assert sorted(dying.prompts + healthy.prompts) == ["A", "A B", "A B C", "D"]
    np.testing.assert_array_equal(resumed, call(Counting(), method))


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("method", METHODS)
def test_prompts_without_an_answer_are_reported_and_retried(method, caplog):
    found = call(Counting(fails=["A B"]), method)
    missing = (
        [one is None for one in found] if method == "generate" else np.isnan(found).reshape(len(PROMPTS), -1).any(1)
    )
    assert list(missing) == [one == "A B" for one in PROMPTS]
    assert "1 of 4 prompts have no answer (1 × HTTP 500): the others are stored" in caplog.text
    healthy = Counting()
    call(healthy, method)
    assert healthy.prompts == ["A B"]


def test_no_prompts_need_no_work():
    model = Counting()
    assert model.generate([], SamplingParams()) == []
    assert model.score([], ["a", "b"]).shape == (0, 2)
    assert model.likelihood([], []).shape == (0,)
    assert model.embed([]).shape == (0, 0)
    assert model.prompts == []


def test_samples_depend_on_seed_prompt_and_repeat_only():
    sampling = SamplingParams(temperature=1.0, seed=3)
    together = Counting().generate(["A", "B", "A", "C", "A"], sampling)
    assert len({together[0], together[2], together[4]}) == 3
    assert Counting().generate(["A", "A"], sampling) == [together[0], together[2]]
    assert Counting().generate(["C"], sampling) == [together[3]]
    assert Counting().generate(["C"], SamplingParams(temperature=1.0, seed=4)) != [together[3]]


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    "other",
    [
        lambda model: model.generate(["A"], SamplingParams(max_tokens=7)),
        lambda model: model.generate(["A"], SamplingParams(choices=("x",))),
        lambda model: model.generate(["A"], SamplingParams(temperature=1.0)),
        lambda model: model.score(["A"], ["T", "NK"]),
        lambda model: model.score(["A"], ["T", "NK", "B"]),
        lambda model: model.likelihood(["A"], ["T"]),
        lambda model: model.embed(["A"]),
    ],
)
def test_a_different_request_is_computed(other):
    model = Counting()
    model.generate(["A"], SamplingParams())
    model.score(["A"], ["T"])
    model.likelihood(["A"], ["NK"])
    model.prompts.clear()
    other(model)
    assert model.prompts == ["A"]


@pytest.mark.usefixtures("cache")
def test_other_weights_have_answers_of_their_own():
    Counting(revision="one").score(["A"], ["T"])
    same, other = Counting(revision="one"), Counting(revision="two")
    same.score(["A"], ["T"])
    other.score(["A"], ["T"])
    assert (same.prompts, other.prompts) == ([], ["A"])


def test_answers_of_a_killed_process_are_stored(cache):
    code = """
import os, signal
import sc_duality as sd
from tests.models.test_engine import Counting
class Killed(Counting):
    def _score(self, prompts, choices):
        for n, finished in enumerate(super()._score(prompts, choices)):
            if n == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            yield finished
Killed().score([f"cell {i}" for i in range(20)], ["T", "NK"])
"""
    path = os.pathsep.join([str(Path(sd.__file__).parents[1]), "."])
    environment = {"SC_DUALITY_CACHE": "1", "SC_DUALITY_CACHE_DIR": str(cache), "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, check=False)
    assert done.returncode == -9
    model = Counting()
    found = model.score([f"cell {i}" for i in range(20)], ["T", "NK"])
    assert len(model.prompts) == 14
    np.testing.assert_array_equal(found, Counting().score([f"cell {i}" for i in range(20)], ["T", "NK"]))


def test_empty_choices_are_refused():
    with pytest.raises(ValueError, match="choices is empty"):
        Counting().score(["A"], [])


@pytest.mark.usefixtures("cache")
def test_answers_before_an_interrupt_are_stored():
    class Interrupted(Counting):
        def _score(self, prompts, choices):
            yield next(super()._score(prompts, choices))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted().score(PROMPTS, ["T"])
    model = Counting()
    model.score(PROMPTS, ["T"])
    assert len(model.prompts) == 2


def test_a_cache_that_cannot_be_written_loses_nothing(cache, caplog):
    cache.mkdir()
    (cache / "answers.sqlite").write_bytes(b"no database" * 1000)
    with caplog.at_level(logging.WARNING):
        found = Counting().score(PROMPTS, ["T", "NK"])
    np.testing.assert_array_equal(found, Counting().score(PROMPTS, ["T", "NK"]))
    assert not np.isnan(found).any()
    assert "answers are not stored" in caplog.text


@pytest.mark.usefixtures("cache")
def test_an_engine_stops_when_its_answers_cannot_be_stored(monkeypatch):
    ended = []

    class Long(Counting):
        def _score(self, prompts, choices):
            try:
                yield from super()._score(prompts, choices)
            finally:
                ended.append(len(self.prompts))

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sc_duality.models.engines._answer_cache.AnswerCache.put", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Long().score(PROMPTS, ["T"])
    assert ended == [2]
