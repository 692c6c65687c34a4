from __future__ import annotations

import pytest

import sc_duality as sd
from sc_duality.cells import ontology_definition, ontology_term


def test_caption_of_each_group_has_definition_tissue_and_markers():
    adata = sd.datasets.pbmc3k()
    adata.obs["part"] = "blood"
    table = sd.pp.reference_captions(adata, "cell_type", "cell_type", tissue="part", n_markers=3)
    assert list(table.index) == sorted(adata.obs["cell_type"].unique())
    for name, row in table.iterrows():
        assert row["ontology_term_id"] == ontology_term(name)
        assert ontology_definition(row["ontology_term_id"]) in row["text"]
        assert " of the blood." in row["text"]
        assert all(gene in row["text"] for gene in row["markers"].split())
    assert len(table.loc["B cells", "markers"].split()) == 3


def test_names_outside_of_the_ontology_have_no_definition(caplog):
    adata = sd.datasets.pbmc3k()[::10].copy()
    adata.obs["own"] = "our own cells"
    table = sd.pp.reference_captions(adata, "cell_type", "own")
    assert table["text"].str.startswith("Our own cells.").all()
    assert not table["ontology_term_id"].any()
    assert "has no term for our own cells" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("leiden", "cell_type"), KeyError, "leiden"),
        (("cell_type", "type"), KeyError, "type"),
        (("cell_type", "missing"), ValueError, "has a cell type"),
    ],
)
def test_bad_input(arguments, error, message):
    adata = sd.datasets.pbmc3k()[:10].copy()
    adata.obs["missing"] = None
    with pytest.raises(error, match=message):
        sd.pp.reference_captions(adata, *arguments)


def test_unknown_cells_have_no_caption():
    adata = sd.datasets.pbmc3k()[::4].copy()
    types = adata.obs["cell_type"].astype(str)
    first = (types == "NK cells") & ~(types == "NK cells").cumsum().gt(1)
    adata.obs["type"] = types.where((types != "B cells") & (types != "NK cells") | first, "Unknown")
    table = sd.pp.reference_captions(adata, "cell_type", "type")
    assert "B cells" not in table.index
    assert table.loc["NK cells", "text"].startswith("Natural killer cell.")
