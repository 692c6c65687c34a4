"""tl.evaluate for labels: names, ids and ancestors of the Cell Ontology, and scores by type."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_recall_fscore_support

import sc_duality as sd


def cells(truth, predicted, **obs):
    columns = {"truth": truth, "annotation": predicted, **obs}
    return ad.AnnData(
        np.ones((len(truth), 1), np.float32), obs=pd.DataFrame(columns, index=[*map(str, range(len(truth)))])
    )


def value(scores, metric, condition="all", label=""):
    rows = scores[(scores["metric"] == metric) & (scores["condition"] == condition) & (scores["label"] == label)]
    return rows["value"].item()


def test_labels_are_compared_as_terms_of_the_ontology():
    truth = ["NK cells", "CL:0000236", "CD8 T cell", "T cell", "monocyte", "B cell", "my type", "B cell"]
    finer = "CD8-positive, alpha-beta T cell"
    predicted = ["natural killer cell", "B cell", "T cell", finer, "CL:0000576", "CD4 T", "My_Type", "unknown"]
    scores = sd.tl.evaluate(cells(truth, predicted), "truth")
    found = {name: value(scores, name) * 8 for name in ("accuracy", "coarser", "finer", "wrong", "accuracy_ontology")}
    assert found == pytest.approx({"accuracy": 4, "coarser": 1, "finer": 1, "wrong": 2, "accuracy_ontology": 6})


def test_scores_by_type_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    types = ["B cell", "CD4 T cell", "natural killer cell"]
    truth, predicted = rng.choice(types, 200), rng.choice([*types, "unknown"], 200)
    scores = sd.tl.evaluate(cells(truth, predicted), "truth")
    expected = precision_recall_fscore_support(truth, predicted, labels=types)
    for i, label in enumerate(types):
        for metric, values in zip(("precision", "recall", "f1"), expected, strict=False):
            assert value(scores, metric, label=label) == pytest.approx(values[i])
        assert scores.loc[scores["label"] == label, "n_cells"].tolist() == [expected[3][i]] * 3
    for metric, values in zip(("macro_precision", "macro_recall", "macro_f1"), expected, strict=False):
        assert value(scores, metric) == pytest.approx(np.mean(values))


def test_finer_predictions_count_as_the_true_type_above_them():
    truth = ["T cell", "T cell", "B cell", "CD8 T cell", "CD8 T cell"]
    predicted = ["CD4 T cell", "NK cell", "CD4 T cell", "CD8 T cell", "T cell"]
    scores = sd.tl.evaluate(cells(truth, predicted), "truth")
    found = {name: value(scores, name, label="T cell") for name in ("precision", "recall", "f1")}
    assert found == pytest.approx({"precision": 1 / 3, "recall": 1 / 2, "f1": 2 / 5})
    assert value(scores, "recall", label="CD8 T cell") == 1 / 2
    assert value(scores, "accuracy") == 1 / 5


def test_labels_that_cannot_meet_have_no_value():
    scores = sd.tl.evaluate(cells(["ctrl", "panobinostat"], ["treated", "untreated"]), "truth")
    assert scores["value"].isna().all()
    assert (
        scores["note"]
        .str.contains("no label of obs.* \\(ctrl, panobinostat\\) can be one of .*treated, untreated")
        .all()
    )
    scores = sd.tl.evaluate(cells(["ctrl", "ctrl"], ["unknown", "unknown"]), "truth")
    assert value(scores, "accuracy") == 0
    scores = sd.tl.evaluate(cells(["B cell", "T cell"], ["T cell", "NK cell"]), "truth")
    assert value(scores, "accuracy") == 0
    missing = scores[(scores["metric"] == "recall") & (scores["label"] == "B cell")]
    assert missing["note"].tolist() == ["the predictions have no such label"]


def test_a_label_that_could_be_predicted_was_possible(pbmc):
    adata = pbmc[:40].copy()
    sd.tl.annotate(adata, labels=["B cell", "T cell"], unknown=0)
    adata.obs["truth"] = np.where(adata.obs["annotation"] == "B cell", "T cell", "B cell")
    assert value(sd.tl.evaluate(adata[adata.obs["annotation"] == "T cell"].copy(), "truth"), "accuracy") == 0


def test_conditions_have_a_mean_and_scores_by_type_have_not():
    adata = cells(["B cell"] * 4, ["B cell", "NK", "NK", "B cell"], donor=["a", "a", "a", "b"])
    scores = sd.tl.evaluate(adata, "truth", "donor", metrics=["accuracy", "recall"])
    assert scores["condition"].tolist() == ["a", "b", "mean", "all"]
    np.testing.assert_allclose(scores["value"], [1 / 3, 1, 2 / 3, 0.5])


@pytest.fixture
def pbmc():
    return sd.datasets.pbmc3k()
