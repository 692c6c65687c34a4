"""Bad input of everything around annotation: an error names the value and what to do, and nothing is changed.

No model is loaded: the only model of these tests cannot be queried.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd

Call = Callable[[ad.AnnData], Any]
GENERAL = sd.models.ModelSpec("general", "nobody/nothing")


@pytest.fixture(scope="module")
def annotated() -> ad.AnnData:
    adata = sd.datasets.pbmc3k()[:40].copy()
    adata.obs["cluster"] = pd.Categorical(np.where(np.arange(40) < 20, "0", "1"))
    adata.obs["empty"] = pd.Categorical([None] * 40, categories=["a"])
    sd.pp.cell_sentences(adata)
    sd.tl.annotate(adata, labels="blood")
    sd.tl.annotate(adata, labels="blood", key_added="corrected")
    sd.tl.set_label(adata, "plasma cell", adata.obs["cluster"] == "1", key="corrected")
    return adata


def assert_same(adata: ad.AnnData, before: ad.AnnData) -> None:
    """All that a tool of annotation may write is as before."""
    pd.testing.assert_frame_equal(adata.obs, before.obs)
    assert set(adata.obsm) == set(before.obsm)
    for name, values in before.obsm.items():
        np.testing.assert_array_equal(np.asarray(adata.obsm[name]), np.asarray(values))
    assert repr(dict(adata.uns)) == repr(dict(before.uns))


CASES: dict[str, tuple[Call, type[Exception], str]] = {
    "a missing layer": (lambda a: sd.tl.annotate(a, layer="counts"), ValueError, "was written from X, not from layer"),
    "no raw": (lambda a: sd.tl.annotate(a, use_raw=True), ValueError, "was written from X, not from .raw"),
    "two matrices": (
        lambda a: sd.pp.cell_sentences(a, layer="x", use_raw=True), ValueError, "layer='x' and use_raw=True name two",
    ),
    "an unknown label": (
        lambda a: sd.tl.annotate(a, labels=["T helper 99", "B cell"]), ValueError, r"does not know .*\['T helper 99'\]",
    ),
    "one label twice": (
        lambda a: sd.tl.annotate(a, labels=["NK", "natural killer cell", "B cell"]),
        ValueError, r"labels \['NK', 'natural killer cell'\] all mean",
    ),
    "a coarse label with nothing left": (
        lambda a: sd.tl.annotate(a, labels=["monocyte", "classical monocyte", "non-classical monocyte"]),
        ValueError, "the label 'monocyte' stands for .*, which are all labels of their own",
    ),
    "context as a text": (lambda a: sd.tl.annotate(a, context="blood"), TypeError, "'blood'"),
    "context with a list": (
        lambda a: sd.tl.annotate(a, context={"tissue": ["blood"]}), ValueError, "a text for each name",
    ),
    "a cluster column without values": (
        lambda a: sd.tl.annotate(a, GENERAL, groupby="empty", labels=["B cell", "T cell"]),
        ValueError, "names no group",
    ),
    "free names by log-likelihood": (
        lambda a: sd.tl.annotate(a, GENERAL, groupby="cluster"),
        ValueError, "method='generate' to name cell types freely",
    ),
    "votes on scored labels": (
        lambda a: sd.tl.annotate(a, groupby="cluster", sampling=sd.Sampling(n_samples=3)), ValueError, "n_samples=3",
    ),
    "labels set by hand": (
        lambda a: sd.tl.annotate(a, key_added="corrected"), ValueError, "by hand.*key_added=",
    ),
    "a correction of nothing": (
        lambda a: sd.tl.set_label(a, "B cell", a.obs["cluster"] == "9"), ValueError, "no cell",
    ),
    "a mask of another length": (
        lambda a: sd.tl.set_label(a, "B cell", [True, False]), ValueError, "where has 2 values, and adata has 40 cells",
    ),
    "a correction of no result": (
        lambda a: sd.tl.set_label(a, "B cell", a.obs["cluster"] == "0", key="leiden"), KeyError, "leiden",
    ),
    "votes above one": (lambda a: sd.tl.majority_vote(a, min_share=1.5), ValueError, "min_share=1.5"),
    "votes in no column": (lambda a: sd.tl.majority_vote(a, groupby="leiden"), KeyError, "groupby='leiden'"),
    "an explanation of nothing": (lambda a: sd.tl.explain(a, "leiden"), KeyError, "leiden"),
    "an explanation by no column": (lambda a: sd.tl.explain(a, groupby="leiden"), KeyError, "groupby='leiden'"),
    "evidence that was not computed": (lambda a: sd.get.evidence(a), KeyError, "sd.tl.explain"),
    "answers of scored labels": (lambda a: sd.get.answers(a), KeyError, "generate"),
    "a summary of no column": (lambda a: sd.get.summary(a, groupby="leiden"), KeyError, "groupby='leiden'"),
    "no column of own labels": (
        lambda a: sd.tl.add_reference_cells(a, "my_type"), KeyError, "truth='my_type' is not an obs column",
    ),
    "own labels that are all missing": (
        lambda a: sd.tl.add_reference_cells(a, "empty"), ValueError, "no cell is labelled",
    ),
    "a model that reads no gene": (lambda _: sd.models.load("embedded", n_genes=0), ValueError, "n_genes .* got 0"),
    "a provider's model": (lambda a: sd.tl.annotate(a, "gpt-4.1-mini"), ValueError, "'openai:gpt-4.1-mini'"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_error_says_what_to_do(annotated: ad.AnnData, name: str) -> None:
    call, error, message = CASES[name]
    adata = annotated.copy()
    with pytest.raises(error, match=message):
        call(adata)
    assert_same(adata, annotated)


@pytest.mark.parametrize(
    ("name", "message"),
    [("report.txt", "html"), ("missing/report.html", "missing"), ("mine.html", "report")],
)
def test_a_report_is_written_over_reports_only(annotated: ad.AnnData, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "mine.html").write_text("<p>mine</p>")
    with pytest.raises((ValueError, OSError), match=message):
        sd.io.write_report(annotated, tmp_path / name)
    assert (tmp_path / "mine.html").read_text() == "<p>mine</p>"
