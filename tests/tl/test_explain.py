"""The genes that decide a label: an additive model, whose drops are known, and the embedded model."""

import logging

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax

import sc_duality as sd
from tests.scripted_model import ScriptedModel

LABELS = ["B cell", "CD4 T cell", "NK cell"]
#: Log-likelihood of each label that a gene adds.
WEIGHTS = {
    "CD74": [2.0, 0.0, 0.0],
    "CD79A": [1.5, -0.5, 0.0],
    "IL32": [0.0, 1.5, 1.2],
    "LTB": [0.5, 1.0, 0.0],
    "NKG7": [0.0, -0.5, 2.5],
    "GNLY": [0.0, 0.0, 1.5],
    "LYZ": [-1.0, 0.2, 0.0],
}
#: Genes by which natural killer cells are known in blood.
KILLER_MARKERS = {
    *("CD160", "CD247", "CLIC3", "CST7", "CTSW", "FCGR3A", "FGFBP2", "GNLY", "GZMA", "GZMB", "GZMH", "HOPX", "KLRB1"),
    *("KLRD1", "KLRF1", "NKG7", "PRF1", "SPON2", "TRDC", "XCL1", "XCL2"),
}


class AdditiveModel(ScriptedModel):
    """Sums the weights of the genes in the prompt; a prompt with ``silent`` gets no answer."""

    def __init__(self, silent="no such gene", **spec):
        super().__init__(**spec)
        self.silent = silent

    def score(self, prompts, choices):
        self.prompts, self.choices = list(prompts), list(choices)
        self.n_prompts.append(len(prompts))
        return np.array([log_likelihoods(prompt.split(), self.silent) for prompt in prompts])


def log_likelihoods(tokens, silent="no such gene"):
    if silent in tokens:
        return [np.nan] * 3
    return np.sum([WEIGHTS[token] for token in tokens if token in WEIGHTS] or [[0.0] * 3], axis=0).tolist()


@pytest.fixture
def model():
    return AdditiveModel(temperature=2.0)


@pytest.fixture
def annotated(cells, model):
    sd.tl.annotate(cells, model, labels=LABELS)
    return cells


def drops_of(genes, hidden, label):
    """Log-probabilities of the labels with all genes minus those without one, worked by hand."""
    full = log_softmax(np.array(log_likelihoods(genes)) / 2)
    return (full - log_softmax(np.array(log_likelihoods([gene for gene in genes if gene != hidden])) / 2))[label]


def test_drop_and_contrast_are_means_over_the_cells_of_a_label(annotated, model):
    sd.tl.explain(annotated, model=model, n_cells=1000, n_genes=3)
    table = sd.get.evidence(annotated)
    sentences = sd.get.gene_lists(annotated, n_genes=annotated.uns["annotation"]["params"]["n_genes"])
    for _, row in table.iterrows():
        members = np.flatnonzero(annotated.obs["annotation"] == row["label"])
        label, other = LABELS.index(row["label"]), LABELS.index(row["runner_up"])
        drops = [drops_of(sentences[i], row["gene"], label) for i in members]
        against = [drops_of(sentences[i], row["gene"], other) for i in members]
        assert row["drop"] == pytest.approx(np.mean(drops), abs=1e-9)
        assert row["contrast"] == pytest.approx(np.mean(drops) - np.mean(against), abs=1e-9)
    assert set(table["gene"]) <= set(WEIGHTS)
    assert {"CD74", "CD79A"} & set(table.loc[table["label"] == "B cell", "gene"])


def test_ranks_fractions_and_groups(annotated, model):
    sd.tl.explain(annotated, model=model, n_cells=4, n_genes=2)
    for name, part in sd.get.evidence(annotated).groupby("group"):
        assert part["drop"].is_monotonic_decreasing
        assert part["rank"].tolist() == sorted(part["rank"])
        members = (annotated.obs["annotation"] == name).to_numpy()
        for gene, fraction in zip(part["gene"], part["fraction"], strict=True):
            assert fraction == pytest.approx((annotated[members, gene].X.toarray() > 0).mean())
    by_contrast = sd.get.evidence(annotated, by="contrast", n_genes=2)
    assert (by_contrast["contrast_rank"] <= 2).all()
    groups = annotated.uns["annotation"]["evidence"]["groups"].set_index("group")
    probability = annotated.obsm["annotation_probabilities"]
    for name, row in groups.iterrows():
        members = (annotated.obs["annotation"] == name).to_numpy()
        mean = probability[members].mean()
        assert (row["n_cells"], row["n_read"]) == (members.sum(), min(4, members.sum()))
        assert row["probability"] == pytest.approx(mean[name])
        assert row["runner_up"] == mean.drop(name).idxmax()
        assert row["runner_up_probability"] == pytest.approx(mean.drop(name).max())


def test_markers_are_those_of_the_group(annotated, model):
    sd.tl.explain(annotated, model=model, groupby="cell_type", n_genes=20)
    table = sd.get.evidence(annotated, group="NK cells")
    assert table.set_index("gene").loc["NKG7", "is_marker"]
    markers = annotated.uns["annotation"]["evidence"]["groups"].set_index("group")["markers"]
    assert "NKG7" in markers["NK cells"].split(", ")
    assert annotated.uns["annotation"]["evidence"]["params"]["groupby"] == "cell_type"


def test_the_sample_of_a_group_depends_on_nothing_else(annotated, model):
    few = annotated[annotated.obs["annotation"].isin(LABELS[:2]).to_numpy()].copy()
    for cells in (annotated, few):
        sd.tl.explain(cells, model=model, n_cells=2, rng=3)
    columns = ["gene", "drop", "contrast"]
    expected = sd.get.evidence(annotated, group="B cell")[columns]
    pd.testing.assert_frame_equal(sd.get.evidence(few, group="B cell")[columns], expected)
    sd.tl.explain(annotated, model=model, n_cells=2, rng=4)
    assert not sd.get.evidence(annotated, group="B cell")["drop"].equals(expected["drop"])


def test_labels_by_generated_text_are_explained_by_scores(cells, model):
    model.texts = ["<answer>NK cell</answer>", "<answer>B cell</answer>"]
    sd.tl.annotate(cells, model, labels=LABELS, method="generate")
    sd.tl.explain(cells, model=model, n_cells=50)
    assert set(sd.get.evidence(cells)["label"]) == {"NK cell", "B cell"}
    groups = cells.uns["annotation"]["evidence"]["groups"]
    assert groups["probability"].between(0, 1).all()
    assert (groups["runner_up"] != groups["label"]).all()


def test_results_of_predict_are_explained(cells):
    sd.tl.predict(cells, ("sensitivity", {"drug": "panobinostat"}))
    sd.tl.explain(cells, "sensitivity", n_cells=1, n_genes=2)
    assert set(sd.get.evidence(cells, "sensitivity")["label"]) <= {"treated", "untreated"}


def test_prompts_are_those_of_the_result_with_one_gene_hidden(cells):
    model = AdditiveModel(n_genes=30)
    cells.obs["tissue"] = "blood"
    sd.tl.annotate(cells, model, labels=LABELS, context=["tissue"])
    shown = set(model.prompts)
    sd.tl.explain(cells, model=model, n_cells=2)
    assert all("originates from the blood" in prompt for prompt in model.prompts)
    assert not set(model.prompts) & shown
    lengths = {len(prompt.partition("in descending order: ")[2].partition("\n")[0].split()) for prompt in model.prompts}
    assert lengths == {29}


def test_cells_without_an_answer_do_not_count(annotated):
    rows = np.flatnonzero(annotated.obs["annotation"] == "B cell")
    genes = sd.get.gene_lists(annotated, n_genes=100)
    others = {gene for row in rows[1:] for gene in genes[row]}
    silent = next(gene for gene in genes[rows[0]] if gene not in others | set(WEIGHTS))
    sd.tl.explain(annotated, model=AdditiveModel(silent=silent, temperature=2.0), n_cells=1000)
    table = sd.get.evidence(annotated, group="B cell").set_index("gene")
    answered = [row for row in rows if silent not in genes[row]]
    expected = np.mean([drops_of(genes[row], "CD74", 0) for row in answered])
    assert table.loc["CD74", "drop"] == pytest.approx(expected)
    groups = annotated.uns["annotation"]["evidence"]["groups"].set_index("group")
    assert groups.at["B cell", "n_read"] == len(answered) == len(rows) - 1


def test_a_model_that_answers_nothing(annotated):
    with pytest.raises(ValueError, match=r"no answer about any of \d+ cells"):
        sd.tl.explain(annotated, model=AdditiveModel(silent="genes,"))
    assert "evidence" not in annotated.uns["annotation"]


def test_unknown_cells_and_groups_without_a_label_are_left_out(annotated, model, caplog):
    annotated.obs["cluster"] = np.where(annotated.obs["annotation"] == "NK cell", "b", "a")
    lost = (annotated.obs["cluster"] == "b").to_numpy()
    annotated.obs.loc[lost, "annotation"] = np.nan
    with caplog.at_level(logging.WARNING):
        sd.tl.explain(annotated, model=model, groupby="cluster", n_cells=3)
    assert "1 groups have no label to explain: b" in caplog.text
    assert set(sd.get.evidence(annotated)["group"]) == {"a"}


def test_expression_is_read_from_the_sentences_if_the_matrix_is_gone(annotated, model, caplog):
    gone = annotated.copy()
    gone.X = gone.X.toarray() - 1.0
    sd.tl.explain(annotated, model=model, n_cells=3)
    with caplog.at_level(logging.WARNING):
        sd.tl.explain(gone, model=model, n_cells=3)
    assert "expression is read from the cell sentences" in caplog.text
    assert sd.get.evidence(gone)["gene"].tolist() == sd.get.evidence(annotated)["gene"].tolist()
    assert sd.get.evidence(gone)["fraction"].between(0, 1).all()


def test_copy_and_mudata(annotated, model):
    found = sd.tl.explain(annotated, model=model, n_cells=2, copy=True)
    assert "evidence" not in annotated.uns["annotation"]
    both = md.MuData({"rna": annotated})
    sd.tl.explain(both, model=model, n_cells=2)
    pd.testing.assert_frame_equal(sd.get.evidence(both), sd.get.evidence(found))


@pytest.mark.parametrize("store", ["h5ad", "zarr"])
def test_evidence_is_stored_and_new_labels_drop_it(annotated, model, store, tmp_path):
    sd.tl.explain(annotated, model=model, groupby="cell_type", n_cells=2)
    path = tmp_path / f"a.{store}"
    getattr(annotated, f"write_{store}")(path)
    found = getattr(ad, f"read_{store}")(path)
    columns = ["group", "label", "gene", "drop", "rank", "is_marker"]
    expected = sd.get.evidence(annotated)[columns].astype(str)
    pd.testing.assert_frame_equal(sd.get.evidence(found)[columns].astype(str), expected)
    assert sd.get.summary(found, groupby="cell_type").equals(sd.get.summary(annotated, groupby="cell_type"))
    sd.tl.annotate(annotated, model, labels=LABELS)
    assert "evidence" not in annotated.uns["annotation"]


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"key": "cell_type"}, KeyError, "does not tell how"),
        ({"key": "other"}, KeyError, "obs has no predictions 'other'"),
        ({"model": None}, ValueError, "was predicted by the model 'scripted': pass it as model="),
        ({"groupby": "leiden"}, KeyError, "groupby='leiden' is not an obs column"),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer, got 0"),
        ({"n_cells": 0}, ValueError, "n_cells must be a positive integer, got 0"),
        ({"sentence_key": "other"}, KeyError, "obsm has no 'other', the cell sentences"),
        ({"rng": -1}, ValueError, "rng must be a non-negative integer"),
    ],
)
def test_bad_arguments(annotated, model, how, error, message):
    before = model.n_prompts.copy()
    with pytest.raises(error, match=message):
        sd.tl.explain(annotated, **{"model": model, **how})
    assert model.n_prompts == before
    assert "evidence" not in annotated.uns["annotation"]


def test_lost_sentences_and_labels(annotated, model):
    renamed = annotated.copy()
    renamed.obs["annotation"] = "my cell"
    with pytest.raises(ValueError, match="no group has a label among the 3"):
        sd.tl.explain(renamed, model=model)
    del annotated.obsm["cell_sentence"]
    with pytest.raises(KeyError, match="obsm has no 'cell_sentence', the cell sentences that obs"):
        sd.tl.explain(annotated, model=model)


def test_results_that_are_not_labels_are_refused(scripted_model):
    found = sd.tl.generate(
        {"B cell": 2},
        scripted_model(texts=["<answer>CD79A</answer>"], expression_model={"slope": -0.5, "intercept": 2.0}),
        n_genes=5,
    )
    with pytest.raises(ValueError, match="did not choose among labels"):
        sd.tl.explain(found, "cell_type", scripted_model())


def test_an_engine_without_log_likelihoods_says_what_is_needed(annotated, model):
    def refuse(*_):
        raise ValueError("the servers return no log-likelihoods")

    model.score = refuse
    with pytest.raises(ValueError, match="no log-likelihoods") as error:
        sd.tl.explain(annotated, model=model)
    assert "pass a local model" in error.value.__notes__[0]


def test_the_embedded_model_names_known_markers_and_their_deletion_lowers_the_probability():
    adata = sd.datasets.pbmc3k()
    adata = adata[adata.obs["cell_type"].isin(["NK cells", "B cells"]).to_numpy()][::3].copy()
    sd.pp.cell_sentences(adata, 100)
    sd.tl.annotate(adata, labels="blood")
    sd.tl.explain(adata, n_cells=3)
    genes = sd.get.evidence(adata, group="natural killer cell", n_genes=10)["gene"].tolist()
    assert len(KILLER_MARKERS & set(genes)) >= 5
    chosen = adata[(adata.obs["annotation"] == "natural killer cell").to_numpy()].copy()
    known = sd.models.resolve("embedded").genes
    others = sorted({gene for one in sd.get.gene_lists(chosen) for gene in one if gene in known} - set(genes))

    def probability_without(deleted):
        kept = (~chosen.var_names.isin(deleted)).astype(np.float32)
        cells = ad.AnnData(chosen.X.multiply(kept).tocsr(), chosen.obs[[]], chosen.var)
        sd.tl.annotate(cells, labels="blood")
        return cells.obsm["annotation_probabilities"]["natural killer cell"].mean()

    before = chosen.obsm["annotation_probabilities"]["natural killer cell"].mean()
    without_others = probability_without(np.random.default_rng(0).choice(others, 10, replace=False))
    assert without_others == pytest.approx(before, abs=0.05)
    assert probability_without(genes) < without_others - 0.2


def test_coarse_labels_are_explained_by_the_sum_of_their_types(cells):
    sd.pp.cell_sentences(cells, 100)
    sd.tl.annotate(cells, labels=["T cell", "B cell", "monocyte"], unknown=0)
    sd.tl.explain(cells, n_cells=3, n_genes=5)
    table = sd.get.evidence(cells)
    assert set(table["label"]) == {"T cell", "B cell", "monocyte"}
    assert {"CD3D", "CD3E", "IL32"} & set(table.loc[table["label"] == "T cell", "gene"])


def test_own_cell_types_are_explained_by_genes_outside_the_vocabulary(tmp_path):
    """The classifier that explains is the one that predicted, with the genes of the user's cells."""
    adata = sd.datasets.pbmc3k()[::4].copy()
    adata.obs["mine"] = adata.obs["cell_type"].astype(str).replace("B cells", "my B cell")
    model = sd.tl.add_reference_cells(adata, "mine", output_dir=tmp_path / "model")
    sd.tl.annotate(adata, model, labels=["my B cell", "natural killer cell", "classical monocyte"], unknown=0)
    sd.tl.explain(adata, model=model, n_cells=1)
    groups = adata.uns["annotation"]["evidence"]["groups"].set_index("group")
    is_mine = (adata.obs["annotation"] == "my B cell").to_numpy()
    of_cells = adata.obsm["annotation_probabilities"]["my B cell"][is_mine]
    assert groups.loc["my B cell", "probability"] == pytest.approx(of_cells.mean(), abs=1e-6)
    assert len(sd.get.evidence(adata, group="my B cell"))
