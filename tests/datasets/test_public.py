"""Every public data set is read from small files in its published format."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import mmwrite

import sc_duality as sd
from sc_duality.datasets import _read
from sc_duality.datasets._registry import SETS
from sc_duality.tasks import JointAnnotation, JointAnnotationExample

GENES = ["CD79A", "MS4A1", "CD3E", "CD3E"]
COUNTS = np.array([[5, 0, 1, 2], [0, 7, 0, 0], [3, 1, 0, 9]])  # cells × genes


def table(values, genes, cells, *, sep, named=True):
    """A table of genes × cells as text; ``named``: whether its header has a name for the first column."""
    frame = pd.DataFrame(values.T, index=genes, columns=cells)
    text = frame.to_csv(sep=sep, index_label="gene" if named else "")
    return (text if named else text.removeprefix(sep)).encode()


def h5ad(tmp_path, adata):
    path = tmp_path / "made.h5ad"
    adata.write_h5ad(path)
    return path.read_bytes()


def tar(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def cell_ranger(cells, features="features", folder="data/run/outs/filtered_feature_bc_matrix"):
    matrix = io.BytesIO()
    mmwrite(matrix, sparse.coo_matrix(COUNTS[: len(cells)].T))
    rows = "".join(f"ENSG{i}\t{gene}\tGene Expression\n" for i, gene in enumerate(GENES))
    parts = {
        "barcodes.tsv": "".join(f"{cell}\n" for cell in cells).encode(),
        f"{features}.tsv": rows.encode(),
        "matrix.mtx": matrix.getvalue(),
    }
    return {f"{folder}/{name}.gz": gzip.compress(content) for name, content in parts.items()}


# --- available() -----------------------------------------------------------------------------------


def test_available_lists_every_public_data_set():
    knowledge = {"gene_sets", "go_annotations", "interactions"}
    public = set(sd.datasets.__all__) - {"available", "download", "files", "pbmc3k", "pbmc68k_reduced"} - knowledge
    assert set(sd.datasets.available().index) == public == set(SETS)


def test_addresses_names_and_hashes_are_valid():
    files = [file for known in SETS.values() for file in known.files]
    assert len({file.name for file in files}) == len(files)
    for file in files:
        assert all(url.startswith("https://") for url in file.urls)
        assert file.hash is None or re.fullmatch("sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", file.hash)
        assert Path(file.name).name == file.name


# --- readers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("rows", [1, 3, 256])
def test_a_dense_table_is_read_in_blocks(tmp_path, monkeypatch, named, rows):
    monkeypatch.setattr(_read, "_ROWS", rows)
    path = tmp_path / "table.txt.gz"
    path.write_bytes(gzip.compress(table(COUNTS, GENES, ["a", "b", "c"], sep="\t", named=named)))
    adata = _read.read_genes_by_cells(path, sep="\t")
    assert sparse.issparse(adata.X)
    assert adata.X.dtype == np.int32
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS)
    assert list(adata.obs_names) == ["a", "b", "c"]
    assert list(adata.var_names) == ["CD79A", "MS4A1", "CD3E", "CD3E-1"]


def test_fractions_are_float32(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(table(COUNTS / 4, GENES, ["a", "b", "c"], sep=","))
    adata = _read.read_genes_by_cells(path, sep=",")
    assert adata.X.dtype == np.float32
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS / 4)


def test_a_table_without_rows_raises(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("gene,a,b\n")
    with pytest.raises(ValueError, match="has no rows"):
        _read.read_genes_by_cells(path, sep=",")


@pytest.mark.parametrize("features", ["features", "genes"])
def test_a_cell_ranger_matrix_is_read_from_its_archive(tmp_path, features):
    path = tmp_path / "sample.tar.gz"
    path.write_bytes(tar(cell_ranger(["AAAC-1", "AAAG-1"], features) | {"data/run/._matrix.txt": b"junk"}))
    adata = _read.read_10x_tar(path)
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS[:2])
    assert list(adata.obs_names) == ["AAAC-1", "AAAG-1"]
    assert list(adata.var["ensembl"]) == ["ENSG0", "ENSG1", "ENSG2", "ENSG3"]
    assert not (tmp_path / "data").exists()


def test_an_archive_with_a_missing_file_raises(tmp_path):
    path = tmp_path / "sample.tar.gz"
    parts = cell_ranger(["AAAC-1"])
    path.write_bytes(tar({name: part for name, part in parts.items() if "features" not in name}))
    with pytest.raises(ValueError, match=r"lacks the Cell Ranger files \['features'\]"):
        _read.read_10x_tar(path)


def test_an_archive_of_two_samples_raises(tmp_path):
    path = tmp_path / "sample.tar.gz"
    path.write_bytes(tar(cell_ranger(["A"], folder="one") | cell_ranger(["B"], folder="two")))
    with pytest.raises(ValueError, match="more than one"):
        _read.read_10x_tar(path)


def test_different_cell_names_raise():
    adata = ad.AnnData(sparse.csr_matrix(COUNTS), obs=pd.DataFrame(index=["a", "b", "c"]))
    with pytest.raises(ValueError, match=r"\['x'\].*\['a', 'b'\]"):
        _read.add_to_obs(adata, pd.DataFrame({"cell_type": ["T cell"]}, index=["x"]))


# --- one test per data set --------------------------------------------------------------------------------------


def test_he2020_liver(serve):
    labels = (
        "\torig.ident\tCell_type_in_each_tissue\tCell_type_in_merged_data\n"
        "Liver_cDNA_AAAC-1\tLiver_cDNA\tHepatocyte\tHepatocyte ALB\n"
        "Liver_cDNA_AAAT-1\tLiver_cDNA\tT Cell\tT Cell IL7R\n"
        "Blood_cDNA_AAAG-1\tBlood_cDNA\tB Cell\tB Cell CD79A\n"
    )
    counts = table(COUNTS, GENES, ["AAAC.1", "AAAG.1", "AAAT.1"], sep=",", named=False)
    serve("he2020_liver", gzip.compress(counts), labels.encode())
    adata = sd.datasets.he2020_liver()
    assert list(adata.obs_names) == ["AAAC-1", "AAAG-1", "AAAT-1"]
    assert adata.obs["cell_type"].astype(object).where(adata.obs["cell_type"].notna(), None).tolist() == [
        "Hepatocyte",
        None,
        "T Cell",
    ]
    assert adata.obs["cell_type_atlas"].iloc[2] == "T Cell IL7R"
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS)


def test_ma2020(serve):
    counts = table(COUNTS, GENES, ["R1,01,P1", "R1,02,P1", "R1,03,P1"], sep="\t")
    labels = "atac.bc\trna.bc\tcelltype\nx\tR1.03.P1\tBasal\ny\tR1.01.P1\tMix\n"
    serve("ma2020", gzip.compress(counts), gzip.compress(labels.encode()))
    adata = sd.datasets.ma2020()
    assert adata.obs["cell_type"].tolist() == ["Mix", "Basal"]
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS[[0, 2]])


def test_segerstolpe2016(serve):
    genes = ["INS", "GCG", "ERCC-00002", "eGFP"]
    header = "#samples\tc1\tc2\tc3\n"
    rows = "".join(
        "\t".join([gene, f"NM_{i}", *map(str, COUNTS[:, i] / 3), *map(str, COUNTS[:, i])]) + "\n"
        for i, gene in enumerate(genes)
    )
    columns = ["Source Name", *(f"Characteristics {f}" for f in ("[cell type]", "[individual]", "[disease]", "[sex]"))]
    samples = [columns, ["c2", "alpha cell", "H1", "normal", "male"], ["c1", "not applicable", "H1", "normal", "male"]]
    text = "".join("\t".join(row) + "\n" for row in samples)
    serve("segerstolpe2016", (header + rows).encode(), text.encode())
    adata = sd.datasets.segerstolpe2016()
    assert list(adata.var_names) == ["INS", "GCG"]
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS[:, :2])
    assert adata.obs["cell_type"].isna().tolist() == [True, False, True]
    assert adata.obs.loc["c2", ["cell_type", "donor", "disease", "sex"]].tolist() == [
        "alpha cell",
        "H1",
        "normal",
        "male",
    ]


def test_aissa2021(serve, tmp_path):
    serve("aissa2021", tar(cell_ranger(["AAAC-1", "AAAG-1"])), tar(cell_ranger(["AAAC-1"], folder="other/run")))
    adata = sd.datasets.aissa2021()
    assert list(adata.obs_names) == ["AAAC-1-0", "AAAG-1-0", "AAAC-1-3"]
    assert adata.obs["response"].tolist() == ["sensitive", "sensitive", "resistant"]
    assert adata.obs["day"].tolist() == [0, 0, 3]
    assert adata.obs["drug"].unique().tolist() == ["erlotinib"]
    assert list(adata.var["ensembl"]) == ["ENSG0", "ENSG1", "ENSG2", "ENSG3"]
    adata.write_h5ad(tmp_path / "kept.h5ad")


def test_sharma2018(serve):
    tpm = table(COUNTS / 4, GENES, ["HN120_1", "HN120_2", "HN120_3"], sep="\t", named=False)
    cells = (
        "groups\tcell_color\tpatient_id\torigin\tdrug_status\tcluster\n"
        "HN120_1\tHN120P\tHN120\tHN120P\tPrimary\tSensitive\n"
        "HN120_2\tHN120PCR\tHN120\tHN120P\tPrimary\tResistant\n"
        "HN120_3\tHN120PCR\tHN120\tHN120P\tPrimary\tHoliday\n"
    )
    serve("sharma2018", gzip.compress(tpm), gzip.compress(cells.encode()))
    adata = sd.datasets.sharma2018()
    assert adata.X.dtype == np.float32
    assert adata.obs["response"].cat.codes.tolist() == [0, 1, -1]
    assert adata.obs["response"].cat.categories.tolist() == ["sensitive", "resistant"]
    assert adata.obs["patient_id"].tolist() == ["HN120"] * 3
    assert isinstance(adata.obs["patient_id"].dtype, pd.CategoricalDtype)


def test_bell2019(serve, tmp_path):
    pytest.importorskip("openpyxl")
    path = tmp_path / "info.xlsx"
    rows = [
        ["Plate#", "Well position", "Sample name"],
        ["PlateA", "A1=cell", "PARENTALS"],
        [None, "B1=cell", None],
        [None, None, None],
        ["PlateB", "A1=cell", "RESISTANT to I-BET"],
    ]
    pd.DataFrame([[None] * 3] * 3 + rows).to_excel(path, header=False, index=False)
    counts = table(COUNTS, GENES, ["PlateA_A1", "PlateA_B1", "PlateB_A1"], sep=",")
    serve("bell2019", gzip.compress(counts), path.read_bytes())
    adata = sd.datasets.bell2019()
    assert adata.obs["response"].tolist() == ["sensitive", "sensitive", "resistant"]
    assert adata.obs["sample"].tolist() == ["PARENTALS", "PARENTALS", "RESISTANT to I-BET"]
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS)


def make_adata(**obs):
    adata = ad.AnnData(sparse.csr_matrix(COUNTS.astype(np.float32)), pd.DataFrame(obs, index=["a", "b", "c"]))
    adata.var_names = ["CD79A", "MS4A1", "CD3E", "LYZ"]
    return adata


def test_kang2018(serve, tmp_path):
    adata = make_adata(
        label=["ctrl", "stim", "ctrl"], replicate=["p1", "p1", "p2"], cell_type=["B cells", "NK cells", "B cells"]
    )
    serve("kang2018", h5ad(tmp_path, adata))
    adata = sd.datasets.kang2018()
    assert adata.obs["condition"].tolist() == ["ctrl", "stim", "ctrl"]
    assert adata.obs["donor"].tolist() == ["p1", "p1", "p2"]
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS)


def test_pancreas_scib_puts_counts_into_X(serve, tmp_path):
    adata = make_adata(tech=["smarter", "smartseq2", "celseq"], celltype=["alpha", "beta", "delta"])
    adata.layers["counts"] = adata.X.copy()
    adata.X = np.log1p(COUNTS.astype(np.float32))
    serve("pancreas_scib", h5ad(tmp_path, adata))
    adata = sd.datasets.pancreas_scib()
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS)
    np.testing.assert_allclose(adata.layers["normalized"], np.log1p(COUNTS), rtol=1e-6)
    assert set(adata.layers) - {None} == {"normalized"}  # anndata 0.13 lists X as None
    assert adata.obs["cell_type"].tolist() == ["alpha", "beta", "delta"]


@pytest.mark.parametrize("backed", [False, True])
def test_dominguez_conde2022(serve, tmp_path, backed):
    adata = make_adata(
        Manually_curated_celltype=["T", "B", "NK"], Organ=["BLD", "LNG", "BLD"], Donor=["d1", "d1", "d2"]
    )
    serve("dominguez_conde2022", h5ad(tmp_path, adata))
    adata = sd.datasets.dominguez_conde2022(backed=backed)
    assert adata.isbacked is backed
    assert adata.obs["cell_type"].tolist() == ["T", "B", "NK"]
    assert adata.obs["tissue"].tolist() == ["BLD", "LNG", "BLD"]
    np.testing.assert_array_equal(adata[1].X.toarray(), COUNTS[[1]])


def test_bastidas_ponce2019(serve, tmp_path):
    serve(
        "bastidas_ponce2019",
        h5ad(tmp_path, make_adata(clusters=["Beta", "Ductal", "Alpha"], clusters_coarse=["E", "D", "E"])),
    )
    adata = sd.datasets.bastidas_ponce2019()
    assert adata.obs["cell_type"].tolist() == ["Beta", "Ductal", "Alpha"]
    assert adata.obs["cell_type_coarse"].tolist() == ["E", "D", "E"]


@pytest.mark.parametrize("backed", [False, True])
def test_sciplex3(serve, tmp_path, backed):
    serve("sciplex3", h5ad(tmp_path, make_adata(perturbation=["control", "x", "y"])))
    adata = sd.datasets.sciplex3(backed=backed)
    assert adata.isbacked is backed
    assert adata.obs["perturbation"].tolist() == ["control", "x", "y"]


PROMPT = (
    "Context: The cell is from a male at the 74-year-old stage. The patient is a smoker.\n\n"
    "Cell 1: CD79A, MS4A1, HLA-DRA\nCell 2: CD3E, IL7R, CD2\n\n"
    "Match the cells above to one of the following cell types:\nB cell\nT cell, helper"
)


def parquet(**columns):
    buffer = io.BytesIO()
    pd.DataFrame(columns).to_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("split", ["test", "train"])
@pytest.mark.parametrize("answers", ["answer", "assistant_msg"])
@pytest.mark.parametrize(
    "answer", ["B cell | T cell, helper", "<think>so</think>\n<answer>B cell | T cell, helper</answer>"]
)
def test_cell_puzzles(serve, split, answers, answer):
    pytest.importorskip("pyarrow")
    content = parquet(system_msg=["You are"], user_msg=[PROMPT], **{answers: [answer]})
    serve("cell_puzzles", *[content if name == split else b"" for name in ("test", "train")])
    puzzles = sd.datasets.cell_puzzles(split)
    genes = sd.get.gene_lists(puzzles)
    assert genes == [["CD79A", "MS4A1", "HLA-DRA"], ["CD3E", "IL7R", "CD2"]]
    assert puzzles.obs["candidate"].tolist() == ["B cell", "T cell, helper"]
    assert puzzles.obs["cell_type"].tolist() == ["B cell", "T cell, helper"]
    assert puzzles.obs["split"].tolist() == [split, split]
    example = JointAnnotationExample(
        cells=tuple(map(tuple, genes)),
        options=tuple(puzzles.obs["candidate"]),
        context={"description": puzzles.obs["description"].iloc[0]},
    )
    assert JointAnnotation(prompt_format="cell-o1").question(example).prompt.endswith(f"\n\n{PROMPT}")


def test_a_prompt_of_another_format_raises(serve):
    pytest.importorskip("pyarrow")
    content = parquet(user_msg=["What is a cell?"], answer=["a | b"])
    serve("cell_puzzles", content, b"")
    with pytest.raises(
        ValueError, match="puzzle 1 of .*: expected a prompt in the format of Cell-o1, got 'What is a cell"
    ):
        sd.datasets.cell_puzzles()


def test_the_split_of_your_own_puzzles_is_kept(tmp_path):
    puzzles = sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", (), n_puzzles=2, n_cells=(3, 4), n_genes=5)
    path = tmp_path / "puzzles.json"
    sd.io.write_cell_puzzles(puzzles, path)
    assert set(sd.datasets.cell_puzzles("train", files=[path]).obs["split"]) == {"train"}
    puzzles.obs["split"] = "validation"
    sd.io.write_cell_puzzles(puzzles, path)
    assert set(sd.datasets.cell_puzzles(files=[path]).obs["split"]) == {"validation"}


def test_unknown_split_raises_before_a_download(server):
    with pytest.raises(ValueError, match="split must be 'test' or 'train', not 'dev'"):
        sd.datasets.cell_puzzles("dev")
    assert not server.requests
