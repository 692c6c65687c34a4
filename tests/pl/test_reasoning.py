"""The dotplot of cited genes: expression of the data, rings and crosses of the table."""

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
from anndata.experimental import read_lazy

import sc_duality as sd
from sc_duality.cells import group_expression, text_column
from sc_duality.pl import _reasoning
from tests.scripted_model import ScriptedModel

TEXTS = {"B cells": "CD79A and CD14.", "NK cells": "GNLY, FOXP3, GNLY.", "CD14+ Monocytes": "No LYZ."}


class Reasoner(ScriptedModel):
    """Reasons by the first cluster whose marker gene is among the differentially expressed genes of the prompt."""

    def generate(self, prompts, sampling):
        markers = [prompt.partition("most highly expressed")[0].split() for prompt in prompts]
        names = [
            "B cells" if "CD79A" in found else "NK cells" if "GNLY" in found else "CD14+ Monocytes" for found in markers
        ]
        return [f"<think>{TEXTS[name]}</think><answer>B cell</answer>" for name in names]


@pytest.fixture(scope="module")
def cells():
    adata = sd.datasets.pbmc3k()
    adata = adata[adata.obs["cell_type"].isin(list(TEXTS))].copy()
    sd.tl.annotate(adata, Reasoner(), groupby="cell_type", labels=["B cell", "NK cell"], method="generate")
    return adata


def marks(ax):
    genes = [tick.get_text() for tick in ax.get_xticklabels()]
    rows = [tick.get_text() for tick in ax.get_yticklabels()]
    _, rings, crosses = ax.collections
    return [{(rows[int(y)], genes[int(x)]) for x, y in one.get_offsets()} for one in (rings, crosses)]


def test_dots_rings_and_crosses(cells):
    ax = sd.pl.reasoning(cells)
    genes = [tick.get_text() for tick in ax.get_xticklabels()]
    assert set(genes) == {"CD79A", "CD14", "GNLY", "FOXP3"}
    groups = ["B cells", "CD14+ Monocytes", "NK cells"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        f"{name}: B cell ({(cells.obs['cell_type'] == name).sum()})" for name in groups
    ]
    expected = group_expression(cells, text_column(cells, "cell_type"), genes).fraction.loc[groups]
    dots = ax.collections[0]
    np.testing.assert_allclose(dots.get_sizes(), _reasoning.MAX_AREA * np.nan_to_num(expected.to_numpy()).ravel())
    found_rings, found_crosses = marks(ax)
    assert {(row.split(":")[0], gene) for row, gene in found_rings} == {("B cells", "CD79A"), ("NK cells", "GNLY")}
    assert {(row.split(":")[0], gene) for row, gene in found_crosses} == {("B cells", "CD14"), ("NK cells", "FOXP3")}
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "cited, but not shown to the model, or in < 10 % of cells" in texts


def test_other_groups_and_fewer_genes(cells):
    cells.obs["half"] = np.where(cells.obs["cell_type"] == "NK cells", "b", "a")
    ax = sd.pl.reasoning(cells, groupby="half", n_genes=1)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["CD79A", "GNLY"]
    assert [tick.get_text()[0] for tick in ax.get_yticklabels()] == ["a", "b"]


def test_prompts_about_cells_are_grouped_by_label():
    adata = sd.datasets.pbmc3k()[::20].copy()
    texts = [f"<think>{gene}.</think><answer>{label}</answer>" for gene, label in (("B2M", "B cell"), ("TMSB4X", "NK"))]
    sd.tl.annotate(adata, ScriptedModel(texts=texts), labels=["B cell", "NK"], method="generate")
    rings, crosses = marks(sd.pl.reasoning(adata))
    assert {(row.split(" (")[0], gene) for row, gene in rings} == {("B cell", "B2M"), ("NK", "TMSB4X")}
    assert not crosses
    subset = adata[adata.obs["annotation"] == "NK"].copy()
    assert [tick.get_text() for tick in sd.pl.reasoning(subset).get_xticklabels()] == ["TMSB4X"]


def test_what_cannot_be_drawn(cells):
    with pytest.raises(ValueError, match="n_genes must be a positive integer"):
        sd.pl.reasoning(cells, n_genes=0)
    with pytest.raises(KeyError, match="obs has no column 'nothing'"):
        sd.pl.reasoning(cells, groupby="nothing")
    monocytes = cells[cells.obs["cell_type"] == "CD14+ Monocytes"].copy()
    with pytest.raises(ValueError, match="nothing to draw: the reasoning in uns"):
        sd.pl.reasoning(monocytes)
    renamed = cells.copy()
    renamed.obs["cell_type"] = renamed.obs["cell_type"].astype(str) + " 1"
    with pytest.raises(ValueError, match="none of the cells or groups in uns"):
        sd.pl.reasoning(renamed)
    two = cells[cells.obs["cell_type"] != "NK cells"].copy()
    assert [tick.get_text() for tick in sd.pl.reasoning(two).get_xticklabels()] == ["CD79A", "CD14"]
    two.obs["annotation"] = None
    assert sd.pl.reasoning(two).get_yticklabels()[0].get_text() == "B cells (50)"
    del monocytes.uns["annotation"]["reasoning"]
    with pytest.raises(KeyError, match="has no reasoning"):
        sd.pl.reasoning(monocytes)


@pytest.mark.filterwarnings("ignore::FutureWarning:mudata")
def test_lazy_cells_and_a_mudata_are_drawn(cells, tmp_path):
    expected = marks(sd.pl.reasoning(cells))
    cells.write_h5ad(tmp_path / "cells.h5ad")
    for adata in (read_lazy(tmp_path / "cells.h5ad"), ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")):
        assert marks(sd.pl.reasoning(adata)) == expected
        pd.testing.assert_frame_equal(sd.get.reasoning(adata), sd.get.reasoning(cells), check_dtype=False)
    mdata = md.MuData({"gex": cells})
    assert marks(sd.pl.reasoning(mdata, mod="gex")) == expected


def test_cells_that_share_a_name_are_drawn(cells):
    adata = cells.copy()
    adata.obs_names = ["cell"] * adata.n_obs
    assert marks(sd.pl.reasoning(adata)) == marks(sd.pl.reasoning(cells))


@pytest.mark.parametrize(("groupby", "rows"), [("cell_type", sorted(TEXTS)), (None, ["all cells"])])
def test_texts_about_groups_are_drawn(cells, groupby, rows):
    adata = cells.copy()
    text = "<think>CD79A and LYZ.</think><answer>Blood cells that express CD79A.</answer>"
    sd.tl.ask(adata, "What are these cells?", ScriptedModel(texts=[text]), groupby=groupby)
    ax = sd.pl.reasoning(adata, "answer")
    assert [tick.get_text().split(" (")[0] for tick in ax.get_yticklabels()] == rows
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["CD79A", "LYZ"]


def test_groups_of_several_columns(cells):
    adata = cells.copy()
    adata.obs["donor"] = ["a", "b"] * (adata.n_obs // 2) + ["a"] * (adata.n_obs % 2)
    adata.obs.loc[adata.obs_names[0], "donor"] = None
    model = ScriptedModel(texts=["<think>CD79A and LYZ.</think><answer>blood</answer>"])
    task = ("tissue", {"labels": ["blood", "liver"]})
    sd.tl.predict(adata, task, model, groupby=["donor", "cell_type"], method="generate", key_added="tissue_of")
    rows = [tick.get_text() for tick in sd.pl.reasoning(adata, "tissue_of").get_yticklabels()]
    assert [row.split(":")[0] for row in rows] == [f"{donor} | {name}" for donor in "ab" for name in sorted(TEXTS)]
    by_donor = sd.pl.reasoning(adata, "tissue_of", groupby="donor")
    assert [tick.get_text()[0] for tick in by_donor.get_yticklabels()] == ["a", "b"]


def test_prompts_about_cells_that_share_a_name_are_refused():
    adata = sd.datasets.pbmc3k()[:6].copy()
    adata.obs_names = ["one", "one", *"abcd"]
    texts = [f"<think>{gene}.</think><answer>{label}</answer>" for gene, label in (("B2M", "B cell"), ("TMSB4X", "NK"))]
    sd.tl.annotate(adata, ScriptedModel(texts=texts), labels=["B cell", "NK"], method="generate")
    message = r"such as 'one', .*: call adata.obs_names_make_unique\(\) before predicting"
    with pytest.raises(ValueError, match=message):
        sd.pl.reasoning(adata)
    adata.obs_names_make_unique()  # too late: the table has the old names
    with pytest.raises(ValueError, match=message):
        sd.pl.reasoning(adata)
