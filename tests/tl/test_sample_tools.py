"""Training on tasks of samples and gene sets, and the tools that use them."""

import pandas as pd
import pytest

import sc_duality as sd

SETS = {"interferon response": ("ISG15", "MX1", "IFI6"), "B cell markers": ("CD79A", "MS4A1", "CD79B")}

FOUR = sd.Sampling(n_samples=4)


def cells():
    adata = sd.datasets.pbmc3k()[::8].copy()
    adata.obs["sample"] = [f"s{i % 4}" for i in range(adata.n_obs)]
    adata.obs["tissue"] = adata.obs["sample"].map({"s0": "blood", "s1": "blood", "s2": "lung", "s3": "lung"})
    return adata


@pytest.mark.parametrize("completion_only_loss", [True, False])
def test_a_mixture_is_trained_and_generates_samples(tmp_path, completion_only_loss):
    pytest.importorskip("trl")
    adata = cells()
    names = [*adata.var_names[:3000], *(gene for genes in SETS.values() for gene in genes)]
    start = sd.models.new_gene_model(tmp_path / "start", names, n_genes=6, width=64, layers=1)
    sample = {"groupby": "sample", "n_cells": 3}
    tasks = {
        "cell_language_modelling": {},
        "sample_language_modelling": sample,
        "sample_by_tissue": {"truth": "tissue", **sample},
        "sample_by_cell_types": {"truth": "cell_type", **sample},
        "gene_set_enumeration": {"gene_sets": SETS},
        "gene_set_naming": {"gene_sets": SETS},
    }
    trained = sd.tl.train_sft(
        adata, start, tmp_path / "model", tasks=tasks, held_out=0, num_train_epochs=0.4, batch_size=64,
        completion_only_loss=completion_only_loss,
    )  # fmt: skip
    assert trained.history["loss"].notna().all()
    assert set(tasks) <= set(sd.models.resolve(trained.model).tasks)
    made = sd.tl.generate_samples({"a": "blood", "b": "lung"}, "sample_by_tissue", trained.model, n_cells=3)
    assert made.obs["sample"].tolist() == ["a"] * 3 + ["b"] * 3
    assert list(made.uns["sample"]["groups"]["condition"]) == ["blood", "lung"]
    made.write_h5ad(tmp_path / "made.h5ad")
    with pytest.raises(ValueError, match=r"not trained on \['skin'\]: it knows blood, lung"):
        sd.tl.generate_samples({"a": "skin"}, "sample_by_tissue", trained.model)
    found = sd.tl.name_gene_sets(SETS, trained.model, labels=["B cell markers", "markers"])
    assert found.index.tolist() == list(SETS)
    with pytest.raises(ValueError, match="writes no English"):
        sd.tl.name_gene_sets(SETS, trained.model)
    assert sd.tl.generate_gene_sets("B cell markers", trained.model, n_genes=3).index.tolist() == ["B cell markers"]
    with pytest.raises(ValueError, match="gene set 'hypoxia of Mars': .* has no token for <hypoxia>"):
        sd.tl.generate_gene_sets("hypoxia of Mars", trained.model)
    with pytest.raises(ValueError, match="has no token for"):
        sd.tl.name_gene_sets(SETS, trained.model, labels=["hypoxia of Mars", *SETS])


def test_samples_of_a_general_model(scripted_model):
    texts = ["<answer>CD79A MS4A1 | CD3E CD3E</answer>", "<answer>CD79A | CD3E | LYZ | NKG7</answer>"]
    model = scripted_model(texts, n_genes=5)
    made = sd.tl.generate_samples({"a": ["B cell", "T cell", "T cell"], "b": ["B cell"]}, "sample_by_cell_types", model)
    assert made.obs["sample_status"].tolist() == ["ok", "ok", "no genes", "wrong number of answers"]
    groups = made.uns["sample"]["groups"]
    assert groups["n_cells"].tolist() == [2, 0]
    assert groups["n_duplicate_genes"].tolist() == [1, 0]
    assert "B cell | T cell | T cell" in model.prompts[0]


def test_names_of_gene_sets(scripted_model):
    model = scripted_model(["<answer>interferon response</answer>", "<answer></answer>"])
    table = sd.tl.name_gene_sets(pd.DataFrame({"0": ["ISG15", "MX1"], "1": ["CD79A", None]}), model)
    assert table["status"].tolist() == ["ok", "empty"]
    assert table["n_genes"].tolist() == [2, 1]
    assert table.loc["0", "name"] == "interferon response"
    assert "ISG15 MX1" in model.prompts[0]


def test_genes_of_a_name(scripted_model):
    model = scripted_model(["<answer>ISG15, FOO MX1 ISG15</answer>"])
    row = sd.tl.generate_gene_sets("interferon", model, genes=["ISG15", "MX1"]).loc["interferon"]
    assert row["genes"] == ("ISG15", "MX1")
    assert (row["n_unknown_genes"], row["n_duplicate_genes"]) == (1, 1)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda model: sd.tl.generate_gene_sets([], model), "must hold the name"),
        (lambda model: sd.tl.generate_gene_sets(["a", "a"], model), "more than once"),
        (lambda model: sd.tl.generate_gene_sets("a", model, genes=[]), "must hold gene symbols"),
        (lambda model: sd.tl.name_gene_sets({}, model), "is empty"),
        (lambda model: sd.tl.name_gene_sets({"a": [None]}, model), "has no genes"),
        (lambda model: sd.tl.name_gene_sets(SETS, model, labels=["x"]), "two names or more"),
        (lambda _: sd.tl.name_gene_sets(SETS, "embedded"), "was not trained for the task"),
        (lambda model: sd.tl.generate_gene_sets("a", model, sampling=FOUR), "n_samples=4: no sample is chosen"),
        (lambda model: sd.tl.name_gene_sets(SETS, model, sampling=FOUR), "n_samples=4: no sample is chosen"),
        (
            lambda model: sd.tl.generate_samples({"a": "blood"}, "sample_by_tissue", model, sampling=FOUR),
            "n_samples=4: no sample is chosen",
        ),
        (lambda model: sd.tl.generate_samples({}, "sample_by_tissue", model), "must map names"),
        (lambda model: sd.tl.generate_samples({"a": 3}, "sample_by_tissue", model), "described by a text"),
        (lambda model: sd.tl.generate_samples({"a": "B cell"}, "sample_by_cell_types", model), "list of cell types"),
        (lambda model: sd.tl.generate_samples({"a": "blood"}, "generation", model), "does not generate samples"),
        (lambda model: sd.tl.generate_samples({"a": "x"}, "sample_by_tissue", model, n_cells=21), "at most 20"),
    ],
)
def test_bad_input_is_named(scripted_model, call, match):
    model = scripted_model(["<answer>x</answer>"])
    with pytest.raises(ValueError, match=match):
        call(model)
    assert model.prompts == []
