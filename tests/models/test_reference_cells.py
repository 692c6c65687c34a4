"""Files with reference cells: many studies, and too few cells."""

from __future__ import annotations

import numpy as np
import pytest

from sc_duality.models import ModelSpec, ReferenceCells, write_reference
from sc_duality.models._reference_cells import _add


def test_studies_after_the_255th_have_numbers_of_their_own():
    none = np.zeros(2, np.uint16)
    arrays = {"genes": none[:0], "lengths": np.tile(none, 2), "labels": none, "study": np.array([0, 255], np.uint8)}
    for _ in range(2):
        _add(arrays, ReferenceCells([["A"]], [["A"]], ["B cell"]), ["A"], ["B cell"])
    assert arrays["study"].tolist() == [0, 255, 256, 257]


def test_fewer_than_five_reference_cells_are_refused(tiny_folder, tmp_path):
    spec = ModelSpec("mine", str(tiny_folder), prompt_format="compact", knows={"annotation": {"labels": ["B"]}})
    cells = ReferenceCells([["A", "C"]] * 4, [["A"]] * 4, ["B"] * 4)
    with pytest.raises(ValueError, match="'mine' would have 4 reference cells: label at least 5"):
        write_reference(spec, spec, [cells], tmp_path)
    assert not any(tmp_path.iterdir())
