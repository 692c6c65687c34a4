"""The file of stored answers: several processes, full disks, its size limit."""

import multiprocessing
import os
import resource
import signal
import sqlite3
from threading import Timer

import pytest

import sc_duality as sd
from sc_duality.models.engines import _answer_cache
from sc_duality.models.engines._answer_cache import AnswerCache


def key(i):
    return i.to_bytes(16, "big")


def test_stored_answers_are_returned(tmp_path):
    cache = AnswerCache(tmp_path / "a" / "answers.sqlite", 1 << 30)
    answers = [(key(i), bytes([i % 256]) * (i % 50)) for i in range(2000)]
    cache.put(answers)
    assert cache.get([k for k, _ in answers]) == dict(answers)
    assert cache.get([key(5000)]) == {}
    cache.close()
    assert AnswerCache(tmp_path / "a" / "answers.sqlite", 1 << 30).get([key(7)]) == {key(7): bytes([7]) * 7}


def test_first_answer_stays(tmp_path):
    cache = AnswerCache(tmp_path / "answers.sqlite", 1 << 30)
    cache.put([(key(1), b"first")])
    cache.put([(key(1), b"second"), (key(2), b"other")])
    assert cache.get([key(1), key(2)]) == {key(1): b"first", key(2): b"other"}


def test_nothing_is_stored_without_a_file():
    cache = AnswerCache(None, 1 << 30)
    cache.put([(key(1), b"x")])
    assert cache.get([key(1)]) == {}
    assert not cache.is_open
    cache.clear()


def test_oldest_answers_are_deleted_when_it_is_full(tmp_path):
    limit = 1 << 20
    cache = AnswerCache(tmp_path / "answers.sqlite", limit)
    for i in range(400):
        cache.put([(key(i * 10 + j), os.urandom(1000)) for j in range(10)])
    assert cache.get([key(3999)])
    assert not cache.get([key(0)])
    cache.close()
    size = (tmp_path / "answers.sqlite").stat().st_size
    assert limit / 2 < size < limit * 1.2


def write_many(path, process, barrier):
    barrier.wait()
    cache = AnswerCache(path, 1 << 30)
    for i in range(200):
        cache.put([(key(process * 10_000 + i), b"own"), (key(90_000 + i), b"common")])


def test_processes_share_it(tmp_path):
    path = tmp_path / "answers.sqlite"
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    writers = [context.Process(target=write_many, args=(path, i, barrier)) for i in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    found = AnswerCache(path, 1 << 30).get([key(first + i) for first in (10_000, 20_000, 90_000) for i in range(200)])
    assert len(found) == 600
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM answers").fetchone() == (600,)


def test_file_that_another_process_is_opening(tmp_path):
    path = tmp_path / "answers.sqlite"
    other = sqlite3.connect(path, check_same_thread=False)
    other.execute("CREATE TABLE something (value)")
    other.execute("INSERT INTO something VALUES (1)")  # locks the file until it is committed
    Timer(0.3, other.commit).start()
    cache = AnswerCache(path, 1 << 30)
    cache.put([(key(1), b"stored")])
    assert cache.get([key(1)])


def test_full_disk_is_logged_once_and_work_continues(tmp_path, caplog):
    cache = AnswerCache(tmp_path / "answers.sqlite", 1 << 30)
    cache.put([(key(1), b"stored")])
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, before[1]))  # no file may grow beyond this
        for i in range(2, 60):
            cache.put([(key(i), os.urandom(10_000))])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not cache.is_open
    assert caplog.text.count("answers are not stored") == 1
    again = AnswerCache(tmp_path / "answers.sqlite", 1 << 30)
    assert again.get([key(1)]) == {key(1): b"stored"}


@pytest.mark.parametrize("content", [b"this is no database" * 500, b"SQLite format 3\0" + b"\1" * 5000])
def test_a_broken_file_is_not_changed(tmp_path, caplog, content):
    path = tmp_path / "answers.sqlite"
    path.write_bytes(content)
    cache = AnswerCache(path, 1 << 30)
    cache.put([(key(1), b"x")])
    assert cache.get([key(1)]) == {}
    assert "cannot be used" in caplog.text
    assert path.read_bytes() == content


def test_clear_cache_deletes_answers(cache):
    _answer_cache.answer_cache().put([(key(1), b"x")])
    assert (cache / "answers.sqlite").is_file()
    sd.models.clear_cache()
    assert _answer_cache.answer_cache().get([key(1)]) == {}


@pytest.mark.usefixtures("cache")
def test_the_settings_set_the_file(tmp_path, monkeypatch):
    first = _answer_cache.answer_cache()
    assert _answer_cache.answer_cache() is first
    monkeypatch.setattr(sd.settings, "cache_dir", tmp_path / "other")
    _answer_cache.answer_cache().put([(key(1), b"x")])
    assert (tmp_path / "other" / "answers.sqlite").is_file()
    monkeypatch.setattr(sd.settings, "cache", False)
    assert not _answer_cache.answer_cache().is_open


def test_a_file_that_fails_among_many_keys_does_not_stop_the_run(tmp_path, caplog):
    cache = AnswerCache(tmp_path / "answers.sqlite", 1 << 30)
    cache._connection.execute("DROP TABLE answers")
    assert cache.get([key(i) for i in range(700)]) == {}
    assert caplog.text.count("answers are not stored") == 1
