"""What all engines share: cache, repeated questions, failures, resume."""

import logging
import os
import subprocess
import sys

import numpy as np
import pytest

from sc_duality.models import Engine, LanguageModel, ModelSpec, Sampling, Unanswered


class Counting(Engine):
    """Answers with the length of a prompt, two prompts at a time, last ones first, and keeps what it was asked."""

    name = "counting"
    dtype = "float32"

    def __init__(self, *, dies_after=None, fails=(), **spec):
        super().__init__(ModelSpec(name="counting", source="nowhere", **spec))
        self.asked, self.dies_after, self.fails = [], dies_after, fails

    def _pairs(self, prompts, answer):
        places = list(reversed(range(len(prompts))))
        for start in range(0, len(places), 2):
            if self.dies_after is not None and len(self.asked) >= self.dies_after:
                raise RuntimeError("the engine died")
            part = places[start : start + 2]
            self.asked += [prompts[i] for i in part]
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


def ask(model, what, prompts=PROMPTS):
    if what == "generate":
        return model.generate(prompts, Sampling())
    if what == "score":
        return model.score(prompts, ["T", "NK"])
    return (
        model.likelihood(prompts, ["x" * len(one) for one in prompts]) if what == "likelihood" else model.embed(prompts)
    )


WHAT = ["generate", "score", "likelihood", "embed"]


def test_it_is_a_language_model():
    assert isinstance(Counting(), LanguageModel)


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("cached", [False, True])
def test_the_same_question_is_put_once_and_answers_come_back_in_order(what, cached, request):
    if cached:
        request.getfixturevalue("cache")
    model = Counting()
    first = ask(model, what)
    assert sorted(model.asked) == ["A", "A B", "A B C", "D"]
    expected = {"generate": [f"{one} 0" for one in PROMPTS], "embed": [[len(one), 1] for one in PROMPTS]}
    expected["score"] = [[-len(one) - 1, -len(one) - 2] for one in PROMPTS]
    expected["likelihood"] = [-float(len(one) ** 2) for one in PROMPTS]
    np.testing.assert_array_equal(first, expected[what])
    again = ask(model, what)
    np.testing.assert_array_equal(again, expected[what])
    assert getattr(again, "dtype", None) == getattr(first, "dtype", None)
    assert len(model.asked) == (4 if cached else 8)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("what", WHAT)
def test_what_was_answered_before_the_engine_died_is_not_asked_again(what):
    dying, healthy = Counting(dies_after=2), Counting()
    with pytest.raises(RuntimeError, match="died") as caught:
        ask(dying, what)
    assert "2 of 4 answers are kept" in caught.value.__notes__[0]
    resumed = ask(healthy, what)
    assert len(dying.asked) == 2
    assert sorted(dying.asked + healthy.asked) == ["A", "A B", "A B C", "D"]
    np.testing.assert_array_equal(resumed, ask(Counting(), what))


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("what", WHAT)
def test_prompts_without_an_answer_are_reported_and_asked_again(what, caplog):
    found = ask(Counting(fails=["A B"]), what)
    missing = [one is None for one in found] if what == "generate" else np.isnan(found).reshape(len(PROMPTS), -1).any(1)
    assert list(missing) == [one == "A B" for one in PROMPTS]
    assert "1 of 4 prompts got no answer (1 × HTTP 500): the others are kept" in caplog.text
    healthy = Counting()
    ask(healthy, what)
    assert healthy.asked == ["A B"]


def test_nothing_is_asked_of_nobody():
    model = Counting()
    assert model.generate([], Sampling()) == []
    assert model.score([], ["a", "b"]).shape == (0, 2)
    assert model.likelihood([], []).shape == (0,)
    assert model.embed([]).shape == (0, 0)
    assert model.asked == []


def test_draws_of_a_prompt_depend_on_seed_prompt_and_repeat_only():
    draw = Sampling(temperature=1.0, seed=3)
    together = Counting().generate(["A", "B", "A", "C", "A"], draw)
    assert len({together[0], together[2], together[4]}) == 3
    assert Counting().generate(["A", "A"], draw) == [together[0], together[2]]
    assert Counting().generate(["C"], draw) == [together[3]]
    assert Counting().generate(["C"], Sampling(temperature=1.0, seed=4)) != [together[3]]


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    "other",
    [
        lambda model: model.generate(["A"], Sampling(max_tokens=7)),
        lambda model: model.generate(["A"], Sampling(choices=("x",))),
        lambda model: model.generate(["A"], Sampling(temperature=1.0)),
        lambda model: model.score(["A"], ["T", "NK"]),
        lambda model: model.score(["A"], ["T", "NK", "B"]),
        lambda model: model.likelihood(["A"], ["T"]),
        lambda model: model.embed(["A"]),
    ],
)
def test_another_question_is_another_question(other):
    model = Counting()
    model.generate(["A"], Sampling())
    model.score(["A"], ["T"])
    model.likelihood(["A"], ["NK"])
    model.asked.clear()
    other(model)
    assert model.asked == ["A"]


@pytest.mark.usefixtures("cache")
def test_other_weights_are_asked_for_themselves():
    Counting(revision="one").score(["A"], ["T"])
    same, other = Counting(revision="one"), Counting(revision="two")
    same.score(["A"], ["T"])
    other.score(["A"], ["T"])
    assert (same.asked, other.asked) == ([], ["A"])


def test_a_killed_process_leaves_what_it_had(cache):
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
    environment = {"SC_DUALITY_CACHE": "1", "SC_DUALITY_CACHE_DIR": str(cache), "PYTHONPATH": "."}
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, check=False)
    assert done.returncode == -9
    model = Counting()
    found = model.score([f"cell {i}" for i in range(20)], ["T", "NK"])
    assert len(model.asked) == 14
    np.testing.assert_array_equal(found, Counting().score([f"cell {i}" for i in range(20)], ["T", "NK"]))


def test_choices_are_needed():
    with pytest.raises(ValueError, match="no choices"):
        Counting().score(["A"], [])


@pytest.mark.usefixtures("cache")
def test_interrupting_keeps_what_was_answered():
    class Interrupted(Counting):
        def _score(self, prompts, choices):
            yield next(super()._score(prompts, choices))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted().score(PROMPTS, ["T"])
    model = Counting()
    model.score(PROMPTS, ["T"])
    assert len(model.asked) == 2


def test_a_cache_that_cannot_be_written_loses_nothing(cache, caplog):
    cache.mkdir()
    (cache / "answers.sqlite").write_bytes(b"no database" * 1000)
    with caplog.at_level(logging.WARNING):
        found = Counting().score(PROMPTS, ["T", "NK"])
    np.testing.assert_array_equal(found, Counting().score(PROMPTS, ["T", "NK"]))
    assert not np.isnan(found).any()
    assert "answers are not kept" in caplog.text


@pytest.mark.usefixtures("cache")
def test_an_engine_stops_when_its_answers_cannot_be_taken(monkeypatch):
    ended = []

    class Long(Counting):
        def _score(self, prompts, choices):
            try:
                yield from super()._score(prompts, choices)
            finally:
                ended.append(len(self.asked))

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sc_duality.models._cache.AnswerCache.put", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Long().score(PROMPTS, ["T"])
    assert ended == [2]
