"""Every figure is drawn for cells in any form, or says what is missing, and changes nothing."""

from collections.abc import Callable

import anndata as ad
import matplotlib as mpl
import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd

mpl.use("Agg")
import matplotlib.pyplot as plt

FIGURES: dict[str, Callable] = {
    "annotate": lambda adata, _: sd.pl.annotate(adata, "cell_type"),
    "annotate numbers": lambda adata, _: sd.pl.annotate(adata, "cluster"),
    "confidence": lambda adata, _: sd.pl.confidence(adata),
    "confidence numbers": lambda adata, _: sd.pl.confidence(adata, groupby="cluster"),
    "duality": lambda adata, _: sd.pl.duality(adata, "cell_type"),
    "evidence": lambda adata, _: sd.pl.evidence(adata, n_genes=2),
    "gene_changes": lambda _, predicted: sd.pl.gene_changes(predicted, n_top=3),
    "generate": lambda adata, _: sd.pl.generate(adata, adata, "cell_type", n_genes=20, max_cells=5),
    "niche": lambda adata, _: sd.pl.niche(adata, "cell_type", key="annotation")["annotation"],
    "puzzles": lambda adata, _: sd.pl.puzzles(adata, truth="cell_type", groupby="cluster")["cell_accuracy"],
    "rank_expression": lambda adata, _: sd.pl.rank_expression(adata),
    "perturb": lambda adata, predicted: sd.pl.perturb(predicted, adata, n_genes=6, n_top=2),
    "perturbed_genes": lambda _, predicted: sd.pl.perturbed_genes(predicted, n_genes=6),
}


@pytest.fixture(scope="module")
def annotated() -> ad.AnnData:
    adata = sd.datasets.pbmc3k()[::12].copy()
    adata.obs["cluster"] = np.arange(adata.n_obs) % 3
    adata.obsm["spatial"] = np.random.default_rng(0).uniform(size=(adata.n_obs, 2))
    sd.pp.cell_sentences(adata, 100)
    sd.tl.annotate(adata, labels="cell_type")
    sd.tl.duality(adata, n_genes=20)
    sd.tl.explain(adata, n_cells=1)
    sd.pp.fit_expression(adata)
    return adata


@pytest.fixture(scope="module")
def predicted(annotated: ad.AnnData) -> ad.AnnData:
    return sd.tl.perturb(annotated[:5].copy(), ("cytokine", "IFNB1"), sampling=sd.Sampling(max_tokens=80))


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.findobj(mpl.text.Text)]


def shared_names(adata: ad.AnnData) -> ad.AnnData:
    found = adata.copy()
    found.obs_names = [f"cell{i // 2}" for i in range(found.n_obs)]
    return found


def with_protein(adata: ad.AnnData) -> md.MuData:
    protein = ad.AnnData(np.ones((adata.n_obs, 2)), obs=pd.DataFrame(index=adata.obs_names))
    return md.MuData({"rna": adata.copy(), "protein": protein})


@pytest.mark.filterwarnings("ignore:Observation names are not unique", "ignore::FutureWarning:mudata")
@pytest.mark.parametrize("figure", FIGURES)
def test_cells_that_share_a_name_and_a_mudata_are_drawn(annotated, predicted, figure):
    expected = texts(FIGURES[figure](annotated, predicted))
    for form in (shared_names, with_protein):
        assert texts(FIGURES[figure](form(annotated), form(predicted))) == expected, form.__name__


@pytest.mark.parametrize("store", ["h5ad", "zarr"])
def test_lazy_cells_and_views_of_them_are_drawn(annotated, predicted, store, tmp_path):
    paths = [tmp_path / f"{name}.{store}" for name in ("cells", "predicted")]
    for adata, path in zip((annotated, predicted), paths, strict=True):
        getattr(adata, f"write_{store}")(path)
    lazy = [ad.experimental.read_lazy(path) for path in paths]
    for draw in FIGURES.values():
        assert texts(draw(lazy[0][:20], lazy[1][:3])) == texts(draw(annotated[:20].copy(), predicted[:3].copy()))
        plt.close("all")
    assert texts(sd.pl.annotate(lazy[0], "cell_type")) == texts(sd.pl.annotate(annotated, "cell_type"))


def test_a_view_of_backed_cells_is_drawn(annotated, predicted, tmp_path):
    annotated.write_h5ad(tmp_path / "cells.h5ad")
    predicted.write_h5ad(tmp_path / "predicted.h5ad")
    backed = [ad.read_h5ad(tmp_path / f"{name}.h5ad", backed="r") for name in ("cells", "predicted")]
    for draw in FIGURES.values():
        assert texts(draw(backed[0][:20], backed[1][:3])) == texts(draw(annotated[:20].copy(), predicted[:3].copy()))


def test_figures_write_nothing(annotated, predicted):
    cells, perturbed = annotated.copy(), predicted.copy()
    for draw in FIGURES.values():
        draw(cells, perturbed)
    for after, before in ((cells, annotated), (perturbed, predicted)):
        pd.testing.assert_frame_equal(after.obs, before.obs)
        pd.testing.assert_frame_equal(after.var, before.var)
        assert set(after.uns) == set(before.uns)
        assert set(after.obsm) == set(before.obsm)


def test_cells_without_a_prediction_are_left_out(annotated, predicted):
    adata = annotated.copy()
    adata.obs.loc[adata.obs_names[:9], ["annotation", "annotation_confidence", "annotation_duality"]] = np.nan
    adata.obs.loc[adata.obs_names[5:12], "cell_type"] = np.nan
    for draw in FIGURES.values():
        draw(adata, predicted)
    adata.obs["annotation"] = pd.Categorical([None] * adata.n_obs, categories=["B cells"])
    for name in ("annotate", "confidence", "duality"):
        with pytest.raises(ValueError, match=r"nothing to draw: obs\['annotation'\] is missing for every cell"):
            FIGURES[name](adata, predicted)


def test_an_unknown_truth_is_neither_right_nor_wrong(annotated):
    adata = annotated.copy()
    adata.obs["cell_type"] = adata.obs["annotation"].astype(object)
    adata.obs.iloc[:10, 0], adata.obs.iloc[:5, list(adata.obs).index("annotation")] = "unknown", np.nan
    assert sd.pl.annotate(adata, "cell_type").get_title() == f"100 % of {adata.n_obs - 10} cells agree"
    assert sd.pl.duality(adata, "cell_type").get_title() == "{0} of {0} predictions are correct".format(
        adata.n_obs - 10
    )
    adata.obs["cell_type"] = "unknown"
    assert sd.pl.annotate(adata, "cell_type").get_title() == ""


def test_a_label_is_no_formula(annotated, predicted):
    adata = annotated.copy()
    for column in ("cell_type", "annotation"):
        adata.obs[column] = np.array(["a$b{c$", "$x$"])[np.arange(adata.n_obs) % 2]
    for draw in FIGURES.values():
        draw(adata, predicted).figure.draw_without_rendering()


@pytest.mark.parametrize("name", ["annotation_confidence", "annotation_duality"])
def test_scores_that_are_no_numbers_are_refused(annotated, name):
    adata = annotated.copy()
    adata.obs[name] = "high"
    adata.uns["annotation"] = "a note of the user"
    with pytest.raises(ValueError, match=rf"obs\['{name}'\] must hold numbers, but has dtype (object|str)"):
        sd.pl.duality(adata, "cell_type")


def test_results_of_another_tool_are_refused(annotated, predicted):
    with pytest.raises(KeyError, match="obsm has no 'cell_sentence_control': pass what sd.tl.perturb returned"):
        sd.pl.perturb(annotated, annotated)
    with pytest.raises(KeyError, match=r"no column 'perturbation_confidence': run sd.tl.annotate"):
        sd.pl.confidence(predicted, key="perturbation")
    with pytest.raises(KeyError, match=r"no column 'cell_type_duality': run sd.tl.duality\(adata, 'cell_type'\)"):
        sd.pl.duality(annotated, "cell_type", key="cell_type")
