"""Own cell types without training: they are found, known types keep theirs, and bad input is refused before loading."""

import json
from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from sklearn.metrics import accuracy_score

import sc_duality as sd
from sc_duality.models import ReferenceCells, read_reference_classifier, reference_genes, reference_labels
from sc_duality.models._reference_cells import write_reference

SPEC = sd.models.resolve("embedded")
BLOOD = SPEC.known("annotation", "label_sets")["blood"]
MINE = "my monocyte"


@pytest.fixture(scope="module")
def labelled():
    """Shipped cells in the model's words, in which classical monocytes have a name of their own."""
    cells = sd.datasets.pbmc3k()
    names = {**SPEC.known("annotation", "synonyms"), "CD14+ Monocytes": MINE}
    cells.obs["mine"] = cells.obs["cell_type"].astype(str).replace(names).to_numpy()
    return cells


@pytest.fixture(scope="module")
def few(labelled):
    """Twenty cells of the new type and of each other."""
    return labelled[(labelled.obs.groupby("mine").cumcount() < 20).to_numpy()].copy()


@pytest.fixture(scope="module")
def model(few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "model"
    return sd.tl.add_reference_cells(few, "mine", output_dir=folder, coarse={MINE: "monocyte"})


@pytest.fixture(scope="module")
def annotated(labelled, few, model):
    cells = labelled[~labelled.obs_names.isin(few.obs_names)].copy()
    others = [label for label in BLOOD if label != "classical monocyte"]
    sd.tl.annotate(cells, model, labels=[MINE, *others])
    return cells


def test_a_new_type_is_found_and_known_types_keep_theirs(annotated):
    truth, found = annotated.obs["mine"], annotated.obs["annotation"].astype(str)
    is_new = (truth == MINE).to_numpy()
    assert (found[is_new] == MINE).mean() > 0.75
    assert (found[~is_new] == MINE).mean() < 0.03
    before = annotated.copy()
    sd.tl.annotate(before, labels="blood", key_added="before")
    by_model = before.obs["before"].astype(str)
    assert accuracy_score(truth[~is_new], found[~is_new]) > accuracy_score(truth[~is_new], by_model[~is_new]) - 0.01
    assert (annotated.obs["annotation_in_distribution"][is_new] > 0.5).mean() > 0.95


def test_probabilities_and_companion_columns(annotated):
    probability = annotated.obsm["annotation_probabilities"]
    assert MINE in probability
    assert (probability.to_numpy() >= 0).all()
    assert (probability.sum(axis=1) <= 1 + 1e-9).all()
    is_mine = annotated.obs["annotation"] == MINE
    assert set(annotated.obs["annotation_coarse"][is_mine]) == {"monocyte"}
    assert annotated.obs["annotation_ontology_term_id"][is_mine].isna().all()
    assert annotated.uns["annotation"]["params"]["fingerprint"] != SPEC.fingerprint


def test_the_folder_is_a_model_that_can_be_extended_again(model, few, tmp_path):
    spec = sd.models.resolve(model)
    assert spec.known("annotation", "reference_labels") == [MINE]
    assert spec.genes == SPEC.genes
    assert set(reference_genes(spec)) > SPEC.genes
    few.obs["again"] = few.obs["mine"].replace({"B cell": "my B cell"})
    other = sd.models.resolve(sd.tl.add_reference_cells(few, "again", model, output_dir=tmp_path / "again"))
    assert reference_labels(other) == [*SPEC.known("annotation", "labels"), MINE, "my B cell"]
    with np.load(Path(SPEC.source) / "reference.npz") as content:
        earlier = set(content["study"]) if "study" in content else {0}
    with np.load(tmp_path / "again" / "reference.npz") as content:
        assert len(content["lengths"]) == 2 * len(content["labels"]) == 2 * len(content["weights"])
        assert set(content["study"]) == earlier | {max(earlier) + 1, max(earlier) + 2}
        assert content["lengths"].sum() == len(content["genes"])


def test_the_same_cells_give_the_same_model(few, model, tmp_path):
    again = sd.tl.add_reference_cells(few, "mine", output_dir=tmp_path / "again", coarse={MINE: "monocyte"})
    assert sd.models.resolve(again).fingerprint == sd.models.resolve(model).fingerprint
    other = sd.tl.add_reference_cells(few, "mine", output_dir=tmp_path / "other", rng=1)
    assert sd.models.resolve(other).fingerprint != sd.models.resolve(model).fingerprint


def test_nothing_is_written_into_the_cells(few):
    before = few.copy()
    sd.tl.add_reference_cells(few, "mine")
    assert set(few.obs) == set(before.obs)
    assert set(few.obsm) == set(before.obsm)
    assert set(few.uns) == set(before.uns)


def test_only_new_types_as_options(model, few):
    few.obs["again"] = few.obs["mine"].replace({"B cell": "my B cell"})
    both = sd.tl.add_reference_cells(few, "again", model)
    cells = few[few.obs["again"].isin([MINE, "my B cell"])].copy()
    sd.tl.annotate(cells, both, labels=[MINE, "my B cell"], unknown=0)
    assert (cells.obs["annotation"].astype(str) == cells.obs["again"]).mean() > 0.95
    np.testing.assert_allclose(cells.obsm["annotation_probabilities"].sum(axis=1), 1)


def test_duality_scores_other_labels_and_says_so(annotated, model, caplog):
    cells = annotated[::6].copy()
    sd.tl.duality(cells, model=model)
    assert "my monocyte: the reference classifier alone knows these labels" in caplog.text
    scored = cells.obs["annotation_duality"].notna()
    assert not scored[cells.obs["annotation"] == MINE].any()
    assert scored[cells.obs["annotation"] == "B cell"].all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "generate"}, "method='generate' cannot write .*my monocyte"),
        ({"sampling": sd.Sampling(n_samples=2)}, "n_samples=2 selects labels by duality"),
    ],
)
def test_what_needs_a_token_is_refused(model, few, settings, message):
    with pytest.raises(ValueError, match=message):
        sd.tl.annotate(few.copy(), model, **settings)


def test_the_classifier_alone_decides_on_new_labels():
    """With a language model that is sure, new labels keep the probability that the classifier gives them."""
    classifier = read_reference_classifier(SPEC, SPEC.genes)
    labels, cell = ["B cell", "natural killer cell", "macrophage"], ["CD79A", "MS4A1", "CD37"]
    own = classifier.ensemble_probabilities(np.full((1, 3), np.nan), [cell], labels)
    np.testing.assert_allclose(own.sum(), 1)
    both = classifier.ensemble_probabilities(np.array([[0.7, 0.1, np.nan]]), [cell], labels)
    np.testing.assert_allclose(both[0, 2], own[0, 2])
    np.testing.assert_allclose(both[0, :2].sum(), (1 - own[0, 2]) * 0.8)


def test_genes_outside_the_vocabulary_separate_types(tmp_path):
    """Two types that differ in such genes alone are told apart."""
    rng = np.random.default_rng(0)
    known = rng.choice(sorted(SPEC.genes), 40, replace=False).tolist()

    def cells(marker, n):
        return [[marker, *rng.permutation(known)[:25].tolist()] for _ in range(n)]

    measured = cells("NEW1", 20) + cells("NEW2", 20)
    labels = ["one"] * 20 + ["two"] * 20
    annotation = {**SPEC.knows["annotation"], "reference_labels": ["one", "two"]}
    spec = sd.models.ModelSpec(
        name="own", source=SPEC.source, prompt_format="compact", knows={"annotation": annotation}
    )
    write_reference(spec, SPEC, [ReferenceCells(measured, measured, labels)], tmp_path)
    (tmp_path / "tokenizer.json").write_text((Path(SPEC.source) / "tokenizer.json").read_text())
    own = sd.models.ModelSpec(
        name="own", source=str(tmp_path), prompt_format="compact", knows={"annotation": annotation}
    )
    classifier = read_reference_classifier(own, reference_genes(own))
    found = classifier.class_scores(cells("NEW1", 100) + cells("NEW2", 100), ["one", "two"]).argmax(1)
    assert (found == np.repeat([0, 1], 100)).mean() > 0.95


@pytest.fixture
def counts_with(few):
    def make(**columns):
        cells = few.copy()
        for name, values in columns.items():
            cells.obs[name] = values
        return cells

    return make


@pytest.mark.parametrize(
    ("labels", "settings", "error", "message"),
    [
        (None, {"truth": "no_such"}, KeyError, "truth='no_such' is not an obs column"),
        ("T cell", {}, ValueError, "'T cell' is a coarse type of the model 'embedded', with the types CD4-positive"),
        (["mine"] * 3 + ["unknown"], {}, ValueError, r"need at least 5 cells .* but have \{'mine': 3\}"),
        (["unknown"], {}, ValueError, "no cell is labelled"),
        (["Mine"] * 9 + ["mine"] * 9, {}, ValueError, "differ only in case"),
        ("mine", {"coarse": {"yours": "B cell"}}, ValueError, r"coarse= names \['yours'\]"),
        ("mine", {"ontology": "no_such"}, KeyError, "ontology='no_such' is not an obs column"),
        ("mine", {"ontology": "terms"}, ValueError, "give each label one"),
        ("mine", {"model": "smollm2-135m"}, ValueError, "can have no reference classifier"),
        ("mine", {"model": "no-such-model"}, ValueError, "see sd.models.available"),
        ("mine", {"rng": -1}, ValueError, "rng must be"),
    ],
)
def test_bad_input(counts_with, labels, settings, error, message):
    cells = counts_with()
    if labels is not None:
        values = (
            [labels] * cells.n_obs if isinstance(labels, str) else labels + ["unknown"] * (cells.n_obs - len(labels))
        )
        cells.obs["own"] = values[: cells.n_obs]
    cells.obs["terms"] = [f"CL:{i % 2}" for i in range(cells.n_obs)]
    with pytest.raises(error, match=message):
        sd.tl.add_reference_cells(cells, **{"truth": "own", **settings})


def test_scaled_values_unknown_genes_and_full_folders(counts_with, tmp_path):
    scaled = counts_with(own="mine")
    scaled.X = np.asarray(scaled.X.todense()) - 1.0
    with pytest.raises(ValueError, match="negative"):
        sd.tl.add_reference_cells(scaled, "own")
    mouse = counts_with(own="mine")
    mouse.var_names = [f"g{i}" for i in range(mouse.n_vars)]
    with pytest.raises(ValueError, match="knows 0 of the"):
        sd.tl.add_reference_cells(mouse, "own")
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(FileExistsError, match="is not empty"):
        sd.tl.add_reference_cells(counts_with(own="mine"), "own", output_dir=tmp_path)


def test_ontology_terms_are_taken_from_the_column_next_to_the_labels(few, tmp_path):
    few.obs["mine_ontology_term_id"] = np.where(few.obs["mine"] == MINE, "CL:0000860", None)
    folder = sd.tl.add_reference_cells([few], "mine", output_dir=tmp_path / "own")
    del few.obs["mine_ontology_term_id"]
    known = json.loads((folder / "sc_duality.json").read_text())["knows"]["annotation"]
    assert known["ontology"][MINE] == "CL:0000860"
    assert known["coarse"][MINE] == MINE


def test_results_survive_a_file(annotated, tmp_path):
    annotated.write_h5ad(tmp_path / "own.h5ad")
    again = ad.read_h5ad(tmp_path / "own.h5ad")
    assert (again.obs["annotation"].astype(str) == annotated.obs["annotation"].astype(str)).all()


def test_a_model_without_a_classifier_gets_one(labelled, tmp_path):
    """A model that was not trained at all annotates by its reference classifier."""
    cells = labelled.copy()
    train, test = cells[::2].copy(), cells[1::2].copy()
    start = sd.models.new_gene_model(tmp_path / "start", train.var_names, n_genes=100)
    spec = sd.models.resolve(start)
    known = {"annotation": {"labels": []}}
    sd.models.write_spec(replace(spec, tasks=["annotation"], knows=known), start)
    model = sd.tl.add_reference_cells(train, "mine", start, output_dir=tmp_path / "model")
    found = sd.models.resolve(model)
    assert found.known("annotation", "in_distribution")["midpoint"] == -1
    assert set(reference_labels(found)) == set(train.obs["mine"])
    sd.tl.annotate(test, model, labels=sorted(set(train.obs["mine"])))
    assert (test.obs["annotation"].astype(str) == test.obs["mine"]).mean() > 0.8
    assert (test.obs["annotation_in_distribution"] > 0.99).all()


def test_a_first_reference_of_few_cells_is_refused_before_a_folder_is_made(labelled, tmp_path):
    start = sd.models.new_gene_model(tmp_path / "start", labelled.var_names, n_genes=100)
    known = {"annotation": {"labels": sorted(set(labelled.obs["mine"]))}}
    sd.models.write_spec(replace(sd.models.resolve(start), tasks=["annotation"], knows=known), start)
    with pytest.raises(ValueError, match="needs at least 5 labelled cells, but has 3"):
        sd.tl.add_reference_cells(labelled[:3].copy(), "mine", start, output_dir=tmp_path / "model")
    assert not (tmp_path / "model").exists()
