"""Corrections by hand: what they write, what they clear, and that nothing overwrites them."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.cells import label_colors

N = 12


@pytest.fixture(scope="module")
def annotated():
    adata = sd.datasets.pbmc3k()[::26][:N].copy()
    sd.tl.annotate(adata, labels="blood", unknown=0)
    adata.obs["annotation_duality"] = 0.5
    adata.uns["annotation"]["duality"] = {}
    return adata


@pytest.fixture
def adata(annotated):
    return annotated.copy()


def test_a_correction_clears_what_no_longer_holds(adata):
    adata.obs["annotation_independent"] = adata.obs["annotation_nearest"]  # as with unique=
    adata.obs["annotation_independent_confidence"] = 0.5
    chosen, annotated = np.arange(N) < 3, adata.copy()
    sd.tl.set_label(adata, "plasma cell", chosen, reason="MZB1")
    assert (adata.obs["annotation"][:3] == "plasma cell").all()
    assert (adata.obs["annotation_status"][:3] == "set by hand").all()
    assert (adata.obs["annotation_ontology_term_id"][:3] == "CL:0000786").all()
    coarse, independent = (
        ("coarse", "coarse_confidence", "coarse_ontology_term_id"),
        ("independent", "independent_confidence"),
    )
    names = ("confidence", "nearest", "in_distribution", "duality", *coarse, *independent)
    cleared = [f"annotation_{name}" for name in names]
    assert adata.obs[cleared][:3].isna().all(axis=None)
    assert adata.obsm["annotation_probabilities"][:3].isna().all(axis=None)
    pd.testing.assert_frame_equal(adata.obs[3:].astype(object), annotated.obs[3:].astype(object))
    tables = [one.obsm["annotation_probabilities"] for one in (adata, annotated)]
    pd.testing.assert_frame_equal(tables[0][3:], tables[1][3:])
    for name in ("annotation", "annotation_coarse"):
        assert adata.uns[f"{name}_colors"] == label_colors(adata.obs[name].cat.categories)
    assert annotated.obsm["annotation_probabilities"].notna().all(axis=None)


def test_history_is_kept_in_files(adata, tmp_path):
    old = adata.obs["annotation"].astype(str).tolist()
    sd.tl.set_label(adata, "plasma cell", adata.obs_names[[0, 5]], reason="MZB1")
    adata.write_h5ad(tmp_path / "cells.h5ad")
    adata = ad.read_h5ad(tmp_path / "cells.h5ad")
    sd.tl.set_label(adata, "my type", [adata.obs_names[0]])
    adata.write_zarr(tmp_path / "cells.zarr")
    table = ad.read_zarr(tmp_path / "cells.zarr").uns["annotation"]["corrections"]
    first = table[table["new"] == "plasma cell"]
    by_cell = {cell: row.old for row in first.itertuples() for cell in row.cells.split("|")}
    assert by_cell == {adata.obs_names[0]: old[0], adata.obs_names[5]: old[5]}
    assert first["n_cells"].sum() == 2
    assert set(first["reason"]) == {"MZB1"}
    last = table.iloc[-1]
    assert (last["old"], last["new"], last["n_cells"], last["reason"]) == ("plasma cell", "my type", 1, "")
    assert adata.obs["annotation_ontology_term_id"].isna().tolist() == [True] + [False] * (N - 1)


def test_corrections_are_not_overwritten(adata):
    sd.tl.set_label(adata, "plasma cell", np.arange(N) < 3)
    with pytest.raises(
        ValueError, match="'annotation' would overwrite 3 labels that were set by hand: pass another key"
    ):
        sd.tl.annotate(adata)
    with pytest.raises(ValueError, match="set by hand"):
        sd.tl.sensitivity(adata, "panobinostat", key_added="annotation")
    sd.tl.annotate(adata, key_added="other")
    assert (adata.obs["annotation"][:3] == "plasma cell").all()
    rest = adata[3:].copy()
    sd.tl.annotate(rest)
    del adata.obs["annotation"]
    sd.tl.annotate(adata)
    assert "corrections" not in adata.uns["annotation"]


def test_other_tools_leave_them_out(adata):
    adata.obs = adata.obs.drop(columns="annotation_duality")
    adata.uns["annotation"].pop("duality")
    sd.tl.set_label(adata, "plasma cell", np.arange(N) < 3)
    sd.tl.duality(adata, duality=sd.Duality(form="likelihood"))
    assert adata.obs["annotation_duality"].isna().tolist() == [True] * 3 + [False] * (N - 3)
    rows = [label.get_text() for label in sd.pl.confidence(adata).get_yticklabels()]
    assert sum(int(row.rsplit("(")[1][:-1]) for row in rows) == N - 3
    scores = sd.tl.evaluate(adata, "cell_type", metrics="accuracy")
    assert scores["note"].tolist() == ["3 labels are set by hand"]


def test_a_result_without_terms_gets_the_column(adata):
    sd.tl.predict(adata, "annotation", labels=["B cell", "NK"], key_added="mine")
    sd.tl.set_label(adata, "T cell", np.arange(N) < 1, key="mine")
    assert adata.obs["mine_ontology_term_id"].iloc[0] == "CL:0000084"
    sd.tl.predict(adata[1:].copy(), "annotation", labels=["B cell", "NK"], key_added="mine")


@pytest.mark.parametrize(
    ("label", "where", "error", "message"),
    [
        ("", np.arange(N) < 3, ValueError, "label='' must be the name"),
        (None, np.arange(N) < 3, ValueError, "label=None must be the name"),
        ("x", "leiden", ValueError, "where='leiden' must be a boolean for each cell"),
        ("x", [True, False], ValueError, f"where has 2 values, and adata has {N} cells"),
        ("x", np.zeros(N, bool), ValueError, "where selects no cell"),
        ("x", [], ValueError, "where selects no cell"),
        ("x", ["cell"], KeyError, "where has 1 names that are not cells of adata: cell"),
        ("x", pd.Series([True] * N), ValueError, "where has another index"),
    ],
)
def test_invalid_corrections_change_nothing(adata, annotated, label, where, error, message):
    with pytest.raises(error, match=message):
        sd.tl.set_label(adata, label, where)
    pd.testing.assert_frame_equal(adata.obs, annotated.obs)
    assert "corrections" not in adata.uns["annotation"]


def test_views_and_labels_of_others_are_refused(adata):
    with pytest.raises(ValueError, match="adata is a view"):
        sd.tl.set_label(adata[:5], "x", [True] * 5)
    with pytest.raises(KeyError, match="cell_type"):
        sd.tl.set_label(adata, "x", [True] * N, key="cell_type")
