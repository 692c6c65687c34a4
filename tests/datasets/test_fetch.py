"""Files are fetched once, whole, and are what they were; what went wrong says what to do."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

import sc_duality as sd
from sc_duality.datasets._fetch import File, fetch

CONTENT = b"genes\tcells\n" * 1000
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


def cached():
    return sorted(path.name for path in (sd.settings.cache_dir / "datasets").glob("*"))


def test_a_file_is_fetched_once_and_kept(home):
    file = home.file("a.txt", CONTENT)
    path = fetch(file)
    assert path == sd.settings.cache_dir / "datasets" / "a.txt"
    assert path.read_bytes() == CONTENT
    assert fetch(file) == path
    assert home.asked["a.txt"] == 1
    assert cached() == ["a.txt", "hashes.json"]
    assert json.loads((path.parent / "hashes.json").read_text()) == {"a.txt": SHA256}


@pytest.mark.parametrize("fault", [("status", 500), ("status", 503), ("short", 100)])
def test_a_passing_fault_is_tried_again(home, fault):
    file = home.file("a.txt", CONTENT)
    home.faults["a.txt"] = [fault]
    assert fetch(file).read_bytes() == CONTENT
    assert home.asked["a.txt"] == 2


@pytest.mark.parametrize("fault", [("status", 500), ("short", 100)])
def test_a_lasting_fault_says_what_to_do_and_leaves_nothing(home, fault):
    file = home.file("a.txt", CONTENT)
    home.faults["a.txt"] = [fault] * 10
    with pytest.raises(OSError, match=r"(?s)cannot fetch a\.txt.*/a\.txt.*put it at .*datasets.a\.txt"):
        fetch(file)
    assert home.asked["a.txt"] == 4
    assert cached() == []


@pytest.mark.usefixtures("home")
def test_without_a_network_the_error_names_address_and_place():
    file = File("a.txt", ("http://127.0.0.1:9/a.txt",))
    with pytest.raises(OSError, match=r"(?s)http://127\.0\.0\.1:9/a\.txt.*offline.*put it at"):
        fetch(file)


@pytest.mark.usefixtures("home")
def test_a_file_that_was_put_by_hand_is_used():
    place = sd.settings.cache_dir / "datasets" / "a.txt"
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    assert fetch(File("a.txt", ("http://127.0.0.1:9/a.txt",), MD5)) == place
    assert fetch(File("a.txt", ("http://127.0.0.1:9/a.txt",))) == place


@pytest.mark.parametrize("known", [SHA256, MD5])
def test_a_known_hash_is_checked(home, known):
    assert fetch(home.file("a.txt", CONTENT, known)).read_bytes() == CONTENT
    assert cached() == ["a.txt"]


def test_a_wrong_download_is_refused(home):
    file = home.file("a.txt", CONTENT + b"more", MD5)
    with pytest.raises(OSError, match="hash"):
        fetch(file)
    assert cached() == []


def test_a_wrong_file_is_neither_used_nor_replaced(home):
    file = home.file("a.txt", CONTENT, SHA256)
    path = fetch(file)
    path.write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"a\.txt has not the hash .*delete it"):
        fetch(file)
    assert path.read_bytes() == b"mine"


def test_a_file_that_changed_at_its_home_is_noticed(home):
    file = home.file("a.txt", CONTENT)
    fetch(file).unlink()
    home.files["a.txt"] = b"another"
    with pytest.raises(OSError, match="hash"):
        fetch(file)


def test_the_next_home_is_asked_where_one_fails(home):
    file = home.file("a.txt", CONTENT)
    file = replace(file, urls=(f"{home.address}/gone.txt", *file.urls))
    assert fetch(file).read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["a.h5ad", "a.csv.gz", "a.parquet", "a.xlsx"])
def test_a_web_page_is_no_data(home, name):
    file = home.file(name, b"<!DOCTYPE html><title>Are you a person?</title>")
    with pytest.raises(OSError, match=r"begins with b'<"):
        fetch(file)
    assert cached() == []
