"""Colours and short names of labels."""

from __future__ import annotations

import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sc_duality as sd
from recipes.data.cell_type_colors import colors
from sc_duality.cells import UNKNOWN_COLOR, display_names, label_colors, ontology_ancestors, ontology_name

FOLDER = Path(sd.__file__).parent / "cells" / "cell_ontology"
with (FOLDER / "colors.tsv").open(encoding="utf-8") as handle:
    ROWS = list(csv.DictReader(handle, delimiter="\t"))
KNOWN = sd.models.resolve("embedded").known("annotation", "ontology")


def rgb(color: str) -> np.ndarray:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])


def hue_distance(one: str, other: str) -> float:
    """Angle between two colours around grey, in degrees."""
    sides = [rgb(color) - rgb(color).mean() for color in (one, other)]
    cosine = sides[0] @ sides[1] / np.linalg.norm(sides[0]) / np.linalg.norm(sides[1])
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def test_table() -> None:
    assert [row["name"] for row in ROWS] == [ontology_name(row["id"]) for row in ROWS]
    assert len({row["color"] for row in ROWS} | {UNKNOWN_COLOR}) == len(ROWS) + 1
    assert set(KNOWN.values()) <= {row["id"] for row in ROWS}


def test_labels_of_the_embedded_model_have_distinct_colours() -> None:
    found = label_colors([*KNOWN, "unknown"])
    assert min(np.linalg.norm(rgb(one) - rgb(other)) for one, other in combinations(found, 2)) > 20


def test_related_types_are_near_in_hue() -> None:
    color = {term: label_colors([term])[0] for term in KNOWN.values()}
    pairs = list(combinations(color, 2))
    shared = {pair: ontology_ancestors(pair[0]) & ontology_ancestors(pair[1]) for pair in pairs}
    either = {pair: ontology_ancestors(pair[0]) | ontology_ancestors(pair[1]) for pair in pairs}
    near = [pair for pair in pairs if len(shared[pair]) > 0.7 * len(either[pair])]
    far = [pair for pair in pairs if len(shared[pair]) < 0.2 * len(either[pair])]
    distances = [np.mean([hue_distance(color[one], color[other]) for one, other in group]) for group in (near, far)]
    assert distances[0] < 0.7 * distances[1]


def test_a_type_has_one_colour_under_all_its_names() -> None:
    assert len({label_colors([name])[0] for name in ("NK", "NK cells", "natural killer cell", "CL:0000623")}) == 1
    assert label_colors(["B cell", "T cell"]) == label_colors(["T cell", "B cell"])[::-1]
    assert label_colors(["unknown"]) == [UNKNOWN_COLOR]


def test_other_terms_have_a_shade_of_their_ancestor() -> None:
    naive, parent = label_colors(["CD24-positive, CD4 single-positive thymocyte"])[0], label_colors(["thymocyte"])[0]
    assert naive != parent


@given(st.lists(st.text(min_size=1), unique=True, max_size=30))
def test_any_labels_have_different_colours(labels: list[str]) -> None:
    found = label_colors(labels)
    assert len(set(found)) == len(labels)
    assert all(len(color) == 7 and int(color[1:], 16) >= 0 for color in found)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["CD4-positive, alpha-beta T cell", "unknown"], ["CD4 T cell", "unknown"]),
        (["type I pneumocyte", "type II pneumocyte"], ["AT1 cell", "AT2 cell"]),
        (["CD14+ Monocytes", "my type"], ["CD14+ Monocytes", "my type"]),
        (["natural killer cell", "NK cell"], ["natural killer cell", "NK cell"]),
        ([], []),
    ],
)
def test_short_names(labels: list[str], expected: list[str]) -> None:
    assert display_names(labels) == expected


@given(st.lists(st.one_of(st.text(), st.sampled_from(sorted(KNOWN))), unique=True))
def test_short_names_are_different(labels: list[str]) -> None:
    assert len(set(display_names(labels))) == len(labels)


def test_new_colours_are_distinct_and_ordered() -> None:
    terms = ["CL:0000624", "CL:0000625", "CL:0000860", "CL:0000169", "CL:0000171"]
    found = colors(terms, terms[:3])
    assert len(set(found.values())) == 5
    assert found == colors(terms, terms[:3])
