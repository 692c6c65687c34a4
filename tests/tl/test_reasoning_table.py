"""The table of checked reasoning: which of the cited genes a prompt showed, for one unit and for several."""

import anndata as ad
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.tl._reasoning_table import Reasoned, Shown, reasoning_of, reasoning_table
from tests.scripted_model import ScriptedModel

COLUMNS = [
    *["unit", "batch", "sample", "label", "text", "cited", "shown", "invented", "absent", "order", "revised"],
    *["conclusion", "completion_tokens"],
]
LABELS = {"B cell": "B cell", "NK cell": "my NK", "monocyte": "monocyte"}


def row(reasoning, genes, answer="", sample=0, batch="p1"):
    completion = f"<think>{reasoning}</think><answer>{answer}</answer>"
    return Reasoned(batch, sample, answer, completion, reasoning, Shown(genes, LABELS))


def test_cells_of_a_batch():
    text = (
        "Cell 2 has NKG7 and GNLY, no CD3E. Cell 2 → B cell. Cell 1: CD79A. Cell 1 is the B cell, so Cell 2 → NK cell."
    )
    genes = {"AAAC": ("CD79A", "MS4A1"), "AAAG": ("NKG7", "CD3E"), "AAAT": ("LYZ",)}
    table = reasoning_table([row(text, genes, "B cell | my NK | monocyte")], [*"ABC", "NKG7"], None)
    assert sorted(table) == sorted(COLUMNS)
    assert table["unit"].tolist() == ["AAAC", "AAAG", "AAAT"]
    assert table["label"].tolist() == ["B cell", "my NK", "monocyte"]
    assert table["cited"].tolist() == ["CD79A", "NKG7 GNLY", ""]
    assert table["shown"].tolist() == ["CD79A", "NKG7", ""]
    assert table["invented"].tolist() == ["", "GNLY", ""]
    assert table["absent"].tolist() == ["", "CD3E", ""]
    assert table["order"].tolist() == [2, 1, 0]
    assert table["revised"].tolist() == [False, True, False]
    assert table["conclusion"].tolist() == ["B cell", "my NK", ""]
    assert table["text"].tolist()[2] == ""
    assert table["completion_tokens"].nunique() == 1


def test_a_gene_has_other_names_in_prompt_text_and_data():
    shown = {"0": ("FAM46C", "SEPT7", "GARS")}
    table = reasoning_table([row("TENT5C, SEPTIN7, GARS and PTPRC.", shown)], ["TENT5C", "SEPTIN7", "CD45"], None)
    assert table.loc["0", ["shown", "invented"]].tolist() == ["TENT5C SEPTIN7 GARS", "CD45"]


def test_an_unread_answer_keeps_its_reasoning():
    found = reasoning_table([row("Cell 1 has CD79A.", {"a": ("CD79A",), "b": ()}), row("", {"c": ()})], [], None)
    assert found["label"].tolist() == ["", "", ""]
    assert found["cited"].tolist() == ["CD79A", "", ""]


@pytest.mark.parametrize(
    ("completion", "is_read", "expected"),
    [
        ("<think>CD3E</think><answer>T cell</answer>", True, "CD3E"),
        ("CD3E is high. <ANSWER>T cell</ANSWER>", True, "CD3E is high."),
        ("<think>CD3E, still thinking", False, "CD3E, still thinking"),
        ("CD3E.<answer>T ce", False, "CD3E."),
        ("<answer>T cell</answer>", True, ""),
        ("**T cell**", True, ""),
        ("no idea", False, ""),
        ("The cluster expresses CD3E and CD3D, so they are T cells.", False, None),
        ("", False, ""),
    ],
)
def test_reasoning_of_a_completion(completion, is_read, expected):
    assert reasoning_of(completion, is_read=is_read) == (completion if expected is None else expected)


def test_tokens_are_counted_by_the_model_or_estimated():
    rows = [row("CD79A", {"a": ()}), row("", {"b": ()}, sample=1)]
    table = reasoning_table(rows, [], lambda texts: [len(text) for text in texts])
    assert table["completion_tokens"].tolist() == [len(one.completion) for one in rows]
    estimate = reasoning_table(rows, [], None)["completion_tokens"]
    assert estimate.tolist() == [-(-len(one.completion) // 4) for one in rows]


def test_cells_and_samples(tmp_path):
    adata = sd.datasets.pbmc3k()[:6].copy()
    texts = ["<think>B2M and FOXP3: B cell\0\ud800.</think><answer>B cell</answer>", None]
    model = ScriptedModel(texts=texts, likelihood=lambda *_: -1.0)
    sampling = sd.Sampling(temperature=1.0, n_samples=3)
    sd.tl.annotate(adata, model, labels=["B cell", "NK cell"], method="generate", sampling=sampling)
    table = sd.get.reasoning(adata)
    assert list(table)[:5] == COLUMNS[:5]
    assert table["unit"].tolist() == [name for name in adata.obs_names for _ in range(3)]
    assert (table["batch"] == table["unit"]).all()
    written = table[table["text"] != ""]
    assert len(written) == 9
    assert set(written["cited"]) == {"B2M FOXP3"}
    assert set(written["label"]) == {"B cell"}
    shown = sd.get.gene_lists(adata)
    for line in written.itertuples():
        genes = shown[list(adata.obs_names).index(line.unit)][:100]
        assert line.shown.split() == [gene for gene in line.cited.split() if gene in genes]
        assert line.invented.split() == [gene for gene in line.cited.split() if gene not in genes]
    for path, write, read in (("a.h5ad", adata.write_h5ad, ad.read_h5ad), ("a.zarr", adata.write_zarr, ad.read_zarr)):
        write(tmp_path / path)
        pd.testing.assert_frame_equal(sd.get.reasoning(read(tmp_path / path)), table, check_dtype=False)
    pd.testing.assert_frame_equal(sd.get.reasoning(adata[:2].copy()), table)


@pytest.mark.parametrize("labels", [["B cell", "NK cell"], None])
def test_clusters_with_and_without_options(labels):
    adata = sd.datasets.pbmc3k()
    text = "<think>MS4A1. This is an NK cell. No, GNLY is missing: it is a B cell.</think><answer>B cell</answer>"
    sd.tl.annotate(adata, ScriptedModel(texts=[text]), groupby="cell_type", labels=labels, method="generate")
    table = sd.get.reasoning(adata).set_index("unit")
    assert list(table.index) == sorted(adata.obs["cell_type"].unique())
    assert table.loc["B cells", ["shown", "invented", "absent"]].tolist() == ["MS4A1", "", "GNLY"]
    assert table.loc["NK cells", ["shown", "invented"]].tolist() == ["", "MS4A1"]
    assert (table["revised"] == (labels is not None)).all()  # without options, the answers are the labels
    assert (table["conclusion"] == "B cell").all()


def test_label_tasks_and_sensitivity():
    adata = sd.datasets.pbmc3k()[:4].copy()
    model = ScriptedModel(texts=["<think>B2M.</think><answer>sensitive</answer>"])
    sd.tl.sensitivity(adata, "erlotinib", model, method="generate")
    assert set(sd.get.reasoning(adata, "sensitivity")["cited"]) == {"B2M"}


def test_no_table_without_reasoning():
    adata = sd.datasets.pbmc3k()[:4].copy()
    sd.tl.annotate(
        adata, ScriptedModel(texts=["<answer>B cell</answer>"]), labels=["B cell", "NK cell"], method="generate"
    )
    assert "reasoning" not in adata.uns["annotation"]


JOINT = """<think>Cluster 2 has PPBP and PF4: Cluster 2 is the megakaryocyte.
Cluster 1 expresses CD79A and FOXP3, not CD3E. So Cluster 1 → B cell.</think><answer>B cell | megakaryocyte</answer>"""


def test_clusters_of_one_prompt():
    adata = sd.datasets.pbmc3k()
    adata = adata[adata.obs["cell_type"].isin(["B cells", "Megakaryocytes"])].copy()
    model = ScriptedModel(texts=[JOINT, "<think>Cluster 1 has CD79A</think><answer>B cell</answer>"])
    labels = {"method": "generate", "labels": ["B cell", "megakaryocyte", "NK cell"]}
    sampling = sd.Sampling(temperature=1.0, n_samples=2)
    sd.tl.annotate(adata, model, groupby="cell_type", unique=True, sampling=sampling, **labels)
    table = sd.get.reasoning(adata)
    assert table["unit"].tolist() == ["B cells", "Megakaryocytes"] * 2
    assert table["batch"].tolist() == ["all groups"] * 4
    assert table["sample"].tolist() == [0, 0, 1, 1]
    assert table["label"].tolist() == ["B cell", "megakaryocyte", "", ""]
    assert table["shown"].tolist() == ["CD79A", "PPBP PF4", "CD79A", ""]
    assert table["invented"].tolist() == ["FOXP3", "", "", ""]
    assert table["absent"].tolist() == ["CD3E", "", "", ""]
    assert table["order"].tolist() == [2, 1, 0, 0]
    assert table["conclusion"].tolist() == ["B cell", "megakaryocyte", "", ""]
    figure = sd.pl.reasoning(adata)
    assert [tick.get_text() for tick in figure.get_xticklabels()] == ["CD79A", "FOXP3", "PPBP", "PF4"]


def test_types_of_several_clusters_are_named_freely():
    adata = sd.datasets.pbmc3k()
    adata = adata[adata.obs["cell_type"].isin(["B cells", "Megakaryocytes"])].copy()
    sd.tl.annotate(adata, ScriptedModel(texts=[JOINT]), groupby="cell_type", unique=True, method="generate")
    assert sd.get.reasoning(adata)["conclusion"].tolist() == ["B cell", "megakaryocyte"]


def test_cells_of_one_prompt():
    adata = sd.datasets.pbmc3k()[:4].copy()
    adata.obs["puzzle"] = ["a", "a", "b", "b"]
    text = "<think>Cell 1 has B2M. Cell 2 has TMSB4X.</think><answer>B cell | NK cell</answer>"
    labels = {"method": "generate", "labels": ["B cell", "NK cell"]}
    sd.tl.annotate(adata, ScriptedModel(texts=[text]), unique="puzzle", **labels)
    table = sd.get.reasoning(adata)
    assert table["unit"].tolist() == list(adata.obs_names)
    assert table["cited"].tolist() == ["B2M", "TMSB4X"] * 2
    assert table["batch"].tolist() == ["a", "a", "b", "b"]
    rows = [tick.get_text() for tick in sd.pl.reasoning(adata).get_yticklabels()]
    assert rows == ["B cell (2)", "NK cell (2)"]
