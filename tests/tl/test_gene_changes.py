"""Predicted gene changes: from two lists of genes to cells, tables and scores."""

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.cells import default_sentences, ranked_expression
from sc_duality.models import Sampling

IFNB1 = ("cytokine", "IFNB1")
LINES = {
    "up": {"slope": -0.2, "intercept": 1.0, "level": 0.0, "r2": 1.0},
    "down": {"slope": 0.0, "intercept": 0.3, "level": 0.0, "r2": 1.0},
}
KNOWS = {
    "gene_changes": {
        "perturbations": [{"operation": "control"}, {"operation": "cytokine", "target": "IFNB1"}],
        "n_changed": 5,
        "lines": {"cytokine IFNB1": LINES},
    }
}


def answer(text):
    return f"<answer>{text}</answer>"


@pytest.fixture
def predicted(cells, scripted_model):
    model = scripted_model(texts=[answer("ISG15 IFI6 | LYZ"), answer("ISG15 |"), answer("|"), "?"], knows=KNOWS)
    return sd.tl.perturb(cells, IFNB1, model, form="changes")


def test_changes_are_added_to_the_control_cells(cells, predicted):
    control = predicted.layers["control"].toarray()
    ok = (predicted.obs["perturbation_status"] == "ok").to_numpy()
    assert predicted.obs["perturbation_status"].tolist()[:4] == ["ok", "ok", "ok", "no answer tag"]
    counts = np.asarray(cells.X.todense(), dtype=float)
    expected = np.log10(1 + 1e4 * counts / counts.sum(1, keepdims=True))
    np.testing.assert_allclose(control[ok], expected[ok], atol=1e-5)
    change = np.zeros(cells.shape)
    isg15, ifi6, lyz = (cells.var_names.get_loc(gene) for gene in ("ISG15", "IFI6", "LYZ"))
    change[0::4, isg15], change[1::4, isg15] = 1.0, 1.0
    change[0::4, ifi6], change[0::4, lyz] = 1 - 0.2 * np.log10(2), -0.3
    np.testing.assert_allclose(predicted.layers["change"].toarray(), change, atol=1e-6)
    np.testing.assert_allclose(predicted.X.toarray()[ok], np.maximum(expected + change, 0)[ok], atol=1e-5)
    assert not predicted.X[~ok].nnz
    genes = ranked_expression(cells, default_sentences(cells))
    assert genes.shape == (cells.n_obs, len(default_sentences(cells).genes))


def test_var_tells_how_each_gene_changes(predicted):
    ok = predicted.obs["perturbation_status"] == "ok"
    share = (ok & (np.arange(len(ok)) % 4 < 2)).sum() / ok.sum()
    row = predicted.var.loc["ISG15"]
    assert row["perturbation_up"] == pytest.approx(share)
    assert row["perturbation_down"] == 0
    assert row["perturbation_change"] == pytest.approx(share)
    assert row["perturbation_change_sd"] == pytest.approx(np.sqrt(share * (1 - share)), abs=1e-6)
    table = sd.get.gene_changes(predicted)
    assert table.index.tolist() == ["ISG15", "IFI6", "LYZ"]
    assert sd.get.gene_changes(predicted, n_top=1).index.tolist() == ["ISG15", "LYZ"]
    with pytest.raises(KeyError, match="pass what sd.tl.perturb"):
        sd.get.gene_changes(predicted, "other")


def test_samples_are_averaged(cells, scripted_model):
    texts = [answer("ISG15 |")] * cells.n_obs + ["?"] + [answer("| ISG15")] * (cells.n_obs - 1)
    found = sd.tl.perturb(
        cells, IFNB1, scripted_model(texts=texts, knows=KNOWS), form="changes", sampling=Sampling(n_samples=2)
    )
    change = found.layers["change"][:, cells.var_names.get_loc("ISG15")].toarray().ravel()
    np.testing.assert_allclose(change, [1.0, *[0.35] * (cells.n_obs - 1)], atol=1e-6)
    assert (found.obs["perturbation_status"] == "ok").all()
    with pytest.raises(ValueError, match="n_samples=2 is for the form 'changes'"):
        sd.tl.perturb(cells, IFNB1, scripted_model(texts=texts), form="cell", sampling=Sampling(n_samples=2))


def test_the_form_is_that_of_the_model(cells, scripted_model):
    text = [answer("ISG15 | LYZ")]
    found = sd.tl.perturb(cells, IFNB1, scripted_model(texts=text, knows=KNOWS, tasks=("gene_changes",)))
    assert found.uns["perturbation"]["params"]["task"] == "gene_changes"
    with pytest.raises(ValueError, match="was not trained for the task 'response', only for gene_changes"):
        sd.tl.perturb(cells, IFNB1, scripted_model(texts=text, tasks=("gene_changes",)), form="cell")
    with pytest.raises(ValueError, match="form='lists' is not an option"):
        sd.tl.perturb(cells, IFNB1, scripted_model(texts=text), form="lists")


def test_predicted_changes_are_scored_by_their_dual(predicted, scripted_model):
    model = scripted_model(scores=[[0.0, 3.0]], knows=KNOWS)
    sd.tl.duality(predicted, "perturbation", model)
    assert "Genes whose expression rose, largest change first: ISG15 IFI6\n" in model.prompts[0]
    assert "Genes whose expression fell, largest change first: LYZ\n" in model.prompts[0]
    score = predicted.obs["perturbation_duality"].to_numpy()
    assert np.isnan(score[3])
    assert score[0] == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-4)


def test_results_survive_a_file(predicted, tmp_path):
    predicted.write_h5ad(tmp_path / "predicted.h5ad")
    import anndata as ad

    again = ad.read_h5ad(tmp_path / "predicted.h5ad")
    assert sd.get.gene_changes(again).equals(sd.get.gene_changes(predicted))


def test_genes_of_raw_without_a_column_are_left_out(cells, scripted_model):
    cells.raw = cells.copy()
    few = cells[:, [name for name in cells.var_names if name != "ISG15"]].copy()
    sd.pp.cell_sentences(few, use_raw=True)
    model = scripted_model(texts=[answer("ISG15 IFI6 | LYZ")], knows=KNOWS)
    found = sd.tl.perturb(few, IFNB1, model, form="changes")
    assert sd.get.gene_changes(found).index.tolist() == ["IFI6", "LYZ"]
    assert "ISG15" not in {gene for genes in sd.get.gene_lists(found) for gene in genes}


def test_a_target_that_cannot_be_a_token_is_named(cells, tmp_path):
    cells.obs["condition"] = ["ctrl", "treated"] * (cells.n_obs // 2) + ["ctrl"] * (cells.n_obs % 2)
    settings = {
        "perturbation": "condition",
        "control": "ctrl",
        "perturbations": {"treated": ("knockdown", "NOTAGENE"), "ctrl": ("control",)},
        "n_changed": 3,
    }
    with pytest.raises(ValueError, match="has no token for NOTAGENE"):
        sd.tl.train_sft(
            cells, "embedded", tmp_path / "model", tasks={"gene_changes": settings}, held_out=0.0, n_genes=20
        )
