"""Virtual screen: what is requested and kept, and what the scores are."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from collections import Counter
from pathlib import Path

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.tasks import Perturbation
from tests.scripted_model import ScriptedModel

LINE = {"slope": -0.5, "intercept": 2.0}
GENE_SET = ["S100A9", "LYZ", "CD74", "HLA-DRA", "CD3D"]
PROMPT = re.compile(r"the drug (\w+).*in descending order: ([^\n]*)", re.DOTALL)


class Responsive(ScriptedModel):
    """``drug_n`` brings the gene set to the top of n % of the cells; repeated prompts get other samples."""

    def __init__(self, *, fails_after: int | None = None, lost: frozenset[str] = frozenset(), **spec) -> None:
        super().__init__(expression_model=LINE, **spec)
        self.fails_after, self.lost, self.requested = fails_after, lost, []

    def generate(self, prompts, sampling):
        if self.fails_after is not None and len(self.n_prompts) >= self.fails_after:
            raise ConnectionError("the server is gone")
        self.n_prompts.append(len(prompts))
        self.shown = prompts[0]
        self.sampling, seen = sampling, Counter()
        return [self._answer(prompt, sampling, seen) for prompt in prompts]

    def _answer(self, prompt, sampling, seen):
        drug, genes = PROMPT.search(prompt).groups()
        self.requested.append(drug)
        seen[prompt] += 1
        rng = np.random.default_rng([sampling.seed, seen[prompt], *prompt.encode()])
        if drug in self.lost:
            return None
        if drug == "broken":
            return "?"
        order = list(rng.permutation(genes.split()))
        if rng.random() < int(drug.partition("_")[2]) / 100:
            order = GENE_SET[: len(order)] + [gene for gene in order if gene not in GENE_SET]
        return f"<answer>{' '.join(order[: len(genes.split())])}</answer>"


class GeneChanges(Responsive):
    """``drug_n`` raises the gene set in n % of the cells, and changes nothing in the others."""

    def _answer(self, prompt, sampling, seen):
        answer = super()._answer(prompt, sampling, seen)
        raised = answer.startswith(f"<answer>{' '.join(GENE_SET)}")
        return f"<answer>{' '.join(GENE_SET) if raised else ''} | </answer>"


@pytest.fixture(scope="module")
def pbmc() -> ad.AnnData:
    adata = sd.datasets.pbmc3k()
    expressed = np.asarray(adata.X.sum(axis=0)).ravel()
    adata = adata[:, np.sort(np.argsort(-expressed)[:800])].copy()
    adata.obs["donor"] = [f"donor {i % 4}" for i in range(adata.n_obs)]
    sd.pp.cell_sentences(adata, n_genes=30)
    return adata


@pytest.fixture
def cells(pbmc: ad.AnnData) -> dict[str, ad.AnnData]:
    """Two contexts of 12 and 8 cells."""
    return {"tumour": pbmc[:12].copy(), "neutral": pbmc[100:108].copy()}


def screen(adatas, library=("drug_0", "drug_90"), model=None, **arguments):
    arguments = {"gene_set": GENE_SET, "n_genes": 20, **arguments}
    return sd.tl.screen(adatas, list(library), Responsive() if model is None else model, **arguments)


def by_name(found: pd.DataFrame, context: str = "tumour") -> pd.DataFrame:
    return found[found["context"] == context].set_index("target")


def test_the_true_hit_is_first(cells) -> None:
    found = screen(cells, [f"drug_{i}" for i in range(0, 100, 9)])
    first = found.groupby("context", sort=False).first()
    assert first.index.tolist() == ["tumour", "neutral"]
    assert first["target"].tolist() == ["drug_99"] * 2
    assert (first["q"] < 0.01).all()
    one = by_name(found)
    assert one["effect"]["drug_99"] > 50 > 20 > abs(one["effect"]["drug_0"])
    assert found["perturbation"].iloc[0] == "drug drug_99"
    assert found["n_samples"].unique().tolist() == [12, 8]
    assert list(found.columns[:6]) == ["perturbation", "operation", "target", "dose", "time", "context"]


def test_effect_is_the_change_of_ssgsea_of_predicted_cells(cells) -> None:
    """With one sample at a time, the screen scores what tl.perturb predicts."""
    one = {"all": cells["tumour"]}
    sampling = sd.Sampling(temperature=0.0, n_samples=1)
    found = screen(one, ["drug_50"], sampling=sampling).iloc[0]
    treated = sd.tl.perturb(cells["tumour"], ("drug", "drug_50"), Responsive(), n_genes=20, sampling=sampling)
    genes = treated.uns["cell_sentence"]["genes"].tolist()
    panel = treated[:, genes]
    after, before = (sd.metrics.ssgsea(X, genes, GENE_SET) for X in (panel.X, panel.layers["control"]))
    np.testing.assert_allclose(found["effect"], (after - before).mean())
    assert found["effect"] != 0


def test_default_sampling_and_settings(cells) -> None:
    model = Responsive()
    found = screen(cells, model=model)
    assert (model.sampling.temperature, model.sampling.seed) == (0.3, 0)
    assert Counter(model.requested) == {"drug_0": 60, "drug_90": 60}
    assert found.attrs["params"]["n_samples"] == 3
    other = screen(cells, model=model, sampling=sd.Sampling(temperature=0.7, n_samples=2), rng=5)
    assert (model.sampling.temperature, model.sampling.seed) == (0.7, 5)
    assert other.attrs["params"]["n_samples"] == 2


@pytest.mark.parametrize("facts", [["donor"], {"tissue": "blood"}])
def test_facts_about_the_cells_are_shown_and_kept(cells, tmp_path: Path, facts) -> None:
    model = Responsive()
    found = screen(cells, model=model, context=facts, output=tmp_path / "screen.sqlite")
    assert found.attrs["params"]["context"] == facts
    assert ("blood" if isinstance(facts, dict) else "donor 0") in model.shown
    with pytest.raises(FileExistsError, match="context"):
        screen(cells, output=tmp_path / "screen.sqlite")


def test_cells_of_a_sample_are_averaged_first(cells) -> None:
    by_cell, by_donor = screen(cells), screen(cells, sample="donor")
    assert by_donor["n_samples"].tolist() == [4] * 4
    np.testing.assert_allclose(by_name(by_cell)["effect"], by_name(by_donor)["effect"])  # donors have 3 cells each
    assert (by_cell["p"] != by_donor["p"]).all()


def test_several_perturbations_are_requested_at_once(cells, monkeypatch) -> None:
    library = [f"drug_{i}" for i in range(10)]
    model = Responsive()
    expected = screen(cells, library, model)
    assert model.n_prompts == [360, 240]
    monkeypatch.setattr("sc_duality.tl._screen_predictions.N_PREDICTIONS", 80)
    model = Responsive()
    pd.testing.assert_frame_equal(screen(cells, library, model), expected)
    assert model.n_prompts == [72] * 5 + [72] * 3 + [24]


def test_a_screen_that_was_stopped_goes_on(cells, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("sc_duality.tl._screen_predictions.N_PREDICTIONS", 80)
    library, output = [f"drug_{i}" for i in range(5)], tmp_path / "screen.sqlite"
    expected = screen(cells, library)
    with pytest.raises(ConnectionError, match="the server is gone") as stopped:
        screen(cells, library, Responsive(fails_after=2), output=output)
    assert "4 finished scores are in" in stopped.value.__notes__[-1]
    model = Responsive()
    found = screen(cells, library, model, output=output)
    assert Counter(model.requested) == {"drug_4": 60} | {f"drug_{i}": 24 for i in range(4)}
    pd.testing.assert_frame_equal(found, expected)
    model = Responsive()
    pd.testing.assert_frame_equal(screen(cells, library, model, output=str(output)), expected)
    assert model.requested == []
    screen(cells, [*library, "drug_77"], model, output=output)
    assert set(model.requested) == {"drug_77"}


@pytest.mark.processes
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process")
@pytest.mark.parametrize("n_calls", [0, 1, 4])
def test_a_killed_screen_goes_on(cells, tmp_path: Path, monkeypatch, n_calls: int) -> None:
    class Killed(Responsive):
        def generate(self, prompts, sampling):
            if len(self.n_prompts) == n_calls:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().generate(prompts, sampling)

    monkeypatch.setattr("sc_duality.tl._screen_predictions.N_PREDICTIONS", 80)
    library, output, model = [f"drug_{i}" for i in range(5)], tmp_path / "screen.sqlite", Responsive()
    child = os.fork()
    if not child:
        screen(cells, library, Killed(), output=output)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    pd.testing.assert_frame_equal(screen(cells, library, model, output=output), screen(cells, library))
    assert len(model.requested) == 300 - [0, 72, 144, 180, 252][n_calls]


def test_the_test_may_change_after_the_predictions(cells, tmp_path: Path) -> None:
    screen(cells, output=tmp_path / "screen.sqlite")
    model = Responsive()
    found = screen(cells, model=model, output=tmp_path / "screen.sqlite", test="wilcoxon", sample="donor")
    assert model.requested == []
    assert found["p"].tolist() == screen(cells, test="wilcoxon", sample="donor")["p"].tolist()


def test_without_output_an_error_says_how_to_keep_scores(cells) -> None:
    with pytest.raises(ConnectionError) as stopped:
        screen(cells, model=Responsive(fails_after=1))
    assert stopped.value.__notes__ == ["pass output= to keep the scores that are finished"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rng": 1}, r"\(rng: 0, not 1\)"),
        ({"sampling": sd.Sampling(temperature=0.5, n_samples=3)}, r"\(temperature: 0.3, not 0.5\)"),
        ({"sampling": sd.Sampling(n_samples=2)}, r"\(n_samples: 3, not 2\)"),
        ({"gene_set": GENE_SET[:3]}, r"\(gene_set: \["),
        ({"n_genes": 10}, r"cells of 'neutral': .*n_genes: 20, not 10"),
    ],
)
def test_another_screen_in_the_file_is_refused(cells, tmp_path: Path, changed, message) -> None:
    output = tmp_path / "screen.sqlite"
    screen(cells, output=output)
    model, before = Responsive(), output.read_bytes()
    with pytest.raises(FileExistsError, match="holds a screen with other settings") as error:
        screen(cells, model=model, output=output, **changed)
    assert re.search(message, str(error.value))
    assert model.n_prompts == []
    assert output.read_bytes() == before


def test_other_cells_and_models_are_another_screen(cells, tmp_path: Path) -> None:
    output = tmp_path / "screen.sqlite"
    screen(cells, output=output)
    with pytest.raises(FileExistsError, match="cells of 'tumour'"):
        screen(cells | {"tumour": cells["tumour"][::-1].copy()}, output=output)
    with pytest.raises(FileExistsError, match="fingerprint"):
        screen(cells, model=Responsive(revision="other"), output=output)


def test_answers_beyond_the_context_length_are_refused(tmp_path: Path) -> None:
    cells, library = sd.datasets.pbmc3k()[:2].copy(), [("cytokine", "IFNB1")]
    sampling = sd.Sampling(max_tokens=1000)
    with pytest.raises(ValueError, match="'embedded-response', 276 tokens: pass a smaller n_genes= or max_tokens="):
        sd.tl.screen(cells, library, gene_set=["ISG15", "IFI6"], sampling=sampling, output=tmp_path / "screen.sqlite")
    assert not (tmp_path / "screen.sqlite").exists()


def test_invalid_files_are_refused_and_kept(cells, tmp_path: Path) -> None:
    text, other = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    text.write_text("notes of the last experiment, which must stay here\n" * 50)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    for path, message in ((text, "is not a file of a screen"), (other, "is a database, but not of a screen")):
        before = path.read_bytes()
        with pytest.raises(FileExistsError, match=message):
            screen(cells, output=path)
        assert path.read_bytes() == before
    with pytest.raises(IsADirectoryError, match="is a folder: pass the name of a file"):
        screen(cells, output=tmp_path)
    with pytest.raises(FileNotFoundError, match="the folder .* does not exist"):
        screen(cells, output=tmp_path / "no" / "screen.sqlite")


def test_failed_predictions_are_counted(cells, caplog) -> None:
    found = by_name(screen(cells, ["drug_90", "broken"]))
    assert found["n_failed"].to_dict() == {"drug_90": 0, "broken": 36}
    assert found["n_samples"].to_dict() == {"drug_90": 12, "broken": 0}
    assert found.loc["broken", ["effect", "z", "p", "q", "difference"]].isna().all()
    assert found.index[-1] == "broken"
    assert "context 'tumour': 36 of 72 predictions failed, see n_failed" in caplog.text


def test_predictions_without_an_answer_are_requested_again(cells, tmp_path: Path, caplog) -> None:
    output = tmp_path / "screen.sqlite"
    found = screen(cells, model=Responsive(lost=frozenset({"drug_90"})), output=output)
    assert by_name(found)["n_failed"].to_dict() == {"drug_90": 36, "drug_0": 0}
    assert "60 of 120 cells got no answer from the model" in caplog.text
    model = Responsive()
    pd.testing.assert_frame_equal(screen(cells, model=model, output=output), screen(cells))
    assert set(model.requested) == {"drug_90"}


def test_one_sample_has_no_p_value(cells, caplog) -> None:
    one = {"tumour": cells["tumour"][:1].copy(), "neutral": cells["neutral"]}
    found = by_name(screen(one))
    assert found["effect"].notna().all()
    assert found[["p", "q", "p_difference"]].isna().all(axis=None)
    assert "context 'tumour' has one sample: p and q are NaN" in caplog.text


def test_one_context_and_mudata(cells) -> None:
    expected = screen(cells["tumour"])
    assert expected["context"].unique().tolist() == ["all"]
    assert expected["difference"].isna().all()
    both = md.MuData({"rna": cells["tumour"], "other": cells["tumour"][:, :5].copy()})
    pd.testing.assert_frame_equal(screen(both), expected)


def test_columns_of_a_library_table_are_kept(cells) -> None:
    library = pd.DataFrame(
        {"name": ["drug_0", "drug_90"], "dose": ["1 µM", None], "pathway": ["A", "B"], "score": [1, 2]}, index=[7, 7]
    )
    found = sd.tl.screen(cells, library, Responsive(), gene_set={"set": GENE_SET}, n_genes=20)
    assert found["perturbation"].iloc[0] == "drug drug_90"
    assert found["pathway"].tolist() == ["B", "A"] * 2
    assert list(found.columns[-2:]) == ["pathway", "score"]
    fields = pd.DataFrame({"operation": ["drug"] * 2, "target": ["drug_0", "drug_90"], "dose": ["1 µM", ""]})
    same = sd.tl.screen(cells, fields, Responsive(), gene_set={"set": GENE_SET}, n_genes=20)
    pd.testing.assert_frame_equal(same, found.drop(columns=["pathway", "score"]))
    mixed = [Perturbation("drug", "drug_0", "1 µM"), ("drug", "drug_90")]
    pd.testing.assert_frame_equal(screen(cells, mixed, gene_set={"set": GENE_SET}), same)


def test_genes_may_be_in_another_order(cells) -> None:
    expected = screen(cells)
    order = cells["neutral"].var_names[::-1]
    other = cells["neutral"][:, order].copy()
    pd.testing.assert_frame_equal(screen(cells | {"neutral": other}), expected)


def test_cells_without_genes_fail_alone(cells) -> None:
    cells["tumour"].obsm["cell_sentence"][3] = -1
    found = by_name(screen(cells))
    assert found["n_failed"].tolist() == [3, 3]
    assert found["n_samples"].tolist() == [11, 11]


def test_nothing_is_written_into_the_cells(cells) -> None:
    before = {name: adata.copy() for name, adata in cells.items()}
    screen(cells, sample="donor")
    for name, adata in cells.items():
        assert list(adata.obs) == list(before[name].obs)
        assert set(adata.obsm) == set(before[name].obsm)
        assert set(adata.uns) == set(before[name].uns)


def test_the_bar_counts_predictions(cells, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sd.settings, "progress", True)
    screen(cells)
    assert re.search(r"screening: 100%\|.*\| 120/120 \[.*cell/s", capsys.readouterr().err)


def with_genes(adata: ad.AnnData, n: int) -> ad.AnnData:
    found = adata[:, adata.var_names[n:]].copy()
    del found.obsm["cell_sentence"], found.obsm["cell_sentence_vocabulary"], found.uns["cell_sentence"]
    return found


def without_donor(adata: ad.AnnData) -> ad.AnnData:
    adata.obs["donor"] = [None, *adata.obs["donor"][1:]]
    return adata


BAD = {
    "no context": ({"adatas": {}}, ValueError, "adatas is empty"),
    "context without a name": ({"adatas": {"": 1}}, TypeError, "name each context by a text"),
    "not an AnnData": ({"adatas": {"tumour": pd.DataFrame()}}, TypeError, r"adatas\['tumour'\]: expected an AnnData"),
    "list of AnnData": ({"adatas": [1]}, TypeError, "expected an AnnData or a MuData, got list"),
    "empty library": ({"library": []}, ValueError, "library is empty"),
    "empty table": ({"library": pd.DataFrame({"name": []})}, ValueError, "library is empty"),
    "one name": ({"library": "trametinib"}, TypeError, r"pass \['trametinib'\] for one"),
    "one perturbation": ({"library": ("drug", "trametinib")}, TypeError, r"pass \[\('drug', 'trametinib'\)\] for one"),
    "duplicate names": ({"library": ["a", "b", "A"]}, ValueError, r"more than once.*\(drug a, drug A\)"),
    "missing name": ({"library": ["a", None]}, ValueError, r"library\[1\] is missing"),
    "number": ({"library": ["a", 3]}, ValueError, r"library\[1\]: perturbation must be"),
    "table without names": (
        {"library": pd.DataFrame({"cmap_name": ["a"]})},
        ValueError,
        "needs a column 'name'.*cmap_n",
    ),
    "name and target": (
        {"library": pd.DataFrame({"name": ["a"], "target": ["MAP2K1"]})},
        ValueError,
        "rename 'target'",
    ),
    "column of the result": (
        {"library": pd.DataFrame({"name": ["a"], "z": [1]})},
        ValueError,
        "columns z, which the re",
    ),
    "dose as a number": (
        {"library": pd.DataFrame({"name": ["a"], "dose": [0.2]})},
        TypeError,
        "'dose' of library must",
    ),
    "missing target": (
        {"library": pd.DataFrame({"operation": ["drug"], "target": [None]})},
        ValueError,
        "row 0 of library: the operation 'drug' needs a target",
    ),
    "no operation": ({"operation": ""}, ValueError, "operation='' must be a text"),
    "gene set as text": ({"gene_set": "HALLMARK_APOPTOSIS"}, TypeError, "gene_set must be a list of gene symbols"),
    "two gene sets": ({"gene_set": {"a": ["LYZ"], "b": ["LYZ"]}}, ValueError, r"has 2 gene sets \(a, b\): pass one"),
    "gene that is missing": ({"gene_set": ["LYZ", None]}, TypeError, "must hold gene symbols, got None"),
    "empty gene set": ({"gene_set": []}, ValueError, "'gene set' has 0 of the"),
    "no gene on the panel": (
        {"gene_set": {"mouse": ["Abcdef1", "Abcdef2"]}},
        ValueError,
        "'mouse' has 0 of the .* symbols",
    ),
    "one gene on the panel": ({"gene_set": ["LYZ", "Abcdef1"]}, ValueError, "has 1 of the .* at least 2 are needed"),
    "sample column": ({"sample": "patient"}, KeyError, r"adatas\['tumour'\]: sample='patient' is not an obs column"),
    "test": ({"test": "anova"}, ValueError, "test='anova' is not an option: choose from 't-test', 'wilcoxon'"),
    "context column": ({"context": ["tissue"]}, KeyError, "context='tissue' is not an obs column"),
    "n_genes": ({"n_genes": 0}, ValueError, "n_genes must be a positive integer"),
    "sentence_key": ({"sentence_key": "other"}, KeyError, "obsm has no 'other'"),
    "rng": ({"rng": "today"}, (TypeError, ValueError), "rng"),
}


@pytest.mark.parametrize("name", BAD)
def test_invalid_input_raises_before_the_model_is_queried(cells, tmp_path: Path, name: str) -> None:
    arguments, error, message = BAD[name]
    model, output = Responsive(), tmp_path / "screen.sqlite"
    complete = {"adatas": cells, "library": ["drug_0"], "gene_set": GENE_SET, "output": output, **arguments}
    with pytest.raises(error, match=message):
        sd.tl.screen(complete.pop("adatas"), complete.pop("library"), model, **complete)
    assert model.n_prompts == []
    assert not output.exists()


def test_invalid_cells_raise(cells) -> None:
    fewer = with_genes(cells["tumour"], 40)
    with pytest.raises(ValueError, match=r"different genes, \d+ only in 'neutral' \(.*\): keep the shared genes"):
        screen(cells | {"tumour": fewer})
    with pytest.raises(ValueError, match=r"adatas\['tumour'\]: 1 of 12 cells have no value in obs\['donor'\]"):
        screen({"tumour": without_donor(cells["tumour"])}, sample="donor")
    panel = sd.tl.perturb(cells["tumour"], ("drug", "drug_0"), Responsive(), n_genes=20).uns["cell_sentence"]["genes"]
    with pytest.raises(ValueError, match="has all .* genes of the cells: it has no others"):
        screen(cells, gene_set=list(panel))


def test_unknown_perturbations_of_a_model_are_named(cells) -> None:
    known = [{"operation": "drug", "target": "drug_90", "dose": dose} for dose in ("1 µM", "2 µM")]
    model = Responsive(knows={"response": {"perturbations": known}})
    with pytest.raises(ValueError, match="1 of 2 perturbations in library .*: 'drug drug_90' matches several"):
        screen(cells, model=model)
    assert model.n_prompts == []
    with pytest.raises(ValueError, match="'drug trametinib' is not a perturbation of the model 'embedded-response'"):
        sd.tl.screen(cells, ["trametinib"], gene_set=GENE_SET)


def test_two_doses_of_one_known_perturbation_are_refused(cells) -> None:
    model = Responsive(knows={"response": {"perturbations": [{"operation": "drug", "target": "drug_0"}]}})
    library = [("drug", "drug_0", "1 µM"), ("drug", "drug_0", "2 µM")]
    with pytest.raises(ValueError, match="'drug drug_0 1 µM' and 'drug drug_0 2 µM' are one perturbation of the model"):
        screen(cells, library, model)
    assert len(screen(cells, library)) == 4


def test_perturbations_that_a_model_was_not_trained_on_are_kept_apart(cells) -> None:
    known = [{"operation": "control"}, {"operation": "drug", "target": "drug_50"}]
    model = Responsive(knows={"response": {"perturbations": known}})
    assert len(screen(cells, ["drug_0", "drug_50", "drug_90"], model)) == 6


def test_perturbations_without_training_are_named_once(cells, caplog) -> None:
    library = ["IRF7", "CD74", "STAT1"]
    sampling = sd.Sampling(temperature=0.0)
    sd.tl.screen(
        cells["tumour"][:1].copy(), library, gene_set=GENE_SET, operation="knockdown", n_genes=3, sampling=sampling
    )
    warnings = [record.getMessage() for record in caplog.records if "was not trained on" in record.getMessage()]
    known = "the model 'embedded-response' was not trained on 2 of 3 perturbations (knockdown IRF7, knockdown CD74)"
    assert warnings == [f"{known}: it extrapolates"]


def test_other_values_of_control_cells_are_another_screen(cells, tmp_path: Path) -> None:
    """Gene changes are added to the measured cell, so its values count and not its sentence alone."""
    output, arguments = tmp_path / "screen.sqlite", {"form": "changes", "output": tmp_path / "screen.sqlite"}
    screen(cells, model=GeneChanges(), **arguments)
    model = GeneChanges()
    screen(cells, model=model, **arguments)
    assert model.requested == []
    cells["tumour"].X = cells["tumour"].X.power(2)
    with pytest.raises(FileExistsError, match=r"cells of 'tumour'"):
        screen(cells, model=model, **arguments)
    assert output.exists()


def test_gene_changes_move_the_score(cells) -> None:
    found = by_name(screen(cells, ["drug_0", "drug_99"], GeneChanges(), form="changes"))
    assert found["effect"]["drug_99"] > 0 == found["effect"]["drug_0"]
    assert found["p"]["drug_99"] < 0.01
    assert found["p"]["drug_0"] == 1


def test_a_gene_set_that_the_model_cannot_predict_is_refused(cells) -> None:
    known = sd.models.resolve("embedded-response").genes
    unknown = sorted(set(cells["tumour"].uns["cell_sentence"]["genes"]) - set(known))
    if len(unknown) < 2:
        pytest.skip("the model knows all genes")
    with pytest.raises(ValueError, match=r"knows none of its genes .*: it cannot predict a change of this set"):
        sd.tl.screen(cells, [("knockdown", "STAT1")], gene_set=unknown[:5])
