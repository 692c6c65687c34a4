"""Sentences of an earlier state of the matrix or of the gene names are written anew or named."""

import anndata as ad
import dask.array as da
import numpy as np
import pytest
import scanpy as sc
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import sc_duality as sd
from sc_duality.cells import read_sentences
from sc_duality.cells._outdated_sentences import _change, _count_changed
from tests.scripted_model import ScriptedModel

LABELS = ["B cell", "T cell"]


@pytest.fixture
def cells():
    return sd.datasets.pbmc3k()[::10].copy()


@pytest.fixture
def other(cells):
    """The same cells after their expression was replaced, as the removal of ambient RNA does."""
    return sparse.csr_matrix(np.roll(cells.X.toarray(), 3, axis=0))


def change(adata, key="cell_sentence"):
    return _change(adata, read_sentences(adata, key))


def annotate(adata):
    model = ScriptedModel(scores=[[1.0, 0.0]])
    sd.tl.annotate(adata, model, labels=LABELS)
    return model.prompts


def test_automatic_sentences_are_written_anew(cells, other, caplog):
    first = annotate(cells)
    cells.X = other
    assert annotate(cells) != first
    assert "the expression of 32 of 32 cells has changed" in caplog.text
    expected = sd.pp.cell_sentences(cells, copy=True)
    np.testing.assert_array_equal(cells.obsm["cell_sentence"], expected.obsm["cell_sentence"])
    caplog.clear()
    annotate(cells)
    assert "changed" not in caplog.text


def test_sentences_of_the_user_are_kept_with_a_warning(cells, other, caplog):
    sd.pp.cell_sentences(cells, 50)
    first = annotate(cells)
    cells.X = other
    assert annotate(cells) == first
    assert r"run sd.pp.cell_sentences(adata, key_added='cell_sentence') again" in caplog.text


def test_a_single_changed_cell_is_found(cells):
    sd.pp.cell_sentences(cells)
    X = cells.X.tolil()
    X[7] = X[8]
    cells.X = X.tocsr()
    assert change(cells) == "the expression of 1 of 32 cells has changed"


def test_what_keeps_the_order_is_no_change(cells):
    sd.pp.cell_sentences(cells)
    for step in (lambda a: sc.pp.normalize_total(a), lambda a: sc.pp.log1p(a)):
        step(cells)
        assert change(cells) is None
    cells.obs_names = [f"new {name}" for name in cells.obs_names]  # ties are ordered by name
    assert change(cells) is None
    assert change(cells[::2].copy()) is None
    assert change(cells[:, ::-1].copy()) is None


def test_a_scaled_matrix_or_fewer_genes_cannot_be_compared(cells):
    sd.pp.cell_sentences(cells)
    few = cells[:, ::2].copy()
    assert change(few) is None
    scaled = cells.copy()
    sc.pp.log1p(scaled)
    sc.pp.scale(scaled)
    assert change(scaled) is None
    empty = ad.AnnData(obs=cells.obs, var=cells.var, obsm=dict(cells.obsm), uns=cells.uns)
    assert change(empty) is None


def test_new_gene_names(cells, caplog):
    annotate(cells)
    names = cells.var_names.to_numpy(object)
    names[:5] = ["one", "two", "three", "four", "five"]
    cells.var_names = names
    assert change(cells) == "gene names have changed"
    annotate(cells)
    assert "written anew" in caplog.text
    assert "one" in cells.uns["cell_sentence"]["genes"]


def test_chosen_genes_are_no_change(cells):
    sd.pp.cell_sentences(cells, 20, genes=cells.var_names[:500].tolist())
    assert change(cells) is None


def test_other_matrices(cells, tmp_path):
    cells.layers["counts"] = cells.X.copy()
    cells.raw = cells.copy()
    for arguments in ({"layer": "counts"}, {"use_raw": True}, {"exclude": None}, {"n_genes": 3}):
        sd.pp.cell_sentences(cells, **arguments)
        assert change(cells) is None
    cells.layers["counts"] = cells.layers["counts"][::-1]
    sd.pp.cell_sentences(cells)
    assert change(cells) is None
    cells.write_h5ad(tmp_path / "a.h5ad")
    assert change(ad.read_h5ad(tmp_path / "a.h5ad", backed="r")) is None
    cells.X = da.from_array(cells.X.toarray(), chunks=(10, 1000))
    assert change(cells) is None


def test_generated_cells_are_not_compared():
    model = ScriptedModel(texts=["CD79A MS4A1"], prompt_format="plain")
    found = sd.tl.generate({"B cell": 3}, model)
    assert change(found) is None


def test_a_refused_call_leaves_nothing(cells):
    names = cells.var_names.to_numpy(object)
    cells.var_names = [f"gene {i}" for i in range(cells.n_vars)]
    with pytest.raises(ValueError, match="knows 0 of the"):
        sd.tl.annotate(cells)
    with pytest.raises(ValueError, match="does not exist|no-such-model"):
        sd.tl.annotate(cells, "no-such-model")
    assert not cells.obsm
    assert "cell_sentence" not in cells.uns
    cells.var_names = names
    sd.tl.annotate(cells, labels="blood")


@settings(deadline=None)
@given(data=st.data())
def test_the_check_agrees_with_a_ranking(data):
    n_genes, K = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    row = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n_genes, max_size=n_genes)), float)
    genes = data.draw(st.lists(st.integers(0, n_genes - 1), max_size=min(K, n_genes), unique=True))
    ranks = np.full((1, K), -1, np.int32)
    ranks[0, : len(genes)] = genes
    values = row[genes].tolist()
    highest = sorted(row[row > 0], reverse=True)[:K]
    X = sparse.csr_matrix(row[None])
    n_changed, n_unusable = _count_changed(
        X.data, X.indices, X.indptr, np.arange(n_genes, dtype=np.int32), ranks, np.zeros(n_genes)
    )
    assert n_unusable == 0
    assert n_changed == (values != highest)
