"""Labels to choose from, in the names of the user and of the model."""

import pytest

from sc_duality.examples import ModelCells, build, known_as
from sc_duality.examples._label_options import label_options
from sc_duality.models import ModelSpec
from sc_duality.tasks import Annotation, Sensitivity

KNOWN = ["alpha cell", "beta cell", "gamma cell"]
SPEC = ModelSpec(
    "known",
    "known",
    n_genes=6,
    knows={
        "annotation": {"labels": KNOWN, "label_sets": {"islet": KNOWN[:2]}, "synonyms": {"A cell": "alpha cell"}},
        "sensitivity": {"drugs": {"Erlotinib": ["treated", "untreated"]}},
    },
)


def test_a_list_a_column_a_label_set_and_all_that_is_known(toy_adata, toy_spec):
    assert label_options(toy_adata, toy_spec, ["a", "b"]) == {"a": "a", "b": "b"}
    assert list(label_options(toy_adata, toy_spec, "cell_type")) == KNOWN
    assert list(label_options(toy_adata, SPEC, None, KNOWN)) == KNOWN
    assert list(label_options(toy_adata, SPEC, "islet", KNOWN, label_sets={"islet": KNOWN[:2]})) == KNOWN[:2]


def test_names_of_the_user_become_those_of_the_model():
    found = known_as(SPEC, ["ALPHA_cell", "beta  cell"], KNOWN, {"A cell": "alpha cell"})
    assert found == {"ALPHA_cell": "alpha cell", "beta  cell": "beta cell"}
    assert known_as(SPEC, ["a CELL"], KNOWN, {"A cell": "alpha cell"}) == {"a CELL": "alpha cell"}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ["alpha cell", "betta cell"],
            r"does not know the labels \['betta cell'\] \('betta cell' may be its 'beta cell'",
        ),
        (["alpha cell", "A cell"], r"labels \['alpha cell', 'A cell'\] all mean the model's 'alpha cell'"),
        ("islets", "labels='islets' is neither an obs column .* nor a label set of the model 'known'"),
        (["alpha cell"], "at least two labels"),
    ],
)
def test_invalid_labels_raise(toy_adata, labels, message):
    with pytest.raises(ValueError, match=message):
        label_options(toy_adata, SPEC, labels, KNOWN, synonyms={"A cell": "alpha cell"})


def test_a_model_without_labels_needs_some(toy_adata, toy_spec):
    with pytest.raises(ValueError, match="the model 'toy' has no labels of its own: pass labels="):
        label_options(toy_adata, toy_spec, None)


def test_labels_of_tasks(toy_adata, toy_cells):
    cells = ModelCells(toy_adata, SPEC)
    assert build(Annotation(), cells).options == tuple(KNOWN)
    assert build(Annotation(labels="islet"), cells).options == tuple(KNOWN[:2])
    assert build(Annotation(labels=["a cell", "gamma cell"]), cells).labels["a cell"] == "alpha cell"
    assert build(Annotation(truth="cell_type"), toy_cells).options == tuple(KNOWN)
    assert build(Sensitivity(drug="erlotinib"), toy_cells).options == ("sensitive", "resistant")
    erlotinib = build(Sensitivity(drug=" erlotinib"), cells)
    assert (erlotinib.drug, erlotinib.options) == ("Erlotinib", ("treated", "untreated"))
    with pytest.raises(ValueError, match="does not know the drug 'aspirin'; it knows Erlotinib"):
        build(Sensitivity(drug="aspirin"), cells).predict(slice(None))


def test_examples_for_prediction(toy_cells):
    found = build(Annotation(labels=KNOWN), toy_cells).predict(slice(2, 4))
    assert [one.genes for one in found] == [tuple(genes) for genes in toy_cells.genes([2, 3])]
    assert all((one.observed, one.hidden_genes, one.truth) == ((), (), None) for one in found)
    assert [one.context for one in found] == [{"donor": "d2"}, {"donor": "d0"}]
