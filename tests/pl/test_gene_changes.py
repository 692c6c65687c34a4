"""pl.gene_changes draws the table of get.gene_changes, genes that rise above those that fall."""

import matplotlib as mpl
import numpy as np
import pytest

import sc_duality as sd

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(scope="module")
def treated():
    control = sd.datasets.pbmc3k()[:6].copy()
    return sd.tl.perturb(control, ("cytokine", "IFNB1"), rng=0)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_dots_are_the_means_and_bars_the_spread(treated):
    ax = sd.pl.gene_changes(treated, n_top=4)
    table = sd.get.gene_changes(treated, n_top=4)
    assert len(table) == 8
    assert not ax.get_title()  # the means are of all predictions, not of the cells that are left
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == table.sort_values("change").index.tolist()
    dots = {names[int(line.get_ydata()[0])]: line.get_xdata() for line in ax.lines if line.get_marker() == "o"}
    bars = {names[int(line.get_ydata()[0])]: line.get_xdata() for line in ax.lines[:-1] if len(line.get_xdata()) == 2}
    for gene, row in table.iterrows():
        assert dots[gene] == pytest.approx([row["change"]])
        assert np.ptp(bars[gene]) == pytest.approx(2 * row["sd"])


def test_axes_of_the_caller_are_used(treated):
    _, ax = plt.subplots()
    assert sd.pl.gene_changes(treated, ax=ax) is ax


def test_nothing_to_draw(treated):
    same = treated.copy()
    same.var["perturbation_change"] = 0.0
    with pytest.raises(ValueError, match="the prediction changes no gene"):
        sd.pl.gene_changes(same)
    with pytest.raises(KeyError, match="var has no 'mine_change'"):
        sd.pl.gene_changes(treated, "mine")
