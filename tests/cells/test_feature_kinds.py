"""Features that are not genes never enter a sentence."""

from __future__ import annotations

import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import sc_duality as sd
from sc_duality.cells import default_sentences
from sc_duality.cells._feature_kinds import feature_kinds
from tests.cells.test_gene_symbols import EVERY

PROTEINS = ["CD3", "CD4", "CD19"]


def with_features(counts: ad.AnnData, names: list[str], **var: list[str]) -> ad.AnnData:
    """The cells with features of high counts after the genes, and columns of ``var``."""
    X = sparse.hstack([counts.X, np.full((counts.n_obs, len(names)), 500.0)], format="csr")
    adata = ad.AnnData(X, counts.obs.copy(), pd.DataFrame(index=[*counts.var_names, *names]))
    for column, values in var.items():
        adata.var[column] = values
    return adata


@pytest.mark.parametrize("column", ["feature_types", "feature_type", "featuretype", "Feature.Type", "modality", "Type"])
@pytest.mark.parametrize(
    ("gene", "kind"),
    [
        ("Gene Expression", "Antibody Capture"),
        ("Gene Expression", "CRISPR Guide Capture"),
        ("Gene Expression", "Multiplexing Capture"),
        ("gene_expression", "antibody_capture"),
        ("RNA", "Protein"),
        ("rna", "HTO"),
        ("GEX", "Peaks"),
        ("protein_coding", "spike-in"),
        (None, "ADT"),
    ],
)
def test_only_genes_enter(counts: ad.AnnData, column: str, gene: str | None, kind: str) -> None:
    expected = default_sentences(counts)
    adata = with_features(counts, PROTEINS, **{column: [gene] * counts.n_vars + [kind] * 3})
    found = default_sentences(adata)
    assert found.genes.tolist() == expected.genes.tolist()
    assert found.gene_lists() == expected.gene_lists()
    adata.var[column] = adata.var[column].astype("category")
    assert default_sentences(adata).gene_lists() == expected.gene_lists()


def test_biotypes_are_genes(counts: ad.AnnData) -> None:
    expected = default_sentences(counts).gene_lists()
    biotypes = ["protein_coding", "lncRNA", "IG_C_gene", "guide_RNA", "TR_V_pseudogene", "misc_RNA", "antisense", "TEC"]
    counts.var["feature_type"] = (biotypes * counts.n_vars)[: counts.n_vars]
    assert default_sentences(counts).gene_lists() == expected


def test_what_is_left_out_is_logged(counts: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    kinds = ["Gene Expression"] * counts.n_vars + ["Antibody Capture"] * 3
    with caplog.at_level(logging.INFO, "sc_duality"):
        default_sentences(with_features(counts, [*PROTEINS, "HTO_1"], feature_types=[*kinds, "Gene Expression"]))
    (message,) = [text for text in caplog.messages if "not genes" in text]
    assert message == "left out features that are not genes: 3 Antibody Capture (CD3, CD4, CD19), 1 hashtag (HTO_1)"


@pytest.mark.parametrize(
    "name",
    [
        "ADT_CD3",
        "adt-CD3",
        "prot_CD3",
        "prot:CD3",
        "CD3_TotalSeqB",
        "CD3-TotalSeqC",
        "CD3|CD3E|AHS0231|pAbO",
        "HTO_1",
        "Hashtag-2",
        "chr1:100-2000",
        "chrX-100-2000",
        "NegControlProbe_00042",
        "ERCC-00002",
    ],
)
def test_names_that_no_gene_has(counts: ad.AnnData, name: str) -> None:
    assert name not in default_sentences(with_features(counts, [name])).genes


def test_names_of_genes_are_names_of_genes(counts: ad.AnnData) -> None:
    names = np.array([*EVERY, *(name.capitalize() for name in EVERY), "H2-Ab1", "RP11-34P13.7", "AC012345.1"], object)
    assert names[feature_kinds(counts, names) != ""].tolist() == []


def test_a_modality_without_genes_is_refused(counts: ad.AnnData) -> None:
    counts.var["feature_types"] = "Antibody Capture"
    with pytest.raises(ValueError, match=r"no gene is left: .* 120 Antibody Capture \(CD79A, .*MuData, .* as mod="):
        sd.pp.cell_sentences(counts)
    assert not counts.obsm


def test_totals_are_those_of_genes(counts: ad.AnnData) -> None:
    adata = with_features(
        counts, PROTEINS, feature_types=["Gene Expression"] * counts.n_vars + ["Antibody Capture"] * 3
    )
    for each in (counts, adata):
        sd.pp.cell_sentences(each)
        sd.pp.fit_expression(each)
    assert adata.uns["cell_sentence"]["expression_model"] == pytest.approx(
        counts.uns["cell_sentence"]["expression_model"]
    )
