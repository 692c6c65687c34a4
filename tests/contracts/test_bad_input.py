"""Invalid input is refused before a model is loaded, by an error with the value and what to do."""

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd


@pytest.fixture(autouse=True)
def no_model_is_loaded(monkeypatch):
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
        ({"labels": ["B cell", "natural killer cel"]}, ValueError, "choose 'natural killer cell'"),
        ({"labels": ["B cell", "B cells"]}, ValueError, "all mean the model's 'B cell'"),
        ({"labels": ["B cell", "b  cell"]}, ValueError, "differ only in case or spacing"),
        ({"labels": ["B cell"]}, ValueError, "at least two labels"),
        ({"labels": "moon"}, ValueError, "neither an obs column .* nor a label set .*pancreas"),
        ({"model": "smollm2-135m"}, ValueError, "no labels of its own: pass labels="),
        ({"method": "guess"}, ValueError, "method='guess' is not an option: choose from 'score', 'generate', 'choose'"),
        ({"groupby": "leiden"}, KeyError, "groupby='leiden' is not an obs column; there are cell_type"),
        ({"unknown": 1.5}, ValueError, "unknown=1.5 must be a probability between 0 and 1"),
        ({"unknown": 0.5, "method": "generate"}, ValueError, "needs a confidence"),
        ({"sentence_key": "other"}, KeyError, r"run sd.pp.cell_sentences\(adata, key_added='other'\) first"),
        ({"rng": -1}, ValueError, "rng must be a non-negative integer"),
        ({"sampling": sd.Sampling(n_samples=2), "groupby": "cell_type"}, ValueError, "votes on generated labels"),
        ({"context": {"tissue": None}}, ValueError, r"context=\{'tissue': None\} must hold a text"),
        ({"context": {"a/b": "liver"}}, ValueError, "a name in context='a/b' contains '/'"),
        (
            {"model": "smollm2-135m", "groupby": "cell_type"},
            ValueError,
            "or method='generate' to name cell types freely",
        ),
        (
            {"sampling": sd.Sampling(n_samples=2), "method": "generate"},
            ValueError,
            r"n_samples=2 at temperature 0 gives 2 equal samples: pass sd.Sampling\(temperature=1.0",
        ),
        ({"context": ["donor"]}, KeyError, "context='donor' is not an obs column; there are cell_type"),
        ({"context": "cell_type"}, TypeError, "list of obs columns, got the string 'cell_type'"),
    ],
)
def test_annotate_arguments(cells, how, error, message):
    before = cells.copy()
    with pytest.raises(error, match=message):
        sd.tl.annotate(cells, **how)
    assert set(cells.obs) == set(before.obs)
    assert set(cells.obsm) == set(before.obsm)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": -1}, "temperature must not be negative or infinite, got -1"),
        ({"temperature": np.inf}, "temperature must not be negative or infinite, got inf"),
        ({"top_p": 0}, r"top_p must lie in \(0, 1\], got 0"),
        ({"top_p": 2}, r"top_p must lie in \(0, 1\], got 2"),
        ({"max_tokens": 0}, "max_tokens must be at least 1 and an integer, got 0"),
        ({"n_samples": 0}, "n_samples must be at least 1 and an integer, got 0"),
        ({"n_samples": 2.0}, "n_samples must be at least 1 and an integer, got 2.0"),
        ({"n_samples": True}, "n_samples must be at least 1 and an integer, got True"),
    ],
)
def test_sampling(settings, message):
    with pytest.raises(ValueError, match=message):
        sd.Sampling(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"form": "guess"}, "form='guess' is not an option: choose from 'posterior', 'likelihood', 'sample'"),
        ({"context": "all"}, "context='all' is not an option: choose from 'label', 'observed'"),
        ({"hidden": "all"}, "hidden='all' is not an option: choose from 'random', 'beyond', 'cluster'"),
        ({"hidden_fraction": 0}, "above 0 and at most 1, got 0"),
        ({"hidden_fraction": 1.5}, "above 0 and at most 1, got 1.5"),
        ({"n_samples": 0}, "n_samples must be a positive integer, got 0"),
        ({"hidden": "cluster"}, "belong together"),
        ({"cluster": "leiden"}, "belong together"),
        ({"verifier": "teacher"}, "verifier must be 'reference', 'policy' or a loaded model .*got 'teacher'"),
    ],
)
def test_duality_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        sd.Duality(**settings)


def test_scaled_expression(cells):
    cells = ad.AnnData(cells.X.toarray() - 1.0, obs=cells.obs, var=cells.var)
    with pytest.raises(ValueError, match="negative"):
        sd.tl.annotate(cells)
    assert not cells.obsm


def test_scaled_expression_with_raw():
    with pytest.raises(ValueError, match="use_raw=True"):
        sd.tl.annotate(sd.datasets.pbmc68k_reduced(), use_raw=False)


def test_missing_values(cells):
    X = cells.X.toarray().astype(float)
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="1 NaN"):
        sd.tl.annotate(ad.AnnData(X, obs=cells.obs, var=cells.var))


def test_ensembl_ids_of_another_species(cells):
    with pytest.raises(ValueError, match="Ensembl"):
        sd.tl.annotate(renamed(cells, [f"ENSMUSG{i:011d}" for i in range(cells.n_vars)]))


def test_genes_of_another_species(cells):
    with pytest.raises(ValueError, match="reads human gene symbols; unknown are, for example"):
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
        sd.tl.embed(sd.datasets.pbmc68k_reduced(), use_raw=False)


@pytest.fixture
def annotated(cells, scripted_model):
    sd.tl.annotate(cells, scripted_model(scores=[[0.0, 1.0]]), labels=["B cell", "natural killer cell"])
    return cells


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"key": "other"}, KeyError, r"no predictions 'other': run sd.tl.annotate\(adata, key_added='other'\) first"),
        ({"key": "cell_type"}, KeyError, r"does not tell how .* was predicted: only results of"),
        ({"model": "no-such-model"}, ValueError, "see sd.models.available"),
        ({"sentence_key": "other"}, KeyError, "obsm has no 'other', the cell sentences that"),
        ({"rng": -1}, ValueError, "rng must be a non-negative integer"),
        ({"mod": "gex", "key": "other"}, KeyError, "no predictions 'other'"),
    ],
)
def test_duality_arguments(annotated, how, error, message):
    before = set(annotated.obs)
    with pytest.raises(error, match=message):
        sd.tl.duality(annotated, **how)
    assert set(annotated.obs) == before


def test_duality_by_a_model_that_does_not_know_a_label(cells, scripted_model):
    sd.tl.annotate(cells, scripted_model(scores=[[0.0, 1.0]]), labels=["B cell", "unicorn cell"])
    with pytest.raises(ValueError, match=r"'embedded' does not know the labels \['unicorn cell'\]"):
        sd.tl.duality(cells)


def test_a_model_that_was_not_trained_for_the_task(annotated, scripted_model):
    with pytest.raises(
        ValueError,
        match="'scripted' was not trained .* 'annotation', only for generation: pass another",
    ):
        sd.tl.duality(annotated, model=scripted_model(tasks=["generation"]))
    with pytest.raises(ValueError, match="not trained for the task 'annotation', only for generation"):
        sd.tl.annotate(annotated, scripted_model(tasks=["generation"]), labels=["a", "b"])


def test_predictions_without_their_sentences(annotated):
    del annotated.obsm["cell_sentence"]
    with pytest.raises(KeyError, match="obsm has no 'cell_sentence', the cell sentences that .* was predicted from"):
        sd.tl.duality(annotated)


def test_predictions_without_their_params(annotated):
    with pytest.raises(KeyError, match='uns_merge="same"'):
        sd.tl.duality(ad.concat([annotated[:5], annotated[5:]], merge="same"))


def test_predictions_that_were_renamed(annotated):
    annotated.obs["annotation"] = annotated.obs["annotation"].cat.rename_categories({"natural killer cell": "NK"})
    with pytest.raises(ValueError, match=r"holds \['NK'\], which were not among the options: keep the names"):
        sd.tl.duality(annotated)


@pytest.mark.parametrize("drug", ["", "  ", None])
def test_sensitivity_without_a_drug(cells, scripted_model, drug):
    with pytest.raises(ValueError, match="drug must be a name, such as 'erlotinib'"):
        sd.tl.sensitivity(cells, drug, scripted_model())


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"labels": "moon"}, "labels='moon' is neither an obs column .cell_type. nor a label set"),
        ({"labels": ["treated", "untreate"]}, "choose 'untreated'"),
        ({"labels": ["treated"]}, "at least two labels"),
        ({"drug": "aspirin"}, "does not know the drug 'aspirin'; it knows panobinostat"),
    ],
)
def test_sensitivity_arguments(cells, scripted_model, how, message):
    model = scripted_model(knows={"sensitivity": {"drugs": {"panobinostat": ["treated", "untreated"]}}})
    with pytest.raises(ValueError, match=message):
        sd.tl.sensitivity(cells, **{"drug": "panobinostat", "model": model, **how})


def test_sensitivity_by_a_model_that_was_not_trained_for_it(cells, scripted_model):
    with pytest.raises(ValueError, match="'scripted' was not trained for the task 'sensitivity', only for annotation"):
        sd.tl.sensitivity(cells, "erlotinib", scripted_model(tasks=["annotation"]))


def test_cautions_of_a_model_are_logged(cells, scripted_model, caplog):
    model = scripted_model(texts=["CD3E"], cautions={"response": "few perturbations"})
    sd.tl.perturb(cells[:2].copy(), ("knockdown", "STAT1"), model)
    assert "response by the model 'scripted': few perturbations" in caplog.text
    sd.tl.generate({"B cell": 1, "T cell": 1}, model)
    assert caplog.text.count("few perturbations") == 1
