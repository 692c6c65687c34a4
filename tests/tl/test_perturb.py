"""Perturbation response: prompts, and how control and predicted cells are compared."""

import json
from collections.abc import Mapping

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.tasks import Perturbation

STAT1 = Perturbation("knockdown", "STAT1")
KNOWN = [{"operation": "control"}, {"operation": "cytokine", "target": "IFNB1", "time": "6 h"}]
LINE = {"slope": -0.5, "intercept": 2.0}


@pytest.fixture(scope="module")
def predicted():
    """Whole cells that the embedded model predicts."""
    return sd.tl.perturb(sd.datasets.pbmc3k()[:8].copy(), ("cytokine", "IFNB1"), form="cell", n_genes=20)


def answer(*genes):
    return f"<answer>{' '.join(genes)}</answer>"


def test_each_cell_is_paired_with_its_prediction(cells, scripted_model):
    cells.obs["tissue"] = ["blood", *[None] * (cells.n_obs - 1)]
    model = scripted_model(texts=[answer("ISG15", "LYZ", "ISG15", "WHAT"), "?"], expression_model=LINE)
    found = sd.tl.perturb(cells, STAT1, model, n_genes=3, context=["tissue"])
    first = sd.get.gene_lists(cells, n_genes=3)
    assert f"in descending order: {' '.join(first[0])}\n" in model.prompts[0]
    assert "respond to this perturbation: knockdown of STAT1?" in model.prompts[0]
    assert ["originates from the blood" in prompt for prompt in model.prompts] == [True] + [False] * (cells.n_obs - 1)
    assert found.obs_names.equals(cells.obs_names)
    assert found.obs["cell_type"].equals(cells.obs["cell_type"])
    assert sd.get.gene_lists(found)[:2] == [["ISG15", "LYZ"], []]
    assert sd.get.gene_lists(found, sentence_key="cell_sentence_control") == first
    assert found.obs["perturbation"].tolist() == ["knockdown STAT1"] * cells.n_obs
    assert found.obs["perturbation_status"].tolist()[:2] == ["ok", "no answer tag"]
    assert found.obs["perturbation_n_unknown_genes"].tolist()[:2] == [1, 0]
    assert found.obs["perturbation_n_duplicate_genes"].tolist()[:2] == [1, 0]


def test_change_is_the_mean_difference_of_readable_cells(cells, scripted_model):
    rng = np.random.default_rng(0)
    lists = sd.get.gene_lists(cells, n_genes=30)
    texts = [answer(*rng.permutation(genes)) if i % 3 else "?" for i, genes in enumerate(lists)]
    found = sd.tl.perturb(cells, STAT1, scripted_model(texts=texts, expression_model=LINE), n_genes=30)
    after = [text[8:-9].split() if text != "?" else [] for text in texts]
    expected = np.zeros(cells.n_vars)
    ok = [i for i, genes in enumerate(after) if genes]
    for i in ok:
        for sign, genes in ((1, after[i]), (-1, lists[i])):
            for rank, gene in enumerate(genes, 1):
                expected[cells.var_names.get_loc(gene)] += sign * (2 - 0.5 * np.log10(rank)) / len(ok)
    np.testing.assert_allclose(found.var["perturbation_change"], expected, atol=1e-6)
    difference = (found.X - found.layers["control"])[ok].mean(axis=0).A1
    np.testing.assert_allclose(found.var["perturbation_change"], difference, atol=1e-6)
    assert found.layers["control"].getnnz(axis=1).tolist() == found.X.getnnz(axis=1).tolist()


def test_an_unchanged_cell_has_no_change(cells, scripted_model):
    texts = [answer(*genes) for genes in sd.get.gene_lists(cells, n_genes=50)]
    found = sd.tl.perturb(cells, STAT1, scripted_model(texts=texts, expression_model=LINE), n_genes=50)
    assert (found.layers["control"] != found.X).nnz == 0
    assert (found.var["perturbation_change"] == 0).all()


def test_predictions_are_no_longer_than_the_control_sentence(cells, scripted_model):
    cells.obsm["cell_sentence"][0, 2:] = -1
    found = sd.tl.perturb(
        cells, STAT1, scripted_model(texts=[answer("ISG15", "LYZ", "CD3E", "MS4A1")], expression_model=LINE)
    )
    assert sd.get.gene_lists(found)[:2] == [["ISG15", "LYZ"], ["ISG15", "LYZ", "CD3E", "MS4A1"]]


def test_a_short_prediction_is_compared_with_as_many_control_genes(cells, scripted_model):
    texts = [answer(*genes) for genes in sd.get.gene_lists(cells, n_genes=20)]
    found = sd.tl.perturb(cells, STAT1, scripted_model(texts=texts, expression_model=LINE), n_genes=50)
    assert (found.var["perturbation_change"] == 0).all()
    shown = sd.get.gene_lists(found, sentence_key="cell_sentence_control")
    assert shown == sd.get.gene_lists(cells, n_genes=50)


def test_the_line_is_that_of_the_cells_else_of_the_model_else_fitted(cells, scripted_model):
    def line(adata, **spec):
        found = sd.tl.perturb(adata, STAT1, scripted_model(texts=[answer("ISG15")], **spec))
        assert np.unique(found.X.data).tolist() == [
            np.float32(found.uns["cell_sentence"]["expression_model"]["intercept"])
        ]
        assert found.uns["cell_sentence_control"]["expression_model"] == found.uns["cell_sentence"]["expression_model"]
        return found.uns["cell_sentence"]["expression_model"]

    assert line(cells, expression_model=LINE) == LINE
    assert "expression_model" not in cells.uns["cell_sentence"]
    fitted = sd.pp.fit_expression(cells, copy=True).uns["cell_sentence"]["expression_model"]
    assert line(cells) == fitted
    assert "expression_model" not in cells.uns["cell_sentence"]
    sd.pp.fit_expression(cells)
    assert line(cells, expression_model=LINE) == fitted


def test_cells_without_genes_have_no_prediction(cells, scripted_model):
    cells.obsm["cell_sentence"][3] = -1
    found = sd.tl.perturb(cells, STAT1, scripted_model(texts=[answer("ISG15")], expression_model=LINE))
    assert found.obs["perturbation_status"].tolist() == ["ok" if i != 3 else "no genes" for i in range(cells.n_obs)]
    assert found.X[3].nnz == found.layers["control"][3].nnz == 0
    cells.obsm["cell_sentence"][:] = -1
    found = sd.tl.perturb(cells, STAT1, scripted_model(texts=[], expression_model=LINE))
    assert found.var["perturbation_change"].isna().all()


def test_dose_and_time_of_a_known_perturbation_may_be_left_out(cells, scripted_model):
    model = scripted_model(texts=[answer("ISG15")], knows={"response": {"perturbations": KNOWN}}, expression_model=LINE)
    found = sd.tl.perturb(cells, ("cytokine", "IFNB1"), model)
    params = found.uns["perturbation"]["params"]
    assert params["options"] == ["control", "cytokine IFNB1"]
    assert [Perturbation(**fields) for fields in json.loads(params["options_json"])] == [
        Perturbation("control"),
        Perturbation("cytokine", "IFNB1"),
    ]
    exact = sd.tl.perturb(cells, Perturbation("cytokine", "IFNB1", time="6 h"), model)
    assert exact.uns["perturbation"]["params"]["options"] == ["control", "cytokine IFNB1 6 h"]


def test_general_models_choose_between_perturbation_and_control(cells, scripted_model):
    model = scripted_model(texts=[answer("ISG15")], expression_model=LINE)
    found = sd.tl.perturb(cells, ("drug", "erlotinib", "1 µM", "24 h"), model)
    assert found.uns["perturbation"]["params"]["options"] == ["drug erlotinib 1 µM 24 h", "control"]
    assert sd.tl.perturb(cells, ("control",), model).uns["perturbation"]["params"]["options"] == ["control"]


def assert_same(found, expected):
    """Nested mappings of equal arrays."""
    if isinstance(expected, Mapping):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_same(found[key], expected[key])
    else:
        assert type(found) is type(expected)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("sentences", ["present", "absent"])
def test_the_input_is_unchanged(cells, scripted_model, sentences):
    cells.obs["perturbation"] = "control"
    cells.layers["counts"] = cells.X.copy()
    if sentences == "absent":
        for key in list(cells.obsm):
            del cells.obsm[key]
        del cells.uns["cell_sentence"]
    before = cells.copy()
    sd.tl.perturb(cells, STAT1, scripted_model(texts=[answer("ISG15")]))
    pd.testing.assert_frame_equal(cells.obs, before.obs)
    pd.testing.assert_frame_equal(cells.var, before.var)
    assert_same(cells.uns, before.uns)
    assert_same(cells.obsm, before.obsm)
    assert cells.layers.keys() == before.layers.keys()
    for found, expected in ((cells.X, before.X), (cells.layers["counts"], before.layers["counts"])):
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(found, part), getattr(expected, part))


def test_scores_of_an_earlier_result_are_not_copied(cells, scripted_model):
    model = scripted_model(texts=[answer("ISG15")], scores=[[0.0, 1.0]], expression_model=LINE)
    cells.obs["perturbation_confidence"] = "mine"
    found = sd.tl.perturb(cells, STAT1, model)
    sd.tl.duality(found, "perturbation", model)
    again = sd.tl.perturb(found, STAT1, model)
    assert "perturbation_duality" in found.obs
    assert "perturbation_duality" not in again.obs
    assert (again.obs["perturbation_confidence"] == "mine").all()


def test_genes_that_are_not_in_var_have_no_expression(cells, scripted_model):
    model = scripted_model(texts=[answer("ISG15", "LYZ")], expression_model=LINE)
    found = sd.tl.perturb(cells[:, cells.var_names != "ISG15"].copy(), STAT1, model)
    assert sd.get.gene_lists(found)[0] == ["ISG15", "LYZ"]
    assert found.var_names[found.X[0].indices].tolist() == ["LYZ"]


def test_embedded_model_predicts_cells(predicted):
    for after, before, status in zip(
        sd.get.gene_lists(predicted),
        sd.get.gene_lists(predicted, sentence_key="cell_sentence_control"),
        predicted.obs["perturbation_status"],
        strict=True,
    ):
        assert len(set(after)) == len(after) <= len(before) == 20
        assert bool(after) == (status == "ok")
        assert set(after) <= set(predicted.var_names)
    assert (
        np.isfinite(predicted.var["perturbation_change"]).all() or (predicted.obs["perturbation_status"] != "ok").all()
    )
    spec = sd.models.resolve(sd.settings.model)
    assert len(predicted.uns["perturbation"]["params"]["options"]) == len(spec.known("response", "perturbations"))


def test_cells_depend_on_the_seed(predicted):
    control = sd.datasets.pbmc3k()[:8].copy()
    again, other = (sd.tl.perturb(control, ("cytokine", "IFNB1"), form="cell", n_genes=20, rng=rng) for rng in (0, 1))
    np.testing.assert_array_equal(again.obsm["cell_sentence"], predicted.obsm["cell_sentence"])
    assert not np.array_equal(other.obsm["cell_sentence"], predicted.obsm["cell_sentence"])


def test_control_is_a_perturbation_of_the_embedded_model():
    found = sd.tl.perturb(sd.datasets.pbmc3k()[:2].copy(), ("control",), form="cell", n_genes=10)
    assert found.obs["perturbation"].tolist() == ["control"] * 2


def test_predictions_can_be_written_read_and_subset(predicted, tmp_path):
    predicted.write_h5ad(tmp_path / "a.h5ad")
    predicted.write_zarr(tmp_path / "a.zarr")
    for found in (ad.read_h5ad(tmp_path / "a.h5ad"), ad.read_zarr(tmp_path / "a.zarr")):
        pd.testing.assert_frame_equal(found.obs.astype(str), predicted.obs.astype(str))
        np.testing.assert_array_equal(found.var["perturbation_change"], predicted.var["perturbation_change"])
        np.testing.assert_array_equal(found.X.toarray(), predicted.X.toarray())
        np.testing.assert_array_equal(found.layers["control"].toarray(), predicted.layers["control"].toarray())
        for key in ("cell_sentence", "cell_sentence_control"):
            assert (
                sd.get.gene_lists(found[2:5], sentence_key=key) == sd.get.gene_lists(predicted, sentence_key=key)[2:5]
            )
        params = found.uns["perturbation"]["params"]
        assert [str(Perturbation(**fields)) for fields in json.loads(params["options_json"])] == list(params["options"])
        assert params.keys() == predicted.uns["perturbation"]["params"].keys()


def test_a_mudata_works(cells, scripted_model):
    model = scripted_model(texts=[answer("ISG15")], expression_model=LINE)
    found = sd.tl.perturb(md.MuData({"rna": cells}), STAT1, model)
    assert found.obs_names.equals(cells.obs_names)


def test_sentences_are_computed_if_there_are_none(cells, scripted_model):
    bare = sd.datasets.pbmc3k()[::10].copy()
    found = sd.tl.perturb(bare, STAT1, scripted_model(texts=[answer("ISG15")], expression_model=LINE), n_genes=5)
    assert sd.get.gene_lists(found, sentence_key="cell_sentence_control") == sd.get.gene_lists(cells, n_genes=5)


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"model": "no-such-model"}, ValueError, "see sd.models.available"),
        ({"perturbation": "STAT1"}, ValueError, "must be a sd.tasks.Perturbation or its fields"),
        ({"perturbation": None}, ValueError, "must be a sd.tasks.Perturbation or its fields"),
        ({"perturbation": ()}, ValueError, "must be a sd.tasks.Perturbation or its fields"),
        ({"perturbation": ("knockdown", 3)}, ValueError, "must be a sd.tasks.Perturbation or its fields"),
        ({"perturbation": ("knockdown",)}, ValueError, "needs a target"),
        (
            {"perturbation": ("knockdown", "UNICORN")},
            ValueError,
            "is not a perturbation of the model .*: choose.*STAT1",
        ),
        ({"perturbation": ("cytokine", "IFNB1", "", "2 d")}, ValueError, "is not a perturbation of the model"),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer, got 0"),
        ({"n_genes": 5000, "form": "cell"}, ValueError, "'embedded', 416 tokens: pass a smaller n_genes="),
        ({"rng": -1}, ValueError, "rng must be a non-negative integer"),
        ({"context": "donor"}, TypeError, "context"),
        ({"context": ["donor"]}, KeyError, "donor"),
        ({"sentence_key": "other"}, KeyError, r"run sd.pp.cell_sentences\(adata, key_added='other'\) first"),
    ],
)
def test_bad_input_is_refused_before_a_model_is_loaded(monkeypatch, cells, how, error, message):
    def fail(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("sc_duality.models.TransformersModel.__init__", fail)
    with pytest.raises(error, match=message):
        sd.tl.perturb(**{"adata": cells, "perturbation": ("cytokine", "IFNB1"), **how})


def test_ambiguous_perturbations_are_named(cells, scripted_model):
    known = [{"operation": "drug", "target": "erlotinib", "dose": dose} for dose in ("1 µM", "2 µM")]
    with pytest.raises(ValueError, match="matches several .* drug erlotinib 1 µM, drug erlotinib 2 µM"):
        sd.tl.perturb(cells, ("drug", "erlotinib"), scripted_model(knows={"response": {"perturbations": known}}))


def test_a_model_for_other_tasks_is_refused(cells, scripted_model):
    with pytest.raises(ValueError, match="'scripted'.*annotation"):
        sd.tl.perturb(cells, STAT1, scripted_model(tasks=("annotation",)))


def test_renamed_genes_and_other_species_are_refused(cells):
    mouse = ad.AnnData(cells.X, var=pd.DataFrame(index=[name.capitalize() for name in cells.var_names]))
    with pytest.raises(ValueError, match="reads human gene symbols"):
        sd.tl.perturb(mouse, ("cytokine", "IFNB1"))
    cells.var_names = [f"g{i}" for i in range(cells.n_vars)]
    with pytest.raises(KeyError, match="were the genes renamed"):
        sd.tl.perturb(cells, ("cytokine", "IFNB1"))
