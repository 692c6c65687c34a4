"""Labels to choose from, in the names of the user and of the model."""

import pytest

from sc_duality.examples import KnownLabels, ModelCells, build, known_as
from sc_duality.examples._label_options import label_options
from sc_duality.models import ModelSpec
from sc_duality.tasks import Annotation, Sensitivity

LABELS = ["alpha cell", "beta cell", "gamma cell"]
SPEC = ModelSpec(
    "known",
    "known",
    n_genes=6,
    knows={
        "annotation": {"labels": LABELS, "label_sets": {"islet": LABELS[:2]}, "synonyms": {"A cell": "alpha cell"}},
        "sensitivity": {"drugs": {"Erlotinib": ["treated", "untreated"]}},
    },
)
KNOWN = KnownLabels.of_cell_types(SPEC)
TYPES = ModelSpec(
    "types",
    "types",
    knows={
        "annotation": {
            "labels": ["CD4 T cell", "CD8 T cell", "B cell", "club cell"],
            "coarse": {"CD4 T cell": "T cell", "CD8 T cell": "T cell", "B cell": "B cell", "club cell": "club cell"},
        }
    },
)


def chosen(adata, labels, spec=TYPES):
    found = label_options(adata, spec, labels, KnownLabels.of_cell_types(spec))
    return {label: list(meant.members) for label, meant in found.items()}


def test_a_list_a_column_a_label_set_and_all_that_is_known(toy_adata, toy_spec):
    assert chosen(toy_adata, ["a", "b"], toy_spec) == {"a": ["a"], "b": ["b"]}
    assert list(chosen(toy_adata, "cell_type", toy_spec)) == LABELS
    assert list(label_options(toy_adata, SPEC, None, KNOWN)) == LABELS
    assert list(label_options(toy_adata, SPEC, "islet", KNOWN, {"islet": LABELS[:2]})) == LABELS[:2]


def test_names_of_the_user_become_those_of_the_model():
    found = known_as(SPEC, ["ALPHA_cell", "beta  cell"], KNOWN)
    assert found == {"ALPHA_cell": "alpha cell", "beta  cell": "beta cell"}
    assert known_as(SPEC, ["a CELL", "Betas"], KNOWN) == {"a CELL": "alpha cell", "Betas": "beta cell"}


def test_further_labels_are_known_as_well():
    known = KnownLabels.of_cell_types(TYPES, ["plasma cell"])
    assert known_as(TYPES, ["Plasma cells", "B cell"], known) == {"Plasma cells": "plasma cell", "B cell": "B cell"}


def test_a_coarse_label_leaves_finer_ones_their_cells(toy_adata):
    assert chosen(toy_adata, ["T cells", "B cell"]) == {
        "T cells": ["CD4 T cell", "CD8 T cell"],
        "B cell": ["B cell"],
    }
    assert chosen(toy_adata, ["CL:0000084", "CD8+ T"]) == {"CL:0000084": ["CD4 T cell"], "CD8+ T": ["CD8 T cell"]}
    assert chosen(toy_adata, ["leukocyte", "T cell", "CD8 T"]) == {
        "leukocyte": ["B cell"],
        "T cell": ["CD4 T cell"],
        "CD8 T": ["CD8 T cell"],
    }
    with pytest.raises(ValueError, match="'T cell' stands for 2 labels of the model .*: choose one of them"):
        known_as(TYPES, ["T cell", "B cell"], KnownLabels.of_cell_types(TYPES))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ["alpha cell", "betta cell"],
            r"\['betta cell'\] \(for 'betta cell' choose 'beta cell'\); it knows alpha",
        ),
        (["alpha cell", "gum cell"], r"labels \['gum cell'\]; it knows alpha cell"),
        (["alpha cell", "A cell"], r"labels \['alpha cell', 'A cell'\] all mean the model's 'alpha cell'"),
        ("islets", "labels='islets' is neither an obs column .* nor a label set of the model 'known'"),
        (["alpha cell"], "at least two labels"),
    ],
)
def test_invalid_labels_raise(toy_adata, labels, message):
    with pytest.raises(ValueError, match=message):
        label_options(toy_adata, SPEC, labels, KNOWN)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["Treg", "B cell"], r"labels \['Treg'\] \(for 'Treg' choose 'T cell'\)"),
        (["Plasma cell", "T cell"], r"for 'Plasma cell' choose 'B cell'\)"),
        (["activated B cell of mine", "T cell"], r"choose 'B cell'\)"),
        (["Hepatocyte", "T cell"], r"labels \['Hepatocyte'\]; it knows"),
        (["T cell", "T lymphocytes"], "all mean the model's 'T cell'"),
        (["T cell", "CD4 T", "CD8 T"], "'T cell' stands for CD4 T cell, CD8 T cell, which are all labels of their own"),
        ([f"type {i}" for i in range(40)], r"'type 11'\] and 28 more; it knows"),
    ],
)
def test_unknown_and_overlapping_cell_types(toy_adata, labels, message):
    with pytest.raises(ValueError, match=message):
        chosen(toy_adata, labels)


def test_labels_that_overlap_without_an_order(toy_adata):
    labels = ["pancreatic D cell", "amacrine cell", "club cell"]
    spec = ModelSpec("types", "types", knows={"annotation": {"labels": labels}})
    with pytest.raises(ValueError, match="'neuron' and 'secretory cell' both stand for the model's pancreatic D cell"):
        chosen(toy_adata, ["neuron", "secretory cell"], spec)


def test_other_tasks_have_labels_of_their_own_only(toy_adata):
    known = KnownLabels(["NK cell", "T cell"])
    assert list(label_options(toy_adata, SPEC, ["nk CELL", "T_cell"], known)) == ["nk CELL", "T_cell"]
    with pytest.raises(ValueError, match=r"\(for 'NK cells' choose 'NK cell'\); it knows NK cell, T cell"):
        label_options(toy_adata, SPEC, ["NK cells", "T cell"], known)


def test_a_model_without_labels_needs_some(toy_adata, toy_spec):
    with pytest.raises(ValueError, match="the model 'toy' has no labels of its own: pass labels="):
        label_options(toy_adata, toy_spec, None, KnownLabels(()))


def test_labels_of_tasks(toy_adata, toy_cells):
    cells = ModelCells(toy_adata, SPEC)
    assert build(Annotation(), cells).options == tuple(LABELS)
    assert build(Annotation(labels="islet"), cells).options == tuple(LABELS[:2])
    assert build(Annotation(labels=["a cell", "gamma cell"]), cells).labels["a cell"] == "alpha cell"
    assert build(Annotation(truth="cell_type"), toy_cells).options == tuple(LABELS)
    assert build(Sensitivity(drug="erlotinib"), toy_cells).options == ("sensitive", "resistant")
    erlotinib = build(Sensitivity(drug=" erlotinib"), cells)
    assert (erlotinib.drug, erlotinib.options) == ("Erlotinib", ("treated", "untreated"))
    with pytest.raises(ValueError, match="does not know the drug 'aspirin'; it knows Erlotinib"):
        build(Sensitivity(drug="aspirin"), cells).predict(slice(None))


def test_a_coarse_label_is_scored_by_its_options(toy_adata):
    examples = build(Annotation(labels=["T cell", "club cell"]), ModelCells(toy_adata, TYPES))
    assert examples.labels == {"T cell": "T cell", "club cell": "club cell"}
    assert examples.options == ("CD4 T cell", "CD8 T cell", "club cell")
    assert examples.label_of_option.tolist() == [0, 0, 1]


def test_examples_for_prediction(toy_cells):
    found = build(Annotation(labels=LABELS), toy_cells).predict(slice(2, 4))
    assert [one.genes for one in found] == [tuple(genes) for genes in toy_cells.genes([2, 3])]
    assert all((one.observed, one.hidden_genes, one.truth) == ((), (), None) for one in found)
    assert [one.context for one in found] == [{"donor": "d2"}, {"donor": "d0"}]
