"""The papers' tables run to their end on small files in the formats of their data sets."""

from __future__ import annotations

import gzip
import io
import json
import re
from dataclasses import replace

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import mmwrite

import sc_duality as sd
from benchmarks import _paper_labels, paper
from benchmarks._paper_data import needed_files
from benchmarks._paper_stated_labels import stated_labels
from benchmarks._paper_table import paper_numbers
from sc_duality.datasets._registry import SETS
from tests.datasets.test_public import table, tar
from tests.scripted_model import ScriptedModel
from tests.test_cell_o1_tables import InOrder

TYPES = ("B cells", "NK cells")


class Simple(ScriptedModel):
    """Chooses the first label; a treated cell is its control cell, and every generated cell has the same genes."""

    def score(self, prompts, choices):
        self.n_prompts.append(len(prompts))
        return np.tile(-np.arange(len(choices), dtype=float), (len(prompts), 1))

    def generate(self, prompts, sampling):
        self.n_prompts.append(len(prompts))
        shown = [re.search(r"in descending order: (.*)", prompt) for prompt in prompts]
        return [f"<answer>{'CD74 RPL10 CD79A' if one is None else one[1]}</answer>" for one in shown]


@pytest.fixture(scope="module")
def cells():
    """B cells and NK cells of PBMC3k, 40 each, with the genes that most of them have."""
    adata = sd.datasets.pbmc3k()
    rows = [np.flatnonzero(adata.obs["cell_type"] == label)[:40] for label in TYPES]
    adata = adata[np.concatenate(rows)].copy()
    genes = np.argsort(-adata.X.getnnz(axis=0), kind="stable")[:900]
    adata = adata[:, np.sort(genes)].copy()
    adata.obs_names = [f"AAAC{i}-1" for i in range(adata.n_obs)]
    return adata


@pytest.fixture(autouse=True)
def model(monkeypatch):
    """The model that every name loads."""
    made = Simple(texts=[])
    monkeypatch.setattr(paper, "load", lambda *_, **__: made)
    monkeypatch.setattr(sd.settings, "progress", False)
    verbosity = sd.settings.verbosity
    yield made
    sd.settings.verbosity = verbosity


@pytest.fixture
def folder(tmp_path):
    """Where the files of a data set are made."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def written(folder, name, files):
    """Write the files of a data set under their names."""
    for file, content in zip(SETS[name].files, files, strict=False):
        (folder / file.name).write_bytes(content)
    return folder


def text_table(cells, names, sep="\t"):
    return gzip.compress(table(cells.X.toarray(), cells.var_names, names, sep=sep, named=sep == "\t"))


def h5ad_bytes(cells, folder, **obs):
    made = ad.AnnData(
        sparse.csr_matrix(cells.X, dtype=np.float32), pd.DataFrame(obs, index=cells.obs_names), cells.var[[]]
    )
    made.layers["counts"] = made.X.copy()
    made.write_h5ad(folder / "made.h5ad")
    return (folder / "made.h5ad").read_bytes()


def run(tmp_path, name, data, *options, models=("small",)):
    """Run the command, and return its JSON and Markdown."""
    folder = tmp_path / "out"
    given = [str(path) for path in (data if isinstance(data, list) else [data])]
    paper.main([name, "--model", *models, "--folder", str(folder), "--data", *given, *options])
    text = (folder / f"{name}.md").read_text(encoding="utf-8")
    assert "paper (theirs)" in text
    assert "## Not repeated" in text
    assert "files of --data instead of the published ones: " in text
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8")), text


# --- files in the formats of the sources ---------------------------------------------------------------------


def liver(folder, cells):
    names = [f"AAAC{i}.1" for i in range(cells.n_obs)]
    labels = "\torig.ident\tCell_type_in_each_tissue\tCell_type_in_merged_data\n" + "".join(
        f"Liver_cDNA_{cell}\tLiver_cDNA\t{label}\t{label}\n"
        for cell, label in zip(cells.obs_names, cells.obs["cell_type"], strict=True)
    )
    return written(folder, "he2020_liver", [text_table(cells, names, ","), labels.encode()])


def islets(folder, cells):
    counts = cells.X.toarray()
    rows = "".join(
        "\t".join([gene, "NM_1", *map(str, counts[:, i] / 2), *map(str, counts[:, i])]) + "\n"
        for i, gene in enumerate(cells.var_names)
    )
    columns = ["Source Name", *(f"Characteristics [{one}]" for one in ("cell type", "individual", "disease", "sex"))]
    samples = pd.DataFrame(
        [[name, label, "H1", "normal", "male"] for name, label in cells.obs["cell_type"].items()], columns=columns
    )
    header = "\t".join(["#samples", *cells.obs_names]) + "\n"
    return written(
        folder, "segerstolpe2016", [(header + rows).encode(), samples.to_csv(sep="\t", index=False).encode()]
    )


def skin(folder, cells):
    names = [f"R1,{i:02},P1" for i in range(cells.n_obs)]
    labels = "atac.bc\trna.bc\tcelltype\n" + "".join(
        f"x\t{name.replace(',', '.')}\t{label}\n" for name, label in zip(names, cells.obs["cell_type"], strict=True)
    )
    mouse = cells.copy()
    mouse.var_names = mouse.var_names.str.capitalize()
    return written(folder, "ma2020", [text_table(mouse, names), gzip.compress(labels.encode())])


def lung(folder, cells):
    def sample(part):
        matrix = io.BytesIO()
        mmwrite(matrix, sparse.coo_matrix(part.X.T))
        rows = "".join(f"ENSG{i}\t{gene}\tGene Expression\n" for i, gene in enumerate(part.var_names))
        parts = {
            "barcodes.tsv": "".join(f"{name}\n" for name in part.obs_names).encode(),
            "features.tsv": rows.encode(),
            "matrix.mtx": matrix.getvalue(),
        }
        return tar({f"run/{name}.gz": gzip.compress(content) for name, content in parts.items()})

    return written(folder, "aissa2021", [sample(cells[:40]), sample(cells[40:])])


def oral(folder, cells):
    names = [f"HN120_{i}" for i in range(cells.n_obs)]
    clusters = ["Sensitive"] * 28 + ["Resistant"] * 28 + ["Holiday"] * 24
    info = "groups\tpatient_id\torigin\tcluster\n" + "".join(
        f"{name}\tHN120\tHN120P\t{cluster}\n" for name, cluster in zip(names, clusters, strict=True)
    )
    return written(folder, "sharma2018", [text_table(cells, names), gzip.compress(info.encode())])


def leukaemia(folder, cells):
    rows = [["Plate#", "Well position", "Sample name"]]
    rows += [[f"Plate{i // 40}", f"A{i % 40}=cell", ["PARENTALS", "RESISTANT"][i // 40]] for i in range(cells.n_obs)]
    path = folder / "wells.xlsx"
    pd.DataFrame([[None] * 3] * 3 + rows).to_excel(path, header=False, index=False)
    names = [f"Plate{i // 40}_A{i % 40}" for i in range(cells.n_obs)]
    counts = gzip.compress(table(cells.X.toarray(), cells.var_names, names, sep=","))
    return written(folder, "bell2019", [counts, path.read_bytes()])


def drugs(folder, cells):
    n = cells.n_obs
    names = np.repeat(["Dacinostat (LAQ824)", "Belinostat (PXD101)", "control", "Trametinib"], n // 4)
    content = h5ad_bytes(
        cells, folder, perturbation=names, cell_line=np.tile(["A549", "MCF7"], n // 2), dose_value=np.full(n, 10.0)
    )
    return written(folder, "sciplex3", [content])


def immune(folder, cells):
    many = ad.concat([cells] * 5)
    many.obs_names = [f"c{i}" for i in range(many.n_obs)]
    many.var = cells.var[[]].copy()
    labels = many.obs["cell_type"].to_numpy(str)
    content = h5ad_bytes(
        many, folder, Manually_curated_celltype=labels, Organ=np.resize(["BLD", "LNG"], len(labels)),
        Donor=np.resize(["d1", "d1", "d2"], len(labels)),
    )  # fmt: skip
    return written(folder, "dominguez_conde2022", [content])


# --- tables ------------------------------------------------------------------------------------------------


def test_annotation(tmp_path, folder, cells, model):
    for make in (liver, islets, skin):
        make(folder, cells)
    labels = cells.obs["cell_type"].to_numpy(str)
    written(folder, "pancreas_scib", [h5ad_bytes(cells, folder, tech=["smarter"] * 80, celltype=labels)])
    written(folder, "bastidas_ponce2019", [h5ad_bytes(cells, folder, clusters=labels, clusters_coarse=labels)])
    (folder / "made.h5ad").unlink()
    found, text = run(tmp_path, "cellduality-2", folder)
    assert set(found["n"]) == {part.title for part in paper.TABLES["cellduality-2"].parts}
    for part, n in found["n"].items():
        assert n == 8
        scores = found["ours"]["small"][part]
        share = scores["Acc. (%)"][0] / 100
        assert share in {i / 8 for i in range(9)}
        assert scores["F1 (%)"][0] == pytest.approx(100 * share / (1 + share), abs=1e-4)  # one of two labels
        assert found["ours"]["logistic regression (ours)"][part]["Acc. (%)"][0] == 100
    row = next(line for line in text.splitlines() if line.startswith("| He-2020-Liver | Acc. (%) |"))
    assert row.endswith("| 96.34 ± 0.19 |")

    n = len(model.n_prompts)
    run(tmp_path, "cellduality-2", folder)  # finished parts are kept
    assert len(model.n_prompts) == n
    run(tmp_path, "cellduality-2", folder, "--max-cells", "4", "--sets", "he2020_liver")
    assert model.n_prompts[n:] == [4]


def test_sensitivity_and_ablation(tmp_path, folder, cells):
    pytest.importorskip("openpyxl")
    for make in (lung, oral):
        make(folder, cells)
    leukaemia(folder, cells)
    found, _ = run(tmp_path, "cellduality-3", folder)
    assert found["n"] == {
        "GSE149383 (Human Lung)": 8, "GSE117872 (Human Oral)": 8, "GSE110894 (Mouse Bone)": 80
    }  # fmt: skip
    resistant = found["ours"]["small"]["GSE110894 (Mouse Bone)"]
    assert resistant == {"Acc. (%)": [50.0], "F1 (%)": [pytest.approx(100 / 3, abs=1e-4)]}
    for make in (liver, drugs):
        make(folder, cells)
    found, text = run(tmp_path, "cellduality-6", folder, models=("start", "aligned"))
    assert {"start", "aligned"} < set(found["ours"])
    assert set(found["ours"]["start"]["sci-Plex3"]) == {"scFID", "MMD", "predictions read (%)"}
    assert "| 22.45 ± 1.23 |" in text


@pytest.mark.parametrize("name", ["cellduality-4", "c2s-sciplex3"])
def test_responses(tmp_path, folder, cells, name):
    found, text = run(tmp_path, name, drugs(folder, cells))
    ours = {column: scores["sci-Plex3"] for column, scores in found["ours"].items()}
    assert found["n"] == {"sci-Plex3": 40}
    assert ours["small"]["predictions read (%)"] == [100]
    assert ours["half of the real cells (ours)"]["Wasserstein"][0] > 0
    # B cells stand in for treated ones and NK cells for controls.
    assert ours["half of the real cells (ours)"]["MMD"][0] < ours["control cells (ours)"]["MMD"][0]
    assert "scGPT" in text
    assert any("scGPT" in reason for reason in found["not_repeated"])


def test_generation(tmp_path, folder, cells):
    pytest.importorskip("ot")
    found, _ = run(tmp_path, "cellduality-5", immune(folder, cells))
    own, real = (found["ours"][name]["Human Immune"] for name in ("small", "real training cells (ours)"))
    assert own["k-NN k=3 (%)"] == [50]  # all generated cells are alike, of two types
    assert real["k-NN k=3 (%)"][0] > 90
    assert real["GW"][0] < own["GW"][0]


def test_immune_cells(tmp_path, folder, cells):
    data = immune(folder, cells)
    found, text = run(tmp_path, "c2s-annotation", data)
    assert "> 85" in text
    assert 30 < found["ours"]["small"]["Immune 1"]["Acc. (%)"][0] < 70
    found, _ = run(tmp_path, "c2s-embedding", data)
    assert found["ours"]["PCA-50 (ours)"]["Immune 1"]["linear probe, accuracy (%)"][0] > 90
    found, text = run(tmp_path, "c2s-1", data, "--max-cells", "12")
    ours = found["ours"]["small"]
    assert ours["Conditional cell generation"]["Overlap %"][0] > 0
    assert ours["Tissue sample annotation"]["exact (%)"][0] <= 100
    assert set(found["n"]) == {part.title for part in paper.TABLES["c2s-1"].parts}


@pytest.fixture
def puzzles():
    return sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", (), n_puzzles=12, n_cells=(3, 4), n_genes=10)


def test_puzzles(tmp_path, monkeypatch, puzzles):
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(paper, "load", lambda *_, **__: InOrder(texts=[]))
    path = tmp_path / "puzzles.parquet"
    sd.io.write_cell_puzzles(puzzles, path)
    found, text = run(tmp_path, "cell-o1-2", path)
    rows = [group["cell_type"].astype(str) for _, group in puzzles.obs.groupby("puzzle", observed=True)]
    right = [(labels == sorted(labels)).to_numpy() for labels in rows]
    scores = found["ours"]["small"]["CellPuzzles"]
    assert scores["Cell-level Acc"] == [pytest.approx(np.mean([one.mean() for one in right]), abs=1e-6)]
    assert scores["Cell-level Acc"][0] > 0
    assert scores["Batch-level Acc"] == [pytest.approx(np.mean([one.all() for one in right]), abs=1e-6)]
    assert scores["Format"] == scores["Uniqueness"] == [1]
    assert 0.2 < found["ours"]["chance (ours)"]["CellPuzzles"]["Cell-level Acc"][0] < 0.4
    assert "| 0.6849 |" in text

    found, _ = run(tmp_path, "cell-o1-11", path, "--max-cells", "4")
    alone, whole = (found["ours"]["small"][part] for part in ("Cell-level", "Batch-level"))
    assert alone["Uniqueness"][0] < 0.5 < whole["Uniqueness"][0]

    def encode(texts):
        return np.eye(2)[[int("B cell" in text) for text in texts]]

    monkeypatch.setattr(sd.models, "sentence_encoder", lambda _: encode)
    found, _ = run(tmp_path, "cell-o1-12", path)
    free = found["ours"]["small"]["Open-ended"]
    share = np.mean([(labels == "B cells").mean() for labels in rows])  # every cell is named "B cell"
    assert free["Cell-level Acc"] == free["MedCPT Score"] == [pytest.approx(share, abs=1e-6)]
    assert free["Batch-level Acc"] == [0]
    assert free["Format"] == [1]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("<think>a | b</think><answer>B cell |\n B  cell</answer>", ["B cell", "B cell"]),
        ("<answer>B cell</answer>", None),
        ("<answer>B cell | </answer>", None),
        ("<answer>a | b</answer><answer>a | b</answer>", None),
        (None, None),
    ],
)
def test_labels_are_those_that_the_only_answer_states(text, labels):
    assert stated_labels(text, 2) == labels


def test_puzzles_by_disease(tmp_path, monkeypatch, puzzles):
    monkeypatch.setattr(paper, "load", lambda *_, **__: InOrder(texts=[]))
    sd.io.write_cell_puzzles(puzzles, tmp_path / "without.json")
    with pytest.raises(SystemExit, match=r"(?s)no column 'disease'.*sd\.pp\.cell_puzzles"):
        run(tmp_path, "cell-o1-3", tmp_path / "without.json")
    puzzles.obs["disease"] = np.where(puzzles.obs["puzzle"].astype(str).str.endswith("1"), "melanoma", "SLE")
    puzzles.write_h5ad(tmp_path / "puzzles.h5ad")
    found, text = run(tmp_path, "cell-o1-3", tmp_path / "puzzles.h5ad")
    assert set(found["ours"]["small"]) == {"Melanoma", "SLE"}
    assert found["settings"]["files of --data instead of the published ones"] == {"cell_puzzles": ["puzzles.h5ad"]}
    assert "cell_puzzles from puzzles.h5ad" in text
    assert any("no puzzle of 'Breast Cancer'" in reason for reason in found["not_repeated"])
    assert next(line for line in text.splitlines() if line.startswith("| Average | Cell-level Acc |")).endswith(
        "| 0.8184 |"
    )


# --- what cannot be had --------------------------------------------------------------------------------------


def test_offline_the_error_names_every_file_its_address_and_its_path(tmp_path, monkeypatch):
    monkeypatch.setattr(sd.settings, "cache_dir", tmp_path / "cache")
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)
    files = tuple(replace(file, urls=(f"http://127.0.0.1:9/{file.name}",)) for file in SETS["he2020_liver"].files)
    monkeypatch.setitem(SETS, "he2020_liver", replace(SETS["he2020_liver"], files=files))
    options = ["--sets", "he2020_liver", "--model", "small", "--folder", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as error:
        paper.main(["cellduality-2", *options])
    for file in files:
        assert f"{file.name}\n    from {file.urls[0]}\n    to {tmp_path / 'cache' / 'datasets' / file.name}" in str(
            error.value
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", [name for name, table in paper.TABLES.items() if table.missing])
def test_a_table_without_data_says_why(name):
    with pytest.raises(SystemExit, match=f"{name} cannot be repeated: .*sd.datasets"):
        paper.main([name])


def test_what_a_model_cannot_do_is_part_of_the_table_or_ends_it(tmp_path, folder, cells, monkeypatch):
    data = liver(folder, cells)

    def annotate(*_, **__):
        raise ValueError("the model 'small' does not know the labels ['Hepatocyte']")

    monkeypatch.setattr(sd.tl, "annotate", annotate)
    with pytest.raises(SystemExit, match=r"(?s)no part of cellduality-2.*He-2020-Liver by small: .*does not know"):
        run(tmp_path, "cellduality-2", data, "--sets", "he2020_liver")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sets", "kang2018"], "kang2018.*the table cellduality-2 has he2020_liver"),
        (["--data", "absent.csv.gz"], "there are no such files"),
        (["--data", "pyproject.toml", "README.md"], "no file has the name of one of this table's: GSM4850582"),
    ],
)
def test_a_wrong_argument_is_named(tmp_path, options, message):
    with pytest.raises(SystemExit, match=message):
        paper.main(["cellduality-2", "--model", "small", "--folder", str(tmp_path), *options])


def test_a_table_of_unpublished_puzzles_says_what_to_build():
    with pytest.raises(SystemExit, match=r"cell-o1-3 needs --data: .*sd\.pp\.cell_puzzles"):
        paper.main(["cell-o1-3", "--model", "small", "--folder", "out"])


def test_half_of_the_files_of_a_data_set_are_refused(tmp_path, folder, cells):
    liver(folder, cells)
    (folder / sd.datasets.files("he2020_liver").index[1]).unlink()
    with pytest.raises(SystemExit, match="he2020_liver consists of .* alone cannot be read"):
        run(tmp_path, "cellduality-2", folder)


# --- the list and the papers' numbers ----------------------------------------------------------------------


def test_the_list_has_every_table_with_what_it_needs(capsys):
    paper.main(["--list"])
    text = capsys.readouterr().out
    for name, one in paper.TABLES.items():
        assert f"{name}: {one.about}" in text
        assert one.missing in text
        assert all(file in text for data in one.data for file in needed_files(data).index)
        assert all(reason in text for reason in one.not_repeated)


def test_numbers_are_of_parts_and_metrics_of_their_tables():
    for name, cited in paper_numbers().items():
        metrics = {part.title: set(part.metrics) for part in paper.TABLES[name].parts}
        for row in cited["rows"].values():
            for part, values in row.items():
                assert part in metrics or part == "Average"
                assert set(values) <= metrics.get(part, {"Cell-level Acc", "Batch-level Acc"})
                assert all(re.fullmatch(r"(> )?\d+(\.\d+)?( ± \d+\.\d+)?", value) for value in values.values())


def test_numbers_are_those_of_the_papers():
    rows = {name: cited["rows"] for name, cited in paper_numbers().items()}
    assert rows["cellduality-2"]["CellDuality"]["Bastidas-Ponce-2019"]["F1 (%)"] == "78.12 ± 0.31"
    assert rows["cellduality-3"]["InstructCell-instruct"]["GSE117872 (Human Oral)"]["Acc. (%)"] == "100.00"
    assert rows["cellduality-4"]["CellDuality"]["sci-Plex3"]["Wasserstein"] == "0.245 ± 0.011"
    assert rows["cellduality-5"]["Cell2Sentence-160M"]["Human Immune"]["GW"] == "54.30 ± 0.3410"
    assert rows["cellduality-6"]["RL with Ground-Truth"]["sci-Plex3"]["MMD"] == "0.012 ± 0.001"
    assert rows["cell-o1-11"]["o1 (reasoning)"]["Cell-level"]["Cell-level Acc"] == "0.4700"
    assert rows["cell-o1-12"]["o3-mini"]["Open-ended"]["MedCPT Score"] == "0.7411"


def test_the_split_has_the_filters_and_shares_of_instructcell(cells):
    few = cells.copy()
    few.obs["cell_type"] = few.obs["cell_type"].astype(object)
    few.obs.iloc[:15, few.obs.columns.get_loc("cell_type")] = "rare"
    few.obs.iloc[15, few.obs.columns.get_loc("cell_type")] = None
    assert _paper_labels.filtered(few, "cell_type").obs["cell_type"].value_counts().to_dict() == {
        "NK cells": 40, "B cells": 24
    }  # fmt: skip
    split = _paper_labels.random_split(cells, None)
    assert (split.train.n_obs, split.test.n_obs) == (64, 8)
    assert not set(split.train.obs_names) & set(split.test.obs_names)
    empty = cells.copy()
    empty.X = sparse.csr_matrix(empty.shape, dtype=np.int32)
    with pytest.raises(SystemExit, match="fewer than two labels of 'cell_type'"):
        _paper_labels.filtered(empty, "cell_type")
