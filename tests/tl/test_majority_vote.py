"""Majority voting against a count by hand, over-clustering, and companion columns."""

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import sc_duality as sd
from sc_duality.tl._majority_vote import count_votes
from sc_duality.tl._over_cluster import _neighbours, default_resolution


@pytest.fixture(scope="module")
def annotated():
    cells = sd.datasets.pbmc3k()[::3].copy()
    sd.tl.annotate(cells, labels="blood")
    return cells


@given(st.lists(st.tuples(st.sampled_from("abc-?"), st.sampled_from(["x", "y", None])), min_size=1, max_size=30))
def test_votes_are_counted_by_group(cells):
    """ "?" is unknown, "-" a cell without a vote."""
    labels, groups = (pd.Series(list(column), dtype=object) for column in zip(*cells, strict=True))
    votes = pd.DataFrame({label: (labels == label).astype(float) for label in "abc?"})
    status = labels.map({"-": "no genes", "?": "unknown"}).fillna("ok")
    found, unknown = count_votes(votes, status, groups)
    for i, group in enumerate(groups):
        if group is None:
            assert (found.best[i], found.status[i]) == (-1, "no group")
            continue
        voters = [label for label in labels[(groups == group).to_numpy()] if label != "-"]
        if not voters:
            assert (found.best[i], found.status[i]) == (-1, "no genes")
            continue
        n = [voters.count(label) for label in "abc"]
        assert n[found.best[i]] == max(n)
        assert found.confidence[i] == pytest.approx(max(n) / len(voters))
        assert unknown[i] == pytest.approx(voters.count("?") / len(voters))


def test_all_cells_of_a_cluster_get_the_label_of_most(annotated):
    cells = annotated.copy()
    cells.obs["cluster"] = cells.obs["cell_type"].astype(str)
    sd.tl.majority_vote(cells, groupby="cluster")
    for _, members in cells.obs.groupby("cluster"):
        most = members["annotation"].value_counts()
        assert members["annotation_majority"].nunique() == 1
        assert most[members["annotation_majority"].iloc[0]] == most.max()
        assert members["annotation_majority_confidence"].iloc[0] == pytest.approx(most.max() / len(members))
    kept = cells.obs["annotation_majority"] != "unknown"
    pairs = cells.obs[kept][["annotation", "annotation_ontology_term_id"]].dropna().drop_duplicates()
    terms = dict(pairs.astype(str).to_numpy().tolist())
    voted = cells.obs[kept]
    assert (
        voted["annotation_majority"].map(terms).astype(str) == voted["annotation_majority_ontology_term_id"].astype(str)
    ).all()
    assert "annotation_majority_coarse" in cells.obs
    assert "annotation_majority_cluster" not in cells.obs


def test_over_clustering_names_what_it_writes(annotated):
    pytest.importorskip("igraph")
    cells = annotated.copy()
    before = {slot: set(getattr(cells, slot)) for slot in ("obs", "var", "obsm", "varm", "obsp", "layers", "uns")}
    sd.tl.majority_vote(cells, key_added="vote", resolution=2)
    assert set(cells.obsp) == before["obsp"]
    assert set(cells.var) == before["var"]
    assert set(cells.uns) - before["uns"] == {"vote", "vote_colors", "vote_coarse_colors"}
    assert {name.partition("_")[0] for name in set(cells.obs) - before["obs"]} == {"vote"}
    assert cells.obs.groupby("vote_cluster", observed=True)["vote"].nunique().max() == 1
    assert 2 < cells.obs["vote_cluster"].nunique() < cells.n_obs / 2
    again = annotated.copy()
    sd.tl.majority_vote(again, key_added="vote", resolution=2)
    assert (again.obs["vote"] == cells.obs["vote"]).all()
    sd.tl.majority_vote(cells, key_added="vote", groupby="cell_type")
    assert "vote_cluster" not in cells.obs


def test_a_graph_that_is_there_is_used(annotated, monkeypatch):
    pytest.importorskip("igraph")
    cells = annotated[:40].copy()
    block = np.kron(np.eye(2), np.ones((20, 20)))
    cells.obsp["connectivities"] = sparse.csr_matrix(block)
    monkeypatch.setattr("sc_duality.tl._over_cluster._neighbours", None)
    sd.tl.majority_vote(cells, resolution=0.5)
    assert cells.obs["annotation_majority_cluster"].iloc[:20].nunique() == 1
    assert cells.obs["annotation_majority_cluster"].nunique() == 2


def test_heterogeneous_clusters_are_unknown(annotated):
    cells = annotated.copy()
    cells.obs["all"] = "one"
    sd.tl.majority_vote(cells, groupby="all", min_share=0.9)
    assert set(cells.obs["annotation_majority"]) == {"unknown"}
    assert set(cells.obs["annotation_majority_status"]) == {"unknown"}


def test_unknown_cells_vote_and_probabilities_may(annotated):
    cells = annotated[:30].copy()
    cells.obs["annotation_status"] = pd.Categorical(["unknown"] * 20 + ["ok"] * 10)
    cells.obs["annotation"] = pd.Categorical(["unknown"] * 20 + ["B cell"] * 10)
    cells.obs["group"] = ["x"] * 30
    sd.tl.majority_vote(cells, groupby="group")
    assert set(cells.obs["annotation_majority"]) == {"unknown"}
    cells.obs["group"] = ["x"] * 15 + ["y"] * 15
    sd.tl.majority_vote(cells, groupby="group", weights="probability")
    assert set(cells.obs["annotation_majority"][:15]) == {"unknown"}


def test_resolutions_grow_with_the_number_of_cells():
    assert [default_resolution(n) for n in (10, 5_000, 39_999, 10**6)] == [5, 10, 15, 30]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"groupby": "no_such"}, KeyError, "groupby='no_such' is not an obs column"),
        ({"key": "no_such"}, KeyError, "no predictions 'no_such'"),
        ({"min_share": 2}, ValueError, "min_share=2 must be a share"),
        ({"resolution": 0}, ValueError, "resolution=0 must be positive"),
        ({"weights": "size"}, ValueError, "weights='size' is not an option"),
        ({"key_added": "annotation"}, ValueError, "would overwrite the labels that vote"),
        ({"key_added": "cell_type"}, ValueError, "which sc_duality did not write"),
    ],
)
def test_bad_input(annotated, settings, error, message):
    cells = annotated[:10].copy()
    with pytest.raises(error, match=message):
        sd.tl.majority_vote(cells, **{"groupby": "cell_type", **settings})


def test_clusters_of_an_earlier_vote_are_not_lost(annotated):
    cells = annotated[:40].copy()
    sd.tl.majority_vote(cells, key_added="v", resolution=1)
    with pytest.raises(ValueError, match="is a column of the result 'v'"):
        sd.tl.majority_vote(cells, key_added="v", groupby="v_cluster")
    sd.tl.majority_vote(cells, key_added="w", groupby="v_cluster")
    assert (cells.obs["w"].astype(str) == cells.obs["v"].astype(str)).all()


def test_without_igraph(annotated, monkeypatch):
    monkeypatch.setattr("sc_duality.tl._over_cluster.find_spec", lambda _: None)
    with pytest.raises(ImportError, match="pip install igraph, or pass groupby="):
        sd.tl.majority_vote(annotated.copy())


def test_labels_set_by_hand_vote_and_are_not_overwritten(annotated):
    cells = annotated[:30].copy()
    cells.obs["group"] = ["x"] * 15 + ["y"] * 15
    sd.tl.set_label(cells, "my type", cells.obs["group"] == "x")
    for weights in ("votes", "probability"):
        sd.tl.majority_vote(cells, groupby="group", weights=weights)
        assert set(cells.obs["annotation_majority"][:15]) == {"my type"}
        assert (cells.obs["annotation_majority_confidence"][:15] == 1).all()
        assert set(cells.obs["annotation_majority_coarse"][:15]) == {"my type"}
        assert "my type" not in set(cells.obs["annotation_majority"][15:])
    sd.tl.set_label(cells, "B cell", np.arange(30) < 2, key="annotation_majority")
    with pytest.raises(ValueError, match="would overwrite 2 labels that were set by hand"):
        sd.tl.majority_vote(cells, groupby="group")


def test_names_of_cells_may_repeat(annotated):
    cells = annotated[:40].copy()
    cells.obs["group"] = (cells.obs["cell_type"] == "B cells").astype(str)
    expected = cells.copy()
    cells.obs_names = ["cell"] * 40
    for one in (cells, expected):
        sd.tl.majority_vote(one, groupby="group")
    columns = [name for name in expected.obs if name.startswith("annotation_majority")]
    assert cells.obs[columns].astype(str).to_numpy().tolist() == expected.obs[columns].astype(str).to_numpy().tolist()


@pytest.mark.parametrize("layer", ["normalised", "logged", "logged genes"])
def test_neighbours_are_those_of_logarithms(annotated, layer):
    cells = annotated[:40].copy()
    expected = _neighbours(cells, "cell_sentence", 0).toarray()
    logged = cells.copy()
    sc.pp.normalize_total(logged, target_sum=1e4)
    cells.layers["normalised"] = logged.X.copy()
    sc.pp.log1p(logged)
    cells.layers["logged"] = logged.X
    cells.uns["cell_sentence"]["params"]["layer"] = layer.partition(" ")[0]
    if layer == "logged genes":  # whose totals differ: the logarithms are taken unchanged
        cells = cells[:, ::3].copy()
        logged = logged[:, ::3].copy()
        sc.pp.highly_variable_genes(logged, n_top_genes=2000)
        sc.pp.pca(logged, n_comps=39, random_state=0)
        sc.pp.neighbors(logged, n_neighbors=10, random_state=0)
        expected = logged.obsp["connectivities"].toarray()
    np.testing.assert_allclose(_neighbours(cells, "cell_sentence", 0).toarray(), expected, atol=1e-3)
