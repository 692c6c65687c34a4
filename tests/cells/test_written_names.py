"""Names of results: those that files can hold, and never those of what the user has."""

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sc_duality as sd
from sc_duality.cells import Fields, check_name, check_new_fields, written_fields
from tests.scripted_model import ScriptedModel

LABELS = ["B cell", "T cell"]


def scripted():
    return ScriptedModel(texts=["B cell"], scores=[[1.0, 0.0]], likelihood=lambda *_: -1.0)


@pytest.fixture
def cells():
    return sd.datasets.pbmc3k()[:6].copy()


@pytest.mark.parametrize("name", ["a", "é 1", "run:1", "..a", " ", ".hidden", "x" * 255])
def test_names_that_files_hold(name, tmp_path):
    check_name("key_added", name)
    adata = ad.AnnData(np.ones((2, 1)))
    adata.obs[name], adata.obsm[name] = np.arange(2.0), np.arange(4.0).reshape(2, 2)
    if len(name) < 250:  # anndata's own files next to the name
        adata.write_h5ad(tmp_path / "a.h5ad")
        adata.write_zarr(tmp_path / "a.zarr")
        for found in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
            assert found.obs[name].tolist() == [0, 1]
            assert found.obsm[name].tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    "name", ["run/1", "/", "a\\b", "a\0", "", ".", "..", "_index", "zarr.json", "\ud800", "x" * 256]
)
def test_names_that_files_cannot_hold(name):
    with pytest.raises(ValueError, match="key_added"):
        check_name("key_added", name)


@pytest.mark.parametrize("name", [None, 5, ("a", "b")])
def test_names_that_are_no_text(name):
    with pytest.raises(TypeError, match="key_added must be a string, got"):
        check_name("key_added", name)


@settings(max_examples=25)
@given(st.text(max_size=20))
def test_a_name_that_is_not_refused_can_be_written_to_both_formats(tmp_path_factory, name):
    try:
        check_name("key_added", name)
    except ValueError:
        return
    folder = tmp_path_factory.mktemp("names")
    adata = ad.AnnData(obs=pd.DataFrame({name: [1.0]}, index=["cell"]))
    adata.write_h5ad(folder / "a.h5ad")
    adata.write_zarr(folder / "a.zarr")
    assert ad.read_h5ad(folder / "a.h5ad").obs[name].tolist() == [1.0]
    assert ad.read_zarr(folder / "a.zarr").obs[name].tolist() == [1.0]


WRITERS = {
    "cell_sentences": lambda cells, key: sd.pp.cell_sentences(cells, key_added=key),
    "reconstruct_expression": lambda cells, key: (
        sd.pp.cell_sentences(cells),
        sd.pp.fit_expression(cells),
        sd.pp.reconstruct_expression(cells, key_added=key),
    ),
    "annotate": lambda cells, key: sd.tl.annotate(cells, scripted(), labels=LABELS, key_added=key),
    "predict": lambda cells, key: sd.tl.predict(cells, "annotation", scripted(), labels=LABELS, key_added=key),
    "sensitivity": lambda cells, key: sd.tl.sensitivity(cells, "cisplatin", scripted(), key_added=key),
    "embed": lambda cells, key: sd.tl.embed(cells, scripted(), key_added=key),
    "generate": lambda _, key: sd.tl.generate({"B cell": 1}, scripted(), key_added=key),
    "perturb": lambda cells, key: sd.tl.perturb(cells, ("knockdown", "STAT1"), scripted(), key_added=key),
}


@pytest.mark.parametrize("tool", WRITERS)
@pytest.mark.parametrize(("key", "error"), [("run/1", ValueError), ("_index", ValueError), (3, TypeError)])
def test_every_writer_refuses_such_names(cells, tool, key, error):
    before = cells.copy()
    with pytest.raises(error, match="key_added"):
        WRITERS[tool](cells, key)
    pd.testing.assert_frame_equal(cells.obs, before.obs)


OWN = [
    ("annotate", "obs", "annotation"),
    ("annotate", "obs", "annotation_coarse"),
    ("annotate", "obs", "annotation_ontology_term_id"),
    ("annotate", "obsm", "annotation_probabilities"),
    ("annotate", "uns", "annotation"),
    ("annotate", "uns", "cell_sentence"),
    ("predict", "obs", "annotation_confidence"),
    ("sensitivity", "obs", "sensitivity"),
    ("embed", "obsm", "X_cell_sentence"),
    ("cell_sentences", "obsm", "cell_sentence"),
    ("cell_sentences", "uns", "cell_sentence"),
    ("reconstruct_expression", "layers", "reconstructed"),
    ("perturb", "obs", "perturbation_status"),
    ("perturb", "var", "perturbation_change"),
]
DEFAULT_KEYS = {
    "cell_sentences": "cell_sentence",
    "reconstruct_expression": "reconstructed",
    "embed": "X_cell_sentence",
    "sensitivity": "sensitivity",
    "perturb": "perturbation",
}


@pytest.mark.parametrize(("tool", "slot", "name"), OWN)
def test_what_the_user_has_is_refused_by_name_and_stays(cells, tool, slot, name):
    own = {
        "obs": np.full(6, "curated"),
        "obsm": np.ones((6, 2)),
        "uns": {"mine": 1},
        "layers": np.ones(cells.shape),
        "var": np.ones(cells.n_vars),
    }[slot]
    getattr(cells, slot)[name] = own
    obs = set(cells.obs)
    with pytest.raises(ValueError, match=rf"{slot}\['{name}'\]"):
        WRITERS[tool](cells, DEFAULT_KEYS.get(tool, "annotation"))
    assert set(cells.obs) == obs
    kept = getattr(cells, slot)[name]
    assert kept == own if slot == "uns" else np.array_equal(np.asarray(kept), own)


def test_an_earlier_result_is_replaced_and_nothing_else(cells):
    sd.tl.annotate(cells, labels="blood")
    assert "annotation_coarse" in written_fields(cells, "annotation").obs
    sd.tl.annotate(cells, scripted(), labels=LABELS, method="generate")
    assert not {"annotation_coarse", "annotation_confidence"} & set(cells.obs)
    assert "annotation_probabilities" not in cells.obsm
    cells.obs["annotation_coarse"] = "curated"  # of the user: the last result has no such column
    with pytest.raises(ValueError, match=r"obs\['annotation_coarse'\], which sc_duality did not write"):
        sd.tl.annotate(cells, labels="blood")
    assert (cells.obs["annotation_coarse"] == "curated").all()


def test_a_result_read_from_a_file_is_replaced(cells, tmp_path):
    sd.tl.annotate(cells, labels="blood")
    cells.write_h5ad(tmp_path / "a.h5ad")
    found = ad.read_h5ad(tmp_path / "a.h5ad")
    sd.tl.annotate(found, scripted(), labels=LABELS, method="generate")
    assert "annotation_coarse" not in found.obs


def test_a_result_of_version_0_11_is_replaced(cells):
    sd.tl.annotate(cells, labels="blood")
    for name in ("columns", "arrays"):
        del cells.uns["annotation"]["params"][name]
    sd.tl.annotate(cells, scripted(), labels=LABELS, method="generate")
    assert "annotation_coarse" not in cells.obs


@pytest.mark.parametrize("tool", ["annotate", "embed", "sensitivity"])
def test_no_result_replaces_the_sentences(cells, tool):
    sd.pp.cell_sentences(cells)
    with pytest.raises(ValueError, match="would overwrite the cell sentences of that name"):
        WRITERS[tool](cells, "cell_sentence")
    with pytest.raises(ValueError, match="would overwrite"):
        sd.pp.cell_sentences(cells, key_added="annotation" if "annotation" in cells.uns else _annotated(cells))


def _annotated(cells):
    sd.tl.annotate(cells, scripted(), labels=LABELS)
    return "annotation"


def test_sentences_that_lost_their_vocabulary_may_be_written_again(cells):
    sd.pp.cell_sentences(cells)
    joined = ad.concat([cells[:3], cells[3:]])
    assert "cell_sentence" not in joined.uns
    sd.pp.cell_sentences(joined)
    np.testing.assert_array_equal(joined.obsm["cell_sentence"], cells.obsm["cell_sentence"])


def test_the_name_of_the_index_is_refused(cells):
    cells.obs.index.name = "annotation"
    with pytest.raises(ValueError, match="the name of the index of obs"):
        sd.tl.annotate(cells, scripted(), labels=LABELS)


def test_a_label_that_is_named_like_the_index(cells):
    cells.obs.index.name = "B cell"
    with pytest.raises(ValueError, match="the label 'B cell' is the name of the index of obs"):
        sd.tl.annotate(cells, scripted(), labels=LABELS)


def test_labels_that_would_share_a_column(cells):
    model = scripted()
    with pytest.raises(ValueError, match=r"'CD4/CD8 T' and 'CD4\|CD8 T' would share the column"):
        sd.tl.annotate(cells, model, labels=["CD4/CD8 T", "CD4|CD8 T"])
    assert model.prompts == []


def test_the_score_of_a_prediction_overwrites_no_column_of_the_user(cells):
    sd.tl.annotate(cells, labels="blood")
    cells.obs["annotation_duality"] = 1.0
    with pytest.raises(ValueError, match=r"obs\['annotation_duality'\], where the score belongs"):
        sd.tl.duality(cells, n_genes=10)
    del cells.obs["annotation_duality"]
    sd.tl.duality(cells, n_genes=10)
    sd.tl.duality(cells, n_genes=10)
    sd.tl.annotate(cells, labels="blood")
    assert "annotation_duality" not in cells.obs


def test_a_rebuilt_layer_is_replaced(cells):
    WRITERS["reconstruct_expression"](cells, "reconstructed")
    sd.pp.reconstruct_expression(cells)
    assert cells.uns["cell_sentence"]["layers"] == ["reconstructed"]


def test_predicted_cells_may_be_perturbed_again(cells):
    model = ScriptedModel(texts=["CD79A MS4A1"], prompt_format="plain")
    cells.obs["perturbation"] = "control"  # replaced in the new object; this one stays
    found = sd.tl.perturb(cells, ("knockdown", "STAT1"), model)
    assert cells.obs["perturbation"].unique().tolist() == ["control"]
    again = sd.tl.perturb(found, ("knockdown", "TET1"), model)
    assert again.obs["perturbation"].unique().tolist() == ["knockdown TET1"]


def test_check_new_fields_takes_anything_with_slots():
    adata = ad.AnnData(np.ones((2, 1)))
    check_new_fields(adata, "key", Fields(obs=("key",), obsm=("key",), layers=("key",), var=("key",)))


def test_views_of_backed_cells(cells, tmp_path):
    cells.write_h5ad(tmp_path / "a.h5ad")
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    model = scripted()
    with pytest.raises(ValueError, match=r"view of a backed AnnData.*to_memory\(\) first, or pass copy=True"):
        sd.tl.annotate(backed[:3], model, labels=LABELS)
    assert model.prompts == []
    for data in (backed, backed[:3]):
        found = sd.tl.annotate(data, model, labels=LABELS, copy=True)
        assert not found.isbacked
        assert found.obs["annotation"].eq("B cell").all()
    assert "annotation" not in backed.obs


@pytest.mark.filterwarnings("ignore:From 0.4:FutureWarning")
def test_columns_of_the_whole_mudata(cells):
    data = md.MuData({"rna": cells})
    data.obs["wnn"] = ["a", "b"] * 3
    for arguments in ({"groupby": "wnn"}, {"context": ["wnn"]}):
        with pytest.raises(KeyError, match=r"MuData's own obs.*push_obs\(\['wnn'\], mods=\['rna'\]\)"):
            sd.tl.annotate(data, scripted(), labels=LABELS, **arguments)
    cells.obs["annotation"] = "B cell"
    with pytest.raises(KeyError, match="truth='wnn' is a column of the MuData's own obs"):
        sd.tl.evaluate(data, "wnn")
    del cells.obs["annotation"]
    data.push_obs(["wnn"], mods=["rna"])
    sd.tl.annotate(data, scripted(), labels=LABELS, groupby="wnn")


def test_several_columns_are_no_column(cells):
    with pytest.raises(TypeError, match=r"groupby=\['cell_type'\] must be the name of one obs column"):
        sd.tl.annotate(cells, scripted(), labels=LABELS, groupby=["cell_type"])
    for refused in (
        lambda: sd.tl.evaluate(cells, "cell_type", ["cell_type"], key="cell_type"),
        lambda: sd.tl.annotate(cells, scripted(), labels=5),
        lambda: sd.tl.duality(cells, ["annotation"]),
        lambda: sd.get.cell_sentences(cells, sentence_key=5),
    ):
        with pytest.raises(TypeError, match="must be"):
            refused()
    cells.obs[0] = 1.0
    with pytest.raises(KeyError, match="groupby='leiden' is not an obs column; there are cell_type, 0"):
        sd.tl.annotate(cells, scripted(), labels=LABELS, groupby="leiden")
