"""Pairs that are not known to interact: never known, never twice, as many of each gene as known pairs."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sc_duality.examples._negative_pairs import negative_pairs, unordered

GENES = [f"G{i}" for i in range(12)]
pair = st.tuples(st.sampled_from(GENES), st.sampled_from(GENES)).filter(lambda pair: pair[0] != pair[1])


@given(st.lists(pair, min_size=1, max_size=40, unique_by=unordered), st.lists(pair, max_size=10), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_pairs_are_new(pairs, further, seed):
    known = {unordered(one) for one in (*pairs, *further)}
    found = negative_pairs(pairs, known, np.random.default_rng(seed))
    assert len(found) == len(pairs)
    new = [one for one in found if one is not None]
    assert all(one != other for one, other in new)
    assert not {unordered(one) for one in new} & known
    assert len({unordered(one) for one in new}) == len(new)
    assert all(one is None or one[0] == source for one, (source, _) in zip(found, pairs, strict=True))
    assert {target for _, target in new} <= {target for _, target in pairs}
    assert found == negative_pairs(pairs, known, np.random.default_rng(seed))


def ligand_receptor_pairs(n_ligands, n_receptors, n_pairs, seed):
    """Pairs with hubs, as in the databases."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(5, n_receptors + 5)
    chosen = {
        (f"L{rng.integers(n_ligands)}", f"R{rng.choice(n_receptors, p=weights / weights.sum())}")
        for _ in range(n_pairs)
    }
    return sorted(chosen)


def test_every_gene_is_in_as_many_pairs_as_before():
    pairs = ligand_receptor_pairs(80, 60, 300, 0)
    assert max(Counter(target for _, target in pairs).values()) > 15
    found = negative_pairs(pairs, {unordered(one) for one in pairs}, np.random.default_rng(0))
    assert None not in found
    for side in (0, 1):
        assert Counter(one[side] for one in found) == Counter(one[side] for one in pairs)


def test_a_gene_with_all_partners_gets_others_of_about_its_degree():
    pairs = [("L0", f"R{i}") for i in range(5)] + [("L1", "R0"), ("L2", "R1"), ("L3", "R2")]
    found = negative_pairs(pairs, {unordered(one) for one in pairs}, np.random.default_rng(0))
    assert found[:5] == [None] * 5  # L0 interacts with every receptor
    assert None not in found[5:]


def test_no_pair_is_left_in_a_complete_table():
    pairs = [("L0", "R0"), ("L0", "R1"), ("L1", "R0"), ("L1", "R1")]
    assert negative_pairs(pairs, {unordered(one) for one in pairs}, np.random.default_rng(0)) == [None] * 4
