"""Every invalid input raises an error that says what to do, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anndata as ad
import mudata as md
import numpy as np
import pytest
import scanpy as sc
from scipy import sparse

import sc_duality as sd


def with_value(counts: ad.AnnData, value: float) -> ad.AnnData:
    X = counts.X.toarray()
    X[0, 0] = X[1, 1] = value
    counts.X = sparse.csr_matrix(X)
    return counts


def with_names(counts: ad.AnnData, name: Callable[[int], str], column: str | None = None) -> ad.AnnData:
    names = [name(i) for i in range(counts.n_vars)]
    if column is None:
        counts.var_names = names
    else:
        counts.var[column] = names
    return counts


def check_error(adata: Any, error: type[Exception], message: str, **arguments: Any) -> None:
    with pytest.raises(error, match=message):
        sd.pp.cell_sentences(adata, **arguments)
    if isinstance(adata, ad.AnnData):
        assert not adata.obsm
        assert not adata.uns


def test_no_cells(counts: ad.AnnData) -> None:
    check_error(counts[:0].copy(), ValueError, "the AnnData is empty: 0 cells × 120 genes")


def test_no_genes(counts: ad.AnnData) -> None:
    check_error(counts[:, :0].copy(), ValueError, "the AnnData is empty: 60 cells × 0 genes")


def test_not_an_anndata(counts: ad.AnnData) -> None:
    check_error(counts.X, TypeError, "expected an AnnData or a MuData, got csr_matrix")


@pytest.mark.filterwarnings("ignore::FutureWarning:mudata")
def test_unknown_modality(counts: ad.AnnData) -> None:
    check_error(md.MuData({"gex": counts}), KeyError, r"no modality 'rna'; it has \['gex'\]: pass mod=")


@pytest.mark.parametrize("n_genes", [0, -3, 2.0, "200", True])
def test_invalid_length(counts: ad.AnnData, n_genes: Any) -> None:
    check_error(counts, ValueError, "n_genes must be a positive integer", n_genes=n_genes)


def test_more_genes_than_the_vocabulary(counts: ad.AnnData) -> None:
    check_error(counts, ValueError, "n_genes=200, but only 113 genes may enter: pass 113 or less", n_genes=200)


def test_unknown_layer(counts: ad.AnnData) -> None:
    check_error(counts, KeyError, "no layer 'counts'; there are no layers", layer="counts")
    counts.layers["spliced"] = counts.X
    check_error(counts, KeyError, r"no layer 'counts'; layers are \['spliced'\]", layer="counts")


def test_no_raw(counts: ad.AnnData) -> None:
    check_error(counts, ValueError, "use_raw=True, but the AnnData has no .raw", use_raw=True)


def test_layer_and_raw(counts: ad.AnnData) -> None:
    counts.layers["counts"] = counts.X
    counts.raw = counts.copy()
    check_error(counts, ValueError, "layer='counts' and use_raw=True name two", layer="counts", use_raw=True)


def test_no_matrix(counts: ad.AnnData) -> None:
    counts.layers["counts"] = counts.X
    counts.X = None
    check_error(counts, ValueError, r"no X; layers are \['counts'\]: pass layer='counts'$", use_raw=False)


def test_no_matrix_but_raw(counts: ad.AnnData) -> None:
    counts.raw = counts.copy()
    counts.X = None
    check_error(counts, ValueError, "no X; there are no layers: pass use_raw=True$", use_raw=False)
    counts.raw = None
    check_error(counts, ValueError, "no X; there are no layers and there is no .raw$")


def test_the_advice_of_a_tool_can_be_followed(counts: ad.AnnData) -> None:
    counts.layers["counts"] = counts.X.copy()
    counts.X = counts.X.toarray() - 1
    with pytest.raises(ValueError, match="pass layer='counts'$"):
        sd.tl.embed(counts, use_raw=False)


@pytest.mark.parametrize("dtype", [np.complex64, np.clongdouble])
def test_complex_numbers(counts: ad.AnnData, dtype: type) -> None:
    counts.X = counts.X.toarray().astype(dtype)
    check_error(counts, TypeError, "expression must be real numbers of at most 64 bits, got dtype complex")


def test_unknown_genes(counts: ad.AnnData) -> None:
    check_error(counts, KeyError, "2 of the names in genes= are not .*: CD4, Foxp3", genes=["LYZ", "Foxp3", "CD4"])


def test_genes_as_one_string(counts: ad.AnnData) -> None:
    check_error(
        counts, TypeError, "genes must be a mask over var or a list of names, got the string 'LYZ'", genes="LYZ"
    )


def test_mask_of_another_length(counts: ad.AnnData) -> None:
    check_error(counts, ValueError, "the mask genes= has 3 values, but there are 120", genes=[True, False, True])


def test_no_gene_is_left(counts: ad.AnnData) -> None:
    check_error(counts, ValueError, "no gene is left: .* exclude='housekeeping'", genes=["MT-CO1", "RPL3"])
    check_error(counts, ValueError, "no gene is left", genes=[])


def test_invalid_pattern(counts: ad.AnnData) -> None:
    check_error(counts, ValueError, r"exclude='\(MT-' is not a valid regular expression", exclude="(MT-")


def test_unknown_symbols(counts: ad.AnnData) -> None:
    counts.var["feature_name"] = counts.var_names
    check_error(counts, KeyError, r"'symbol' is not a column of var; it has \['feature_name'\]", gene_symbols="symbol")


@pytest.mark.filterwarnings("ignore:Variable names are not unique:UserWarning")
def test_duplicate_gene_names(counts: ad.AnnData) -> None:
    adata = with_names(counts, lambda i: f"GENE{i % 118}")
    check_error(
        adata, ValueError, r"2 gene names occur more than once \(GENE0, GENE1\): call adata.var_names_make_unique"
    )
    for name in ("ENSG00000105369", "GRCh38_CD79A"):  # of two equal names only one becomes a symbol
        adata = with_names(counts, lambda i, name=name: name if i < 2 else f"GENE{i}")
        check_error(adata, ValueError, rf"1 gene names occur more than once \({name}\)")


def test_duplicate_symbols(counts: ad.AnnData) -> None:
    adata = with_names(counts, lambda i: f"GENE{i % 119}", "symbol")
    check_error(adata, ValueError, r"GENE0.*make var\['symbol'\] unique", gene_symbols="symbol")


@pytest.mark.filterwarnings("ignore:Variable names are not unique:UserWarning")
def test_duplicate_names_of_excluded_genes(counts: ad.AnnData) -> None:
    adata = with_names(counts, lambda i: "MT-CO1" if i < 5 else f"GENE{i}")
    sd.pp.cell_sentences(adata)
    assert len(adata.uns["cell_sentence"]["genes"]) == 115


@pytest.mark.parametrize("name", ["ENSG99{:09}", "ENSMUSG{:011}", "ENSG99{:09}.7"])
def test_unknown_and_non_human_ensembl_ids(counts: ad.AnnData, name: str) -> None:
    adata = with_names(counts, name.format)
    check_error(adata, ValueError, "120 of 120 gene names are Ensembl ids .* put symbols into a column of var")
    adata.var["gene_name"] = "CD3E"
    check_error(adata, ValueError, "pass gene_symbols='gene_name'")


def test_negative_values(counts: ad.AnnData) -> None:
    check_error(
        with_value(counts, -2.0),
        ValueError,
        "X holds 2 negative values and cannot be ranked .*looks scaled.*; no other layer and no .raw has usable values",
    )


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "NaN"), (np.inf, "infinite")])
def test_nan_and_infinite_values(counts: ad.AnnData, value: float, kind: str) -> None:
    check_error(with_value(counts, value), ValueError, f"X holds 2 {kind} values and cannot be ranked; ")


def test_the_error_names_usable_matrices(counts: ad.AnnData) -> None:
    counts.layers["counts"] = counts.X.copy()
    counts.layers["scaled"] = counts.X * -1
    counts.raw = counts.copy()
    with_value(counts, -1.0)
    message = "other values can be ranked: pass use_raw=True or layer='counts'$"
    check_error(counts, ValueError, f"X holds 2 negative .*{message}", use_raw=False)
    check_error(counts, ValueError, f"layer 'scaled' holds .*{message}", layer="scaled")
    counts.X = sparse.csr_matrix(np.abs(counts.X))
    counts.raw = None
    check_error(counts, ValueError, "pass use_raw=False or layer='counts'$", layer="scaled")


def test_scaled_cells_of_scanpy() -> None:
    adata = sc.datasets.pbmc68k_reduced()
    with pytest.raises(ValueError, match="X holds 397164 negative values .*looks scaled.*: pass use_raw=True$"):
        sd.pp.cell_sentences(adata, use_raw=False)
    assert "cell_sentence" not in adata.obsm
    sd.pp.cell_sentences(adata)
    assert adata.uns["cell_sentence"]["params"]["use_raw"]
    assert adata.obsm["cell_sentence"].shape == (700, 200)
