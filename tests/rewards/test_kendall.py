"""The order of a program's genes against τ-b counted pair by pair."""

from itertools import combinations
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.rewards import gene_program, kendall_tau

PROGRAM = tuple("ABCDEF")
cells = st.lists(st.sampled_from("ABCDEFXYZ"), max_size=12)


def by_pairs(truth, generated, genes):
    """Concordant less discordant pairs over the geometric mean of the pairs that are not tied (τ-b)."""

    def place(cell, gene):
        named = [g for i, g in enumerate(cell) if g not in cell[:i]]
        return named.index(gene) + 1 if gene in named else len(named) + 1

    def sign(x):
        return (x > 0) - (x < 0)

    pairs = [
        [sign(place(cell, a) - place(cell, b)) for cell in (truth, generated)] for a, b in combinations(set(genes), 2)
    ]
    free = [sum(pair[i] != 0 for pair in pairs) for i in range(2)]
    return sum(a * b for a, b in pairs) / sqrt(free[0] * free[1]) if all(free) else 0.0


@pytest.mark.parametrize(
    ("truth", "generated", "expected"),
    [
        ("ABC", "ABC", 1),
        ("ABC", "CBA", -1),
        ("ABC", "ACB", 1 / 3),  # two pairs in order, one not
        ("ABC", "XAYBZC", 1),  # other genes do not count
        ("ABC", "AABAC", 1),  # the first place does
        ("ABC", "A", 2 / sqrt(3 * 2)),  # B and C share the last place
        ("ABC", "", 0),
        ("ABC", "XYZ", 0),
        ("", "ABC", 0),
    ],
)
def test_worked_by_hand(truth, generated, expected):
    assert kendall_tau(list(truth), list(generated), "ABC") == pytest.approx(expected)


@given(cells, cells)
def test_follows_the_definition_within_its_bounds(truth, generated):
    found = kendall_tau(truth, generated, PROGRAM)
    assert found == pytest.approx(by_pairs(truth, generated, PROGRAM))
    assert -1 - 1e-12 <= found <= 1 + 1e-12
    assert found == pytest.approx(kendall_tau(generated, truth, PROGRAM))


def test_program_is_one_for_all_cells_and_has_a_name():
    reward = gene_program(PROGRAM)
    assert reward.__name__ == "gene_program"
    assert reward([list("ABC"), list("BAC")], truth=[list("ABCDEF")] * 2) == [
        kendall_tau("ABCDEF", "ABC", PROGRAM),
        kendall_tau("ABCDEF", "BAC", PROGRAM),
    ]


@pytest.mark.parametrize("genes", [[], ["A"], ["A", "A"]])
def test_a_program_without_an_order_is_refused(genes):
    with pytest.raises(ValueError, match="two different genes"):
        gene_program(genes)
    with pytest.raises(ValueError, match="two different genes"):
        kendall_tau("AB", "AB", genes)
