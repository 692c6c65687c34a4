"""pl.annotate draws the confusion matrix, and states agreement only if the label sets match."""

from __future__ import annotations

import anndata as ad
import matplotlib.pyplot as plt
import mudata as md
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from sklearn.metrics import confusion_matrix

import sc_duality as sd


def confusion(ax: Axes) -> pd.DataFrame:
    """The image as a table, with the labels of its axes."""
    rows = [tick.get_text().rsplit(" (", 1)[0] for tick in ax.get_yticklabels()]
    columns = [tick.get_text() for tick in ax.get_xticklabels()]
    return pd.DataFrame(np.asarray(ax.images[0].get_array()), rows, columns)


def test_image_is_the_row_normalised_confusion_matrix_of_scikit_learn(annotated: ad.AnnData) -> None:
    table = confusion(sd.pl.annotate(annotated, "cell_type"))
    names = ["B", "CD4 T", "CD8 T", "NK", "unknown", "no prediction"]
    predicted = annotated.obs["annotation"].astype(object).fillna("no prediction")
    counts = confusion_matrix(annotated.obs["cell_type"].astype(str), predicted.astype(str), labels=names)[:4]
    assert list(table.index) == names[:4]
    assert list(table.columns) == names
    np.testing.assert_allclose(table, counts / counts.sum(axis=1, keepdims=True))


def test_counts_are_written_into_their_fields(annotated: ad.AnnData) -> None:
    ax = sd.pl.annotate(annotated, "cell_type")
    table = confusion(ax)
    sizes = annotated.obs["cell_type"].value_counts()
    for text in ax.texts:
        column, row = text.get_position()
        name = table.index[row]
        assert int(text.get_text()) == round(table.iloc[row, column] * sizes[name])
    assert sum(int(text.get_text()) for text in ax.texts) == annotated.n_obs
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [f"{name} ({sizes[name]})" for name in table.index]


def test_axes_are_named_after_the_columns(annotated: ad.AnnData) -> None:
    ax = sd.pl.annotate(annotated, "cell_type")
    assert ax.get_xlabel() == "predicted: annotation"
    assert ax.get_ylabel() == "true: cell_type (cells)"


def test_agreement_counts_unknown_and_missing_predictions_as_different(annotated: ad.AnnData) -> None:
    assert sd.pl.annotate(annotated, "cell_type").get_title() == "82 % of 200 cells agree"


def test_cells_without_a_true_label_have_a_row_and_do_not_count_in_the_agreement(annotated: ad.AnnData) -> None:
    annotated.obs.iloc[:20, annotated.obs.columns.get_loc("cell_type")] = np.nan
    ax = sd.pl.annotate(annotated, "cell_type")
    assert ax.get_yticklabels()[-1].get_text() == "no true label (20)"
    assert ax.get_title() == f"{165 / 180:.0%} of 180 cells agree".replace("%", " %")


def test_different_label_sets_have_no_agreement(annotated: ad.AnnData) -> None:
    annotated.obs["sorted"] = annotated.obs["cell_type"].cat.rename_categories({"NK": "CD56+ NK"})
    assert sd.pl.annotate(annotated, "sorted").get_title() == ""


def test_different_label_sets_are_ordered_along_the_diagonal(annotated: ad.AnnData) -> None:
    other = {"B": "z", "CD4 T": "y", "CD8 T": "x", "NK": "w"}
    annotated.obs["sorted"] = annotated.obs["cell_type"].astype(str).map(other)
    table = confusion(sd.pl.annotate(annotated, "sorted"))
    assert list(table.index) == ["z", "y", "x", "w"]
    assert (table.to_numpy().argmax(axis=1) == np.arange(4)).all()


def test_subtypes_of_a_type_are_adjacent() -> None:
    adata = ad.AnnData(np.ones((12, 1), np.float32))
    adata.obs["lineage"] = ["myeloid"] * 6 + ["T"] * 6
    adata.obs["annotation"] = ["CD14"] * 4 + ["FCGR3A"] * 2 + ["CD4"] * 4 + ["CD8"] * 2
    adata.obs["annotation"] = pd.Categorical(adata.obs["annotation"], ["CD14", "CD4", "CD8", "FCGR3A"])
    table = confusion(sd.pl.annotate(adata, "lineage"))
    assert list(table.columns) == ["CD14", "FCGR3A", "CD4", "CD8"]
    assert list(table.index) == ["myeloid", "T"]


def test_a_type_that_is_never_predicted_keeps_its_position_on_the_diagonal(annotated: ad.AnnData) -> None:
    predicted = annotated.obs["annotation"].cat.add_categories("Mast")
    predicted[predicted == "CD8 T"] = "CD4 T"
    annotated.obs["annotation"] = predicted
    table = confusion(sd.pl.annotate(annotated, "cell_type"))
    assert (table["CD8 T"] == 0).all()
    assert list(table.columns[:4]) == ["B", "CD4 T", "CD8 T", "NK"]
    assert list(table.index) == list(table.columns[:4])
    assert "Mast" not in table.columns


def test_predictions_can_all_be_unknown(annotated: ad.AnnData) -> None:
    annotated.obs["annotation"] = pd.Categorical(["unknown"] * annotated.n_obs, categories=["unknown", "B"])
    assert list(confusion(sd.pl.annotate(annotated, "cell_type"))["unknown"]) == [1, 1, 1, 1]


def test_numbered_clusters_and_bools_are_labels(annotated: ad.AnnData) -> None:
    annotated.obs["cluster"] = annotated.obs["cell_type"].cat.codes
    annotated.obs["is_b"] = annotated.obs["cell_type"] == "B"
    assert list(confusion(sd.pl.annotate(annotated, "cluster")).index) == ["0", "1", "2", "3"]
    assert sorted(confusion(sd.pl.annotate(annotated, "is_b")).index) == ["False", "True"]


def test_draws_on_the_axes_and_does_not_change_the_object(annotated: ad.AnnData) -> None:
    before = annotated.obs.copy()
    _, ax = plt.subplots()
    assert sd.pl.annotate(annotated, "cell_type", ax=ax) is ax
    pd.testing.assert_frame_equal(annotated.obs, before)


def test_large_tables_have_smaller_counts() -> None:
    adata = ad.AnnData(np.ones((60, 1), np.float32))
    adata.obs["a"] = [f"type {i % 30}" for i in range(60)]
    adata.obs["b"] = "one type"
    large, small = sd.pl.annotate(adata, "a", key="a").texts, sd.pl.annotate(adata, "b", key="b").texts
    assert [text.get_text() for text in large] == ["2"] * 30
    assert large[0].get_fontsize() < small[0].get_fontsize()


def test_a_row_of_few_cells_is_paler() -> None:
    adata = ad.AnnData(np.ones((51, 1), np.float32))
    adata.obs["a"] = ["few"] + ["many"] * 50
    opacity = sd.pl.annotate(adata, "a", key="a").images[0].get_alpha()
    assert (opacity == [[0.25, 0.25], [1, 1]]).all()


def test_labels_have_short_names() -> None:
    adata = ad.AnnData(np.ones((2, 1), np.float32))
    adata.obs["a"] = ["natural killer cell", "CD4-positive, alpha-beta T cell"]
    ax = sd.pl.annotate(adata, "a", key="a")
    assert sorted(label.get_text() for label in ax.get_xticklabels()) == ["CD4 T cell", "NK cell"]
    assert sorted(label.get_text() for label in ax.get_yticklabels()) == ["CD4 T cell (1)", "NK cell (1)"]


def test_mudata_is_accepted(annotated: ad.AnnData) -> None:
    mdata = md.MuData({"rna": annotated, "protein": ad.AnnData(np.ones((200, 2), np.float32))})
    pd.testing.assert_frame_equal(
        confusion(sd.pl.annotate(mdata, "cell_type")), confusion(sd.pl.annotate(annotated, "cell_type"))
    )


def test_missing_predictions_name_the_tool_to_run(annotated: ad.AnnData) -> None:
    del annotated.obs["annotation"]
    with pytest.raises(KeyError, match=r"no column 'annotation': run sd.tl.annotate\(adata\) first.*'cell_type'"):
        sd.pl.annotate(annotated, "cell_type")


def test_a_missing_truth_column_lists_the_candidates(annotated: ad.AnnData) -> None:
    with pytest.raises(KeyError, match=r"no column 'celltype': choose one of \['cell_type', 'annotation'\]"):
        sd.pl.annotate(annotated, "celltype")


def test_numeric_columns_are_not_labels(annotated: ad.AnnData) -> None:
    annotated.obs["depth"] = np.arange(200.0)
    with pytest.raises(ValueError, match=r"'depth'\] has 200 different values.*\['cell_type', 'annotation'\]"):
        sd.pl.annotate(annotated, "depth")


def test_a_column_without_labels_cannot_be_drawn(annotated: ad.AnnData) -> None:
    annotated.obs["annotation"] = pd.Categorical([None] * annotated.n_obs, categories=["B"])
    with pytest.raises(ValueError, match=r"nothing to draw: obs\['annotation'\] is missing for every cell"):
        sd.pl.annotate(annotated, "cell_type")
