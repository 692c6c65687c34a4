"""Real cells whose genes go by other names are answered like those with the model's own."""

import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import sc_duality as sd
from sc_duality.cells import _gene_symbols, _storage
from sc_duality.cells._gene_filter import HOUSEKEEPING
from sc_duality.models import resolve
from sc_duality.tl._ask import _named_before, cells_for
from sc_duality.tl._corpus import Corpus

SPEC = resolve("embedded")


@pytest.fixture
def untied():
    """Real cells in which no two genes are tied: the order of ties hangs on the names."""
    cells = sd.datasets.pbmc3k()[::16].copy()
    cells.X = cells.X.astype(np.float32)
    cells.X.data += np.random.default_rng(0).uniform(0, 0.5, len(cells.X.data)).astype(np.float32)
    return cells


def renamed(cells, other):
    found = cells.copy()
    found.var_names = [other.get(name, name) for name in cells.var_names]
    return found


def ids_of(cells, version="", *, current=True):
    """An Ensembl id for each gene that has one: where its name is the approved symbol, or of every gene once."""
    names = {name: _gene_symbols._names_of(name) for name in cells.var_names}
    ids = {name: others[-1] for name, others in names.items() if others and others[-1].startswith("ENSG")}
    if current:
        return {name: one + version for name, one in ids.items() if name == names[name][0]}
    first = {one: name for name, one in reversed(ids.items())}
    return {name: one + version for one, name in first.items()}


def aliases_of(cells):
    """For each gene that the model knows, a name that it does not know, where there is one."""
    taken = SPEC.genes | set(cells.var_names)
    found = {}
    for name in sorted(SPEC.genes & set(cells.var_names)):
        others = [other for other in _gene_symbols._names_of(name) if other not in taken and "ENSG" not in other]
        same = [other for other in others if _gene_symbols.to_known_names([other], SPEC.genes)[0] == name]
        found |= {name: same[0]} if same and not HOUSEKEEPING.search(same[0]) else {}
    return found


def sentences(cells):
    sd.pp.cell_sentences(cells)
    return cells_for(cells, SPEC, key="cell_sentence", n_genes=None).genes()


@pytest.mark.parametrize("version", ["", ".4"])
def test_ensembl_ids_give_the_same_answers(untied, version, caplog):
    other = ids_of(untied, version)
    assert len(other) > 9000
    cells = renamed(untied, other)
    with caplog.at_level(logging.INFO, "sc_duality"):
        assert sentences(cells) == sentences(untied)
    assert f"mapped {len(other)} Ensembl ids to gene symbols; kept 0 unknown ids" in caplog.text
    for adata in (untied, cells):
        sd.tl.annotate(adata)
    pd.testing.assert_frame_equal(cells.obs, untied.obs)


def test_ids_of_genes_with_old_symbols_too(untied):
    cells = renamed(untied, ids_of(untied, current=False))
    for adata in (untied, cells):
        sd.tl.annotate(adata)
    same = cells.obs["annotation"].astype(str) == untied.obs["annotation"].astype(str)
    assert same.mean() > 0.9


def test_aliases_give_the_same_answers(untied, caplog):
    other = aliases_of(untied)
    assert len(other) > 2000
    cells = renamed(untied, other)
    with caplog.at_level(logging.INFO, "sc_duality"):
        assert sentences(cells) == sentences(untied)
    assert "reads" in caplog.text
    assert "genes under another name: " in caplog.text
    written = cells.uns["cell_sentence"]["genes"].copy()
    for adata in (untied, cells):
        sd.tl.annotate(adata)
    pd.testing.assert_frame_equal(cells.obs, untied.obs)
    assert (cells.uns["cell_sentence"]["genes"] == written).all()
    assert set(other.values()) & set(written)


def test_a_gene_under_two_names_counts_once_at_its_first_place():
    names = np.array(["CD3E", "FAKE", "CD247", "CD3Z", "CD79A", "CD3-ZETA"], dtype=object)
    assert _gene_symbols.to_known_names(names[[3, 5]], SPEC.genes).tolist() == ["CD247", "CD247"]
    cells = ad.AnnData(np.zeros((3, 6)), var=pd.DataFrame(index=names))
    ranks = np.array([[3, 0, 2, 5, 4], [0, 2, 1, 3, 4], [5, 3, -1, -1, -1]])
    _storage.store_sentences(cells, "s", ranks, names, {})
    found = cells_for(cells, SPEC, key="s", n_genes=3)
    assert found.genes() == [["CD247", "CD3E", "CD79A"], ["CD3E", "CD247", "CD79A"], ["CD247"]]
    assert found.genes(slice(1, 2)) == [["CD3E", "CD247", "CD79A"]]
    assert found.readable.all()


def test_repeats_in_a_row_are_found():
    words = np.random.default_rng(0).integers(-1, 6, (50, 9)).astype(np.int32)
    expected = [[word in row[:i] for i, word in enumerate(row)] for row in words.tolist()]
    np.testing.assert_array_equal(_named_before(words), expected)


def test_general_models_read_names_as_they_are(untied, parrot):
    sd.pp.cell_sentences(untied)
    cells = cells_for(untied, parrot().spec, key="cell_sentence", n_genes=200)
    assert cells.genes() == sd.get.cell_sentences(untied).str.split().tolist()


def test_another_species_is_refused(untied):
    mouse = renamed(untied, {name: f"ENSMUSG{i:011d}" for i, name in enumerate(untied.var_names)})
    with pytest.raises(ValueError, match="Ensembl ids .*ENSMUSG.* of unknown or non-human genes: .*pass gene_symbols="):
        sd.tl.annotate(mouse)


@pytest.mark.parametrize("which", [ids_of, aliases_of])
def test_cells_that_are_written_stand_in_the_columns_of_the_user(untied, which, tmp_path):
    other = which(untied)
    cells = renamed(untied, other)
    results = []
    for adata in (untied, cells):
        sd.pp.cell_sentences(adata)
        sd.pp.fit_expression(adata)
        sd.pp.reconstruct_expression(adata)
        results.append(sd.tl.perturb(adata[:4].copy(), ("cytokine", "IFNB1"), n_genes=20))
        results.append(sd.tl.generate(None, {"B cell": 3}, tissue="blood", like=adata, n_genes=20))
    # The model writes the same words; of those that are no gene of the cells as such, some are so by another name.
    for own, named in zip(results[:2], results[2:], strict=True):
        assert list(named.var_names) == list(cells.var_names)
        assert named.X.nnz >= own.X.nnz > 0
        np.testing.assert_allclose(named.X.toarray()[own.X.toarray() > 0], own.X.toarray()[own.X.toarray() > 0])
    np.testing.assert_array_equal(results[0].layers["control"].toarray(), results[2].layers["control"].toarray())
    np.testing.assert_array_equal(untied.layers["reconstructed"].toarray(), cells.layers["reconstructed"].toarray())
    sd.tl.duality(results[2], key="perturbation")
    for i, adata in enumerate([cells, *results[2:]]):
        adata.write_h5ad(tmp_path / f"{i}.h5ad")
        again = ad.read_h5ad(tmp_path / f"{i}.h5ad")
        assert sd.get.cell_sentences(again).tolist() == sd.get.cell_sentences(adata).tolist()


def test_cells_to_be_like_need_no_sentences(untied):
    cells = renamed(untied, ids_of(untied))
    found = sd.tl.generate(None, {"B cell": 2}, tissue="blood", like=cells, n_genes=20)
    same = sd.tl.generate(None, {"B cell": 2}, tissue="blood", like=untied, n_genes=20)
    assert sd.get.cell_sentences(found).tolist() == sd.get.cell_sentences(same).tolist()
    np.testing.assert_array_equal(found.X.toarray(), same.X.toarray())


@pytest.mark.parametrize("which", [ids_of, aliases_of])
def test_training_reads_the_same_words(untied, which):
    cells = renamed(untied, which(untied))
    ours, theirs = (Corpus(adata, SPEC, key="cell_sentence", n_genes=50, context=()) for adata in (untied, cells))
    rows = [3, 1, 3]
    assert theirs.genes(rows) == ours.genes(rows)
    assert theirs.harder(rows, np.random.default_rng(1)) == ours.harder(rows, np.random.default_rng(1))


def test_harder_cells_name_a_gene_once():
    names = ["CD247", "CD3Z", "CD3-ZETA", *sorted(SPEC.genes - {"CD247"})[:60]]
    counts = sparse.csr_matrix(np.random.default_rng(0).integers(1, 50, (4, len(names))))
    cells = ad.AnnData(counts, pd.DataFrame(index=list("abcd")), pd.DataFrame(index=names))
    sd.pp.cell_sentences(cells)
    corpus = Corpus(cells, SPEC, key="cell_sentence", n_genes=60, context=())
    for genes in corpus.harder([0, 1, 2, 3] * 5, np.random.default_rng(0)):
        assert len(set(genes)) == len(genes)
        assert not {"CD3Z", "CD3-ZETA"} & set(genes)
