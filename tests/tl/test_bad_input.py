"""Every input that cannot be used is refused by name, with the mend, before a model is loaded."""

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd


@pytest.fixture(autouse=True)
def no_model_may_be_loaded(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("sc_duality.models.TransformersModel.__init__", fail)


def renamed(adata, names):
    return ad.AnnData(adata.X, obs=adata.obs[["cell_type"]].copy(), var=pd.DataFrame(index=names))


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"model": "no-such-model"}, ValueError, "see sd.models.available"),
        ({"model": 3}, TypeError, "not int"),
        ({"labels": ["B cell", "unicorn cell"]}, ValueError, r"does not know the labels \['unicorn cell'\]"),
        ({"labels": ["B cell", "natural killer cel"]}, ValueError, "may be its 'natural killer cell'"),
        ({"labels": ["B cell", "B cells"]}, ValueError, "all mean the model's 'B cell'"),
        ({"labels": ["B cell", "b  cell"]}, ValueError, "differ only in case or spacing"),
        ({"labels": ["B cell"]}, ValueError, "at least two labels"),
        ({"labels": "moon"}, ValueError, "neither an obs column .* nor a label set .*pancreas"),
        ({"model": "smollm2-135m"}, ValueError, "no labels of its own: pass labels="),
        ({"method": "guess"}, ValueError, "'score', 'generate' or 'choose', not 'guess'"),
        ({"groupby": "leiden"}, KeyError, "groupby='leiden' is no obs column; there are cell_type"),
        ({"unknown": 1.5}, ValueError, "between 0 and 1, not 1.5"),
        ({"unknown": 0.5, "method": "generate"}, ValueError, "needs a confidence"),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer, got 0"),
        ({"temperature": -1}, ValueError, "temperature must not be negative"),
        ({"max_tokens": 0}, ValueError, "max_tokens must be at least 1"),
        ({"key": "other"}, KeyError, r"run sd.pp.cell_sentences\(adata, key_added='other'\) first"),
        ({"rng": -1}, ValueError, "rng must be a non-negative integer"),
        ({"best_of": 0}, ValueError, "best_of must be a positive integer, got 0"),
        ({"best_of": 2.0}, ValueError, "best_of must be a positive integer, got 2.0"),
        ({"best_of": 2, "groupby": "cell_type"}, ValueError, "groupby= one for a cluster: pass one"),
        ({"best_of": 2, "method": "generate"}, ValueError, "would write 2 times the same: pass temperature="),
        ({"context": ["donor"]}, KeyError, r"context names no obs columns: \['donor'\]; there are cell_type"),
        ({"context": "cell_type"}, TypeError, "list of obs columns, got the string 'cell_type'"),
    ],
)
def test_arguments(cells, how, error, message):
    before = cells.copy()
    with pytest.raises(error, match=message):
        sd.tl.annotate(cells, **how)
    assert set(cells.obs) == set(before.obs)
    assert set(cells.obsm) == set(before.obsm)


def test_scaled_expression(cells):
    cells = ad.AnnData(cells.X.toarray() - 1.0, obs=cells.obs, var=cells.var)
    with pytest.raises(ValueError, match="negative"):
        sd.tl.annotate(cells)
    assert not cells.obsm


def test_scaled_expression_with_raw_says_to_use_it():
    with pytest.raises(ValueError, match="use_raw=True"):
        sd.tl.annotate(sd.datasets.pbmc68k_reduced())


def test_missing_values(cells):
    X = cells.X.toarray().astype(float)
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="1 NaN"):
        sd.tl.annotate(ad.AnnData(X, obs=cells.obs, var=cells.var))


def test_ensembl_ids_of_another_species(cells):
    with pytest.raises(ValueError, match="Ensembl"):
        sd.tl.annotate(renamed(cells, [f"ENSMUSG{i:011d}" for i in range(cells.n_vars)]))


def test_genes_of_another_species(cells):
    with pytest.raises(ValueError, match="reads human gene symbols and does not know, for example"):
        sd.tl.annotate(renamed(cells, [name.capitalize() for name in cells.var_names]))


def test_duplicated_genes(cells):
    names = cells.var_names.tolist()
    with pytest.raises(ValueError, match="var_names_make_unique"):
        sd.tl.annotate(renamed(cells, [names[0], *names[:-1]]))


def test_empty_objects(cells):
    for empty in (cells[:0].copy(), cells[:, :0].copy()):
        with pytest.raises(ValueError, match="the AnnData is empty"):
            sd.tl.annotate(empty)


def test_not_an_anndata():
    with pytest.raises(TypeError, match="expected an AnnData or a MuData, got ndarray"):
        sd.tl.annotate(np.zeros((3, 3)))


def test_missing_modality(cells):
    with pytest.raises(KeyError, match="no modality 'rna'"):
        sd.tl.annotate(md.MuData({"gex": cells}))


def test_sentences_that_lost_their_vocabulary(cells):
    with pytest.raises(KeyError, match="uns_merge"):
        sd.tl.annotate(ad.concat([cells[:5], cells[5:]]))


def test_embed_refuses_the_same(cells):
    with pytest.raises(ValueError, match="see sd.models.available"):
        sd.tl.embed(cells, "no-such-model")
    with pytest.raises(ValueError, match="use_raw=True"):
        sd.tl.embed(sd.datasets.pbmc68k_reduced())


@pytest.fixture
def answered(cells, parrot):
    sd.tl.annotate(cells, parrot(scores=[[0.0, 1.0]]), labels=["B cell", "natural killer cell"])
    return cells


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"key": "other"}, KeyError, r"no answers 'other': run sd.tl.annotate\(adata, key_added='other'\) first"),
        ({"key": "cell_type"}, KeyError, r"does not say how .* came about: only answers of"),
        ({"model": "no-such-model"}, ValueError, "see sd.models.available"),
        ({"form": "guess"}, ValueError, "posterior, likelihood, sample, not 'guess'"),
        ({"given": "nothing"}, ValueError, "'label' or 'observed', not 'nothing'"),
        ({"hidden_fraction": 0}, ValueError, "above 0 and at most 1, not 0"),
        ({"hidden_fraction": 1.5}, ValueError, "above 0 and at most 1, not 1.5"),
        ({"draws": 0}, ValueError, "draws must be a positive integer, not 0"),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer, got 0"),
        ({"sentence_key": "other"}, KeyError, r"no cell sentences in obsm\['other'\]"),
        ({"rng": -1}, ValueError, "rng must be a non-negative integer"),
        ({"mod": "gex", "key": "other"}, KeyError, "no answers 'other'"),
    ],
)
def test_duality_arguments(answered, how, error, message):
    before = set(answered.obs)
    with pytest.raises(error, match=message):
        sd.tl.duality(answered, **how)
    assert set(answered.obs) == before


def test_judge_that_does_not_know_a_label(cells, parrot):
    sd.tl.annotate(cells, parrot(scores=[[0.0, 1.0]]), labels=["B cell", "unicorn cell"])
    with pytest.raises(ValueError, match=r"'embedded' does not know the labels \['unicorn cell'\]"):
        sd.tl.duality(cells)


def test_judge_that_was_not_made_for_the_task(answered, parrot):
    with pytest.raises(ValueError, match="'parrot' does no annotation, only generation: pass another one"):
        sd.tl.duality(answered, model=parrot(tasks=["generation"]))
    with pytest.raises(ValueError, match="does no annotation, only generation"):
        sd.tl.annotate(answered, parrot(tasks=["generation"]), labels=["a", "b"])


def test_answers_without_their_sentences(answered):
    del answered.obsm["cell_sentence"]
    with pytest.raises(KeyError, match="no cell sentences"):
        sd.tl.duality(answered)


def test_answers_that_lost_how_they_were_made(answered):
    with pytest.raises(KeyError, match='uns_merge="same"'):
        sd.tl.duality(ad.concat([answered[:5], answered[5:]], merge="same"))


def test_answers_that_were_renamed(answered):
    answered.obs["annotation"] = answered.obs["annotation"].cat.rename_categories({"natural killer cell": "NK"})
    with pytest.raises(ValueError, match=r"holds answers \['NK'\] that were not to choose from"):
        sd.tl.duality(answered)


@pytest.mark.parametrize("drug", ["", "  ", None])
def test_sensitivity_to_no_drug(cells, parrot, drug):
    with pytest.raises(ValueError, match="drug must be a name, such as 'erlotinib'"):
        sd.tl.sensitivity(cells, drug, parrot())


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"labels": "moon"}, "labels='moon' is no obs column; there are cell_type"),
        ({"labels": ["treated", "untreate"]}, "may be its 'untreated'"),
        ({"labels": ["treated"]}, "at least two labels"),
        ({"drug": "aspirin"}, "does not know the drug 'aspirin'; it knows panobinostat"),
    ],
)
def test_sensitivity_arguments(cells, parrot, how, message):
    model = parrot(knows={"sensitivity": {"drugs": {"panobinostat": ["treated", "untreated"]}}})
    with pytest.raises(ValueError, match=message):
        sd.tl.sensitivity(cells, **{"drug": "panobinostat", "model": model, **how})


def test_sensitivity_of_a_model_that_was_not_made_for_it(cells, parrot):
    with pytest.raises(ValueError, match="'parrot' does no sensitivity, only annotation"):
        sd.tl.sensitivity(cells, "erlotinib", parrot(tasks=["annotation"]))


def test_what_has_to_be_known_of_a_model_is_said(cells, parrot, caplog):
    model = parrot(texts=["CD3E"], cautions={"response": "it guesses"})
    sd.tl.perturb(cells[:2].copy(), ("knockdown", "STAT1"), model)
    assert "response by the model 'parrot': it guesses" in caplog.text
    sd.tl.generate(model, {"B cell": 1, "T cell": 1})
    assert caplog.text.count("it guesses") == 1
