"""Files are downloaded once and completely, hashes are checked, and errors say what to do."""

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


def test_a_file_is_downloaded_once(server):
    file = server.file("a.txt", CONTENT)
    path = fetch(file)
    assert path == sd.settings.cache_dir / "datasets" / "a.txt"
    assert path.read_bytes() == CONTENT
    assert fetch(file) == path
    assert server.requests["a.txt"] == 1
    assert cached() == ["a.txt", "hashes.json"]
    assert json.loads((path.parent / "hashes.json").read_text()) == {"a.txt": SHA256}


@pytest.mark.parametrize("error", [("status", 500), ("status", 503), ("short", 100)])
def test_a_temporary_error_is_retried(server, error):
    file = server.file("a.txt", CONTENT)
    server.errors["a.txt"] = [error]
    assert fetch(file).read_bytes() == CONTENT
    assert server.requests["a.txt"] == 2


@pytest.mark.parametrize("error", [("status", 500), ("short", 100)])
def test_a_permanent_error_says_what_to_do_and_leaves_no_file(server, error):
    file = server.file("a.txt", CONTENT)
    server.errors["a.txt"] = [error] * 10
    with pytest.raises(OSError, match=r"(?s)cannot download a\.txt.*/a\.txt.*put it at .*datasets.a\.txt"):
        fetch(file)
    assert server.requests["a.txt"] == 4
    assert cached() == []


@pytest.mark.usefixtures("server")
def test_without_a_network_the_error_names_address_and_path():
    file = File("a.txt", ("http://127.0.0.1:9/a.txt",))
    with pytest.raises(OSError, match=r"(?s)http://127\.0\.0\.1:9/a\.txt.*offline.*put it at"):
        fetch(file)


@pytest.mark.usefixtures("server")
def test_a_file_put_into_the_cache_by_hand_is_used():
    path = sd.settings.cache_dir / "datasets" / "a.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert fetch(File("a.txt", ("http://127.0.0.1:9/a.txt",), MD5)) == path
    assert fetch(File("a.txt", ("http://127.0.0.1:9/a.txt",))) == path


@pytest.mark.parametrize("known", [SHA256, MD5])
def test_a_known_hash_is_checked(server, known):
    assert fetch(server.file("a.txt", CONTENT, known)).read_bytes() == CONTENT
    assert cached() == ["a.txt"]


def test_a_download_with_another_hash_raises(server):
    file = server.file("a.txt", CONTENT + b"more", MD5)
    with pytest.raises(OSError, match="hash"):
        fetch(file)
    assert cached() == []


def test_a_cached_file_with_another_hash_raises_and_stays(server):
    file = server.file("a.txt", CONTENT, SHA256)
    path = fetch(file)
    path.write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"a\.txt does not have the hash .*delete it"):
        fetch(file)
    assert path.read_bytes() == b"mine"


def test_a_file_that_changed_at_its_source_raises(server):
    file = server.file("a.txt", CONTENT)
    path = fetch(file)
    path.unlink()
    server.files["a.txt"] = b"another"
    with pytest.raises(OSError, match=r"The hash of an earlier download is in .*hashes\.json"):
        fetch(file)
    path.write_bytes(b"another")
    with pytest.raises(ValueError, match=r"if this file is right, delete the hash of an earlier one in .*hashes\.json"):
        fetch(file)


def test_the_next_address_is_tried_after_an_error(server):
    file = server.file("a.txt", CONTENT)
    file = replace(file, urls=(f"{server.address}/gone.txt", *file.urls))
    assert fetch(file).read_bytes() == CONTENT


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><title>Are you a person?</title>", b"\r\n <HTML lang='en'>"])
@pytest.mark.parametrize("name", ["a.h5ad", "a.csv.gz", "a.parquet", "a.xlsx", "a.zip", "a.txt", "a.csv", "a.gmt"])
def test_a_web_page_in_place_of_a_file_raises(server, name, page):
    file = server.file(name, page)
    with pytest.raises(OSError, match=r"the download is not a \.\w+ file: it begins with b"):
        fetch(file)
    assert cached() == []


def test_a_cache_that_cannot_be_written_is_named(server, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(sd.settings, "cache_dir", tmp_path / "file")
    with pytest.raises(OSError, match=r"cannot be written into .*file.datasets .*: set SC_DUALITY_CACHE_DIR or"):
        fetch(server.file("a.txt", CONTENT))
    assert "a.txt" not in server.requests


def test_a_file_in_a_cache_that_cannot_be_written_is_used(monkeypatch, server):
    file = server.file("a.txt", CONTENT)
    path = sd.settings.cache_dir / "datasets" / "a.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    monkeypatch.setattr("sc_duality.datasets._fetch.os.access", lambda *_: False)
    assert fetch(file) == path
    assert cached() == ["a.txt"]
