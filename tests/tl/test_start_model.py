"""The model that fine-tuning starts from, written by several processes."""

import shutil

import pytest

import sc_duality as sd
from sc_duality.models import copy_model
from sc_duality.tasks import Annotation
from sc_duality.tl import _start_model

SPEC = sd.models.resolve("embedded").without("annotation", "in_distribution")


def start(folder):
    return _start_model.start_model(SPEC, SPEC, [], [], [], folder, Annotation())


def test_the_folder_of_a_faster_process_is_kept(tmp_path, monkeypatch):
    folder = tmp_path / ".start"

    def slowly(spec, part):
        copy_model(spec, part)
        shutil.copytree(part, folder)
        sd.models.write_spec(spec, folder)
        (folder / "first").touch()

    monkeypatch.setattr(_start_model, "copy_model", slowly)
    assert start(folder).name == "embedded"
    assert (folder / "first").exists()
    assert list(tmp_path.iterdir()) == [folder]


def test_other_errors_of_the_disk_are_raised(tmp_path, monkeypatch):
    monkeypatch.setattr(_start_model.Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk is full")))
    with pytest.raises(OSError, match="disk is full"):
        start(tmp_path / ".start")
