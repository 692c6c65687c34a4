"""What the cells that a model learned from say of others, and what that does to its answers."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics.pairwise import cosine_similarity

import sc_duality as sd
from sc_duality.tl._ask import sentences_for
from sc_duality.tl._familiar import REFERENCE, Learned, Reference, read_reference, where


def without_reference():
    """The embedded model, asked alone."""
    return sd.models.load(replace(sd.models.resolve("embedded"), familiar={}))


@pytest.fixture(scope="module")
def reference():
    spec = sd.models.resolve("embedded")
    return read_reference(spec, spec.genes)


def made(names, genes, cells, types):
    """A reference of the types a, b, ..., half familiar at a cosine of 0.2."""
    place, column = ({name: row for row, name in enumerate(of)} for of in (names, "abcdefg"[: types.shape[1]]))
    return Reference(place, column, Learned(genes, cells, types), half=0.2, slope=7.0, temperature=0.8)


def test_similarity_is_the_cosine_to_the_fifth_nearest_cell():
    rng = np.random.default_rng(0)
    names, cells = [f"g{i}" for i in range(30)], rng.normal(size=(12, 4)).astype(np.float32)
    cells /= np.linalg.norm(cells, axis=1, keepdims=True)
    genes = rng.normal(size=(30, 4)).astype(np.float32)
    found = made(names, genes, cells, np.zeros((5, 0), dtype=np.float32))
    for shown in (["g3"], names[::-1], names[5:20]):
        place = [names.index(name) for name in shown]
        vector = sum(genes[row] / np.log2(rank + 4) for rank, row in enumerate(place))
        expected = np.sort(cosine_similarity(vector[None], cells)[0])[-5]
        assert found.similarity(shown) == pytest.approx(expected, abs=1e-5)
        assert found.familiarity([shown]) == pytest.approx(1 / (1 + np.exp(-7 * (expected - 0.2))), abs=1e-4)


def test_scores_are_linear_in_where_a_cell_lies():
    rng = np.random.default_rng(1)
    genes, types = rng.normal(size=(6, 4)).astype(np.float32), rng.normal(size=(5, 3)).astype(np.float32)
    found = made("uvwxyz", genes, np.zeros((9, 4), dtype=np.float32), types)
    vector = genes[2] / np.log2(4) + genes[0] / np.log2(5) + genes[5] / np.log2(6)
    expected = np.append(vector / np.linalg.norm(vector), 1) @ types
    np.testing.assert_allclose(found.scores([["w", "u", "z"]], ["c", "a"]), [expected[[2, 0]]], rtol=1e-5)


@given(st.lists(st.floats(-30, 5), min_size=4, max_size=4), st.booleans())
def test_model_and_reference_have_one_voice_each(said, none):
    rng = np.random.default_rng(2)
    genes, types = rng.normal(size=(6, 4)).astype(np.float32), rng.normal(size=(5, 3)).astype(np.float32)
    found = made("uvwxyz", genes, np.zeros((9, 4), dtype=np.float32), types)
    of_model, cell = softmax(said if none else said[:3])[:3], ["w", "u"]
    joined = found.joined(of_model[None], [cell], ["a", "b", "c"])[0]
    known = of_model.sum()
    of_reference = known * softmax(found.scores([cell], ["a", "b", "c"])[0] / 0.8)
    np.testing.assert_allclose(joined, [(of_model[i] + of_reference[i]) / 2 for i in range(3)], atol=1e-12)
    assert joined.sum() == pytest.approx(known)


def test_real_cells_are_familiar_and_cells_of_any_genes_are_not(reference):
    cells = sd.datasets.pbmc3k()[::8].copy()
    sd.pp.cell_sentences(cells)
    real = [[gene for gene in genes if gene in reference.place] for genes in sd.get.gene_lists(cells)]
    rng = np.random.default_rng(0)
    unreal = [rng.choice(list(reference.place), 100, replace=False).tolist() for _ in range(50)]
    assert np.median(reference.familiarity(real)) > 0.9
    assert np.median(reference.familiarity(unreal)) < 0.1


def test_an_unfamiliar_cell_is_of_none_of_the_types_however_sure_the_model_is(cells, parrot):
    spec = sd.models.resolve("embedded")
    labels = ["B cell", "retinal rod cell"]  # such that the reference says the same of cells of blood
    model = parrot(scores=[[30.0, 0.0, 0.0]])
    model.spec = replace(spec, name="parrot")
    sd.tl.annotate(cells, model, labels=labels, key_added="alike")
    model.spec = replace(model.spec, familiar={**spec.familiar, "half": 0.99, "slope": 100.0})
    sd.tl.annotate(cells, model, labels=labels, key_added="unlike")
    assert (cells.obs["alike"] == "B cell").mean() > 0.9
    assert (cells.obs["unlike"] == "unknown").mean() > 0.9
    assert (cells.obs["unlike_coarse"] == "unknown").mean() > 0.9
    assert (cells.obs["unlike_in_distribution"] < cells.obs["alike_in_distribution"]).all()
    np.testing.assert_array_equal(cells.obsm["unlike_probabilities"], cells.obsm["alike_probabilities"])
    sd.tl.annotate(cells, model, labels=labels, key_added="unlike", unknown=0)
    assert (cells.obs["unlike"] == "B cell").mean() > 0.9


def test_a_cell_that_could_not_be_judged_has_no_in_distribution(cells, parrot):
    spec = sd.models.resolve("embedded")
    model = parrot(scores=[[9.0, *[0.0] * len(spec.labels)]], judge=lambda *_: np.nan)
    model.spec = replace(spec, name="parrot")
    sd.tl.annotate(cells, model, labels=list(spec.labels), best_of=2)
    assert (cells.obs["annotation_status"] == "not answered").all()
    assert cells.obs["annotation_in_distribution"].isna().all()


def test_a_cluster_is_as_familiar_as_its_cells_are_on_average(cells):
    cells.obs["cluster"] = np.where(np.arange(cells.n_obs) % 2, "a", "b")
    sd.tl.annotate(cells, key_added="each")
    sd.tl.annotate(cells, groupby="cluster")
    expected = cells.obs.groupby("cluster", observed=True)["each_in_distribution"].mean()
    np.testing.assert_allclose(cells.obs["annotation_in_distribution"], cells.obs["cluster"].map(expected), rtol=1e-12)


@given(st.lists(st.lists(st.integers(0, 11), unique=True), min_size=1), st.sets(st.integers(0, 11)), st.integers(1, 9))
def test_kept_cells_lie_where_the_measured_part_of_their_sentence_does(cells, measured, n_genes):
    vectors = np.random.default_rng(3).normal(size=(12, 4)).astype(np.float32)
    genes, lengths = np.array([gene for one in cells for gene in one], dtype=np.uint16), np.array([*map(len, cells)])
    found = where(vectors, genes, lengths, np.isin(np.arange(12), list(measured)), n_genes)
    asked = made(range(12), vectors, np.zeros((9, 4)), np.zeros((5, 0)))
    for one, place in zip(cells, found, strict=True):
        read = [gene for gene in one if gene in measured][:n_genes]
        np.testing.assert_allclose(place, asked.vector(read) if read else np.zeros(4), atol=1e-5)


def test_on_a_panel_of_genes_the_reference_is_that_of_these_genes(reference):
    """Cells of a panel are more like kept cells of that panel than like whole ones, and their types are read better."""
    spec, cells = sd.models.resolve("embedded"), sd.datasets.pbmc3k()
    spread = np.asarray(cells.X.todense()).var(0) / (np.asarray(cells.X.mean(0)).ravel() + 0.01)
    of_model = cells.var_names.isin(spec.genes)
    panel = cells[:, np.argsort(-spread * of_model)[:200]].copy()
    sd.pp.cell_sentences(panel)
    sentences = sd.get.gene_lists(panel)
    labels, truth = spec.label_sets["blood"], panel.obs["cell_type"].astype(str).map(spec.synonyms).to_numpy()
    limited = read_reference(spec, panel.var_names)
    share = {name: (np.array(labels)[asked.scores(sentences, labels).argmax(1)] == truth).mean()
             for name, asked in (("whole", reference), ("panel", limited))}  # fmt: skip
    assert share["panel"] > share["whole"] + 0.02
    assert np.median(limited.familiarity(sentences)) > np.median(reference.familiarity(sentences))


def test_probabilities_are_those_of_model_and_reference_together(cells):
    few = cells[:20].copy()
    sd.tl.annotate(few)
    sd.tl.annotate(few, without_reference(), key_added="alone")
    spec = sd.models.resolve("embedded")
    shown = sentences_for(few, spec, key="cell_sentence", n_genes=None)
    alone = few.obsm["alone_probabilities"].to_numpy()
    expected = read_reference(spec, shown.names).joined(alone, shown.genes(), list(spec.labels))
    np.testing.assert_allclose(few.obsm["annotation_probabilities"], expected, atol=1e-6)
    assert few.obsm["annotation_probabilities"].to_numpy().argmax(1).tolist() == expected.argmax(1).tolist()


def test_a_folder_without_a_reference_is_asked_alone(cells, tmp_path):
    own = Path(sd.models.resolve("embedded").source)
    shutil.copytree(own, tmp_path / "model", ignore=shutil.ignore_patterns(REFERENCE))
    known = json.loads((tmp_path / "model" / "sc_duality.json").read_text())
    del known["familiar"]
    (tmp_path / "model" / "sc_duality.json").write_text(json.dumps(known))
    few = cells[:5].copy()
    sd.tl.annotate(few, tmp_path / "model", unknown=0)
    sd.tl.annotate(few, without_reference(), unknown=0, key_added="alone")
    assert "annotation_in_distribution" not in few.obs
    np.testing.assert_allclose(few.obsm["alone_probabilities"], few.obsm["annotation_probabilities"], atol=1e-6)
    assert few.obs["alone"].tolist() == few.obs["annotation"].tolist()
