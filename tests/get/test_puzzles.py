"""Scores of annotated puzzles, by hand and against a plain computation."""

from __future__ import annotations

import re

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sc_duality as sd
from tests.scripted_model import ScriptedModel


def made(*puzzles: tuple[str, str]) -> ad.AnnData:
    """Puzzles from the true and the predicted labels of each; "-" is a cell without a label."""
    rows = [
        (f"p{i}", true, None if label == "-" else label)
        for i, (truth, predicted) in enumerate(puzzles)
        for true, label in zip(truth.split(), predicted.split(), strict=True)
    ]
    obs = pd.DataFrame(rows, columns=["puzzle", "cell_type", "annotation"], index=[f"c{i}" for i in range(len(rows))])
    obs["annotation_status"] = np.where(obs["annotation"].isna(), "wrong count", "ok")
    adata = ad.AnnData(np.ones((len(rows), 1)), obs)
    adata.uns["cell_puzzles"] = {"truth": "cell_type"}
    return adata


@pytest.fixture(scope="module")
def puzzles() -> ad.AnnData:
    """Real puzzles, of which a third of the cells have a wrong label."""
    adata = sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", (), n_puzzles=40, n_cells=(3, 6))
    wrong = np.random.default_rng(0).random(adata.n_obs) < 1 / 3
    adata.obs["annotation"] = np.where(wrong, adata.obs["candidate"].astype(str), adata.obs["cell_type"].astype(str))
    return adata


def test_by_hand():
    table = sd.get.puzzles(made(("B T", "B T"), ("B T NK", "B B NK"), ("B T", "- -"), ("B T NK M", "B T - M")))
    assert table["n_cells"].tolist() == [2, 3, 2, 4]
    assert table["cell_accuracy"].tolist() == pytest.approx([1, 2 / 3, 0, 3 / 4])
    assert table["batch_accuracy"].tolist() == [1, 0, 0, 0]
    assert table["format_validity"].tolist() == [1, 1, 0, 0]
    assert table["uniqueness"].tolist() == pytest.approx([1, 2 / 3, 0, 3 / 4])
    assert list(table.index) == ["p0", "p1", "p2", "p3"]
    assert "response_length" not in table


def test_a_label_of_a_cell_whose_status_is_not_ok_does_not_count():
    adata = made(("B T", "B T"))
    adata.obs["annotation_status"] = ["ok", "not answered"]
    row = sd.get.puzzles(adata).iloc[0]
    assert row["cell_accuracy"] == 0.5
    assert row["format_validity"] == row["batch_accuracy"] == 0
    adata.obs["annotation_status"] = ["ok", "set by hand"]
    assert sd.get.puzzles(adata)["batch_accuracy"].tolist() == [1]


def test_names_of_the_cell_ontology_are_one_label_in_any_spelling():
    adata = made(("a b", "a b"))
    adata.obs["cell_type"] = ["NK cells", "B cells"]
    adata.obs["annotation"] = ["natural killer cell", "CL:0000236"]
    assert sd.get.puzzles(adata)["batch_accuracy"].tolist() == [1]


def test_two_true_labels_of_one_term_stay_two():
    adata = made(("a b", "a b"))
    adata.obs["cell_type"] = ["NK cells", "natural killer cell"]
    adata.obs["annotation"] = ["natural killer cell", "NK cells"]
    assert sd.get.puzzles(adata)["cell_accuracy"].tolist() == [0]


def test_cells_without_a_puzzle_or_a_true_label_are_left_out_with_a_warning(caplog):
    adata = made(("B T", "B T"), ("B T NK", "B NK T"), ("B T", "T B"))
    adata.obs.iloc[0, adata.obs.columns.get_loc("puzzle")] = None
    adata.obs.iloc[3, adata.obs.columns.get_loc("cell_type")] = "unknown"
    table = sd.get.puzzles(adata)
    assert table["n_cells"].to_dict() == {"p0": 1, "p1": 2, "p2": 2}
    assert table["cell_accuracy"].tolist() == [1, 0.5, 0]
    assert "2 of 7 cells have no puzzle in obs['puzzle'] or no true label in obs['cell_type']" in caplog.text


def test_means_by_number_of_cells():
    scores = sd.get.puzzle_scores(made(("B T", "B T"), ("B T NK", "B B NK"), ("B T", "- -")))
    table = scores.pivot(index="n_cells", columns="metric", values="value")
    assert table.index.tolist() == ["2", "3", "all"]
    assert table["cell_accuracy"].tolist() == pytest.approx([0.5, 2 / 3, 5 / 9])
    assert table["batch_accuracy"].tolist() == pytest.approx([0.5, 0, 1 / 3])
    assert table["format_validity"].tolist() == pytest.approx([0.5, 1, 2 / 3])
    assert scores.groupby("n_cells")["n_puzzles"].first().to_dict() == {"2": 2, "3": 1, "all": 3}
    assert scores["n_cells"].tolist()[:3] == ["all", "2", "3"]


def test_sums_agree_with_a_plain_computation(puzzles):
    correct = puzzles.obs["annotation"] == puzzles.obs["cell_type"].astype(str)
    by_puzzle = correct.groupby(puzzles.obs["puzzle"], observed=True)
    scores = sd.get.puzzle_scores(puzzles).set_index(["metric", "n_cells"])["value"]
    assert scores["cell_accuracy", "all"] == pytest.approx(by_puzzle.mean().mean())
    assert scores["batch_accuracy", "all"] == pytest.approx(by_puzzle.all().mean())
    for n, part in by_puzzle.mean().groupby(by_puzzle.size()):
        assert scores["cell_accuracy", str(n)] == pytest.approx(part.mean())


def test_intervals_are_those_of_scipys_bootstrap(puzzles):
    from scipy.stats import bootstrap

    values = sd.get.puzzles(puzzles)["cell_accuracy"].to_numpy()
    expected = bootstrap((values,), np.mean, method="percentile", n_resamples=20_000, rng=0).confidence_interval
    scores = sd.get.puzzle_scores(puzzles, n_bootstrap=20_000)
    row = scores[(scores["metric"] == "cell_accuracy") & (scores["n_cells"] == "all")].iloc[0]
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected), abs=0.005)
    assert scores["low"].le(scores["value"]).all()
    assert scores["high"].ge(scores["value"]).all()


def test_the_seed_decides_on_the_intervals(puzzles):
    first, same, other = (sd.get.puzzle_scores(puzzles, n_bootstrap=50, rng=rng) for rng in (0, 0, 1))
    pd.testing.assert_frame_equal(first, same)
    assert not first["low"].equals(other["low"])
    assert first["value"].equals(other["value"])


def answers(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["unit", "status", "text"], index=[str(i) for i in range(len(rows))])


def test_response_length_is_that_of_the_texts_of_a_puzzle_or_of_its_cells():
    adata = made(("B T", "B T"), ("B T NK", "B T NK"))
    texts = answers(("p0", "ok", "12345"), ("p0", "ok", "123"), ("p1", "not answered", ""), ("p1", "ok", "1" * 10))
    adata.uns["annotation"] = {"answers": texts}
    assert sd.get.puzzles(adata)["response_length"].tolist() == [4, 10]
    texts = answers(*[(f"c{i}", "ok", "1" * (i + 1)) for i in range(5)])
    adata.uns["annotation"] = {"answers": texts}
    assert sd.get.puzzles(adata)["response_length"].tolist() == [1.5, 4]
    texts = answers(("p0 (1 of 2)", "ok", "12"), ("p0 (2 of 2)", "ok", "1234"))
    adata.uns["annotation"] = {"answers": texts}
    assert sd.get.puzzles(adata)["response_length"].tolist() == pytest.approx([3, np.nan], nan_ok=True)
    scores = sd.get.puzzle_scores(adata)
    lengths = scores[scores["metric"] == "response_length"].set_index("n_cells")
    assert lengths["n_puzzles"].to_dict() == {"all": 1, "2": 1, "3": 0}
    assert lengths["value"].to_dict() == pytest.approx({"all": 3, "2": 3, "3": np.nan}, nan_ok=True)


def letters(texts: list[str]) -> np.ndarray:
    """A made encoder: counts of letters."""
    return np.array([[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts])


def test_open_ended_answers_are_compared_by_meaning():
    adata = made(("a b", "a b"), ("a b", "a -"))
    adata.obs["cell_type"] = ["memory cell of a kind", "mast cell"] * 2
    adata.obs["annotation"] = ["memory cells of a kind", "granulocyte", "memory cell of a kind", None]
    similarity = letters(["memory cell of a kind"])[0] @ letters(["memory cells of a kind"])[0]
    similarity /= np.linalg.norm(letters(["memory cell of a kind"])) * np.linalg.norm(
        letters(["memory cells of a kind"])
    )
    assert similarity > 0.8
    exact = sd.get.puzzles(adata, encoder=letters)
    assert exact["cell_accuracy"].tolist() == [0, 0.5]
    by_meaning = sd.get.puzzles(adata, encoder=letters, threshold=0.8)
    assert by_meaning["cell_accuracy"].tolist() == [0.5, 0.5]
    assert by_meaning["batch_accuracy"].tolist() == [0, 0]
    assert by_meaning["semantic_similarity"].tolist()[1] == pytest.approx(0.5)
    pd.testing.assert_series_equal(by_meaning["semantic_similarity"], exact["semantic_similarity"])
    scores = sd.get.puzzle_scores(adata, encoder=letters, threshold=0.8).set_index(["metric", "n_cells"])["value"]
    assert scores["cell_accuracy", "all"] == 0.5
    assert scores["format_validity", "all"] == 0.5
    assert scores["semantic_similarity", "2"] == pytest.approx(by_meaning["semantic_similarity"].mean())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(["B", "T", "NK", "M", "-"]), min_size=2, max_size=4), min_size=1, max_size=6))
def test_bounds_and_order_of_cells(predictions):
    truth = ["B", "T", "NK", "M"]
    adata = made(*[(" ".join(truth[: len(labels)]), " ".join(labels)) for labels in predictions])
    table = sd.get.puzzles(adata)
    assert table.drop(columns="n_cells").to_numpy().min() >= 0
    assert (table["batch_accuracy"] <= table["cell_accuracy"]).all()
    assert (table["batch_accuracy"] <= table["format_validity"]).all()
    assert (table["cell_accuracy"] <= table["uniqueness"] + 1e-9).all()
    order = np.random.default_rng(0).permutation(adata.n_obs)
    shuffled = sd.get.puzzles(adata[order])
    pd.testing.assert_frame_equal(shuffled.loc[table.index], table)


@pytest.mark.parametrize(
    ("change", "arguments", "error", "message"),
    [
        (None, {"key": "none"}, KeyError, "key='none' is not an obs column"),
        (None, {"truth": "none"}, KeyError, "truth='none' is not an obs column"),
        (None, {"groupby": "none"}, KeyError, "groupby='none' is not an obs column"),
        ("uns", {}, KeyError, "uns has no 'cell_puzzles' with the name of the true labels: pass truth="),
        (
            "truth",
            {},
            ValueError,
            r"no cell has both a puzzle in obs\['puzzle'\] and a true label in obs\['cell_type'\]",
        ),
        ("puzzle", {}, ValueError, "no cell has both a puzzle"),
        (None, {"threshold": 0.8}, ValueError, "threshold=0.8 needs encoder="),
        (None, {"threshold": 80, "encoder": letters}, ValueError, "threshold=80 must be a similarity above 0"),
        (None, {"encoder": "medcpt"}, TypeError, "encoder='medcpt' must be a function of texts"),
        (None, {"n_bootstrap": 0}, ValueError, "n_bootstrap must be a positive integer, got 0"),
    ],
)
def test_bad_input(change, arguments, error, message):
    adata = made(("B T", "B T"))
    if change == "uns":
        del adata.uns["cell_puzzles"]
    elif change is not None:
        adata.obs[{"truth": "cell_type"}.get(change, change)] = None
    with pytest.raises(error, match=message):
        sd.get.puzzle_scores(adata, **arguments)


class Expert(ScriptedModel):
    """Writes the true labels of the cells of each prompt, but for one puzzle of each number of cells."""

    def __init__(self, puzzles: ad.AnnData) -> None:
        super().__init__(prompt_format="cell-o1", n_genes=50)
        genes = [", ".join(one) for one in sd.get.gene_lists(puzzles)]
        self.types = dict(zip(genes, puzzles.obs["cell_type"], strict=True))
        self.refused: set[int] = set()

    def generate(self, prompts, sampling):
        return [self.answer(prompt) for prompt in prompts]

    def answer(self, prompt: str) -> str:
        cells = re.findall(r"^Cell \d+: (.*)$", prompt, re.MULTILINE)
        if len(cells) not in self.refused:
            self.refused.add(len(cells))
            return "I cannot tell."
        return f"<think>Markers.</think><answer>{' | '.join(self.types[one] for one in cells)}</answer>"


def test_from_cells_to_scores(tmp_path):
    adata = sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", (), n_puzzles=20, n_cells=(3, 4), exclude=None)
    sd.io.write_cell_puzzles(adata, tmp_path / "puzzles.json")
    for puzzles in (adata, sd.io.read_cell_puzzles(tmp_path / "puzzles.json")):
        sd.tl.annotate(puzzles, Expert(puzzles), labels="candidate", unique="puzzle", method="generate")
        scores = sd.get.puzzle_scores(puzzles)
        table = scores.pivot(index="n_cells", columns="metric", values="value")
        n = scores.groupby("n_cells")["n_puzzles"].first()
        for metric in ("cell_accuracy", "batch_accuracy", "format_validity", "uniqueness"):
            assert table[metric].tolist() == pytest.approx([1 - 1 / n["3"], 1 - 1 / n["4"], 1 - 2 / n["all"]])
        expected = puzzles.uns["annotation"]["answers"]["text"].str.len().mean()
        assert table["response_length"]["all"] == pytest.approx(expected)


def test_joint_assignment_by_the_embedded_model():
    adata = sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", (), n_puzzles=20, n_cells=(5, 8))
    sd.tl.annotate(adata, labels="candidate", unique="puzzle")
    jointly, alone = (sd.get.puzzles(adata, key) for key in ("annotation", "annotation_independent"))
    assert (jointly["uniqueness"] == 1).all()
    assert jointly["batch_accuracy"].mean() > alone["batch_accuracy"].mean()


def test_lengths_of_lazy_puzzles(tmp_path):
    adata = made(("B T", "B T"), ("B T", "T B"))
    texts = pd.DataFrame({"unit": ["p0", "p1"], "status": "ok", "text": ["four", "1234567"]})
    adata.uns["annotation"] = {"answers": texts}
    expected = sd.get.puzzles(adata)
    assert expected["response_length"].tolist() == [4, 7]
    adata.write_zarr(tmp_path / "puzzles.zarr")
    found = sd.get.puzzles(ad.experimental.read_lazy(tmp_path / "puzzles.zarr"))
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
