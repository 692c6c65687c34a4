"""The summary of labels, and the genes that decided, as tables."""

import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd


@pytest.fixture(scope="module")
def explained_once():
    sd.settings.progress = False
    adata = sd.datasets.pbmc3k()[::8].copy()
    adata.obs["cluster"] = np.where(adata.obs["cell_type"].isin(["B cells", "NK cells"]), "10", "9")
    sd.pp.cell_sentences(adata, 100)
    sd.tl.annotate(adata, labels="blood", unknown=0.7)
    sd.tl.explain(adata, n_cells=1, n_genes=4)
    return adata


@pytest.fixture
def explained(explained_once):
    return explained_once.copy()


def test_figures_of_a_group(explained):
    table = sd.get.summary(explained, groupby="cluster")
    assert table.index.name == "cluster"
    assert table["n_cells"].is_monotonic_decreasing
    for name, row in table.iterrows():
        cells = explained.obs[explained.obs["cluster"] == name]
        counts = cells["annotation"].value_counts().drop("unknown", errors="ignore")
        assert row["label"] == counts.idxmax()
        assert row["agreement"] == pytest.approx(counts.max() / len(cells))
        assert row["confidence"] == pytest.approx(cells["annotation_confidence"].mean())
        assert row["unknown"] == pytest.approx((cells["annotation"] == "unknown").mean())
        mean = explained[cells.index].obsm["annotation_probabilities"].mean().drop(row["label"])
        assert (row["runner_up"], row["runner_up_probability"]) == (mean.idxmax(), pytest.approx(mean.max()))
        same = cells[cells["annotation"] == row["label"]]
        assert row["ontology_term_id"] == same["annotation_ontology_term_id"].iloc[0]
        assert row["coarse"] == same["annotation_coarse"].astype(str).mode()[0]
    assert (table["unknown"] > 0).any()


def test_deciding_genes_if_these_groups_were_explained_else_markers(explained):
    table = sd.get.summary(explained, n_genes=2)
    expected = sd.get.evidence(explained, group="B cell", n_genes=2)["gene"]
    assert table.loc["B cell", "deciding_genes"] == ", ".join(expected)
    by_cluster = sd.get.summary(explained, groupby="cluster", n_genes=30)
    assert "deciding_genes" not in by_cluster
    assert "CST3" in by_cluster.loc["9", "marker_genes"].split(", ")
    assert explained.uns["annotation"]["evidence"]["params"].get("groupby") is None


def test_labels_of_another_program(explained):
    explained.obs["celltypist"] = explained.obs["cell_type"].astype(str)
    explained.obs.iloc[:3, list(explained.obs).index("celltypist")] = None
    table = sd.get.summary(explained, "celltypist", "cluster")
    assert "confidence" not in table
    assert table["unknown"].sum() > 0
    assert table["runner_up_share"].between(0, 0.5).all()


def test_a_label_named_unknown_among_the_options_is_a_label(cells_by_hand):
    assert sd.get.summary(cells_by_hand)["unknown"].tolist() == [0.0, 0.0]


@pytest.fixture
def cells_by_hand(explained):
    explained.obs["annotation"] = pd.Categorical(np.where(np.arange(explained.n_obs) % 3, "B cell", "unknown"))
    explained.uns["annotation"] = {"params": {"labels": ["B cell", "unknown"]}}
    return explained


def test_csv_mudata_and_nothing_is_changed(explained, tmp_path):
    before = explained.copy()
    table = sd.get.summary(explained, groupby="cluster")
    table.to_csv(tmp_path / "summary.csv")
    found = pd.read_csv(tmp_path / "summary.csv", index_col=0, dtype={"cluster": str})
    assert found["label"].tolist() == table["label"].tolist()
    pd.testing.assert_frame_equal(sd.get.summary(md.MuData({"rna": explained}), groupby="cluster"), table)
    assert list(explained.obs) == list(before.obs)
    assert set(explained.uns) == set(before.uns)


def test_no_marker_genes_without_a_matrix(explained, caplog):
    explained.X = explained.X.toarray() - 1.0
    table = sd.get.summary(explained, groupby="cluster")
    assert "marker_genes" not in table
    assert "the summary has no marker genes" in caplog.text


def test_evidence_is_sorted_and_cut(explained):
    table = sd.get.evidence(explained, n_genes=2)
    assert table["rank"].max() == 2
    assert list(dict.fromkeys(table["group"])) == explained.uns["annotation"]["evidence"]["groups"]["group"].tolist()
    contrast = sd.get.evidence(explained, by="contrast", group="B cell")
    assert contrast["contrast"].is_monotonic_decreasing
    assert (contrast["contrast"] > 0).all()


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"by": "size"}, ValueError, "by='size' is not an option"),
        ({"group": "Z cell"}, KeyError, "group='Z cell' was not explained: choose from"),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer"),
        ({"key": "other"}, KeyError, r"uns\['other'\] has no evidence: run sd.tl.explain\(adata, 'other'\) first"),
    ],
)
def test_bad_arguments_of_evidence(explained, how, error, message):
    with pytest.raises(error, match=message):
        sd.get.evidence(explained, **how)


def test_bad_arguments_of_summary(explained):
    with pytest.raises(KeyError, match="obs has no predictions 'other'"):
        sd.get.summary(explained, "other")
    with pytest.raises(KeyError, match="groupby='leiden' is not an obs column"):
        sd.get.summary(explained, groupby="leiden")
    with pytest.raises(ValueError, match="n_genes must be a positive integer"):
        sd.get.summary(explained, n_genes=0)
