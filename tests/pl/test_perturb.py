"""pl.perturb and pl.perturbed_genes draw changes of ranks in a shared gene space, of the valid predictions."""

from __future__ import annotations

from itertools import combinations

import anndata as ad
import matplotlib.pyplot as plt
import mudata as md
import numpy as np
import pytest
from matplotlib.axes import Axes

import sc_duality as sd
from sc_duality.cells import store_sentences

GENES = np.array([f"G{i}" for i in range(60)], dtype=object)
N = 20


def sentences(n_cells: int, increased: list[int], seed: int, n_genes: int = N) -> np.ndarray:
    """Gene indices by rank: low indices come first, and the ``increased`` ones before them."""
    rng = np.random.default_rng(seed)
    order = np.argsort(np.arange(60) + rng.normal(0, 8, (n_cells, 60)) - 25 * np.isin(np.arange(60), increased), axis=1)
    return order[:, :n_genes]


def cells(ranks: np.ndarray, genes: np.ndarray = GENES) -> ad.AnnData:
    adata = ad.AnnData(np.zeros((len(ranks), 3), np.float32))
    store_sentences(adata, "cell_sentence", ranks, genes, {})
    return adata


@pytest.fixture
def observed() -> ad.AnnData:
    return cells(sentences(40, [30, 40], seed=1))


@pytest.fixture
def predicted() -> ad.AnnData:
    """30 cells as tl.perturb returns them; the last 5 are invalid."""
    ranks = sentences(30, [30, 35], seed=2)
    ranks[25:] = -1
    adata = cells(ranks)
    store_sentences(adata, "cell_sentence_control", sentences(30, [], seed=3), GENES, {})
    return adata


def control_of(predicted: ad.AnnData) -> ad.AnnData:
    """The control cells of the valid predictions."""
    return cells(predicted.obsm["cell_sentence_control"][:25])


def gene_means(adata: ad.AnnData) -> np.ndarray:
    """Mean of log10((n + 1) / rank) of every gene over the valid cells, by hand."""
    lists = [genes for genes in sd.get.gene_lists(adata) if genes]
    table = np.zeros((len(lists), len(GENES)))
    for row, genes in zip(table, lists, strict=True):
        for rank, gene in enumerate(genes[:N], 1):
            row[int(gene[1:])] = np.log10((N + 1) / rank)
    return table.mean(axis=0)


def dots(ax: Axes) -> np.ndarray:
    """Coordinates of the points."""
    return max((line.get_xydata() for line in ax.lines if line.get_linestyle() == "None"), key=len)


def test_points_are_the_observed_and_predicted_changes(predicted: ad.AnnData, observed: ad.AnnData) -> None:
    before = gene_means(control_of(predicted))
    after, treated = gene_means(predicted), gene_means(observed)
    present = (before + after + treated) > 0
    points = dots(sd.pl.perturb(predicted, observed))
    np.testing.assert_allclose(points, np.column_stack([treated - before, after - before])[present], atol=1e-12)


def test_correlation_equals_that_of_evaluate(predicted: ad.AnnData, observed: ad.AnnData) -> None:
    control = cells(sentences(50, [], seed=4))
    control_for_both = control_of(predicted)
    title = sd.pl.perturb(predicted, observed).get_title()
    scores = sd.tl.evaluate(predicted[:25], observed, control=control_for_both, metrics="pearson")
    value = scores.set_index(["metric", "condition"]).loc[("pearson", "all"), "value"]
    assert title.startswith(f"r = {value:.2f} over ")
    assert title.endswith("genes\ntop 20 of 60 shared genes")
    other = dots(sd.pl.perturb(predicted, observed, control))
    np.testing.assert_allclose(np.ptp(other[:, 0]), np.ptp(gene_means(observed) - gene_means(control)), atol=1e-12)


def test_changed_genes_are_labelled_without_overlap(predicted: ad.AnnData, observed: ad.AnnData) -> None:
    ax = sd.pl.perturb(predicted, observed, n_top=25)
    names = [text.get_text() for text in ax.texts]
    assert {"G30", "G35", "G40"} <= set(names)
    assert len(names) >= 15
    ax.figure.draw_without_rendering()
    boxes = [
        text.get_tightbbox() if text.arrow_patch is None else plt.Text.get_window_extent(text) for text in ax.texts
    ]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert all(ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1 for box in boxes)
    assert all(ax.bbox.y0 <= box.y0 and box.y1 <= ax.bbox.y1 for box in boxes)


def test_labels_belong_to_their_points(predicted: ad.AnnData, observed: ad.AnnData) -> None:
    ax = sd.pl.perturb(predicted, observed, n_top=3)
    before = gene_means(control_of(predicted))
    for text in ax.texts:
        gene = int(text.get_text()[1:])
        expected = gene_means(observed)[gene] - before[gene], gene_means(predicted)[gene] - before[gene]
        np.testing.assert_allclose(text.xy, expected, atol=1e-12)


def test_vocabularies_may_differ(predicted: ad.AnnData, observed: ad.AnnData) -> None:
    other = cells(observed.obsm["cell_sentence"], np.array(["other", *GENES[1:]], dtype=object))
    title = sd.pl.perturb(predicted, other).get_title()
    assert title.endswith("of 59 shared genes")


def test_no_change_has_no_correlation(observed: ad.AnnData) -> None:
    same = cells(sentences(10, [], seed=5))
    store_sentences(same, "cell_sentence_control", sentences(10, [], seed=5), GENES, {})
    assert sd.pl.perturb(same, observed).get_title().startswith("r undefined")
    with pytest.raises(ValueError, match="the prediction changes no gene"):
        sd.pl.perturbed_genes(same)


def test_ranks_are_geometric_means_of_the_most_changed_genes(predicted: ad.AnnData) -> None:
    ax = sd.pl.perturbed_genes(predicted, n_top=8)
    before, after = gene_means(control_of(predicted)), gene_means(predicted)
    change = after - before
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert set(names) == {GENES[i] for i in np.argsort(-np.abs(change))[:8]}
    changes = [change[int(name[1:])] for name in names]
    assert changes == sorted(changes)
    filled = {
        line.get_ydata()[0]: line.get_xdata()[0]
        for line in ax.lines
        if line.get_markerfacecolor() != "white" and line.get_marker() == "o"
    }
    outlined = {line.get_ydata()[0]: line.get_xdata()[0] for line in ax.lines if line.get_markerfacecolor() == "white"}
    for y, name in enumerate(names):
        gene = int(name[1:])
        np.testing.assert_allclose(outlined[y], (N + 1) / 10 ** before[gene])
        np.testing.assert_allclose(filled[y], (N + 1) / 10 ** after[gene])
    assert ax.get_xlim()[0] > ax.get_xlim()[1]  # increases point to the right
    assert ax.get_title() == "25 cells\ntop 20 of 60 shared genes"


def test_draws_on_the_axes_and_does_not_change_the_objects(predicted: ad.AnnData, observed: ad.AnnData) -> None:
    before = predicted.obsm["cell_sentence"].copy()
    _, (left, right) = plt.subplots(1, 2)
    assert sd.pl.perturb(predicted, observed, ax=left) is left
    assert sd.pl.perturbed_genes(predicted, ax=right) is right
    np.testing.assert_array_equal(predicted.obsm["cell_sentence"], before)
    assert set(predicted.obsm) == {
        "cell_sentence",
        "cell_sentence_vocabulary",
        "cell_sentence_control",
        "cell_sentence_control_vocabulary",
    }


def test_mudata_is_accepted(predicted: ad.AnnData, observed: ad.AnnData) -> None:
    both = md.MuData({"rna": predicted})
    np.testing.assert_array_equal(dots(sd.pl.perturb(both, observed)), dots(sd.pl.perturb(predicted, observed)))


def test_cells_that_are_not_predictions_raise(predicted: ad.AnnData, observed: ad.AnnData) -> None:
    for plot in (sd.pl.perturbed_genes, lambda adata: sd.pl.perturb(adata, observed)):
        with pytest.raises(KeyError, match="pass what sd.tl.perturb returned"):
            plot(observed)
        predicted.obsm["cell_sentence"][:] = -1
        with pytest.raises(ValueError, match="none of 30 predicted cells has genes"):
            plot(predicted)
