"""The packaged model of gene changes, the default of responses."""

import logging
import shutil

import numpy as np
import pandas as pd
import pytest

import sc_duality as sd

INTERFERON, PANOBINOSTAT = ("cytokine", "IFNB1"), ("drug", "panobinostat")
#: Genes that interferon raises in every cell type of the blood.
INDUCED = ["ISG15", "IFI6", "IFIT3", "MX1", "LY6E", "ISG20"]


@pytest.fixture(scope="module")
def monocytes():
    """Control cells of a donor that the model has not seen."""
    adata = sd.datasets.pbmc3k()
    return adata[adata.obs["cell_type"] == "CD14+ Monocytes"][:12].copy()


@pytest.fixture(scope="module")
def treated(monocytes):
    return sd.tl.perturb(monocytes, INTERFERON, sampling=sd.Sampling(n_samples=2))


def test_gene_changes_are_the_default(treated):
    params = treated.uns["perturbation"]["params"]
    assert (params["model"], params["task"]) == ("embedded-response", "gene_changes")


def test_whole_cells_are_of_the_embedded_model(monocytes):
    found = sd.tl.perturb(monocytes[:2].copy(), INTERFERON, form="cell", n_genes=10)
    assert found.uns["perturbation"]["params"]["model"] == "embedded"


@pytest.mark.parametrize("form", [None, "changes"])
def test_a_model_of_the_settings_comes_first(monkeypatch, monocytes, tmp_path, form):
    shutil.copytree(sd.models.resolve("embedded-response").source, tmp_path / "mine")
    monkeypatch.setattr(sd.settings, "model", str(tmp_path / "mine"))
    found = sd.tl.perturb(monocytes[:2].copy(), INTERFERON, form=form, sampling=sd.Sampling(max_tokens=24))
    assert found.uns["perturbation"]["params"]["model"] == "mine"
    with pytest.raises(ValueError, match="'mine' was not trained for the task 'response', only for gene_changes"):
        sd.tl.perturb(monocytes[:2].copy(), INTERFERON, form="cell")


def test_every_cell_has_a_prediction(treated):
    assert (treated.obs["perturbation_status"] == "ok").all()
    assert np.isfinite(treated.X.data).all()


def test_interferon_raises_what_it_induces(treated):
    change = treated.var["perturbation_change"]
    assert (change[INDUCED] > 0.1).all()
    assert change.nlargest(20).index.isin(INDUCED).sum() >= 4


def test_control_changes_nothing(monocytes, treated):
    untreated = sd.tl.perturb(monocytes, ("control",))
    change = [np.abs(cells.var["perturbation_change"]).sum() for cells in (untreated, treated)]
    assert change[0] <= 0.2 * change[1]


def test_other_perturbations_change_other_genes(monocytes, treated):
    other = sd.tl.perturb(monocytes, PANOBINOSTAT)
    changes = [cells.var["perturbation_change"].to_numpy() for cells in (treated, other)]
    assert np.corrcoef(changes)[0, 1] < 0.5


def test_the_dual_reads_the_perturbation_back(treated):
    sd.tl.duality(treated, "perturbation")
    assert treated.uns["perturbation"]["duality"]["model"] == "embedded-response"
    assert treated.obs["perturbation_duality"].mean() > 0.5


def test_the_card_is_told_at_each_call(monocytes, caplog):
    with caplog.at_level(logging.WARNING, "sc_duality"):
        sd.tl.perturb(monocytes[:1].copy(), ("knockdown", "STAT1"), sampling=sd.Sampling(max_tokens=24))
    assert "no better than chance (see its card)" in caplog.text


def test_a_screen_finds_the_known_inducer(monocytes):
    known = pd.DataFrame(sd.models.resolve("embedded-response").known("gene_changes", "perturbations"))
    library = known[known["operation"] != "control"]
    sampling = sd.Sampling(temperature=0.3, max_tokens=100)
    found = sd.tl.screen(monocytes[:6].copy(), library, gene_set=INDUCED, sampling=sampling)
    assert found["target"].iloc[0] == "IFNB1"
    assert found["effect"].iloc[1] < 0.2 * found["effect"].iloc[0]


def test_an_unknown_perturbation_is_refused_with_the_known_ones(monocytes):
    with pytest.raises(ValueError, match="is not a perturbation of the model 'embedded-response'.*IFNB1"):
        sd.tl.perturb(monocytes, ("cytokine", "IL6"))
