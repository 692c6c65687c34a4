"""Results of all tools can be written to files, read, subset and concatenated."""

import anndata as ad
import mudata as md
import numpy as np
import pytest

import sc_duality as sd


@pytest.fixture(scope="module")
def annotated_once():
    cells = sd.datasets.pbmc3k()[::20].copy()
    sd.pp.cell_sentences(cells, 100)
    cells.obsm["cell_sentence"][0] = -1  # a cell without a prediction
    cells.obs["cluster"] = cells.obs["cell_type"]
    sd.tl.annotate(cells, labels="blood")
    sd.tl.annotate(cells, labels="blood", groupby="cluster", key_added="by_cluster")
    sd.tl.annotate(cells, labels="blood", method="generate", key_added="generated")
    sd.tl.embed(cells)
    sd.tl.explain(cells, "annotation", n_cells=1, n_genes=2)
    for key, form in (("annotation", "posterior"), ("by_cluster", "likelihood"), ("generated", "sample")):
        sd.tl.duality(cells, key, duality=sd.Duality(form=form, n_samples=1), n_genes=10)
    return cells


@pytest.fixture
def annotated(annotated_once):
    return annotated_once.copy()


@pytest.fixture(scope="module")
def files(annotated_once, tmp_path_factory):
    """A file of each kind with the results."""
    folder = tmp_path_factory.mktemp("files")
    annotated_once.copy().write_h5ad(folder / "a.h5ad")
    annotated_once.copy().write_zarr(folder / "a.zarr")
    return folder


def assert_equal(found, expected):
    for column in expected.obs:
        assert found.obs[column].astype(str).tolist() == expected.obs[column].astype(str).tolist(), column
    for key in expected.obsm:
        np.testing.assert_array_equal(np.asarray(found.obsm[key]), np.asarray(expected.obsm[key]), err_msg=key)
    table = found.obsm["annotation_probabilities"]
    assert list(table.columns) == list(expected.obsm["annotation_probabilities"].columns)


def test_h5ad_and_zarr(annotated, files):
    for found in (ad.read_h5ad(files / "a.h5ad"), ad.read_zarr(files / "a.zarr")):
        assert_equal(found, annotated)
        for key in ("annotation", "by_cluster", "generated", "X_cell_sentence"):
            assert found.uns[key]["params"].keys() == annotated.uns[key]["params"].keys()
            assert found.uns[key]["params"]["fingerprint"] == annotated.uns[key]["params"]["fingerprint"]
            if key in annotated.obs:
                assert found.uns[key]["duality"] == annotated.uns[key]["duality"]
        assert sd.get.evidence(found).astype(str).equals(sd.get.evidence(annotated).astype(str))
        assert list(found.uns["annotation"]["params"]["labels"]) == annotated.uns["annotation"]["params"]["labels"]


def test_backed(annotated, files):
    assert_equal(ad.read_h5ad(files / "a.h5ad", backed="r"), annotated)


def test_h5mu(annotated, tmp_path):
    both = md.MuData({"rna": annotated})
    both.write(tmp_path / "a.h5mu")
    assert_equal(md.read(tmp_path / "a.h5mu").mod["rna"], annotated)


def test_subsetting_and_concat(annotated):
    halves = [annotated[:7].copy(), annotated[7:].copy()]
    assert_equal(halves[0], annotated[:7])
    joined = ad.concat(halves, uns_merge="same", merge="same")
    assert_equal(joined, annotated)
    sd.tl.annotate(joined, labels="blood", key_added="again")
    assert joined.obs["again"].astype(str).tolist() == annotated.obs["annotation"].astype(str).tolist()


def test_results_from_a_file_can_be_scored(files):
    for found in (ad.read_h5ad(files / "a.h5ad"), ad.read_zarr(files / "a.zarr")):
        expected = found.obs.pop("annotation_duality")
        sd.tl.duality(found, n_genes=10)
        np.testing.assert_array_equal(found.obs["annotation_duality"], expected)


def test_labels_with_a_slash(cells, scripted_model, tmp_path):
    sd.tl.annotate(cells, scripted_model(scores=[[0.0, 1.0]]), labels=["vSM/PC", "FB"])
    cells.write_h5ad(tmp_path / "a.h5ad")
    found = ad.read_h5ad(tmp_path / "a.h5ad")
    assert list(found.obsm["annotation_probabilities"].columns) == ["vSM|PC", "FB"]
    assert list(found.uns["annotation"]["params"]["labels"]) == ["vSM/PC", "FB"]


def test_mudata_is_taken_wherever_anndata_is(cells):
    plain = cells.copy()
    both = md.MuData({"rna": cells})
    sd.tl.annotate(both)
    sd.tl.annotate(plain)
    assert both.mod["rna"].obs["annotation"].tolist() == plain.obs["annotation"].tolist()
    copied = sd.tl.embed(both, copy=True)
    assert "X_cell_sentence" in copied.mod["rna"].obsm
    assert "X_cell_sentence" not in both.mod["rna"].obsm
