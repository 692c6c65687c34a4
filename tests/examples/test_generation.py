"""Examples of cell generation: what a model knows of it."""

from dataclasses import replace

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.examples import ModelCells, build
from sc_duality.tasks import Generation

SPEC = sd.models.resolve("embedded")


@pytest.fixture(scope="module")
def adata():
    adata = sd.datasets.pbmc3k()[::10].copy()
    adata.obs["tissue"] = "blood"
    adata.obs["some"] = adata.obs["cell_type"].astype(str).where(adata.obs["cell_type"].isin(["B cells", "NK cells"]))
    return adata


def builder(adata, spec, **task):
    return build(Generation(**task), ModelCells(adata, spec, context=["tissue"]))


def test_a_model_knows_the_types_and_tissues_that_it_learned_to_generate(adata):
    new = replace(SPEC, tasks=(), knows={name: of for name, of in SPEC.knows.items() if name != "generation"})
    learned = {"labels": ["B cell", "natural killer cell"], "tissues": ["blood"]}
    assert builder(adata, new, truth="some").knowledge() == learned
    further = replace(new, tasks=("generation",), knows={**new.knows, "generation": {"labels": ["B cell"]}})
    assert builder(adata, further, truth="some").knowledge() == learned


def test_a_model_that_does_not_say_what_it_generates_still_does_not(adata):
    silent = replace(SPEC, tasks=("generation",)).without("generation", "labels")
    assert builder(adata, silent, truth="some").knowledge() == {}
    assert builder(adata, sd.models.resolve("HuggingFaceTB/SmolLM2-135M"), truth="some").knowledge() == {}


def test_only_learned_types_are_generated_without_labels(adata):
    knows = {**SPEC.knows, "generation": {"labels": ["B cell", "natural killer cell"]}}
    assert list(builder(adata, replace(SPEC, knows=knows)).labels) == ["B cell", "natural killer cell"]


@pytest.mark.parametrize(
    ("labels", "tissues", "error"),
    [
        (["B cell"], ["blood"], "did not learn to generate NK cells: leave them out; it generates B cell"),
        (["B cell", "natural killer cell"], ["lung"], "the tissue 'blood', and it knows lung: leave the tissue out"),
    ],
)
def test_alignment_is_refused_for_what_was_not_learned(adata, labels, tissues, error):
    spec = replace(SPEC, knows={**SPEC.knows, "generation": {"labels": labels, "tissues": tissues}})
    with pytest.raises(ValueError, match=error):
        builder(adata, spec, labels=["B cells", "NK cells"]).unlabelled(4, np.random.default_rng(0))


def test_learned_types_are_aligned(adata):
    found = builder(adata, SPEC, labels=["B cells", "NK cells"]).unlabelled(4, np.random.default_rng(0))
    assert {one.example.cell_type for one in found} == {"B cell", "natural killer cell"}
