"""Generation: prompts, how completions become cells, and what is written."""

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd

LINE = {"slope": -0.5, "intercept": 2.0}


@pytest.fixture(scope="module")
def blood():
    """Cells that the embedded model generates."""
    return sd.tl.generate({"B cell": 3, "NK cells": 2}, tissue="blood", n_genes=20)


def answer(*genes):
    return f"<answer>{' '.join(genes)}</answer>"


def test_cells_come_in_the_order_of_counts(scripted_model):
    model = scripted_model(texts=[answer("CD79A", "MS4A1")])
    found = sd.tl.generate({"B cell": 2, "NK cell": 1}, model)
    assert found.obs_names.tolist() == ["B cell 0", "B cell 1", "NK cell 0"]
    assert found.obs["cell_type"].tolist() == ["B cell", "B cell", "NK cell"]
    assert found.obs["cell_type"].cat.categories.tolist() == ["B cell", "NK cell"]
    assert ["in a single B cell, measured" in prompt for prompt in model.prompts] == [True, True, False]


def test_completions_become_cells_or_have_a_reason(scripted_model, cells):
    texts = [answer("LYZ", "CD79A", "LYZ", "WHAT"), "LYZ", answer("WHAT"), answer("CD79A LYZ " * 30)]
    found = sd.tl.generate({"B cell": 4}, scripted_model(texts=texts), like=cells, n_genes=2)
    assert sd.get.cell_sentences(found).tolist() == ["LYZ CD79A", "", "", "CD79A LYZ"]
    assert found.obs["cell_type_status"].tolist() == ["ok", "no answer tag", "no known gene", "ok"]
    assert found.obs["cell_type_n_unknown_genes"].tolist() == [1, 0, 0, 0]
    assert found.obs["cell_type_n_duplicate_genes"].tolist() == [1, 0, 0, 58]
    assert found.obsm["cell_sentence"].shape == (4, 2)


def test_expression_follows_the_line_of_like(scripted_model, cells):
    sd.pp.fit_expression(cells)
    fit = cells.uns["cell_sentence"]["expression_model"]
    found = sd.tl.generate(
        {"B cell": 1}, scripted_model(texts=[answer("LYZ", "CD79A")], expression_model=LINE), like=cells
    )
    row = found[:, ["LYZ", "CD79A"]].X.toarray()[0]
    np.testing.assert_allclose(row, [fit["intercept"], fit["intercept"] + fit["slope"] * np.log10(2)], rtol=1e-6)
    assert found.X.dtype == np.float32
    assert found.X.nnz == 2
    assert found.var_names.equals(cells.var_names)
    assert found.uns["log1p"] == {"base": 10, "target_sum": 1e4}


def test_expression_follows_the_models_own_line_without_a_fit(scripted_model, cells):
    model = scripted_model(texts=[answer("LYZ", "CD79A")], expression_model=LINE)
    for like in (None, cells):
        found = sd.tl.generate({"B cell": 1}, model, like=like)
        np.testing.assert_allclose(found[:, ["LYZ", "CD79A"]].X.toarray()[0], 2 - 0.5 * np.log10([1, 2]), rtol=1e-6)


def test_without_a_line_there_is_no_expression(scripted_model):
    found = sd.tl.generate({"B cell": 2}, scripted_model(texts=[answer("LYZ", "CD79A"), answer("CD3E")]))
    assert found.X is None
    assert found.var_names.tolist() == ["CD3E", "CD79A", "LYZ"]
    assert sd.get.cell_sentences(found).tolist() == ["LYZ CD79A", "CD3E"]


def test_completions_without_any_gene_give_cells_without_genes(scripted_model):
    found = sd.tl.generate({"B cell": 2}, scripted_model(texts=["?"], expression_model=LINE))
    assert found.shape == (2, 0)
    assert found.obs["cell_type_status"].tolist() == ["no answer tag"] * 2


def test_gene_names_are_those_of_the_sentences_of_like(scripted_model, cells):
    ids = cells.copy()
    ids.var["symbol"] = ids.var_names
    ids.var_names = [f"ENSG{i:011d}" for i in range(ids.n_vars)]
    sd.pp.cell_sentences(ids, gene_symbols="symbol")
    found = sd.tl.generate(
        {"B cell": 1}, scripted_model(texts=[answer("LYZ", "MT-CO1")], expression_model=LINE), like=ids
    )
    assert found.obs["cell_type_n_unknown_genes"].tolist() == [1]  # these sentences have no mitochondrial genes
    assert found.var_names.equals(ids.var_names)
    assert found.var.index[found.X.indices].tolist() == ids.var.index[ids.var["symbol"] == "LYZ"].tolist()


def test_like_needs_no_sentences(scripted_model, cells):
    bare = ad.AnnData(cells.X, obs=cells.obs, var=cells.var)
    for like in (bare, md.MuData({"rna": bare})):
        found = sd.tl.generate({"B cell": 1}, scripted_model(texts=[answer("LYZ", "WHAT")]), like=like)
        assert found.var_names.equals(cells.var_names)
        assert found.obs["cell_type_n_unknown_genes"].tolist() == [1]
        assert found.X is None


def test_synonyms_are_written_as_in_counts(scripted_model):
    model = scripted_model(
        texts=[answer("LYZ")],
        knows={
            "annotation": {
                "labels": ("B cell", "natural killer cell", "fibroblast"),
                "synonyms": {"NK cells": "natural killer cell"},
            }
        },
    )
    found = sd.tl.generate({"nk Cells": 1}, model)
    assert found.obs["cell_type"].tolist() == ["nk Cells"]
    assert "natural killer cell" in model.prompts[0]
    assert found.uns["cell_type"]["params"]["options"] == ["B cell", "nk Cells", "fibroblast"]


def test_all_settings_are_kept(scripted_model):
    model = scripted_model(
        texts=[answer("LYZ")],
        knows={"annotation": {"labels": ("B cell", "T cell", "rod"), "label_sets": {"blood": ["B cell", "T cell"]}}},
    )
    sampling = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 7}
    how = {"rng": 3, "n_genes": 9}
    found = sd.tl.generate({"B cell": 1}, model, tissue="blood", sampling=sd.Sampling(**sampling), **how)
    params = found.uns["cell_type"]["params"]
    assert {name: params[name] for name in (*sampling, *how)} == {**sampling, **how}
    assert params["task"] == "generation"
    assert params["options"] == ["B cell", "T cell"]
    assert params["tissue"] == "blood"
    assert params["versions"]["sc-duality"] == sd.__version__
    used = model.sampling
    assert (used.temperature, used.top_p, used.max_tokens, used.seed) == (0.5, 0.9, 7, 3)
    assert "The cell originates from the blood." in model.prompts[0]
    assert "Give the 9 most highly expressed gene symbols" in model.prompts[0]


def test_embedded_model_generates_cells_of_its_own_genes(blood):
    spec = sd.models.resolve(sd.settings.model)
    assert blood.obs["cell_type"].tolist() == ["B cell"] * 3 + ["NK cells"] * 2
    assert blood.var_names.tolist() == sorted(spec.genes)
    for genes, status in zip(sd.get.gene_lists(blood), blood.obs["cell_type_status"], strict=True):
        assert len(genes) == len(set(genes))
        assert bool(genes) == (status == "ok")
        assert len(genes) <= 20
    values = blood.X.toarray()
    assert (values >= 0).all()
    assert ((values > 0).sum(1) <= 20).all()


def test_cells_depend_on_the_seed(blood):
    again = sd.tl.generate({"B cell": 3, "NK cells": 2}, tissue="blood", n_genes=20)
    other = sd.tl.generate({"B cell": 3, "NK cells": 2}, tissue="blood", n_genes=20, rng=1)
    np.testing.assert_array_equal(again.obsm["cell_sentence"], blood.obsm["cell_sentence"])
    assert not np.array_equal(other.obsm["cell_sentence"], blood.obsm["cell_sentence"])


def test_at_temperature_0_all_cells_of_a_type_are_equal():
    found = sd.tl.generate({"B cell": 3}, n_genes=20, sampling=sd.Sampling(temperature=0))
    assert (found.obsm["cell_sentence"] == found.obsm["cell_sentence"][0]).all()


def test_the_sample_with_the_highest_probability_of_its_type_is_kept(scripted_model):
    texts = [answer("LYZ"), answer("CD3E"), answer("CD79A"), "no cell", answer("MS4A1"), answer("NKG7")]
    # Of the B cell and the NK cell in turn; the second text of the NK cell cannot be read.
    scores = [[0.0, 1.0], [3.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 0.5]]  # three of the B cell, then two
    found = sd.tl.generate(
        {"B cell": 1, "NK cell": 1}, scripted_model(texts=texts, scores=scores), sampling=sd.Sampling(n_samples=3)
    )
    assert sd.get.cell_sentences(found).tolist() == ["CD79A", "NKG7"]
    assert found.uns["cell_type"]["params"]["n_samples"] == 3
    unreadable = sd.tl.generate(
        {"B cell": 1, "NK cell": 1}, scripted_model(texts=["no cell"]), sampling=sd.Sampling(n_samples=2)
    )
    assert unreadable.obs["cell_type_status"].tolist() == ["no answer tag"] * 2


def test_a_cell_with_a_missing_sample_or_score_is_not_answered(scripted_model):
    texts, missing = [answer("LYZ", "LYZ"), answer("CD3E"), answer("CD79A"), None], np.nan
    model = scripted_model(texts=texts, scores=[[0.0, 1.0], [2.0, 0.0], [3.0, 0.0]])
    found = sd.tl.generate({"B cell": 1, "NK cell": 1}, model, sampling=sd.Sampling(n_samples=2))
    assert found.obs["cell_type_status"].tolist() == ["ok", "not answered"]
    model = scripted_model(
        texts=[*texts[:3], answer("MS4A1")], scores=[[0.0, 1.0], [missing, missing], [2.0, 0.0], [1.0, 0.0]]
    )
    found = sd.tl.generate({"B cell": 1, "NK cell": 1}, model, sampling=sd.Sampling(n_samples=2))
    assert found.obs["cell_type_status"].tolist() == ["not answered", "ok"]
    assert sd.get.cell_sentences(found).tolist() == ["", "MS4A1"]
    assert found.obs["cell_type_n_duplicate_genes"].tolist() == [0, 0]


def test_more_samples_have_a_higher_duality_score():
    means = []
    for n_samples in (1, 4):
        found = sd.tl.generate(
            {"B cell": 4, "NK cell": 4}, tissue="blood", n_genes=30, sampling=sd.Sampling(n_samples=n_samples)
        )
        sd.tl.duality(found, "cell_type")
        means.append(found.obs["cell_type_duality"].mean())
    assert means[1] > means[0]


def test_cells_can_be_written_read_and_concatenated(blood, scripted_model, tmp_path):
    general = sd.tl.generate({"vSM/PC": 2}, scripted_model(texts=[answer("LYZ"), "?"]))
    for name, expected in (("blood", blood), ("general", general)):
        expected.write_h5ad(tmp_path / f"{name}.h5ad")
        expected.write_zarr(tmp_path / f"{name}.zarr")
        for found in (ad.read_h5ad(tmp_path / f"{name}.h5ad"), ad.read_zarr(tmp_path / f"{name}.zarr")):
            pd.testing.assert_frame_equal(found.obs.astype(str), expected.obs.astype(str))
            assert sd.get.cell_sentences(found).tolist() == sd.get.cell_sentences(expected).tolist()
            assert list(found.uns["cell_type"]["params"]["options"]) == expected.uns["cell_type"]["params"]["options"]
            assert found.uns["cell_type"]["params"].keys() == expected.uns["cell_type"]["params"].keys()
            if expected.X is None:
                assert found.X is None
            else:
                np.testing.assert_array_equal(found.X.toarray(), expected.X.toarray())
    joined = ad.concat([blood[:2], blood[2:]], uns_merge="same")
    assert sd.get.cell_sentences(joined).tolist() == sd.get.cell_sentences(blood).tolist()


def test_other_functions_take_generated_cells(blood):
    rebuilt = sd.pp.reconstruct_expression(blood, copy=True).layers["reconstructed"]
    np.testing.assert_array_equal(rebuilt.toarray(), blood.X.toarray())
    again = blood.copy()
    sd.pp.cell_sentences(again, n_genes=20, exclude=None)
    expressed = (blood.X > 0).sum(1).A1
    for old, new, n in zip(sd.get.gene_lists(blood), sd.get.gene_lists(again), expressed, strict=True):
        assert new == [gene.split("_ENSG")[0] for gene in old[:n]]  # tokens of one study name the symbol and the id


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"model": "no-such-model"}, ValueError, "see sd.models.available"),
        ({"counts": {}}, ValueError, "counts must map cell types to numbers of cells"),
        ({"counts": ["B cell"]}, ValueError, "counts must map cell types to numbers of cells"),
        ({"counts": {"B cell": 0}}, ValueError, r"counts\['B cell'\] must be a positive integer, got 0"),
        ({"counts": {"B cell": 1.5}}, ValueError, "must be a positive integer, got 1.5"),
        ({"counts": {"B cell": True}}, ValueError, "must be a positive integer, got True"),
        ({"counts": {" ": 1}}, ValueError, "must be a name, got ' '"),
        ({"counts": {1: 1}}, ValueError, "must be a name, got 1"),
        ({"counts": {"unicorn cell": 1}}, ValueError, r"does not know the labels \['unicorn cell'\]"),
        ({"counts": {"B cell": 1, "B cells": 1}}, ValueError, "all mean the model's 'B cell'"),
        ({"counts": {"B cell": 1, "b  cell": 1}}, ValueError, "differ only in case or spacing"),
        ({"tissue": "moon"}, ValueError, "does not know the tissue 'moon'; it knows blood"),
        ({"tissue": "retina"}, ValueError, r"does not know \['B cell'\] in 'retina'"),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer, got 0"),
        ({"n_genes": 5000}, ValueError, "'embedded', 416 tokens: pass a smaller n_genes="),
        (
            {"sampling": sd.Sampling(n_samples=2, temperature=0), "tissue": "blood"},
            ValueError,
            "n_samples=2 at temperature 0 gives 2 equal cells: pass a higher temperature",
        ),
        ({"rng": -1}, ValueError, "rng must be a non-negative integer"),
        ({"like": np.zeros((2, 2))}, TypeError, "expected an AnnData or a MuData"),
    ],
)
def test_bad_input_is_refused_before_a_model_is_loaded(monkeypatch, how, error, message):
    def fail(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("sc_duality.models.TransformersModel.__init__", fail)
    with pytest.raises(error, match=message):
        sd.tl.generate(**{"model": None, "counts": {"B cell": 1}, **how})


def test_a_model_for_other_tasks_is_refused(scripted_model):
    with pytest.raises(ValueError, match="'scripted'.*annotation"):
        sd.tl.generate({"B cell": 1}, scripted_model(tasks=("annotation",)))
    two = sd.Sampling(n_samples=2)
    with pytest.raises(ValueError, match="'scripted' was not trained for the task 'annotation'"):
        sd.tl.generate({"B cell": 1, "NK cell": 1}, scripted_model(tasks=("generation",)), sampling=two)
    with pytest.raises(ValueError, match="n_samples=2 needs other types to choose from than 'B cell'"):
        sd.tl.generate({"B cell": 1}, scripted_model(), sampling=two)


def test_like_is_checked(scripted_model, cells):
    ids = ad.AnnData(cells.X, var=pd.DataFrame(index=[f"ENSMUSG{i:011d}" for i in range(cells.n_vars)]))
    with pytest.raises(ValueError, match="Ensembl"):
        sd.tl.generate({"B cell": 1}, scripted_model(texts=["?"]), like=ids)
    cells.var_names = [f"g{i}" for i in range(cells.n_vars)]
    with pytest.raises(KeyError, match="were the genes renamed"):
        sd.tl.generate({"B cell": 1}, scripted_model(texts=["?"]), like=cells)


def test_types_that_the_model_did_not_learn_to_generate_are_refused(scripted_model):
    model = scripted_model(texts=[answer("CD79A")], knows={"generation": {"labels": ["B cell"], "tissues": ["blood"]}})
    with pytest.raises(ValueError, match="did not learn to generate mast cell: leave them out; it generates B cell"):
        sd.tl.generate({"B cell": 1, "mast cell": 1}, model)
    with pytest.raises(ValueError, match="cells of the tissue 'colon', and it knows blood: leave the tissue out"):
        sd.tl.generate({"B cell": 1}, model, tissue="colon")
    assert model.prompts == []
    assert sd.tl.generate({"B cell": 1}, model, tissue="blood").n_obs == 1
