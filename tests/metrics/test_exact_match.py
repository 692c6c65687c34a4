"""Exact match of labels and of other objects, and the normal form of a label."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.metrics import exact_match, normal_form


@dataclass(frozen=True)
class Intervention:
    target: str


@pytest.mark.parametrize(
    ("truth", "predicted", "expected"),
    [
        ("B cell", "B cell", 1),
        ("B cell", " b__CELL\t", 1),
        ("γδ T cell", "ΓΔ T cell", 1),
        ("B cell", "B cells", 0),
        ("B cell", "", 0),
        ("NK cell", "N\u212a cell", 0),  # the sign for kelvin
        ("B cell", "В cell", 0),  # a Cyrillic letter
        ("B cell", "B\u200bcell", 0),
        (Intervention("STAT1"), Intervention("STAT1"), 1),
        (Intervention("STAT1"), Intervention("STAT2"), 0),
        ("STAT1", Intervention("STAT1"), 0),
    ],
)
def test_match_of_labels_and_of_other_objects(truth, predicted, expected):
    assert exact_match(truth, predicted) == expected


@given(st.text())
def test_normal_form_is_idempotent(label):
    assert normal_form(normal_form(label)) == normal_form(label) == normal_form(f"_ {label}\n")
