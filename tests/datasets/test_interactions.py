"""Databases of interactions are read from small files in their published formats."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

import sc_duality as sd
from sc_duality.datasets import _interactions
from tests.io.test_read_biogrid import tab3
from tests.io.test_read_cellphonedb import TABLES
from tests.io.test_read_gaf import TEXT
from tests.io.test_read_liana import RESOURCE


@pytest.fixture
def serve_resource(server, monkeypatch):
    """Serve the files of a resource, in their order, from a local server."""

    def register(name, *contents):
        known = _interactions.RESOURCES[name]
        files = []
        for file, content in zip(known.files, contents, strict=True):
            last = file.name.rpartition("/")[2]
            server.files[last] = content
            files.append(type(file)(file.name, (f"{server.address}/{last}",)))
        monkeypatch.setitem(_interactions.RESOURCES, name, known._replace(files=tuple(files)))

    return register


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"BIOGRID-ORGANISM-{name}-4.4.245.tab3.txt", text)
    return buffer.getvalue()


def test_cellphonedb(serve_resource, server):
    serve_resource("cellphonedb", *(TABLES[name].encode() for name in ("interaction", "gene", "complex", "protein")))
    table = sd.datasets.interactions()
    assert table["source"].tolist() == ["TGFB1", "HLA-C", "TGFB1"]
    assert sd.datasets.interactions().equals(table)
    assert set(server.requests.values()) == {1}


def test_a_changed_file_is_refused(serve_resource):
    serve_resource("cellphonedb", *(TABLES[name].encode() for name in ("interaction", "gene", "complex", "protein")))
    sd.datasets.interactions()
    changed = sd.settings.cache_dir / "datasets" / "cellphonedb-v5.0.0" / "gene_input.csv"
    changed.write_text(TABLES["gene"].replace("TGFB1", "TGFB9"))
    with pytest.raises(
        ValueError, match=r"gene_input.csv does not have the hash sha256:.*delete it to download it again"
    ):
        sd.datasets.interactions()


@pytest.mark.parametrize(("name", "source"), [("consensus", "LGALS9"), ("mouseconsensus", "Tgfb1")])
def test_liana(serve_resource, name, source):
    serve_resource(name, RESOURCE.encode())
    assert sd.datasets.interactions(name)["source"].iloc[0] == source


@pytest.mark.parametrize(("name", "source"), [("biogrid", "EGF"), ("biogrid_mouse", "Egf")])
def test_biogrid(serve_resource, name, source):
    serve_resource(name, zipped(Homo_sapiens=tab3(), Mus_musculus=tab3()))
    assert sd.datasets.interactions(name)["source"].iloc[0] == source


def test_go_annotations(server, monkeypatch):
    file = server.file("goa_human.gaf.gz", gzip.compress(TEXT.encode()))
    monkeypatch.setitem(_interactions._ANNOTATIONS, "human", file)
    terms = sd.datasets.go_annotations()
    pairs = sd.tasks.interaction_pairs([("EGF", "NOTCH1"), ("EGF", "GRB2")], extracellular=terms)
    assert pairs == (("EGF", "NOTCH1"),)


def test_addresses_are_those_of_the_databases():
    files = [file for known in _interactions.RESOURCES.values() for file in known.files]
    assert all(url.startswith("https://") and url.endswith(file.name[-10:]) for file in files for url in file.urls)
    assert len({file.name for file in files}) == 6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: sd.datasets.interactions("string"),
            "resource='string' is not an option: choose from 'cellphonedb', 'con",
        ),
        (lambda: sd.datasets.go_annotations("fly"), "organism='fly' is not an option: choose from 'human', 'mouse'"),
    ],
)
def test_unknown_names_raise_before_a_download(server, call, message):
    with pytest.raises(ValueError, match=message):
        call()
    assert not server.requests
