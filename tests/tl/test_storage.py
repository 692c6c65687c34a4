"""Whatever the tools write can be saved, read, cut and joined."""

import anndata as ad
import mudata as md
import numpy as np
import pytest

import sc_duality as sd


@pytest.fixture(scope="module")
def once():
    cells = sd.datasets.pbmc3k()[::20].copy()
    sd.pp.cell_sentences(cells)
    cells.obsm["cell_sentence"][0] = -1  # a cell without an answer must survive too
    cells.obs["cluster"] = cells.obs["cell_type"]
    sd.tl.annotate(cells, labels="blood")
    sd.tl.annotate(cells, labels="blood", groupby="cluster", key_added="by_cluster")
    sd.tl.annotate(cells, labels="blood", method="generate", key_added="written")
    sd.tl.embed(cells)
    for key, form in (("annotation", "posterior"), ("by_cluster", "likelihood"), ("written", "sample")):
        sd.tl.duality(cells, key, form=form, n_genes=10, draws=1)
    return cells


@pytest.fixture
def answered(once):
    return once.copy()


def assert_equal(found, expected):
    for column in expected.obs:
        assert found.obs[column].astype(str).tolist() == expected.obs[column].astype(str).tolist(), column
    for key in expected.obsm:
        np.testing.assert_array_equal(np.asarray(found.obsm[key]), np.asarray(expected.obsm[key]), err_msg=key)
    table = found.obsm["annotation_probabilities"]
    assert list(table.columns) == list(expected.obsm["annotation_probabilities"].columns)


def test_h5ad_and_zarr(answered, tmp_path):
    answered.write_h5ad(tmp_path / "a.h5ad")
    answered.write_zarr(tmp_path / "a.zarr")
    for found in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
        assert_equal(found, answered)
        for key in ("annotation", "by_cluster", "written", "X_cell_sentence"):
            assert found.uns[key]["params"].keys() == answered.uns[key]["params"].keys()
            assert found.uns[key]["params"]["fingerprint"] == answered.uns[key]["params"]["fingerprint"]
            if key in answered.obs:
                assert found.uns[key]["duality"] == answered.uns[key]["duality"]
        assert list(found.uns["annotation"]["params"]["labels"]) == answered.uns["annotation"]["params"]["labels"]


def test_backed(answered, tmp_path):
    answered.write_h5ad(tmp_path / "a.h5ad")
    assert_equal(ad.read_h5ad(tmp_path / "a.h5ad", backed="r"), answered)


def test_h5mu(answered, tmp_path):
    both = md.MuData({"rna": answered})
    both.write(tmp_path / "a.h5mu")
    assert_equal(md.read(tmp_path / "a.h5mu").mod["rna"], answered)


def test_subsetting_and_concat(answered):
    halves = [answered[:7].copy(), answered[7:].copy()]
    assert_equal(halves[0], answered[:7])
    joined = ad.concat(halves, uns_merge="same", merge="same")
    assert_equal(joined, answered)
    sd.tl.annotate(joined, labels="blood", key_added="again")
    assert joined.obs["again"].astype(str).tolist() == answered.obs["annotation"].astype(str).tolist()


def test_answers_out_of_a_file_can_be_judged(answered, tmp_path):
    answered.write_h5ad(tmp_path / "a.h5ad")
    answered.write_zarr(tmp_path / "a.zarr")
    for found in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
        expected = found.obs.pop("annotation_duality")
        sd.tl.duality(found, n_genes=10)
        np.testing.assert_array_equal(found.obs["annotation_duality"], expected)


def test_labels_with_a_slash(cells, parrot, tmp_path):
    sd.tl.annotate(cells, parrot(scores=[[0.0, 1.0]]), labels=["vSM/PC", "FB"])
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
