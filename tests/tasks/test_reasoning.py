"""What the reasoning of a language model says of each cell: genes cited and denied, passages, decisions."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.cells import genes_by_written_name
from sc_duality.tasks import read_reasoning
from tests.tasks.reasoning_cases import ASSIGNED, CITED, CITED_ALONE

UNITS = ["1", "2", "3", "4", "5"]
LABELS = [
    "B cell",
    "plasma cell",
    "IgA plasma cell",
    "NK cell",
    "CD8-positive, alpha-beta T cell",
    "classical monocyte",
    "goblet cell",
    "germinal center B cell",
]


@pytest.fixture(scope="module")
def genes():
    return genes_by_written_name([])


@pytest.mark.parametrize(("text", "expected"), CITED, ids=[text[:40] for text, _ in CITED])
def test_genes_cited_and_denied(text, expected, genes):
    found = read_reasoning(text, UNITS, genes, LABELS)
    got = {int(unit): (set(one.cited), set(one.absent)) for unit, one in found.items() if one.cited or one.absent}
    assert got == {unit: (set(cited.split()), set(absent.split())) for unit, (cited, absent) in expected.items()}


@pytest.mark.parametrize(("text", "cited", "absent"), CITED_ALONE, ids=[text[:40] for text, *_ in CITED_ALONE])
def test_genes_cited_and_denied_of_the_only_unit(text, cited, absent, genes):
    found = read_reasoning(text, ["0"], genes, LABELS)["0"]
    assert (set(found.cited), set(found.absent)) == (set(cited.split()), set(absent.split()))


@pytest.mark.parametrize(("text", "expected"), ASSIGNED, ids=[text[:40] for text, _ in ASSIGNED])
def test_labels_assigned(text, expected):
    found = read_reasoning(text, UNITS, {}, LABELS)
    assert {int(unit): list(one.assigned) for unit, one in found.items() if one.assigned} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("This is a B cell.", ["B cell"]),
        ("The cluster most likely represents NK cells.", ["NK cell"]),
        ("It could be a B cell, but the profile fits a plasma cell.", ["plasma cell"]),
        ("CD79A and MS4A1 are B cell markers. So the answer is B cell.", ["B cell"]),
        ("Unlike NK cells, these are B cells", ["B cell"]),
        ("At first glance a B cell. However, JCHAIN says plasma cell. I choose plasma cell.", ["plasma cell"]),
        ("Not a B cell. Not an NK cell.", []),
        ("Answer: goblet cell", ["goblet cell"]),
        (
            "The cell is a B cell. Hmm, IGHA1 is high. Actually, it is the IgA plasma cell.",
            ["B cell", "IgA plasma cell"],
        ),
    ],
)
def test_labels_assigned_to_the_only_unit(text, expected):
    assert list(read_reasoning(text, ["B cells"], {}, LABELS)["B cells"].assigned) == expected


TRACE = """• Cell 4 stands out by TFF3, SPINK4 and REG1A. Hence Cell 4 is the “goblet cell.”
- Cell 2 has IGKC, JCHAIN and IGHA1. Cell 2 must be the “IgA plasma cell.”
- Cell 5 co-expresses IGKC and IGHM (among others). This fits best with a “plasma cell” or a “germinal center B cell”.
- Cell 1 and Cell 3 remain. Neither Cell 1 nor Cell 3 shows activation (e.g. no PFN1 in Cell 3), so Cell 1 is
  most likely the “NK cell,” and Cell 3 is the “classical monocyte.”

All in all:
- Cell 1 → NK cell
- Cell 2 → IgA plasma cell
- Cell 3 → classical monocyte
- Cell 4 → goblet cell
- Cell 5 → germinal center B cell

However, Cell 5 has SDC1. Hence Cell 5 → plasma cell."""


def test_order_and_revised_decisions(genes):
    found = read_reasoning(TRACE, UNITS, genes, LABELS)
    assert [found[unit].order for unit in UNITS] == [3, 2, 4, 1, 5]
    assert found["5"].assigned == ("germinal center B cell", "plasma cell")
    assert all(set(found[unit].assigned) == {found[unit].assigned[0]} for unit in UNITS[:4])
    assert found["4"].text.startswith("• Cell 4 stands out by TFF3")
    assert found["4"].text.endswith("- Cell 4 → goblet cell")
    assert "Cell 2" not in found["4"].text
    assert found["5"].cited == ("IGKC", "IGHM", "SDC1")
    assert found["3"].absent == ("PFN1",)


def test_one_unit_has_the_whole_text(genes):
    text = "CD79A is high, Cell 7 or not.\n\nNo CD3E."
    found = read_reasoning(text, ["B cells"], genes)["B cells"]
    assert (found.text, found.cited, found.absent) == (text, ("CD79A",), ("CD3E",))


def test_units_have_any_name(genes):
    found = read_reasoning(
        "Cluster 10 expresses CD79A, cluster c-1 LYZ; clusters 1 and 10 share CD74.", ["1", "c-1", "10"], genes
    )
    assert {unit: one.cited for unit, one in found.items()} == {
        "1": ("CD74",),
        "c-1": ("LYZ",),
        "10": ("CD79A", "CD74"),
    }


def test_names_of_the_data_count():
    names = genes_by_written_name(["Cd79a", "Was", "AC012345.1", "FAM46C"])
    found = read_reasoning("Was Cell 1 shows Cd79a, AC012345.1. and TENT5C.", ["1", "2"], names)["1"]
    assert found.cited == ("Cd79a", "AC012345.1", "FAM46C")


PARTS = [
    "Cell 1",
    "Cell 2",
    "Cells 1–2",
    "CD3E",
    "LYZ",
    "GC",
    "no",
    "lacks",
    "is not detected",
    "expresses",
    "would",
    "B cell",
    "NK cell",
    "is a",
    "→",
    ",",
    ".",
    "\n",
    "(",
    ")",
    "**",
    "- ",
    "unlike",
    "in",
    "?",
    "if",
    "CD4+",
    "/A9",
    "these genes are not listed",
    "are present in Cell 2",
]
TEXT = st.lists(st.sampled_from(PARTS) | st.text(max_size=6), max_size=40).map(" ".join)


@given(TEXT, st.sampled_from([["1", "2"], ["1"], ["a(b", "2"]]))
def test_any_text_can_be_read(text, units):
    names = {"CD3E": "CD3E", "LYZ": "LYZ", "GC": "GC", "S100A8": "S100A8"}
    found = read_reasoning(text, units, names, ["B cell", "NK cell"])
    assert list(found) == units
    orders = sorted(one.order for one in found.values() if one.order)
    assert orders == list(range(1, len(orders) + 1))
    for one in found.values():
        assert len(set(one.cited)) == len(one.cited)
        assert set(one.cited) | set(one.absent) <= set(names)
        assert not set(one.cited) & set(one.absent)
        assert set(one.assigned) <= {"B cell", "NK cell"}
        assert bool(one.order) == bool(one.assigned)


@pytest.mark.parametrize(
    "part", ["no ", "CD3E, ", "Cell 1 ", "B cell is ", "(", "CD3E/", "does not express CD3E ", "* _ ", "\n- Cell 2\n"]
)
def test_a_repeated_text_is_read_in_a_moment(part, genes):
    start = time.perf_counter()
    read_reasoning(part * (8000 // len(part)), UNITS, genes, LABELS)
    assert time.perf_counter() - start < 5


def test_no_unit_and_no_text():
    assert read_reasoning("Cell 1 expresses CD3E.", [], {"CD3E": "CD3E"}) == {}
    assert read_reasoning("", ["1"], {}, ["", " "])["1"].order == 0
