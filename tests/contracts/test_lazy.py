"""Backed and lazy cells get the same results as cells in memory."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd

FORMS = ["backed h5ad", "lazy h5ad", "lazy zarr"]


#: A part of the usual 200 tokens.
SHORT = sd.Sampling(max_tokens=24)


def opened(folder, form):
    how, store = form.split()
    path = folder / f"cells.{store}"
    return ad.read_h5ad(path, backed="r") if how == "backed" else ad.experimental.read_lazy(path)


def stored(adata, folder):
    adata.write_h5ad(folder / "cells.h5ad")
    adata.write_zarr(folder / "cells.zarr")
    return folder


def run_tools(adata):
    sd.tl.annotate(adata, labels="blood", context=["donor"])
    sd.tl.annotate(adata, labels="cell_type", groupby="cluster", key_added="by_cluster")
    sd.tl.annotate(adata, labels="blood", method="generate", key_added="generated")
    sd.tl.embed(adata)
    sd.tl.sensitivity(adata, "panobinostat")
    sd.tl.duality(adata, n_genes=10)
    sd.tl.duality(adata, "generated", n_genes=10, duality=sd.Duality(form="likelihood"))


def columns(adata):
    obs = adata.obs if hasattr(adata.obs, "loc") else adata.obs.to_memory()
    return {name: obs[name].astype(object).where(obs[name].notna(), "").astype(str).tolist() for name in obs}


def array(values):
    return np.asarray(values.to_memory() if hasattr(values, "to_memory") else values)


def assert_same(found, expected):
    assert columns(found) == columns(expected)
    for key in expected.obsm:
        np.testing.assert_array_equal(array(found.obsm[key]), array(expected.obsm[key]), err_msg=key)


@pytest.fixture(scope="module")
def plain():
    adata = sd.datasets.pbmc3k()[::30].copy()
    adata.obs["donor"] = pd.Categorical([["one", None][i % 2] for i in range(adata.n_obs)])
    adata.obs["cluster"] = adata.obs["cell_type"].where(np.arange(adata.n_obs) % 5 > 0)
    return adata


@pytest.fixture(scope="module")
def expected(plain):
    adata = plain.copy()
    run_tools(adata)
    return adata


@pytest.fixture(scope="module")
def plain_files(plain, tmp_path_factory):
    """The cells in both kinds of store; nothing writes into these."""
    return stored(plain, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def result_files(expected, tmp_path_factory):
    """The cells with all results in both kinds of store; nothing writes into these."""
    return stored(expected, tmp_path_factory.mktemp("results"))


@pytest.mark.parametrize("form", FORMS)
def test_results_are_the_same_and_can_be_written(plain, expected, plain_files, form, tmp_path):
    adata = opened(plain_files, form)
    run_tools(adata)
    assert_same(adata, expected)
    for key in ("annotation", "by_cluster", "generated", "sensitivity", "X_cell_sentence"):
        assert adata.uns[key]["params"] == expected.uns[key]["params"]
    run_tools(adata)  # replaces the results
    assert_same(adata, expected)
    how, store = form.split()
    if how == "lazy":  # a lazy object can be written once its tables are loaded
        adata.obs, adata.var = adata.obs.to_memory(), adata.var.to_memory()
    getattr(adata, f"write_{store}")(tmp_path / f"new.{store}")
    found = getattr(ad, f"read_{store}")(tmp_path / f"new.{store}")
    assert_same(found, expected)
    assert (found.X != plain.X).nnz == 0


@pytest.fixture(scope="module")
def annotated_again(expected):
    adata = expected.copy()
    sd.tl.annotate(adata, labels="blood", key_added="again")
    return adata


@pytest.mark.parametrize("form", FORMS)
def test_results_and_sentences_in_the_file(result_files, annotated_again, form):
    adata = opened(result_files, form)
    sd.tl.duality(adata, n_genes=10)
    sd.tl.duality(adata, "generated", n_genes=10, duality=sd.Duality(form="likelihood"))
    sd.tl.annotate(adata, labels="blood", key_added="again")
    assert_same(adata, annotated_again)


@pytest.mark.parametrize("form", FORMS)
def test_sentences_stay_in_a_lazy_file(expected, result_files, form):
    adata = opened(result_files, form)
    sd.tl.embed(adata, key_added="here")
    assert isinstance(adata.obsm["cell_sentence"], np.ndarray) == (form == "backed h5ad")
    np.testing.assert_array_equal(adata.obsm["here"], expected.obsm["X_cell_sentence"])


@pytest.fixture(scope="module")
def perturbed(plain):
    return sd.tl.perturb(plain.copy(), ("cytokine", "IFNB1"), sampling=SHORT)


@pytest.mark.parametrize("form", FORMS)
def test_perturbation_and_evaluation(perturbed, plain_files, form):
    adata = opened(plain_files, form)
    found = sd.tl.perturb(adata, ("cytokine", "IFNB1"), sampling=SHORT)
    assert (found.obs["perturbation_status"] == "ok").all()
    assert found.layers["change"].nnz
    assert columns(found) == columns(perturbed)
    assert (found.X != perturbed.X).nnz == 0
    sd.tl.annotate(adata, labels="blood")
    assert sd.tl.evaluate(adata, "cell_type", metrics="accuracy")["n_cells"].tolist() == [adata.n_obs]


def test_several_files_at_once(plain, expected, tmp_path):
    parts = []
    for name, part in (("a.zarr", plain[:4]), ("b.zarr", plain[4:])):
        part.copy().write_zarr(tmp_path / name)
        parts.append(ad.experimental.read_lazy(tmp_path / name))
    adata = ad.concat(parts, label="file")
    sd.pp.cell_sentences(adata)
    sd.tl.annotate(adata, labels="blood")
    sd.tl.duality(adata, n_genes=10)
    obs = adata.obs.to_memory()
    assert obs["file"].astype(str).tolist() == ["0"] * 4 + ["1"] * (plain.n_obs - 4)
    for name in ("annotation", "annotation_confidence", "annotation_duality"):
        assert obs[name].astype(str).tolist() == expected.obs[name].astype(str).tolist()


@pytest.mark.parametrize("form", FORMS)
def test_bad_input_is_refused_before_a_model_is_loaded(result_files, form, monkeypatch):
    adata = opened(result_files, form)
    monkeypatch.setattr("sc_duality.tl._annotate.load", lambda *_: pytest.fail("a model was loaded"))
    with pytest.raises(KeyError, match="groupby='leiden' is not an obs column"):
        sd.tl.annotate(adata, labels="blood", groupby="leiden")
    with pytest.raises(KeyError, match="context='age' is not an obs column"):
        sd.tl.annotate(adata, labels="blood", context=["age"])
    adata.uns["cell_sentence"]["genes"] = np.array([f"Xyz{i}" for i in range(12_611)], dtype=object)
    with pytest.raises(ValueError, match="were written with another"):
        sd.tl.annotate(adata, labels="blood")
