"""Generation: what is asked, how texts become cells, and what is written."""

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd

LINE = {"slope": -0.5, "intercept": 2.0}


@pytest.fixture(scope="module")
def blood():
    """Cells that the embedded model wrote."""
    return sd.tl.generate(None, {"B cell": 3, "NK cells": 2}, tissue="blood", n_genes=20)


def answer(*genes):
    return f"<answer>{' '.join(genes)}</answer>"


def test_cells_come_in_the_order_of_counts(parrot):
    model = parrot(texts=[answer("CD79A", "MS4A1")])
    found = sd.tl.generate(model, {"B cell": 2, "NK cell": 1})
    assert found.obs_names.tolist() == ["B cell 0", "B cell 1", "NK cell 0"]
    assert found.obs["cell_type"].tolist() == ["B cell", "B cell", "NK cell"]
    assert found.obs["cell_type"].cat.categories.tolist() == ["B cell", "NK cell"]
    assert ["of the type B cell" in prompt for prompt in model.prompts] == [True, True, False]


def test_texts_become_cells_or_stay_without_genes_with_their_reason(parrot, cells):
    texts = [answer("LYZ", "CD79A", "LYZ", "WHAT"), "LYZ", answer("WHAT"), answer("CD79A LYZ " * 30)]
    found = sd.tl.generate(parrot(texts=texts), {"B cell": 4}, like=cells, n_genes=2)
    assert sd.get.cell_sentences(found).tolist() == ["LYZ CD79A", "", "", "CD79A LYZ"]
    assert found.obs["cell_type_status"].tolist() == ["ok", "no answer tag", "no known gene", "ok"]
    assert found.obs["cell_type_n_unknown_genes"].tolist() == [1, 0, 0, 0]
    assert found.obs["cell_type_n_duplicate_genes"].tolist() == [1, 0, 0, 58]
    assert found.obsm["cell_sentence"].shape == (4, 2)


def test_expression_follows_the_line_of_the_cells_to_be_like(parrot, cells):
    sd.pp.fit_expression(cells)
    fit = cells.uns["cell_sentence"]["expression_model"]
    found = sd.tl.generate(parrot(texts=[answer("LYZ", "CD79A")], expression_model=LINE), {"B cell": 1}, like=cells)
    row = found[:, ["LYZ", "CD79A"]].X.toarray()[0]
    np.testing.assert_allclose(row, [fit["intercept"], fit["intercept"] + fit["slope"] * np.log10(2)], rtol=1e-6)
    assert found.X.dtype == np.float32
    assert found.X.nnz == 2
    assert found.var_names.equals(cells.var_names)
    assert found.uns["log1p"] == {"base": 10}


def test_expression_follows_the_models_own_line_without_a_fit(parrot, cells):
    model = parrot(texts=[answer("LYZ", "CD79A")], expression_model=LINE)
    for like in (None, cells):
        found = sd.tl.generate(model, {"B cell": 1}, like=like)
        np.testing.assert_allclose(found[:, ["LYZ", "CD79A"]].X.toarray()[0], 2 - 0.5 * np.log10([1, 2]), rtol=1e-6)


def test_there_is_no_expression_without_a_line(parrot):
    found = sd.tl.generate(parrot(texts=[answer("LYZ", "CD79A"), answer("CD3E")]), {"B cell": 2})
    assert found.X is None
    assert found.var_names.tolist() == ["CD3E", "CD79A", "LYZ"]
    assert sd.get.cell_sentences(found).tolist() == ["LYZ CD79A", "CD3E"]


def test_texts_without_any_cell_are_told_apart_from_an_error(parrot):
    found = sd.tl.generate(parrot(texts=["?"], expression_model=LINE), {"B cell": 2})
    assert found.shape == (2, 0)
    assert found.obs["cell_type_status"].tolist() == ["no answer tag"] * 2


def test_names_are_those_of_the_sentences_of_the_cells_to_be_like(parrot, cells):
    ids = cells.copy()
    ids.var["symbol"] = ids.var_names
    ids.var_names = [f"ENSG{i:011d}" for i in range(ids.n_vars)]
    sd.pp.cell_sentences(ids, gene_symbols="symbol")
    found = sd.tl.generate(parrot(texts=[answer("LYZ", "MT-CO1")], expression_model=LINE), {"B cell": 1}, like=ids)
    assert found.obs["cell_type_n_unknown_genes"].tolist() == [1]  # mitochondrial genes do not enter these sentences
    assert found.var_names.equals(ids.var_names)
    assert found.var.index[found.X.indices].tolist() == ids.var.index[ids.var["symbol"] == "LYZ"].tolist()


def test_cells_to_be_like_need_no_sentences(parrot, cells):
    bare = ad.AnnData(cells.X, obs=cells.obs, var=cells.var)
    for like in (bare, md.MuData({"rna": bare})):
        found = sd.tl.generate(parrot(texts=[answer("LYZ", "WHAT")]), {"B cell": 1}, like=like)
        assert found.var_names.equals(cells.var_names)
        assert found.obs["cell_type_n_unknown_genes"].tolist() == [1]
        assert found.X is None


def test_synonyms_are_written_as_the_user_says_them(parrot):
    model = parrot(
        texts=[answer("LYZ")],
        knows={
            "annotation": {
                "labels": ("B cell", "natural killer cell", "fibroblast"),
                "synonyms": {"NK cells": "natural killer cell"},
            }
        },
    )
    found = sd.tl.generate(model, {"nk Cells": 1})
    assert found.obs["cell_type"].tolist() == ["nk Cells"]
    assert "natural killer cell" in model.prompts[0]
    assert found.uns["cell_type"]["params"]["candidates"] == ["B cell", "nk Cells", "fibroblast"]


def test_everything_about_the_question_is_kept(parrot):
    model = parrot(
        texts=[answer("LYZ")],
        knows={"annotation": {"labels": ("B cell", "T cell", "rod"), "label_sets": {"blood": ["B cell", "T cell"]}}},
    )
    how = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "rng": 3, "n_genes": 9}
    found = sd.tl.generate(model, {"B cell": 1}, tissue="blood", **how)
    params = found.uns["cell_type"]["params"]
    assert {name: params[name] for name in how} == how
    assert params["task"] == "generation"
    assert params["candidates"] == ["B cell", "T cell"]
    assert params["tissue"] == "blood"
    assert params["versions"]["sc-duality"] == sd.__version__
    drawn = model.sampling
    assert (drawn.temperature, drawn.top_p, drawn.max_tokens, drawn.seed) == (0.5, 0.9, 7, 3)
    assert "The cell originates from the blood." in model.prompts[0]
    assert "its 9 most expressed genes" in model.prompts[0]


def test_embedded_model_writes_cells_of_its_own_genes(blood):
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


def test_seeds_decide(blood):
    again = sd.tl.generate(None, {"B cell": 3, "NK cells": 2}, tissue="blood", n_genes=20)
    other = sd.tl.generate(None, {"B cell": 3, "NK cells": 2}, tissue="blood", n_genes=20, rng=1)
    np.testing.assert_array_equal(again.obsm["cell_sentence"], blood.obsm["cell_sentence"])
    assert not np.array_equal(other.obsm["cell_sentence"], blood.obsm["cell_sentence"])


def test_without_temperature_all_cells_of_a_type_are_the_same():
    found = sd.tl.generate(None, {"B cell": 3}, n_genes=20, temperature=0)
    assert (found.obsm["cell_sentence"] == found.obsm["cell_sentence"][0]).all()


def test_the_best_of_several_is_the_one_whose_type_is_read_back(parrot):
    texts = [answer("LYZ"), answer("CD3E"), answer("CD79A"), "no cell", answer("MS4A1"), answer("NKG7")]
    # Of a B cell and an NK cell; the second text for the NK cell holds no cell.
    scores = [[0.0, 1.0], [2.0, 0.0], [3.0, 0.0], [1.0, 0.0], [0.0, 0.5]]
    found = sd.tl.generate(parrot(texts=texts, scores=scores), {"B cell": 1, "NK cell": 1}, best_of=3)
    assert sd.get.cell_sentences(found).tolist() == ["CD79A", "NKG7"]
    assert found.uns["cell_type"]["params"]["best_of"] == 3
    nothing = sd.tl.generate(parrot(texts=["no cell"]), {"B cell": 1, "NK cell": 1}, best_of=2)
    assert nothing.obs["cell_type_status"].tolist() == ["no answer tag"] * 2


def test_a_cell_of_which_one_could_not_be_written_or_judged_was_not_answered(parrot):
    texts, lost = [answer("LYZ", "LYZ"), answer("CD3E"), answer("CD79A"), None], np.nan
    model = parrot(texts=texts, scores=[[0.0, 1.0], [2.0, 0.0], [3.0, 0.0]])
    found = sd.tl.generate(model, {"B cell": 1, "NK cell": 1}, best_of=2)
    assert found.obs["cell_type_status"].tolist() == ["ok", "not answered"]
    model = parrot(texts=texts[:2], scores=[[0.0, 1.0], [2.0, 0.0], [lost, lost], [1.0, 0.0]])
    found = sd.tl.generate(model, {"B cell": 1, "NK cell": 1}, best_of=2)
    assert found.obs["cell_type_status"].tolist() == ["not answered", "ok"]
    assert sd.get.cell_sentences(found).tolist() == ["", "CD3E"]
    assert found.obs["cell_type_n_duplicate_genes"].tolist() == [0, 0]


def test_embedded_model_reads_the_best_back_more_surely():
    means = []
    for best_of in (1, 4):
        found = sd.tl.generate(None, {"B cell": 4, "NK cell": 4}, tissue="blood", n_genes=30, best_of=best_of)
        sd.tl.duality(found, "cell_type")
        means.append(found.obs["cell_type_duality"].mean())
    assert means[1] > means[0]


def test_cells_can_be_saved_read_and_joined(blood, parrot, tmp_path):
    general = sd.tl.generate(parrot(texts=[answer("LYZ"), "?"]), {"vSM/PC": 2})
    for name, expected in (("blood", blood), ("general", general)):
        expected.write_h5ad(tmp_path / f"{name}.h5ad")
        expected.write_zarr(tmp_path / f"{name}.zarr")
        for found in (ad.read_h5ad(tmp_path / f"{name}.h5ad"), ad.read_zarr(tmp_path / f"{name}.zarr")):
            pd.testing.assert_frame_equal(found.obs.astype(str), expected.obs.astype(str))
            assert sd.get.cell_sentences(found).tolist() == sd.get.cell_sentences(expected).tolist()
            assert (
                list(found.uns["cell_type"]["params"]["candidates"])
                == expected.uns["cell_type"]["params"]["candidates"]
            )
            assert found.uns["cell_type"]["params"].keys() == expected.uns["cell_type"]["params"].keys()
            if expected.X is None:
                assert found.X is None
            else:
                np.testing.assert_array_equal(found.X.toarray(), expected.X.toarray())
    joined = ad.concat([blood[:2], blood[2:]], uns_merge="same")
    assert sd.get.cell_sentences(joined).tolist() == sd.get.cell_sentences(blood).tolist()


def test_cells_are_like_any_others_to_the_tools(blood):
    rebuilt = sd.pp.reconstruct_expression(blood, copy=True).layers["reconstructed"]
    np.testing.assert_array_equal(rebuilt.toarray(), blood.X.toarray())
    again = blood.copy()
    sd.pp.cell_sentences(again, n_genes=20, exclude=None)
    expressed = (blood.X > 0).sum(1).A1
    for old, new, n in zip(sd.get.gene_lists(blood), sd.get.gene_lists(again), expressed, strict=True):
        assert new == old[:n]


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"model": "no-such-model"}, ValueError, "see sd.models.available"),
        ({"counts": {}}, ValueError, "how many cells of each type"),
        ({"counts": ["B cell"]}, ValueError, "how many cells of each type"),
        ({"counts": {"B cell": 0}}, ValueError, r"counts\['B cell'\] must be a positive integer, got 0"),
        ({"counts": {"B cell": 1.5}}, ValueError, "must be a positive integer, got 1.5"),
        ({"counts": {"B cell": True}}, ValueError, "must be a positive integer, got True"),
        ({"counts": {" ": 1}}, ValueError, "must be a name, got ' '"),
        ({"counts": {1: 1}}, ValueError, "must be a name, got 1"),
        ({"counts": {"unicorn cell": 1}}, ValueError, r"does not know the labels \['unicorn cell'\]"),
        ({"counts": {"B cell": 1, "B cells": 1}}, ValueError, "all mean the model's 'B cell'"),
        ({"counts": {"B cell": 1, "b  cell": 1}}, ValueError, "differ only in case or spacing"),
        ({"tissue": "moon"}, ValueError, "does not know the tissue 'moon'; it knows blood"),
        ({"tissue": "retina"}, ValueError, r"knows no \['B cell'\] in 'retina'"),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer, got 0"),
        ({"temperature": -1}, ValueError, "temperature must not be negative"),
        ({"top_p": 0}, ValueError, "top_p must lie in"),
        ({"best_of": 0}, ValueError, "best_of must be a positive integer, got 0"),
        ({"best_of": 2.0}, ValueError, "best_of must be a positive integer, got 2.0"),
        ({"best_of": 2, "temperature": 0}, ValueError, "best_of=2 would write 2 times the same"),
        ({"max_tokens": 0}, ValueError, "max_tokens must be at least 1"),
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


def test_a_model_for_other_tasks_is_refused(parrot):
    with pytest.raises(ValueError, match="'parrot'.*annotation"):
        sd.tl.generate(parrot(tasks=("annotation",)), {"B cell": 1})
    with pytest.raises(ValueError, match="'parrot' does no annotation"):
        sd.tl.generate(parrot(tasks=("generation",)), {"B cell": 1, "NK cell": 1}, best_of=2)
    with pytest.raises(ValueError, match="best_of=2 needs other types to choose from than 'B cell'"):
        sd.tl.generate(parrot(), {"B cell": 1}, best_of=2)


def test_cells_to_be_like_are_checked(parrot, cells):
    ids = ad.AnnData(cells.X, var=pd.DataFrame(index=[f"ENSMUSG{i:011d}" for i in range(cells.n_vars)]))
    with pytest.raises(ValueError, match="Ensembl"):
        sd.tl.generate(parrot(texts=["?"]), {"B cell": 1}, like=ids)
    cells.var_names = [f"g{i}" for i in range(cells.n_vars)]
    with pytest.raises(KeyError, match="were the genes renamed"):
        sd.tl.generate(parrot(texts=["?"]), {"B cell": 1}, like=cells)
