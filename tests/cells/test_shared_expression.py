"""Expression of several objects in one unit over shared genes."""

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from scipy import sparse

import sc_duality as sd
from sc_duality.cells import project_expression, to_shared_expression

KEY = "cell_sentence"


@pytest.fixture(scope="module")
def counts():
    return sd.datasets.pbmc3k()[:60].copy()


@pytest.fixture(scope="module")
def expected(counts):
    """log(1 + counts per 10,000), by scanpy."""
    found = counts.copy()
    found.X = found.X.astype(float)
    sc.pp.normalize_total(found, target_sum=1e4)
    sc.pp.log1p(found)
    return found


def values(adata):
    shared = to_shared_expression({"real": adata}, KEY)
    return shared.values["real"].toarray()


def test_counts_are_normalised(counts, expected):
    np.testing.assert_allclose(values(counts), expected.X.toarray(), rtol=1e-5)


@pytest.mark.parametrize("base", [None, 2, 10])
def test_logarithms_of_any_base_are_converted(expected, base):
    other = expected.copy()
    other.X = other.X / np.log(np.e if base is None else base)
    other.uns["log1p"] = {"base": base}
    np.testing.assert_allclose(values(other), expected.X.toarray(), rtol=1e-5)


def test_the_matrix_of_the_sentences_is_compared(counts, expected):
    other = counts.copy()
    other.layers["counts"] = other.X.copy()
    other.X = np.asarray(sc.pp.scale(expected, copy=True).X)
    sd.pp.cell_sentences(other, layer="counts")
    found = to_shared_expression({"real": other}, KEY)
    columns = counts.var_names.get_indexer(found.genes)
    np.testing.assert_allclose(found.values["real"].toarray(), expected.X.toarray()[:, columns], rtol=1e-5)


def test_genes_are_those_that_all_objects_have_in_the_order_of_the_first(counts, expected):
    other = counts[:10, ::-3].copy()
    shared = to_shared_expression({"real": counts, "generated": other}, KEY)
    assert shared.genes.tolist() == [gene for gene in counts.var_names if gene in set(other.var_names)]
    kept = expected[:, shared.genes].X.toarray()
    np.testing.assert_allclose(shared.values["real"].toarray(), kept, rtol=1e-5)
    assert shared.values["generated"].shape == (10, other.n_vars)
    assert str(shared) == f"log1p expression of {other.n_vars:,} shared genes"


def test_a_layer_has_the_unit_of_its_object(expected):
    predicted = expected.copy()
    predicted.X = predicted.X / np.log(10)
    predicted.uns["log1p"] = {"base": 10, "target_sum": 1e4}
    predicted.layers["control"] = predicted.X * 2
    shared = to_shared_expression({"generated": predicted}, KEY, {"own": ("generated", "control")})
    np.testing.assert_allclose(shared.values["own"].toarray(), 2 * expected.X.toarray(), rtol=1e-4)


def test_components_are_those_of_cells_that_are_not_compared(counts):
    settings = {"sentence_key": KEY, "n_components": 5, "seed": 0}
    found = project_expression(counts, counts[:10], None, np.arange(30), **settings)
    expected = project_expression(counts, counts[:10], counts[30:], np.arange(30), **settings)
    np.testing.assert_allclose(found.real, expected.real)
    np.testing.assert_allclose(found.generated, found.real[:10])


def test_what_has_no_unit_is_refused_with_what_to_write(expected):
    part = expected[:, ::7].copy()
    with pytest.raises(ValueError, match=r"unit of X of the real cells is unknown.*'target_sum': 1e4"):
        values(part)
    part.uns["log1p"] = {"base": None, "target_sum": 1e4}
    np.testing.assert_allclose(values(part), part.X.toarray(), rtol=1e-5)


def test_negative_values_and_other_genes_are_refused(counts):
    scaled = ad.AnnData(np.full((3, 2), -1.0))
    with pytest.raises(ValueError, match="X of the real cells has negative, infinite or missing values"):
        values(scaled)
    predicted = counts.copy()
    predicted.layers["control"] = sparse.csr_matrix(np.full(counts.shape, np.nan))
    with pytest.raises(ValueError, match="layer 'control' of the generated cells has negative"):
        to_shared_expression({"generated": predicted}, KEY, {"own": ("generated", "control")})
    other = counts.copy()
    other.var_names = [f"x{name}" for name in other.var_names]
    with pytest.raises(ValueError, match="the cells share no gene: .* against x"):
        to_shared_expression({"real": counts, "generated": other}, KEY)


def test_an_error_that_is_not_about_the_unit_is_not_called_one(counts):
    other = counts.copy()
    other.var["symbol"] = other.var_names.to_numpy(object)
    chosen = np.arange(other.n_vars) != 1
    other.var.iloc[1, other.var.columns.get_loc("symbol")] = other.var_names[0]
    sd.pp.cell_sentences(other, gene_symbols="symbol", genes=chosen, exclude=None)
    message = r"occur more than once .*make var\['symbol'\] unique .* and run sd.pp.cell_sentences again"
    with pytest.raises(ValueError, match=message):
        values(other)
