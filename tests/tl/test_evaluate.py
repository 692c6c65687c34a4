"""tl.evaluate: metrics of real cells in place of generated ones, for which the outcome is known."""

import logging

import mudata as md
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

import sc_duality as sd
from sc_duality import metrics

COLUMNS = ["metric", "condition", "value", "n_real", "n_generated", "embedding", "note"]
FAST = ["frechet", "mmd"]


@pytest.fixture(scope="module")
def pbmc():
    adata = sd.datasets.pbmc3k()
    sd.pp.cell_sentences(adata)
    return adata


@pytest.fixture
def parts(pbmc):
    """Two samples of the same cells, and a third to fit the components to."""
    part = np.random.default_rng(0).permutation(pbmc.n_obs) % 3
    return [pbmc[part == i].copy() for i in range(3)]


def at(scores, metric, condition="mean"):
    return scores[(scores["metric"] == metric) & (scores["condition"] == condition)].squeeze()


def test_a_row_for_each_condition_and_their_mean(parts):
    generated, real, _ = parts
    scores = sd.tl.evaluate(generated, real, "cell_type")
    assert list(scores.columns) == COLUMNS
    neighbours = [f"knn_accuracy_{k}" for k in (3, 5, 10, 25)]
    assert list(scores["metric"].unique()) == [
        "frechet",
        "mmd",
        "wasserstein",
        "gromov_wasserstein",
        *neighbours,
    ]
    types = set(real.obs["cell_type"]) | set(generated.obs["cell_type"])
    for _, rows in scores.groupby("metric"):
        assert rows["condition"].tolist() == [*sorted(types), "mean"]
        single = rows.iloc[:-1]
        assert rows["value"].iloc[-1] == pytest.approx(single["value"].mean())
        defined = single[single["value"].notna()]
        assert rows[["n_real", "n_generated"]].iloc[-1].tolist() == defined[["n_real", "n_generated"]].sum().tolist()


def test_values_are_those_of_the_metrics_in_components_of_fit(parts):
    generated, real, fit = parts
    scores = sd.tl.evaluate(generated, real, "cell_type", fit=fit, n_genes=50)

    names = [set(cell[:50]) for adata in parts for cell in sd.get.gene_lists(adata)]
    vocabulary = sorted(set().union(*names))
    index = {gene: i for i, gene in enumerate(vocabulary)}

    def rank_weights(adata):
        X = np.zeros((adata.n_obs, len(vocabulary)))
        for row, cell in enumerate(sd.get.gene_lists(adata, n_genes=50)):
            for rank, gene in enumerate(cell, start=1):
                X[row, index[gene]] = np.log10(51 / rank)
        return X

    pca = PCA(50, svd_solver="full").fit(rank_weights(fit))
    y, x = pca.transform(rank_weights(generated)), pca.transform(rank_weights(real))
    for name in ("B cells", "NK cells"):
        sides = x[real.obs["cell_type"] == name], y[generated.obs["cell_type"] == name]
        assert at(scores, "frechet", name).value == pytest.approx(metrics.frechet(*sides), rel=1e-6)
        assert at(scores, "mmd", name).value == pytest.approx(metrics.mmd(*sides), rel=1e-6)
        assert at(scores, "wasserstein", name).value == pytest.approx(metrics.wasserstein(*sides), rel=1e-6)
        wanted = [name] * len(sides[1])
        knn = metrics.knn_accuracy(x, real.obs["cell_type"], sides[1], wanted)
        assert {k: at(scores, f"knn_accuracy_{k}", name).value for k in knn} == pytest.approx(knn)
    assert at(scores, "mmd").embedding == "50 principal components, top 50 of 12,509 shared genes"


def test_samples_of_the_same_cells_do_not_differ_and_other_cells_do(pbmc):
    """Components that are fitted to the compared cells give an MMD of 0.03 to 0.06 where there is no difference."""
    values = []
    for seed in range(3):
        half = np.random.default_rng(seed).permutation(pbmc.n_obs) % 2
        scores = sd.tl.evaluate(pbmc[half == 0], pbmc[half == 1], metrics="mmd", rng=seed)
        values.append(at(scores, "mmd").value)
    assert abs(np.mean(values)) < 0.01
    types = pbmc.obs["cell_type"]
    other = sd.tl.evaluate(pbmc[types == "B cells"], pbmc[types != "B cells"], metrics="mmd")
    assert at(other, "mmd").value > 0.2


def test_wrong_conditions_score_worse(parts):
    generated, real, fit = parts
    good = sd.tl.evaluate(generated, real, "cell_type", fit=fit)
    generated.obs["cell_type"] = np.random.default_rng(0).permutation(generated.obs["cell_type"])
    bad = sd.tl.evaluate(generated, real, "cell_type", fit=fit)
    for metric in ("frechet", "mmd", "wasserstein"):
        assert at(good, metric).value < at(bad, metric).value
    assert at(good, "knn_accuracy_5").value > 0.6 > 0.4 > at(bad, "knn_accuracy_5").value


def test_expression_and_order_of_genes_do_not_matter_but_sentences_do(parts):
    generated, real, fit = parts
    before = sd.tl.evaluate(generated, real, "cell_type", fit=fit, metrics=FAST, n_genes=50)
    other = generated[:, ::-1].copy()
    other.X = other.X * 0
    after = sd.tl.evaluate(other, real, "cell_type", fit=fit, metrics=FAST, n_genes=50)
    pd.testing.assert_frame_equal(before, after)
    other.obsm["cell_sentence"] = other.obsm["cell_sentence"][:, ::-1]
    reversed_ranks = sd.tl.evaluate(other, real, "cell_type", fit=fit, metrics=FAST, n_genes=50)
    assert at(reversed_ranks, "frechet").value > 2 * at(before, "frechet").value


def test_only_shared_genes_count(parts):
    """Genes that only one side has are left out of both."""
    _, real, fit = parts
    known = real.var_names[::2]
    short = [adata.copy() for adata in parts]
    for adata in short:
        sd.pp.cell_sentences(adata, 60, genes=known)
    both = sd.tl.evaluate(short[0], short[1], "cell_type", fit=short[2], metrics=FAST, n_genes=40)
    one = sd.tl.evaluate(short[0], real, "cell_type", fit=fit, metrics=FAST, n_genes=40)
    pd.testing.assert_frame_equal(both, one)


def test_sentences_are_cut_to_the_same_length(parts):
    generated, real, _ = parts
    sd.pp.cell_sentences(generated, 30)
    scores = sd.tl.evaluate(generated, real, "cell_type", metrics="mmd")
    assert at(scores, "mmd").embedding.endswith("top 30 of 12,509 shared genes")


def test_conditions_with_too_few_cells_have_a_note(parts):
    generated, real, fit = parts
    generated.obs["cell_type"] = generated.obs["cell_type"].astype(str)
    generated.obs.iloc[0, 0] = "Plasma cells"
    real = real[real.obs["cell_type"] != "NK cells"]
    scores = sd.tl.evaluate(generated, real, "cell_type", fit=fit)
    assert "0 real cells" in at(scores, "knn_accuracy_3", "NK cells").note
    assert "0 real cells" in at(scores, "frechet", "NK cells").note
    assert at(scores, "frechet", "Plasma cells").n_generated == 1
    assert np.isnan(at(scores, "frechet", "Plasma cells").value)
    mean = at(scores, "frechet")
    values = scores[(scores["metric"] == "frechet") & (scores["condition"] != "mean")]["value"]
    assert mean.value == pytest.approx(np.nanmean(values))
    assert mean.note == f"{values.isna().sum()} of {len(values)} conditions are missing"


def test_cells_without_a_condition_are_left_out_and_counted(parts, caplog):
    generated, real, fit = parts
    generated.obs.iloc[:5, 0] = np.nan
    with caplog.at_level(logging.WARNING):
        scores = sd.tl.evaluate(generated, real, "cell_type", fit=fit, metrics="wasserstein")
    assert "5 generated cells have no cell_type and are left out" in caplog.text
    rows = scores[scores["condition"] != "mean"]
    assert rows["n_generated"].sum() == generated.n_obs - 5


def test_empty_cells_count_and_are_logged(parts, caplog):
    generated, real, fit = parts
    options = {"fit": fit, "metrics": "frechet", "n_genes": 50}
    before = sd.tl.evaluate(generated, real, **options)
    generated.obsm["cell_sentence"][:60] = -1
    with caplog.at_level(logging.WARNING):
        after = sd.tl.evaluate(generated, real, **options)
    assert f"60 of {generated.n_obs} generated cells have no shared gene" in caplog.text
    assert at(after, "frechet").value > 2 * at(before, "frechet").value
    assert at(after, "frechet").n_generated == generated.n_obs
    del options["n_genes"]
    assert "top 200 of" in at(sd.tl.evaluate(generated, real, **options), "frechet").embedding
    generated.obsm["cell_sentence"][:] = -1
    with pytest.raises(ValueError, match="all sentences of one object lack the 12509 genes that all objects share"):
        sd.tl.evaluate(generated, real, **options)


def test_cells_are_capped_with_a_seed(parts):
    generated, real, fit = parts
    options = {"fit": fit, "metrics": ["wasserstein"], "max_cells": 8}
    scores = sd.tl.evaluate(generated, real, "cell_type", rng=1, **options)
    assert scores.iloc[:-1][["n_real", "n_generated"]].max().tolist() == [8, 8]
    pd.testing.assert_frame_equal(scores, sd.tl.evaluate(generated, real, "cell_type", rng=1, **options))
    other = sd.tl.evaluate(generated, real, "cell_type", rng=2, **options)
    assert at(other, "wasserstein").value != at(scores, "wasserstein").value


def test_all_cells_are_one_condition_without_groupby(parts):
    generated, real, _ = parts
    scores = sd.tl.evaluate(generated, real)
    assert scores["condition"].tolist() == ["all", "mean"] * 4
    assert not scores["metric"].str.startswith("knn").any()
    assert at(scores, "mmd", "all").n_generated == generated.n_obs


@pytest.mark.parametrize("how", ["obsm", "function"])
def test_other_embeddings(parts, how):
    generated, real, _ = parts
    rng = np.random.default_rng(0)
    for adata in (generated, real):
        adata.obsm["X_other"] = rng.normal(size=(adata.n_obs, 3))
        del adata.obsm["cell_sentence"]
    scores = sd.tl.evaluate(
        generated, real, embedding="X_other" if how == "obsm" else lambda adata: adata.obsm["X_other"], metrics=FAST
    )
    expected = metrics.frechet(real.obsm["X_other"], generated.obsm["X_other"])
    assert at(scores, "frechet").value == pytest.approx(expected)
    assert at(scores, "frechet").embedding == ("obsm['X_other']" if how == "obsm" else "<lambda>")


# --- changes ----------------------------------------------------------------------------------------------------


def mean_rank_weights(adata, n_genes):
    """Mean rank weight of each gene, as defined in the docstring."""
    found = {}
    for cell in sd.get.gene_lists(adata, n_genes=n_genes):
        for rank, gene in enumerate(cell, start=1):
            found[gene] = found.get(gene, 0) + np.log10((n_genes + 1) / rank) / adata.n_obs
    return pd.Series(found)


def test_change_is_the_correlation_over_genes(pbmc):
    types = pbmc.obs["cell_type"]
    control, real = pbmc[types == "CD14+ Monocytes"], pbmc[types == "FCGR3A+ Monocytes"]
    predicted, real = real[::2], real[1::2]
    scores = sd.tl.evaluate(predicted, real, control=control, metrics="pearson", n_genes=60, n_top=10)
    means = pd.DataFrame({i: mean_rank_weights(part, 60) for i, part in enumerate([real, predicted, control])}).fillna(
        0
    )
    observed, change = means[0] - means[2], means[1] - means[2]
    assert at(scores, "pearson").value == pytest.approx(observed.corr(change))
    top = observed.abs().nlargest(10).index
    assert at(scores, "pearson_top10").value == pytest.approx(observed[top].corr(change[top]))
    assert at(scores, "pearson").value > 0.7
    assert (at(scores, "pearson").n_real, at(scores, "pearson").n_generated) == (25, 25)


def test_each_condition_is_compared_with_its_own_control(pbmc):
    types = pbmc.obs["cell_type"]
    cells = pbmc[types.isin(["B cells", "NK cells"])].copy()
    real, predicted, control = cells[::3].copy(), cells[1::3].copy(), cells[2::3].copy()
    options = {"metrics": "pearson", "n_genes": 60}
    own = sd.tl.evaluate(predicted, real, "cell_type", control=control, **options)
    only = control[control.obs["cell_type"] == "B cells"].copy()
    assert at(sd.tl.evaluate(predicted, real, "cell_type", control=only, **options), "pearson", "NK cells").note == (
        "0 control cells: at least 1 is needed"
    )
    only.obs["cell_type"] = "untreated"
    shared = sd.tl.evaluate(predicted, real, "cell_type", control=only, **options)
    assert at(shared, "pearson", "B cells").value == pytest.approx(at(own, "pearson", "B cells").value)
    assert at(shared, "pearson", "NK cells").value > at(own, "pearson", "NK cells").value + 0.2


def test_no_change_is_undefined(pbmc):
    control, real = pbmc[::2], pbmc[1::2]
    scores = sd.tl.evaluate(control, real, control=control, metrics="pearson")
    assert np.isnan(at(scores, "pearson", "all").value)
    assert "all values on one side are equal" in at(scores, "pearson", "all").note


def test_a_control_does_not_change_other_metrics(parts):
    generated, real, fit = parts
    control = real[:20].copy()
    sd.pp.cell_sentences(control, 40)
    options = {"fit": fit, "metrics": [*FAST, "pearson"]}
    joined = sd.tl.evaluate(generated, real, "cell_type", control=control, **options)
    alone = sd.tl.evaluate(generated, real, "cell_type", fit=fit, metrics=FAST)
    pd.testing.assert_frame_equal(joined[joined["metric"].isin(FAST)], alone)


# --- labels -----------------------------------------------------------------------------------------------------


def test_labels_against_a_column(pbmc):
    adata = pbmc.copy()
    predicted = adata.obs["cell_type"].astype(object).copy()
    predicted.iloc[:40] = "unknown"
    predicted.iloc[40:60] = np.nan
    adata.obs["annotation"] = pd.Categorical(predicted)
    adata.obs["donor"] = ["a", "b"] * 158 + ["a"]
    adata.obs.iloc[300:, 0] = np.nan
    scores = sd.tl.evaluate(adata, "cell_type")
    assert list(scores.columns) == ["metric", "condition", "label", "value", "n_cells", "n_predicted", "note"]
    assert set(scores["condition"]) == {"all"}
    assert not scores.duplicated(["metric", "label"]).any()
    accuracy = at(scores, "accuracy", "all")
    assert accuracy.value == pytest.approx(1 - 60 / 300)
    assert (accuracy.n_cells, accuracy.n_predicted) == (300, 240)
    expected = metrics.macro_f1(adata.obs["cell_type"][:300], predicted[:300])
    assert at(scores, "macro_f1", "all").value == pytest.approx(expected)

    by_donor = sd.tl.evaluate(adata, "cell_type", "donor", metrics="accuracy")
    assert by_donor["condition"].tolist() == ["a", "b", "mean"]
    assert by_donor["n_cells"].tolist() == [150, 150, 300]


def test_an_unknown_or_missing_truth_is_left_out(pbmc, caplog):
    adata = pbmc.copy()
    truth = adata.obs["cell_type"].astype(object)
    truth.iloc[:10], truth.iloc[10:15], truth.iloc[15:20] = "unknown", "Unknown", np.nan
    adata.obs["cell_type"] = truth
    adata.obs["annotation"] = truth
    adata.obs.iloc[20:30, 1] = "unknown"
    adata.obs.iloc[30:40, 1] = np.nan
    with caplog.at_level(logging.INFO):
        scores = sd.tl.evaluate(adata, "cell_type")
    n = adata.n_obs - 20
    accuracy = at(scores, "accuracy", "all")
    assert accuracy.value == pytest.approx(1 - 20 / n)
    assert (accuracy.n_cells, accuracy.n_predicted) == (n, n - 20)
    assert set(scores["note"][scores["label"] == ""]) == {"20 cells without a true label are left out"}
    assert "20 cells without a true label in obs['cell_type'] are left out" in caplog.text

    as_text = pbmc.copy()
    as_text.obs = adata.obs.astype(object).where(adata.obs.notna(), "nan")
    pd.testing.assert_frame_equal(sd.tl.evaluate(as_text, "cell_type"), scores)
    assert "5 cells have 'nan' in obs['cell_type'], which counts as missing" in caplog.text
    assert "15 cells have 'nan' in obs['annotation'], which counts as missing" in caplog.text

    adata.obs["cell_type"] = ["unknown", "nan"] * (adata.n_obs // 2) + ["unknown"]
    with pytest.raises(ValueError, match=r"obs\['cell_type'\] is missing or 'unknown' for every cell"):
        sd.tl.evaluate(adata, "cell_type")


def test_a_condition_named_nan_is_none(pbmc, caplog):
    adata = pbmc.copy()
    adata.obs["donor"] = ["a", "b", "nan"] * 105 + ["a", "b"]
    scores = sd.tl.evaluate(adata, "cell_type", "donor", key="cell_type", metrics="accuracy")
    assert scores["condition"].tolist() == ["a", "b", "mean"]
    assert "105 annotated cells have no donor and are left out" in caplog.text


def test_labels_have_their_own_metrics_and_columns(pbmc):
    with pytest.raises(KeyError, match="key='annotation' is not an obs column; there are cell_type"):
        sd.tl.evaluate(pbmc, "cell_type")
    with pytest.raises(KeyError, match="truth='type' is not an obs column"):
        sd.tl.evaluate(pbmc, "type", key="cell_type")
    with pytest.raises(ValueError, match=r"metrics=\['mmd'\]: choose from accuracy, accuracy_ontology"):
        sd.tl.evaluate(pbmc, "cell_type", key="cell_type", metrics="mmd")
    adata = pbmc.copy()
    adata.obs["empty"] = None
    with pytest.raises(ValueError, match=r"obs\['empty'\] is missing or 'unknown' for every cell"):
        sd.tl.evaluate(adata, "empty", key="cell_type")


# --- input ----------------------------------------------------------------------------------


def test_nothing_is_written_and_a_mudata_works(parts):
    generated, real, fit = parts
    before = set(generated.obsm), set(generated.uns), list(generated.obs)
    scores = sd.tl.evaluate(generated, real, "cell_type", fit=fit, metrics=FAST)
    assert (set(generated.obsm), set(generated.uns), list(generated.obs)) == before
    boxed = [md.MuData({"rna": adata}) for adata in parts]
    pd.testing.assert_frame_equal(sd.tl.evaluate(boxed[0], boxed[1], "cell_type", fit=boxed[2], metrics=FAST), scores)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"metrics": ["fid"]}, ValueError, r"metrics=\['fid'\]: choose from frechet, mmd"),
        ({"metrics": []}, ValueError, r"metrics=\[\]: choose from"),
        ({"metrics": "knn_accuracy"}, ValueError, "the metric 'knn_accuracy' needs groupby=: pass it"),
        ({"metrics": "pearson"}, ValueError, "the metric 'pearson' needs control=: pass it"),
        ({"groupby": "type"}, KeyError, r"obs of the real cells has no column 'type'; it has \['cell_type'\]"),
        ({"embedding": "X_pca"}, KeyError, "obsm of the real cells has no 'X_pca'"),
        (
            {"embedding": lambda adata: adata.obsm["cell_sentence"][:5, 0]},
            ValueError,
            r"real cells has the shape \(5,\)",
        ),
        ({"embedding": lambda adata: np.full((adata.n_obs, 2), np.nan)}, ValueError, "is NaN or infinite: leave"),
        ({"embedding": lambda adata: np.ones((adata.n_obs, adata.n_obs))}, ValueError, "dimensions: use one space"),
        ({"max_cells": 0}, ValueError, "max_cells must be at least 1"),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer, got 0"),
        ({"sentence_key": "other"}, KeyError, r"no cell sentences in obsm\['other'\]"),
        ({"rng": -1}, ValueError, "rng must be"),
    ],
)
def test_wrong_arguments_are_refused(pbmc, options, error, message):
    with pytest.raises(error, match=message):
        sd.tl.evaluate(pbmc[:100], pbmc[100:], **options)


def test_objects_that_cannot_be_compared_are_refused(parts):
    generated, real, _ = parts
    real.obs["cell_type"] = "T"
    with pytest.raises(ValueError, match=r"share no condition: T against B cells, .*; use the same names"):
        sd.tl.evaluate(generated, real, "cell_type")
    real.obs["cell_type"] = "mean"
    with pytest.raises(ValueError, match="a condition named 'mean'"):
        sd.tl.evaluate(generated, real, "cell_type")
    real.var_names = [f"x{name}" for name in real.var_names]
    sd.pp.cell_sentences(real)
    with pytest.raises(ValueError, match="share no gene"):
        sd.tl.evaluate(generated, real)
    with pytest.raises(ValueError, match="1 real cells are too few for principal components.*pass fit="):
        sd.tl.evaluate(generated, parts[2][:2])


def test_equal_real_cells_have_scores(parts):
    generated, real, fit = parts
    alike = real[[0] * 30].copy()
    alike.obs_names_make_unique()
    scores = sd.tl.evaluate(generated, alike, metrics=["frechet", "mmd", "wasserstein"], fit=fit)
    assert np.isfinite(at(scores, "frechet").value)
    assert at(scores, "mmd", "all").note.startswith("the median distance between real cells is 0")
