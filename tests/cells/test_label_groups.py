"""Groups of cells with predicted labels, against counts by hand, and expression in groups against scanpy."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from hypothesis import given
from hypothesis import strategies as st

import sc_duality as sd
from sc_duality.cells import group_expression, label_groups, mode, ranked_matrix, text_column


def labelled(labels, clusters=None, probabilities=None):
    adata = ad.AnnData(np.ones((len(labels), 2), np.float32))
    adata.obs["annotation"] = pd.Categorical(labels)
    if clusters is not None:
        adata.obs["cluster"] = clusters
    if probabilities is not None:
        adata.obsm["annotation_probabilities"] = pd.DataFrame(probabilities, index=adata.obs_names)
    return adata


def test_the_label_is_the_most_frequent_one_other_than_unknown():
    adata = labelled(["unknown", "unknown", "unknown", "B", "T", "T"], ["x"] * 6)
    (group,) = label_groups(adata, "annotation", "cluster")
    assert (group.label, group.labelled.tolist()) == ("T", [4, 5])
    assert (group.runner_up, group.runner_up_probability) == ("B", 1 / 6)
    assert np.isnan(group.probability)


def test_probabilities_decide_the_runner_up():
    table = {"B": [0.6, 0.5], "T": [0.1, 0.1], "vSM|PC": [0.3, 0.4]}
    adata = labelled(["B", "B"], probabilities=table)
    adata.uns["annotation"] = {"params": {"labels": ["B", "T", "vSM/PC"]}}
    (group,) = label_groups(adata, "annotation")
    assert group.probability == pytest.approx(0.55)
    assert (group.runner_up, round(group.runner_up_probability, 3)) == ("vSM/PC", 0.35)


@pytest.mark.parametrize(
    ("labels", "label", "runner_up"),
    [(["unknown", "unknown"], "unknown", None), ([None, None], None, None), (["T", "B"], "B", "T")],
)
def test_groups_without_a_label_and_ties(labels, label, runner_up):
    (group,) = label_groups(labelled(labels, ["x", "x"]), "annotation", "cluster")
    assert (group.label, group.runner_up) == (label, runner_up)


@given(st.lists(st.tuples(st.sampled_from(["B", "T", "unknown", None]), st.sampled_from("xyz")), min_size=1))
def test_every_cell_is_in_one_group_and_the_largest_is_first(cells):
    labels, clusters = zip(*cells, strict=True)
    groups = label_groups(labelled(list(labels), list(clusters)), "annotation", "cluster")
    assert sorted(np.concatenate([group.rows for group in groups]).tolist()) == list(range(len(cells)))
    sizes = [len(group.rows) for group in groups]
    assert sizes == sorted(sizes, reverse=True)
    for group in groups:
        assert set(group.labelled) <= set(group.rows)
        assert {labels[row] for row in group.labelled} <= {group.label}


def test_missing_columns():
    with pytest.raises(KeyError, match="obs has no predictions 'other'"):
        label_groups(labelled(["B"]), "other")
    with pytest.raises(KeyError, match="groupby='leiden' is not an obs column"):
        label_groups(labelled(["B"]), "annotation", "leiden")
    with pytest.raises(ValueError, match="missing for every cell"):
        label_groups(labelled([None]), "annotation")


def test_mode():
    assert mode(pd.Series(["b", "a", None, "a", "b"])) == "a"
    assert mode(pd.Series([None], dtype=object)) is None


def test_expression_is_that_of_scanpys_dotplot():
    adata = sd.datasets.pbmc3k()
    genes = ["CD79A", "LYZ", "NKG7"]
    found = group_expression(adata, text_column(adata, "cell_type"), [*genes, "NO SUCH GENE"])
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    plot = sc.pl.DotPlot(adata, genes, "cell_type")
    np.testing.assert_allclose(found.fraction[genes], plot.dot_size_df.loc[found.fraction.index])
    assert found.fraction["NO SUCH GENE"].isna().all()
    np.testing.assert_allclose(found.mean[genes], plot.dot_color_df.loc[found.mean.index], rtol=1e-5)
    logs = group_expression(adata, text_column(adata, "cell_type"), genes)
    np.testing.assert_allclose(logs.mean, found.mean[genes], rtol=1e-4)


def test_cells_without_a_group_do_not_count():
    adata = sd.datasets.pbmc3k()
    groups = text_column(adata, "cell_type").where(np.arange(adata.n_obs) % 2 == 0, None)
    found = group_expression(adata, groups, ["LYZ"])
    members = (groups == "B cells").to_numpy()
    assert found.fraction.at["B cells", "LYZ"] == pytest.approx((adata[members, "LYZ"].X.toarray() > 0).mean())


def test_the_matrix_behind_predictions(counts):
    counts.layers["counts"] = counts.X.copy()
    sd.pp.cell_sentences(counts, 20, layer="counts")
    counts.uns["annotation"] = {"params": {"sentence_key": "cell_sentence"}}
    assert ranked_matrix(counts, "annotation") == {"layer": "counts", "use_raw": False, "gene_symbols": None}
    counts.uns["annotation"] = "a note"
    del counts.uns["cell_sentence"]
    assert ranked_matrix(counts, "annotation") == {"layer": None, "use_raw": False, "gene_symbols": None}


def test_an_array_of_probabilities_does_not_name_its_labels():
    adata = labelled(["B", "B", "T"], ["x"] * 3)
    adata.obsm["annotation_probabilities"] = np.ones((3, 2)) / 2
    (group,) = label_groups(adata, "annotation", "cluster")
    assert (group.label, group.runner_up, group.runner_up_probability) == ("B", "T", 1 / 3)
