"""The cells of an AnnData as a model reads them, and as another study might have measured them."""

from dataclasses import replace

import anndata as ad
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import sc_duality as sd
from sc_duality.cells import store_sentences, to_known_names
from sc_duality.cells._gene_filter import HOUSEKEEPING
from sc_duality.cells._gene_symbols import _names_of
from sc_duality.examples import ModelCells
from sc_duality.examples._model_cells import _named_before
from sc_duality.models import ModelSpec, resolve

SPEC, N = resolve("embedded"), 50
GENERAL = ModelSpec("general", "general", n_genes=200)


@pytest.fixture(scope="module")
def adata():
    adata = sd.datasets.pbmc3k()[: 6 * N : 6].copy()
    sd.pp.cell_sentences(adata)
    return adata


@pytest.fixture(scope="module")
def cells(adata):
    return ModelCells(adata, SPEC, n_genes=60)


@pytest.fixture(scope="module")
def untied():
    """Cells without tied genes: the order of ties depends on the names of genes."""
    cells = sd.datasets.pbmc3k()[::60].copy()
    cells.X = cells.X.astype(np.float32)
    cells.X.data += np.random.default_rng(0).uniform(0, 0.5, len(cells.X.data)).astype(np.float32)
    return cells


def other_names(names, kind):
    """For each gene that the model knows, an Ensembl id or an alias that the model does not know, if there is one."""
    taken, found = SPEC.genes | set(names), {}
    for name in sorted(SPEC.genes & set(names)):
        others = [one for one in _names_of(name) if one not in taken and one.startswith("ENSG") == (kind == "ids")]
        same = [one for one in others if to_known_names([one], SPEC.genes)[0] == name]
        if same and (kind == "ids" or not HOUSEKEEPING.search(same[0])):
            found[name] = same[0]
    return found


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.lists(st.integers(0, N - 1), min_size=1, max_size=12))
def test_augmented_cells_hold_expressed_genes_once(adata, cells, seed, rows):
    found = cells.augmented(rows, np.random.default_rng(seed))
    assert found == cells.augmented(rows, np.random.default_rng(seed))
    expressed = sparse.csr_matrix(adata.X)
    for row, genes in zip(rows, found, strict=True):
        assert 0 < len(genes) <= cells.n_genes
        assert len(set(genes)) == len(genes)
        assert set(genes) <= set(to_known_names(adata.var_names[expressed[row].indices], SPEC.genes))
        assert set(genes) <= SPEC.genes


def test_augmentation_changes_genes_and_lengths(cells):
    rows = list(range(N)) * 2
    found, before = cells.augmented(rows, np.random.default_rng(0)), cells.genes(rows)
    changed = [one != other for one, other in zip(found, before, strict=True)]
    assert np.mean(changed) > 0.8
    lengths = [len(genes) for genes, new in zip(found, changed, strict=True) if new]
    assert min(lengths) >= 18  # 30 % of 60, and at least 25 unless the length was cut
    assert np.std(lengths) > 5
    shared = [len(set(one) & set(other)) / len(one) for one, other in zip(found, before, strict=True)]
    assert 0.5 < np.mean(shared) < 1


def test_cells_with_few_genes_are_kept(adata):
    cells = ModelCells(adata, SPEC, n_genes=20)
    assert cells.augmented(list(range(N)), np.random.default_rng(0)) == cells.genes(list(range(N)))


@pytest.mark.parametrize("counts", [True, False])
def test_only_counts_are_thinned(adata, counts):
    """On another scale genes are dropped and ranks jittered, but nothing is sampled from a binomial distribution."""
    thinned = []

    class Spy(np.random.Generator):
        def binomial(self, *args, **kwargs):
            thinned.append(args)
            return super().binomial(*args, **kwargs)

    cells = adata.copy()
    X = sparse.csr_matrix(cells.X).astype(float)
    X.data = X.data if counts else np.log1p(X.data)
    cells.X = X
    sd.pp.cell_sentences(cells)
    ModelCells(cells, SPEC, n_genes=60).augmented([0, 1, 2], Spy(np.random.PCG64(0)))
    assert bool(thinned) == counts


def test_augmentation_leaves_the_matrix_unchanged(adata):
    cells = adata.copy()
    before = sparse.csr_matrix(cells.X).copy()
    ModelCells(cells, SPEC, n_genes=60).augmented(list(range(30)), np.random.default_rng(0))
    assert (before != sparse.csr_matrix(cells.X)).nnz == 0


def test_augmented_cells_hold_a_gene_with_several_symbols_once():
    names = ["CD247", "CD3Z", "CD3-ZETA", *sorted(SPEC.genes - {"CD247"})[:60]]
    counts = sparse.csr_matrix(np.random.default_rng(0).integers(1, 50, (4, len(names))))
    adata = ad.AnnData(counts, pd.DataFrame(index=list("abcd")), pd.DataFrame(index=names))
    sd.pp.cell_sentences(adata)
    for genes in ModelCells(adata, SPEC, n_genes=60).augmented([0, 1, 2, 3] * 5, np.random.default_rng(0)):
        assert len(set(genes)) == len(genes)
        assert not {"CD3Z", "CD3-ZETA"} & set(genes)


def test_longer_sentences_begin_with_the_shorter_ones(cells):
    short, long = cells.genes([3])[0], cells.genes([3], n_genes=120)[0]
    assert long[: len(short)] == short
    assert len(short) == 60 < len(long) <= 120


def test_columns_and_context(adata):
    adata = adata.copy()
    adata.obs["tissue"] = np.where(np.arange(N) < 30, "blood", None)
    adata.obs["batch"] = np.arange(N)
    cells = ModelCells(adata, SPEC, context=["tissue", "batch"])
    assert cells.context([0, 40]) == [{"tissue": "blood", "batch": "0"}, {"batch": "40"}]
    assert cells.context(slice(29, 31)) == [{"tissue": "blood", "batch": "29"}, {"batch": "30"}]
    assert cells.column("tissue", "donor").tolist() == ["blood"] * 30 + [None] * (N - 30)
    with pytest.raises(KeyError, match="donor='patient' is not an obs column; there are"):
        cells.column("patient", "donor")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"context": "tissue"}, TypeError, "context must be a list of obs columns, got the string 'tissue'"),
        ({"context": ["tissue"]}, KeyError, "context='tissue' is not an obs column"),
        ({"n_genes": 0}, ValueError, "n_genes"),
        ({"sentence_key": "other"}, KeyError, "obsm has no 'other': run sd.pp.cell_sentences"),
    ],
)
def test_invalid_arguments_raise(adata, arguments, error, message):
    with pytest.raises(error, match=message):
        ModelCells(adata, SPEC, **arguments)


@pytest.mark.parametrize("kind", ["ids", "aliases"])
def test_genes_by_other_names_are_read_as_those_of_the_model(untied, kind):
    other = other_names(untied.var_names, kind)
    assert len(other) > 2000
    renamed = untied.copy()
    renamed.var_names = [other.get(name, name) for name in untied.var_names]
    ours, theirs = (ModelCells(adata, SPEC, n_genes=50) for adata in (untied, renamed))
    rows = [3, 1, 3]
    assert theirs.genes() == ours.genes()
    assert theirs.augmented(rows, np.random.default_rng(1)) == ours.augmented(rows, np.random.default_rng(1))


def test_a_gene_with_two_symbols_counts_once_at_its_first_rank():
    names = np.array(["CD3E", "FAKE", "CD247", "CD3Z", "CD79A", "CD3-ZETA"], dtype=object)
    assert to_known_names(names[[3, 5]], SPEC.genes).tolist() == ["CD247", "CD247"]
    adata = ad.AnnData(np.zeros((3, 6)), var=pd.DataFrame(index=names))
    ranks = np.array([[3, 0, 2, 5, 4], [0, 2, 1, 3, 4], [5, 3, 2, 1, 1]])
    store_sentences(adata, "s", ranks, names, {})
    cells = ModelCells(adata, SPEC, sentence_key="s", n_genes=3)
    assert cells.genes() == [["CD247", "CD3E", "CD79A"], ["CD3E", "CD247", "CD79A"], ["CD247"]]
    assert cells.genes(slice(1, 2)) == [["CD3E", "CD247", "CD79A"]]
    assert cells.readable.all()
    assert len(cells) == 3


def test_repeated_genes_of_a_row_are_found():
    codes = np.random.default_rng(0).integers(-1, 6, (50, 9)).astype(np.int32)
    expected = [[code in row[:i] for i, code in enumerate(row)] for row in codes.tolist()]
    np.testing.assert_array_equal(_named_before(codes), expected)


def test_a_cell_of_unknown_genes_is_not_readable():
    names = np.array(["CD3E", "FAKE"], dtype=object)
    adata = ad.AnnData(np.zeros((2, 2)), var=pd.DataFrame(index=names))
    store_sentences(adata, "s", np.array([[0, 1], [1, 1]]), names, {})
    cells = ModelCells(adata, SPEC, sentence_key="s")
    assert cells.readable.tolist() == [True, False]
    assert cells.genes() == [["CD3E"], []]


def test_cells_of_unknown_genes_only_raise():
    names = np.array([f"Fake{i}" for i in range(9)], dtype=object)
    adata = ad.AnnData(np.zeros((1, 9)), var=pd.DataFrame(index=names))
    store_sentences(adata, "s", np.arange(9)[None], names, {})
    with pytest.raises(ValueError, match="knows 0 of the 9 genes in the sentences. It reads human gene symbols"):
        ModelCells(adata, SPEC, sentence_key="s")


def test_general_models_read_names_as_they_are(adata):
    assert ModelCells(adata, GENERAL).genes() == [text.split()[:200] for text in sd.get.cell_sentences(adata).tolist()]


def test_the_same_cells_in_another_prompt_format(cells):
    other = cells.for_model(GENERAL)
    assert (other.spec, cells.spec) == (GENERAL, SPEC)
    assert other.genes([1]) == cells.genes([1])


def test_default_sentences_are_written_by_store_only(adata):
    adata = adata.copy()
    del adata.obsm["cell_sentence"]
    cells = ModelCells(adata, SPEC)
    assert "cell_sentence" not in adata.obsm
    cells.store()
    assert ModelCells(adata, SPEC).genes() == cells.genes()


def test_lazily_held_ranks_are_read_in_any_order(adata, cells):
    lazy = adata.copy()
    lazy.obsm["cell_sentence"] = da.from_array(np.asarray(adata.obsm["cell_sentence"]), chunks=(7, -1))
    found = ModelCells(lazy, SPEC, n_genes=60)
    rows = [5, 1, 40, 1]
    assert found.genes(rows) == cells.genes(rows)
    assert found.genes(slice(3, 9)) == cells.genes(slice(3, 9))
    assert found.readable.tolist() == cells.readable.tolist()
    assert found.augmented(rows, np.random.default_rng(2)) == cells.augmented(rows, np.random.default_rng(2))


def test_sentences_leave_out_what_the_model_was_trained_without(adata, caplog):
    adata = adata.copy()
    del adata.obsm["cell_sentence"]
    all_genes = replace(SPEC, exclude=None)
    ModelCells(adata, SPEC).store()
    shorter = set(sd.get.cell_sentences(adata).iloc[0].split())
    cells = ModelCells(adata, all_genes)
    cells.store()
    assert not any(gene.startswith("RPL") for gene in shorter)
    assert any(gene.startswith("RPL") for gene in sd.get.cell_sentences(adata).iloc[0].split())
    assert cells.exclude is None
    assert "may be worse" not in caplog.text


def test_written_sentences_of_another_kind_are_read_with_a_warning(adata, caplog):
    found = ModelCells(adata, replace(SPEC, exclude=["MALAT1", "B2M"]))
    assert found.exclude == "housekeeping"
    assert "written with exclude='housekeeping', but the model" in caplog.text
    assert "trained on sentences with exclude=['MALAT1', 'B2M']" in caplog.text
    caplog.clear()
    kept = adata.copy()
    sd.pp.cell_sentences(kept, exclude=["MALAT1", "B2M"])
    for same in (["MALAT1", "B2M"], ("MALAT1", "B2M")):
        assert ModelCells(kept, replace(SPEC, exclude=same)).exclude == ["MALAT1", "B2M"]
    ModelCells(kept, GENERAL)
    assert "may be worse" not in caplog.text
