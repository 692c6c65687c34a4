"""Puzzles of real cells: what each holds, how they are divided, and what is refused."""

from __future__ import annotations

import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sc_duality as sd
from sc_duality.pp._puzzle_sampling import _sizes, split_puzzles


def donors() -> ad.AnnData:
    """PBMC3k with three made donors: the third has two types alone."""
    adata = sd.datasets.pbmc3k()[::3].copy()
    adata.obs["donor"] = pd.Categorical(["d1", "d2"] * (adata.n_obs // 2) + ["d1"] * (adata.n_obs % 2)).astype(object)
    few = adata.obs["cell_type"].isin(["B cells", "NK cells"]).to_numpy()
    adata.obs.loc[few & (np.arange(adata.n_obs) % 3 == 0), "donor"] = "d3"
    adata.obs["tissue"] = "blood"
    adata.obs["batch"] = np.where(np.arange(adata.n_obs) % 4 < 2, "b1", "b2")
    return adata


@pytest.fixture(scope="module")
def adata() -> ad.AnnData:
    return donors()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(low=st.integers(2, 5), more=st.integers(0, 4), n=st.integers(1, 25), rng=st.integers(0, 2**40))
def test_a_puzzle_has_one_cell_a_type_of_one_donor(adata, low, more, n, rng):
    puzzles = sd.pp.cell_puzzles(
        adata,
        "cell_type",
        n_puzzles=n,
        n_cells=(low, low + more),
        rng=rng,
        split={"train": 0.5, "test": 0.5} if n > 1 else None,
    )
    obs = puzzles.obs
    assert obs["puzzle"].nunique() == n
    assert obs.index.is_unique
    cells = []
    for name, part in obs.groupby("puzzle", observed=True):
        assert low <= len(part) <= low + more
        assert part["cell_type"].is_unique
        assert sorted(part["candidate"]) == sorted(part["cell_type"])
        assert part["donor"].nunique() == 1
        assert name.startswith(f"{part['donor'].iloc[0]} · ")
        cells.append(frozenset(part["cell"]))
    assert len(set(cells)) == n
    assert (obs.index == obs["cell"] + "-" + obs["puzzle"].astype(str)).all()
    if "split" in obs:
        assert set(obs["split"]) == {"train", "test"}
        assert (obs.groupby("donor", observed=True)["split"].nunique() == 1).all()


def test_rows_are_the_cells_with_their_sentences(adata):
    before = adata.copy()
    puzzles = sd.pp.cell_puzzles(adata, "cell_type", n_puzzles=12, n_cells=(3, 6), context=["tissue"], n_genes=20)
    assert (adata.X != before.X).nnz == 0
    pd.testing.assert_frame_equal(adata.obs, before.obs)
    assert not adata.obsm
    own = adata[puzzles.obs["cell"].tolist()]
    assert (own.X != puzzles.X).nnz == 0
    assert own.obs["cell_type"].tolist() == puzzles.obs["cell_type"].tolist()
    sd.pp.cell_sentences(before, 20)
    expected = dict(zip(before.obs_names, sd.get.gene_lists(before), strict=True))
    assert sd.get.gene_lists(puzzles) == [expected[cell] for cell in puzzles.obs["cell"]]


def test_candidates_are_shuffled(adata):
    puzzles = sd.pp.cell_puzzles(adata, "cell_type", n_puzzles=100, n_cells=4)
    same = (puzzles.obs["candidate"].astype(str) == puzzles.obs["cell_type"].astype(str)).mean()
    assert 0.15 < same < 0.35  # 1 / 4 in a random order


def test_number_of_cells_is_uniform_and_types_are_equally_frequent(adata):
    puzzles = sd.pp.cell_puzzles(adata[adata.obs["donor"] == "d1"].copy(), "cell_type", n_puzzles=400, n_cells=(2, 5))
    sizes = puzzles.obs["puzzle"].value_counts().value_counts(normalize=True)
    assert sorted(sizes.index) == [2, 3, 4, 5]
    assert sizes.between(0.18, 0.32).all()
    types = puzzles.obs["cell_type"].value_counts(normalize=True)
    types = types[types > 0]
    assert len(types) >= 6
    assert types.between(0.8 / len(types), 1.2 / len(types)).all()


@pytest.mark.parametrize("seed", [0, 5])
def test_order_of_cells_and_other_donors_do_not_matter(adata, seed):
    usual = sd.pp.cell_puzzles(adata, "cell_type", n_puzzles=20, n_cells=(3, 6), rng=seed)
    again = sd.pp.cell_puzzles(adata, "cell_type", n_puzzles=20, n_cells=(3, 6), rng=seed)
    pd.testing.assert_frame_equal(usual.obs, again.obs)
    order = np.random.default_rng(1).permutation(adata.n_obs)
    shuffled = sd.pp.cell_puzzles(adata[order].copy(), "cell_type", n_puzzles=20, n_cells=(3, 6), rng=seed)
    columns = ["puzzle", "cell", "candidate"]
    assert usual.obs[columns].astype(str).equals(shuffled.obs[columns].astype(str))
    assert sd.get.gene_lists(usual) == sd.get.gene_lists(shuffled)
    alone = sd.pp.cell_puzzles(
        adata[adata.obs["donor"] == "d1"].copy(), "cell_type", n_puzzles=10, n_cells=(3, 6), rng=seed
    )
    of_donor = usual.obs[usual.obs["donor"] == "d1"]
    assert of_donor[columns].astype(str).equals(alone.obs[columns].astype(str))


def test_another_seed_gives_other_puzzles(adata):
    first, second = (sd.pp.cell_puzzles(adata, "cell_type", n_puzzles=8, n_cells=4, rng=rng) for rng in (0, 1))
    assert first.obs["cell"].tolist() != second.obs["cell"].tolist()


def test_groups_with_few_types_are_left_out_and_counted(adata, caplog):
    with caplog.at_level(logging.INFO, "sc_duality"):
        puzzles = sd.pp.cell_puzzles(adata, "cell_type", n_puzzles=10, n_cells=(3, 15))
    assert set(puzzles.obs["donor"]) == {"d1", "d2"}
    assert "2 of 3 groups of donor have 3 types or more; 0 cells have no type" in caplog.text


def test_groups_of_two_columns(adata):
    puzzles = sd.pp.cell_puzzles(adata, "cell_type", ["donor", "batch"], n_puzzles=12, n_cells=(2, 4))
    for _, part in puzzles.obs.groupby("puzzle", observed=True):
        assert len(set(zip(part["donor"], part["batch"], strict=True))) == 1
    assert puzzles.obs["puzzle"].iloc[0] == "d1 · b1 · 1"


def test_groups_of_a_donor_stay_in_one_set(adata):
    puzzles = sd.pp.cell_puzzles(
        adata,
        "cell_type",
        ["donor", "batch"],
        n_puzzles=24,
        n_cells=2,
        split={"train": 0.5, "validation": 0.25, "test": 0.25},
    )
    assert (puzzles.obs.groupby("donor")["split"].nunique() == 1).all()
    assert puzzles.obs["split"].nunique() == 3


def test_cells_without_a_type_are_left_out(adata):
    labelled = adata.copy()
    labelled.obs["cell_type"] = labelled.obs["cell_type"].astype(object)
    labelled.obs.iloc[::2, labelled.obs.columns.get_loc("cell_type")] = None
    labelled.obs.iloc[1, labelled.obs.columns.get_loc("cell_type")] = "unknown"
    puzzles = sd.pp.cell_puzzles(labelled, "cell_type", n_puzzles=10, n_cells=2)
    left_out = {*labelled.obs_names[::2], labelled.obs_names[1]}
    assert not left_out & set(puzzles.obs["cell"])


def test_no_two_puzzles_are_the_same_and_a_warning_says_how_many_there_are(adata, caplog):
    few = adata[adata.obs["donor"] == "d3"].copy()[:6]
    n_pairs = int(np.prod(few.obs["cell_type"].value_counts().loc[lambda n: n > 0]))
    with caplog.at_level(logging.WARNING, "sc_duality"):
        puzzles = sd.pp.cell_puzzles(few, "cell_type", n_puzzles=1000, n_cells=2)
    assert puzzles.obs["puzzle"].nunique() == n_pairs
    assert f"the groups have {n_pairs} different puzzles, fewer than n_puzzles=1000" in caplog.text


def test_split_by_puzzle_warns_of_donors_in_all_sets(adata, caplog):
    with caplog.at_level(logging.WARNING, "sc_duality"):
        puzzles = sd.pp.cell_puzzles(
            adata, "cell_type", n_puzzles=20, n_cells=3, split={"train": 0.8, "test": 0.2}, split_by="puzzle"
        )
    assert "the same donors, and the same cells, are in all sets" in caplog.text
    by_puzzle = puzzles.obs.groupby("puzzle", observed=True)["split"]
    assert (by_puzzle.nunique() == 1).all()
    assert by_puzzle.first().value_counts().to_dict() == {"train": 16, "test": 4}


@given(n=st.integers(1, 60), weights=st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_sizes_of_sets(n, weights):
    n = max(n, len(weights))
    fractions = [weight / sum(weights) for weight in weights]
    sizes = _sizes(n, fractions)
    assert sum(sizes) == n
    assert min(sizes) >= 1
    assert all(abs(size - n * fraction) <= len(weights) for size, fraction in zip(sizes, fractions, strict=True))


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40), st.integers(0, 9))
def test_what_stays_together_is_in_one_set(units, seed):
    fractions = {"train": 0.7, "test": 0.3} if len(set(units)) > 1 else {"all": 1.0}
    sets = split_puzzles(units, fractions, "donor", seed)
    assert set(sets) == set(fractions)
    assert len(set(zip(units, sets, strict=True))) == len(set(units))


@pytest.mark.parametrize("store", ["h5ad", "zarr"])
@pytest.mark.filterwarnings("ignore:Writing zarr v2")
def test_files_hold_puzzles(adata, store, tmp_path):
    puzzles = sd.pp.cell_puzzles(adata, "cell_type", n_puzzles=4, n_cells=3, context=["tissue"])
    path = tmp_path / f"puzzles.{store}"
    getattr(puzzles, f"write_{store}")(path)
    again = getattr(ad, f"read_{store}")(path)
    assert again.obs.astype(str).equals(puzzles.obs.astype(str))
    assert list(again.uns["cell_puzzles"]["context"]) == ["tissue"]
    assert sd.get.gene_lists(again[3:7]) == sd.get.gene_lists(puzzles)[3:7]


def test_an_index_with_the_name_of_a_new_column(adata, tmp_path):
    named = adata.copy()
    named.obs.index.name = "cell"
    puzzles = sd.pp.cell_puzzles(named, "cell_type", n_puzzles=4, n_cells=3)
    puzzles.write_h5ad(tmp_path / "puzzles.h5ad")
    assert ad.read_h5ad(tmp_path / "puzzles.h5ad").obs["cell"].tolist() == puzzles.obs["cell"].tolist()


def test_graphs_between_cells_are_left_out_and_all_else_is_kept(adata):
    processed = adata.copy()
    processed.obsp["distances"] = np.zeros((adata.n_obs, adata.n_obs))
    processed.obsm["X_pca"] = np.arange(adata.n_obs)[:, None]
    processed.layers["counts"] = processed.X.copy()
    puzzles = sd.pp.cell_puzzles(processed, "cell_type", n_puzzles=6, n_cells=3)
    assert not puzzles.obsp
    assert processed.obs_names[puzzles.obsm["X_pca"][:, 0]].tolist() == puzzles.obs["cell"].tolist()
    assert (puzzles.layers["counts"] != puzzles.X).nnz == 0
    assert "distances" in processed.obsp


def test_cells_in_a_file_and_in_a_mudata(adata, tmp_path):
    mudata = pytest.importorskip("mudata")
    adata.write_h5ad(tmp_path / "cells.h5ad")
    usual = sd.pp.cell_puzzles(adata, "cell_type", n_puzzles=6, n_cells=3)
    backed = sd.pp.cell_puzzles(ad.read_h5ad(tmp_path / "cells.h5ad", backed="r"), "cell_type", n_puzzles=6, n_cells=3)
    whole = sd.pp.cell_puzzles(mudata.MuData({"rna": adata.copy()}), "cell_type", n_puzzles=6, n_cells=3)
    for other in (backed, whole):
        assert other.obs["cell"].tolist() == usual.obs["cell"].tolist()
        assert (other.X != usual.X).nnz == 0


@pytest.mark.parametrize(
    ("change", "arguments", "error", "message"),
    [
        (None, {"truth": "type"}, KeyError, "truth='type' is not an obs column"),
        (None, {"groupby": ["patient"]}, KeyError, "groupby='patient' is not an obs column"),
        (None, {"groupby": "donor"}, TypeError, "groupby must be a list of obs columns, got the string 'donor'"),
        (None, {"context": "tissue"}, TypeError, "context must be a list of obs columns, got the string 'tissue'"),
        (None, {"n_cells": (6, 3)}, ValueError, r"n_cells=\(6, 3\) must be the smallest and the largest number"),
        (None, {"n_cells": 1}, ValueError, "n_cells=1 must be"),
        (None, {"n_cells": (3, 2.5)}, ValueError, "n_cells must be a positive integer, got 2.5"),
        (
            None,
            {"n_cells": (20, 30)},
            ValueError,
            r"no group of groupby=\['donor'\] has 20 types; 'd\d' has the most, \d",
        ),
        (None, {"n_puzzles": 0}, ValueError, "n_puzzles must be a positive integer, got 0"),
        (None, {"n_genes": 10**6}, ValueError, "n_genes=1000000, but only"),
        (None, {"split": {}}, ValueError, "must name sets with positive fractions"),
        (None, {"split": {"train": 0.5, "test": 0.6}}, ValueError, "sum to 1.1, not to 1"),
        (None, {"split": {"train": -1, "test": 2}}, ValueError, "must name sets with positive fractions"),
        (None, {"split": "donor"}, ValueError, "must name sets with positive fractions"),
        (None, {"split_by": "donor"}, ValueError, "split_by='donor' needs the sets"),
        (None, {"split": {"a": 0.5, "b": 0.5}, "split_by": "batch"}, ValueError, "must have one value in each group"),
        (
            None,
            {"split": dict.fromkeys("abcd", 0.25)},
            ValueError,
            "names 4 sets, but the puzzles have 3 values of 'donor'",
        ),
        (None, {"context": ["batch"]}, ValueError, r"context='batch' has several values in the group 'd1' \(b1, b2\)"),
        ("NaN donor", {}, ValueError, r"1 of \d+ cells have no obs\['donor'\], so their group is not known"),
        ("no types", {}, ValueError, r"obs\['cell_type'\] is missing or 'unknown' for every cell"),
        ("one type", {}, ValueError, "all cells are of the type 'T', and a puzzle needs two types"),
        ("pipe", {}, ValueError, r"the labels NK\|T of obs\['cell_type'\] hold '\|' or a line break"),
        ("case", {}, ValueError, "'nk  Cells' of obs.* differ only in case or spaces"),
        ("column", {}, ValueError, r"obs has the columns \['split'\], which cell_puzzles writes"),
        ("names", {}, ValueError, "names of cells are not unique: call adata.obs_names_make_unique"),
        ("negative", {}, ValueError, "negative"),
    ],
)
@pytest.mark.filterwarnings("ignore:Observation names are not unique")
def test_bad_input(adata, change, arguments, error, message):
    adata = adata.copy()
    types = adata.obs["cell_type"].astype(str)
    if change == "NaN donor":
        adata.obs.iloc[4, adata.obs.columns.get_loc("donor")] = np.nan
    elif change == "no types":
        adata.obs["cell_type"] = np.nan
    elif change == "one type":
        adata.obs["cell_type"] = "T"
    elif change == "pipe":
        adata.obs["cell_type"] = types.replace("NK cells", "NK|T")
    elif change == "case":
        adata.obs["cell_type"] = types.where(np.arange(adata.n_obs) % 5 > 0, types.replace("NK cells", "nk  Cells"))
    elif change == "column":
        adata.obs["split"] = "train"
    elif change == "names":
        adata.obs_names = [f"cell{i // 2}" for i in range(adata.n_obs)]
    elif change == "negative":
        adata.X = adata.X.astype(np.float32)
        adata.X.data -= 2
    with pytest.raises(error, match=message):
        sd.pp.cell_puzzles(adata, **{"truth": "cell_type", "n_puzzles": 5, "n_cells": (2, 4), **arguments})


def test_the_matrix_is_that_of_all_cells(adata):
    """A few cells do not show that every gene was divided by its maximum."""
    scaled = adata.copy()
    sc.pp.normalize_total(scaled)
    sc.pp.log1p(scaled)
    scaled.raw = scaled
    scaled.X = scaled.X.toarray() / np.maximum(scaled.X.toarray().max(0), 1e-9)
    puzzles = sd.pp.cell_puzzles(scaled, "cell_type", n_puzzles=4, n_cells=3)
    assert puzzles.uns["cell_sentence"]["params"]["use_raw"]
    sd.pp.cell_sentences(scaled, 50)
    expected = dict(zip(scaled.obs_names, sd.get.gene_lists(scaled), strict=True))
    assert sd.get.gene_lists(puzzles) == [expected[cell] for cell in puzzles.obs["cell"]]
    scaled.raw = None
    with pytest.raises(ValueError, match="every gene of X has the maximum 1"):
        sd.pp.cell_puzzles(scaled, "cell_type", n_puzzles=4, n_cells=3)
