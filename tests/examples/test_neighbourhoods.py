"""Examples of tasks on neighbourhoods, on real cells that are placed so that their types lie apart."""

from collections import Counter

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.cells import spatial_graph
from sc_duality.duality import Duality
from sc_duality.examples import ModelCells, build, sample_examples
from sc_duality.models import ModelSpec
from sc_duality.tasks import NeighbourGeneration, Niche, SameNeighbourhood, SameNiche

SPEC = ModelSpec("general", "general", n_genes=20)


def tissue():
    """Cells of two slides, each with a left and a right niche; B cells lie left, monocytes right, T cells in both."""
    adata = sd.datasets.pbmc3k()
    adata = adata[adata.obs["cell_type"].isin(["B cells", "CD14+ Monocytes", "CD4 T cells"])].copy()
    rng = np.random.default_rng(0)
    kind = adata.obs["cell_type"].astype(str).to_numpy()
    left = np.where(kind == "CD4 T cells", rng.random(adata.n_obs) < 0.5, kind == "B cells")
    x = rng.uniform(0, 40, adata.n_obs) + 60 * ~left
    adata.obsm["spatial"] = np.column_stack([x, rng.uniform(0, 40, adata.n_obs)])
    adata.obs["region"] = np.where(left, "follicle", "sinus")
    adata.obs["slide"] = [f"slide {i % 2}" for i in range(adata.n_obs)]
    return adata


@pytest.fixture(scope="module")
def cells():
    return ModelCells(tissue(), SPEC, context=["slide", "region"])


def rows_of(cells, sentences):
    """The row of each cell, by the start of its sentence."""
    full = cells.genes()
    return [next(i for i, genes in enumerate(full) if tuple(genes[: len(cell)]) == cell) for cell in sentences]


TASKS = [
    Niche(truth="region", n_cells=5),
    Niche(truth="region", n_cells=1),
    SameNeighbourhood(cell_type="cell_type", library_key="slide", n_cells=5),
    SameNeighbourhood(hidden="cells", n_cells=5),
    SameNiche(truth="region", cell_type="cell_type", library_key="slide", n_cells=5, hidden="cells"),
    NeighbourGeneration(n_cells=5),
    NeighbourGeneration(n_cells=2, hidden="cells", radius=4),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.name} {task.n_cells}")
def test_targets_are_read_from_their_completions(cells, task):
    rng = np.random.default_rng(0)
    for how in (Duality(), Duality(context="observed")):
        for one in build(task, cells, how).unlabelled(8, rng, with_truth=True):
            for question in one.questions():
                assert question.parse(question.completion(question.target)).value == question.target
    pool = build(task, cells).labelled(np.ones(len(cells), dtype=bool))
    for one in sample_examples(cells, pool, 20, rng, augment=True):
        assert all(question.similarity(question.target) == pytest.approx(1) for question in one.questions())
        assert task.name in ("niche", "neighbour_generation") or len(one.example.cells) >= 2
    assert all(one.example.truth is None for one in build(task, cells).unlabelled(4, rng))


def same_examples(cells, task, n=120):
    """Rows of the cells of examples with their answer."""
    found = build(task, cells, Duality()).unlabelled(n, np.random.default_rng(1), with_truth=True)
    return [(one.unit, rows_of(cells, one.example.cells), one.example.truth) for one in found]


def test_cells_of_one_neighbourhood_lie_around_one_cell(cells):
    task = SameNeighbourhood(cell_type="cell_type", library_key="slide", n_cells=4, n_genes=20)
    graph, slides = spatial_graph(cells.adata, library_key="slide"), cells.adata.obs["slide"].to_numpy()
    found = same_examples(cells, task)
    for unit, rows, truth in found:
        centre = cells.names.get_loc(unit)
        near = set(graph.neighbours(centre)) | {centre}
        assert centre in rows
        assert set(rows) <= near if truth == "yes" else set(rows) & near == {centre}
        assert len(set(slides[rows])) == 1
    answers = Counter(truth for *_, truth in found)
    assert 40 < answers["yes"] < 80
    size = {answer: np.mean([len(rows) for _, rows, truth in found if truth == answer]) for answer in answers}
    assert size["yes"] == pytest.approx(size["no"], abs=0.4)


def test_half_of_the_cells_from_outside_have_the_types_of_a_neighbourhood(cells):
    """Types of the other cells: random ones are mixed more than those of a neighbourhood, matched ones are not."""
    types = cells.adata.obs["cell_type"].astype(str).to_numpy()

    def mixed(cell_type):
        """Share of groups with both a B cell and a monocyte, by answer."""
        task = SameNeighbourhood(cell_type=cell_type, n_cells=5, n_genes=20, radius=8)
        found: dict[str, list[bool]] = {"yes": [], "no": []}
        for unit, rows, truth in same_examples(cells, task, 200):
            others = {types[row] for row in rows if cells.names[row] != unit}
            found[truth].append({"B cells", "CD14+ Monocytes"} <= others)
        return {answer: np.mean(values) for answer, values in found.items()}

    random, matched = mixed(None), mixed("cell_type")
    assert random["yes"] == matched["yes"] == 0
    assert 0.05 < matched["no"] < 0.8 * random["no"]


def test_cells_of_one_niche(cells):
    task = SameNiche(truth="region", cell_type="cell_type", library_key="slide", n_cells=4, n_genes=20)
    regions, slides = (cells.adata.obs[name].to_numpy() for name in ("region", "slide"))
    for unit, rows, truth in same_examples(cells, task):
        centre = cells.names.get_loc(unit)
        same = [regions[row] == regions[centre] for row in rows if row != centre]
        assert all(same) if truth == "yes" else not any(same)
        assert len(set(slides[rows])) == 1


def test_facts_that_would_tell_the_answer_are_left_out(cells):
    task = SameNiche(truth="region", library_key="slide", n_cells=4)
    for one in build(task, cells).unlabelled(10, np.random.default_rng(0), with_truth=True):
        assert set(one.example.context) == {"slide"}


def test_held_out_cells_are_never_shown(cells):
    kept = cells.adata.obsm["spatial"][:, 1] < 25
    held = {tuple(genes) for genes in cells.genes(np.flatnonzero(~kept))}
    rng = np.random.default_rng(0)
    for task in TASKS:
        pool = build(task, cells).labelled(kept)
        assert kept[pool.rows].all()
        for one in sample_examples(cells, pool, 30, rng, augment=False):
            shown = [*getattr(one.example, "cells", ()), *getattr(one.example, "neighbours", ())]
            assert not {cell for cell in shown if len(cell) == 20} & held


def test_a_niche_is_shown_with_the_nearest_cells(cells):
    graph = spatial_graph(cells.adata)
    examples = build(Niche(truth="region", n_cells=4), cells)
    assert examples.settings()["radius"] == graph.radius
    n = examples.n_genes
    for row, one in enumerate(examples.predict(slice(0, 20))):
        assert one.genes == tuple(cells.genes([row])[0][:n])
        assert one.neighbours == tuple(tuple(g[:n]) for g in cells.genes(graph.neighbours(row)[:3]))
    assert all(not one.neighbours for one in build(Niche(truth="region", n_cells=1), cells).predict(slice(0, 5)))


def test_a_generated_neighbour_is_a_real_one_that_is_not_shown(cells):
    graph = spatial_graph(cells.adata)
    for one in build(NeighbourGeneration(n_cells=4, n_genes=20), cells).unlabelled(
        20, np.random.default_rng(0), with_truth=True
    ):
        rows, [target] = rows_of(cells, one.example.cells), rows_of(cells, [one.example.truth])
        assert target not in rows
        assert target in graph.neighbours(cells.names.get_loc(one.unit))


@pytest.mark.parametrize(
    ("task", "error", "match"),
    [
        (lambda: SameNiche(), ValueError, "needs the obs column with the niches"),
        (lambda: SameNiche(truth="zone"), KeyError, "truth='zone' is not an obs column"),
        (lambda: SameNiche(truth="one"), ValueError, "no cell to which other cells of its sample belong"),
        (lambda: SameNeighbourhood(cell_type="kind"), KeyError, "cell_type='kind' is not an obs column"),
        (lambda: SameNeighbourhood(radius=200), ValueError, "pass another radius="),
        (lambda: SameNeighbourhood(n_cells=1), ValueError, "n_cells=1: the task 'same_neighbourhood' compares cells"),
        (lambda: SameNeighbourhood(labels=["a", "b"]), ValueError, "answers 'yes' or 'no', leave labels= out"),
        (lambda: SameNeighbourhood(hidden="types"), ValueError, "hidden='types' is not an option"),
        (lambda: NeighbourGeneration(n_cells=1), ValueError, "needs a cell and its neighbour"),
        (lambda: NeighbourGeneration(radius=1e-6), ValueError, "no cell with a neighbour: pass a larger radius="),
        (lambda: NeighbourGeneration(n_genes=0), ValueError, "n_genes must be a positive integer"),
        (lambda: Niche(n_cells=21), ValueError, "at most 20 cells"),
        (lambda: Niche(), ValueError, "needs the obs column with the true labels"),
        (lambda: Niche(truth="region", spatial_key="X"), KeyError, "obsm has no 'X'"),
        (lambda: Niche(truth="region", library_key="sample"), KeyError, "library_key='sample' is not an obs column"),
    ],
)
def test_bad_settings_are_named(task, error, match):
    adata = tissue()[::9].copy()
    adata.obs["one"] = "same"
    with pytest.raises(error, match=match):
        build(task(), ModelCells(adata, SPEC)).labelled(np.ones(adata.n_obs, dtype=bool))


def test_a_generated_neighbour_fits_into_the_context_with_the_cells_that_are_shown(cells):
    spec = ModelSpec("general", "general")
    spec.__dict__["context_length"] = 1600
    examples = build(NeighbourGeneration(n_cells=4), ModelCells(cells.adata, spec), Duality())
    for one in examples.unlabelled(20, np.random.default_rng(0), with_truth=True):
        sizes = [*map(len, one.example.cells), len(one.example.truth)]
        assert max(sizes) <= spec.genes_per_cell(len(sizes))
