"""Label tasks of the package and of a user."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

import sc_duality as sd
from sc_duality.tasks import Annotation, Generation, LabelTask, Response, Sensitivity

LABELS = ["lung", "liver"]
PLAIN = """{% import "_shared.jinja" as shared %}
{% macro prompt(example) %}
Which tissue is this cell from?
{{ shared.facts(example.context) -}}
Its {{ shared.genes(example.genes) }}
Choose one of: {{ example.options | join(" | ") }}
{% endmacro %}
{% macro dual_prompt(example, answer) %}
A cell{% if answer %} from the {{ answer }}{% endif %} lacks {{ example.hidden_genes | length }} genes.
{{ shared.observed(example.observed) }}
{% endmacro %}
"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tissue(LabelTask):
    """Cell to tissue: a task outside the package."""

    name = "tissue"
    version = 3


@pytest.fixture
def tissue(tmp_path, monkeypatch):
    (tmp_path / "plain.jinja").write_text(PLAIN)
    monkeypatch.setattr(Tissue, "templates", Path(tmp_path))
    return Tissue


def test_the_true_labels_are_not_overwritten(cells, scripted_model, tissue):
    cells.obs["tissue"] = "lung"
    with pytest.raises(ValueError, match="true labels of the task: pass another key_added="):
        sd.tl.predict(cells, tissue(labels=LABELS, truth="tissue"), scripted_model())
    assert set(cells.obs["tissue"]) == {"lung"}


def test_a_users_own_task_is_predicted_and_scored(cells, scripted_model, tissue):
    cells.obs["disease"] = "normal"
    model = scripted_model(
        scores=[[0.0, 1.0], [2.0, 0.0]], likelihood=lambda prompt, _: -1.0 if "from the lung" in prompt else -3.0
    )
    sd.tl.predict(cells, tissue(labels=LABELS), model, context=["disease"], rng=5)
    assert cells.obs["tissue"][:2].tolist() == ["liver", "lung"]
    assert set(cells.obs["tissue_status"]) == {"ok"}
    np.testing.assert_allclose(cells.obs["tissue_confidence"][:2], [softmax([0, 1])[1], softmax([2, 0])[0]])
    assert list(cells.obsm["tissue_probabilities"].columns) == LABELS
    genes = " ".join(sd.get.gene_lists(cells, n_genes=100)[0])
    assert model.prompts[0] == (
        "Which tissue is this cell from?\nThe patient is healthy with no diagnosed disease.\n"
        f"Its {len(genes.split())} most highly expressed genes, in descending order: {genes}\n"
        "Choose one of: lung | liver"
    )
    assert model.choices == ["<answer>lung</answer>", "<answer>liver</answer>"]
    params = cells.uns["tissue"]["params"]
    assert (params["task"], params["task_version"], params["labels"]) == ("tissue", 3, LABELS)
    assert (params["prompt_format"], params["sentence_key"], params["rng"]) == ("plain", "cell_sentence", 5)

    sd.tl.duality(cells, "tissue", model, task=tissue())
    np.testing.assert_allclose(cells.obs["tissue_duality"][:2], softmax([-1.0, -3.0])[::-1])
    assert model.scored_pairs[0][0].startswith("A cell from the lung lacks 100 genes.\n")


def test_the_best_of_several_samples_of_a_users_own_task(cells, scripted_model, tissue):
    model = scripted_model(
        scores=[[0.0, 0.0]], likelihood=lambda prompt, _: -1.0 if "from the lung" in prompt else -3.0
    )
    sd.tl.predict(cells, tissue(labels=LABELS), model, sampling=sd.Sampling(n_samples=40))
    assert (cells.obs["tissue"] == "lung").all()
    assert cells.uns["tissue"]["params"]["n_samples"] == 40


def test_generated_labels_of_clusters(cells, scripted_model, tissue):
    cells.obs["cluster"] = pd.Categorical(["a", "b"] * (cells.n_obs // 2) + ["a"] * (cells.n_obs % 2))
    model = scripted_model(texts=["<answer>LUNG</answer>", "<answer>liver</answer>"])
    sd.tl.predict(cells, tissue(labels=LABELS), model, method="generate", groupby="cluster", key_added="origin")
    assert cells.obs["origin"].tolist()[:2] == ["lung", "liver"]
    assert (cells.obs["origin_confidence"] == 1).all()
    assert "origin_probabilities" not in cells.obsm
    assert cells.uns["origin"]["params"]["groupby"] == "cluster"


def test_labels_replace_those_of_the_task(cells, scripted_model, tissue):
    model = scripted_model(scores=[[0.0, 1.0]])
    sd.tl.predict(cells, tissue(labels=LABELS), model, labels=["skin", "gut"])
    assert (cells.obs["tissue"] == "gut").all()
    cells.obs["organ"] = ["kidney", "heart"] * (cells.n_obs // 2) + ["heart"] * (cells.n_obs % 2)
    sd.tl.predict(cells, tissue(truth="organ"), model)
    assert (cells.obs["tissue"] == "kidney").all()


def test_labels_that_the_model_knows_for_the_task(cells, scripted_model, tissue):
    model = scripted_model(scores=[[0.0, 1.0]], knows={"tissue": {"labels": LABELS}}, tasks=["tissue"])
    sd.tl.predict(cells, tissue(), model)
    assert (cells.obs["tissue"] == "liver").all()
    with pytest.raises(ValueError, match=r"does not know the labels \['gut'\]"):
        sd.tl.predict(cells, tissue(labels=["lung", "gut"]), model)


@pytest.mark.parametrize("task", ["annotation", Annotation(), ("annotation", {"labels": "blood"})])
def test_annotation_by_name_with_settings_or_as_an_object(cells, task):
    sd.tl.predict(cells, task, labels="blood")
    sd.tl.annotate(
        cells,
        sd.models.resolve("embedded").without("annotation", "in_distribution"),
        labels="blood",
        unknown=0,
        key_added="annotated",
    )
    assert cells.obs["annotation"].tolist() == cells.obs["annotated"].tolist()


def test_sensitivity_is_predict_with_a_drug(cells, scripted_model):
    model = scripted_model(scores=[[0.0, 1.0], [2.0, 0.0]])
    sd.tl.predict(cells, ("sensitivity", {"drug": "erlotinib"}), model, key_added="by_name")
    sd.tl.predict(cells, Sensitivity(drug="erlotinib"), model, key_added="by_object")
    sd.tl.sensitivity(cells, "erlotinib", model)
    settings = {key: dict(cells.uns[key]["params"]) for key in ("by_name", "by_object", "sensitivity")}
    for key, own in settings.items():
        assert cells.obs[key].tolist() == cells.obs["sensitivity"].tolist()
        assert own.pop("columns") == [key, f"{key}_status", f"{key}_confidence", f"{key}_nearest"]
        assert own.pop("arrays") == [f"{key}_probabilities"]
    assert settings["by_name"] == settings["by_object"] == settings["sensitivity"]


def test_copy_leaves_the_original_unchanged(cells, scripted_model, tissue):
    before = set(cells.obs)
    result = sd.tl.predict(cells, tissue(labels=LABELS), scripted_model(scores=[[0.0, 1.0]]), copy=True)
    assert set(cells.obs) == before
    assert "tissue" in result.obs


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"task": "mood"}, ValueError, "there is no task 'mood': pass one of annotation"),
        ({"task": Generation()}, ValueError, "'generation' does not label cells one by one"),
        ({"task": Response()}, ValueError, "'response' does not label cells one by one"),
        ({"task": "sensitivity"}, TypeError, "drug"),
        ({"task": ("annotation", {"labels": "blood", "colour": 1})}, TypeError, "colour"),
        ({"task": ("sensitivity", {"drug": " "})}, ValueError, "drug must be a name, such as 'erlotinib', got ' '"),
        ({"task": Tissue(labels=LABELS)}, ValueError, "'embedded' was not trained for the task 'tissue'"),
        ({"labels": ["B cell", "unicorn cell"]}, ValueError, r"does not know the labels \['unicorn cell'\]"),
        ({"groupby": "leiden"}, KeyError, "groupby='leiden' is not an obs column"),
        ({"method": "guess"}, ValueError, "method='guess' is not an option"),
        ({"unknown": 2}, ValueError, "unknown=2 must be a probability"),
        ({"rng": -1}, ValueError, "rng must be a non-negative integer"),
    ],
)
def test_bad_input_is_refused_before_a_model_is_loaded(monkeypatch, how, error, message):
    def fail(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("sc_duality.models.TransformersModel.__init__", fail)
    bare = sd.datasets.pbmc3k()[::10].copy()
    with pytest.raises(error, match=message):
        sd.tl.predict(bare, **{"task": "annotation", **how})
    assert not bare.obsm
    assert list(bare.obs) == ["cell_type"]
