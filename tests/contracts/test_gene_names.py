"""Genes by Ensembl ids or aliases give the same results as the model's own gene symbols."""

import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import sc_duality as sd
from sc_duality.cells import _gene_symbols
from sc_duality.cells._gene_filter import HOUSEKEEPING
from sc_duality.examples import ModelCells
from sc_duality.models import resolve

SPEC = resolve("embedded")


@pytest.fixture
def untied():
    """Real cells without ties, whose order would depend on the names."""
    cells = sd.datasets.pbmc3k()[::32].copy()
    cells.X = cells.X.astype(np.float32)
    cells.X.data += np.random.default_rng(0).uniform(0, 0.5, len(cells.X.data)).astype(np.float32)
    return cells


def renamed(cells, other):
    found = cells.copy()
    found.var_names = [other.get(name, name) for name in cells.var_names]
    return found


def ids_of(cells, version="", *, current=True):
    """The Ensembl id of each gene by its name: of approved symbols, or of any name of each gene."""
    names = {name: _gene_symbols._names_of(name) for name in cells.var_names}
    ids = {name: others[-1] for name, others in names.items() if others and others[-1].startswith("ENSG")}
    if current:
        return {name: one + version for name, one in ids.items() if name == names[name][0]}
    first = {one: name for name, one in reversed(ids.items())}
    return {name: one + version for one, name in first.items()}


def aliases_of(cells):
    """For genes that the model knows, an alias that it does not know."""
    taken = SPEC.genes | set(cells.var_names)
    found = {}
    for name in sorted(SPEC.genes & set(cells.var_names)):
        others = [other for other in _gene_symbols._names_of(name) if other not in taken and "ENSG" not in other]
        same = [other for other in others if _gene_symbols.to_known_names([other], SPEC.genes)[0] == name]
        found |= {name: same[0]} if same and not HOUSEKEEPING.search(same[0]) else {}
    return found


def sentences(cells):
    sd.pp.cell_sentences(cells)
    return ModelCells(cells, SPEC).genes()


@pytest.mark.parametrize("version", ["", ".4"])
def test_ensembl_ids_give_the_same_labels(untied, version, caplog):
    other = ids_of(untied, version)
    assert len(other) > 9000
    cells = renamed(untied, other)
    with caplog.at_level(logging.INFO, "sc_duality"):
        assert sentences(cells) == sentences(untied)
    assert f"mapped {len(other)} Ensembl ids to gene symbols; kept 0 unknown ids" in caplog.text
    for adata in (untied, cells):
        sd.tl.annotate(adata)
    pd.testing.assert_frame_equal(cells.obs, untied.obs)


def test_ids_of_genes_with_old_symbols(untied):
    cells = renamed(untied, ids_of(untied, current=False))
    for adata in (untied, cells):
        sd.tl.annotate(adata)
    same = cells.obs["annotation"].astype(str) == untied.obs["annotation"].astype(str)
    assert same.mean() > 0.9


def test_other_symbols_are_named_once(caplog):
    adata = sd.datasets.pbmc3k()[::6].copy()
    model = sd.tl.add_reference_cells(adata, "cell_type")
    caplog.clear()
    with caplog.at_level(logging.INFO, "sc_duality"):
        sd.tl.annotate(adata, model)
    assert caplog.text.count("genes by another symbol: ") == 1


def test_aliases_give_the_same_labels(untied, caplog):
    other = aliases_of(untied)
    assert len(other) > 2000
    cells = renamed(untied, other)
    with caplog.at_level(logging.INFO, "sc_duality"):
        assert sentences(cells) == sentences(untied)
    assert "reads" in caplog.text
    assert "genes by another symbol: " in caplog.text
    written = cells.uns["cell_sentence"]["genes"].copy()
    for adata in (untied, cells):
        sd.tl.annotate(adata)
    pd.testing.assert_frame_equal(cells.obs, untied.obs)
    assert (cells.uns["cell_sentence"]["genes"] == written).all()
    assert set(other.values()) & set(written)


SPELLINGS = {
    "genome": lambda name: f"GRCh38_{name}",
    "dots of R": lambda name: name.replace("-", "."),
    "both": lambda name: f"GRCh38_{name.replace('-', '.')}",
    "symbol and id": lambda name: f"{name}_ENSG00000000003",
    "white space": lambda name: f" {name}",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_give_the_same_labels(untied, spelling):
    cells = untied.copy()
    cells.var_names = [SPELLINGS[spelling](name) for name in untied.var_names]
    for adata in (untied, cells):
        sd.tl.annotate(adata)
    if "dots" in spelling or spelling == "both":  # names with hyphens that the table lacks stay unknown
        assert (cells.obs["annotation"].astype(str) == untied.obs["annotation"].astype(str)).all()
        np.testing.assert_allclose(cells.obs["annotation_confidence"], untied.obs["annotation_confidence"], atol=0.1)
    else:
        pd.testing.assert_frame_equal(cells.obs, untied.obs)


def test_antibodies_do_not_change_labels(untied):
    X = sparse.hstack([untied.X, np.full((untied.n_obs, 3), 1000.0)], format="csr")
    names = [*untied.var_names, "CD3_TotalSeqA", "CD19_TotalSeqA", "CD14_TotalSeqA"]
    cells = ad.AnnData(X, untied.obs.copy(), pd.DataFrame(index=names))
    for adata in (untied, cells):
        sd.tl.annotate(adata)
    pd.testing.assert_frame_equal(cells.obs, untied.obs)


def test_another_species_is_refused(untied):
    mouse = renamed(untied, {name: f"ENSMUSG{i:011d}" for i, name in enumerate(untied.var_names)})
    with pytest.raises(ValueError, match="Ensembl ids .*ENSMUSG.* of unknown or non-human genes: .*pass gene_symbols="):
        sd.tl.annotate(mouse)


@pytest.mark.parametrize("which", [ids_of, aliases_of])
def test_predicted_and_generated_cells_have_the_genes_of_the_user(untied, which, tmp_path):
    other = which(untied)
    cells = renamed(untied, other)
    results = []
    for adata in (untied, cells):
        sd.pp.cell_sentences(adata)
        sd.pp.fit_expression(adata)
        sd.pp.reconstruct_expression(adata)
        results.append(sd.tl.perturb(adata[:4].copy(), ("cytokine", "IFNB1"), form="cell", n_genes=20))
        results.append(sd.tl.generate({"B cell": 3}, tissue="blood", like=adata, n_genes=20))
    # The model generates the same genes; those that the cells do not have by that symbol may be there by another.
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


def test_like_needs_no_sentences(untied):
    cells = renamed(untied, ids_of(untied))
    found = sd.tl.generate({"B cell": 2}, tissue="blood", like=cells, n_genes=20)
    same = sd.tl.generate({"B cell": 2}, tissue="blood", like=untied, n_genes=20)
    assert sd.get.cell_sentences(found).tolist() == sd.get.cell_sentences(same).tolist()
    np.testing.assert_array_equal(found.X.toarray(), same.X.toarray())
