"""New gene models: their vocabulary, and that a trainer adds the tokens that it needs."""

import numpy as np
import pytest
from safetensors.numpy import load_file

import sc_duality as sd
from sc_duality.models import add_tokens, format_tokens

GENES = ["CD79A", "MS4A1", "CD3E", "CD79A"]


def test_each_gene_is_one_token_once(tmp_path):
    sizes = {"n_genes": np.int64(3), "context_length": np.int64(18)}
    folder = sd.models.new_gene_model(tmp_path / "new", GENES, **sizes, width=64, layers=1)
    spec = sd.models.resolve(folder)
    assert spec.genes == {"CD79A", "MS4A1", "CD3E"}
    assert (spec.context_length, spec.genes_per_cell(1)) == (18, 3)
    assert (spec.n_genes, list(spec.tasks), spec.prompt_format) == (3, [], "compact")
    with pytest.raises(ValueError, match="was not trained for the task 'annotation'"):
        sd.tl.annotate(sd.datasets.pbmc3k()[:3].copy(), folder, labels=["B cell", "T cell"])


def test_the_same_seed_gives_the_same_weights(tmp_path):
    prints = [
        sd.models.resolve(sd.models.new_gene_model(tmp_path / str(i), GENES, width=64, layers=1, rng=seed)).fingerprint
        for i, seed in enumerate((0, 0, 1))
    ]
    assert prints[0] == prints[1] != prints[2]


def test_genes_of_the_same_cells_start_with_similar_embeddings(tmp_path):
    adata = sd.datasets.pbmc3k()
    sd.pp.cell_sentences(adata, n_genes=100)
    cells = sd.get.gene_lists(adata)
    genes = sorted({gene for cell in cells for gene in cell})
    of_b_cells, of_killers = ([genes.index(gene) for gene in one] for one in (["CD79A", "MS4A1"], ["NKG7", "GNLY"]))

    def likeness(**options):
        """Cosine similarity of genes of one type, minus that of genes of two."""
        folder = sd.models.new_gene_model(tmp_path / str(len(options)), genes, width=64, layers=1, **options)
        table = load_file(folder / "model.safetensors")["model.embed_tokens.weight"][4:]
        table /= np.linalg.norm(table, axis=1, keepdims=True)
        within = [table[first] @ table[second] for first, second in (of_b_cells, of_killers)]
        return np.mean(within) - np.mean(table[of_b_cells] @ table[of_killers].T)

    assert abs(likeness()) < 0.3
    assert likeness(cells=cells) > 0.3


def test_missing_tokens_of_the_prompt_format_are_added(tmp_path):
    folder = sd.models.new_gene_model(tmp_path / "new", GENES, width=64, layers=1)
    missing = format_tokens(sd.models.resolve(folder), ["<change> <cytokine> <IFNB1> <cell> CD79A", "CD3E | <cell>"])
    assert missing == ["<change>", "<cytokine>", "<IFNB1>", "<cell>", "|"]
    add_tokens(folder, missing)
    assert format_tokens(sd.models.resolve(folder), ["<change> | <IFNB1>"]) == []
    assert sd.models.resolve(folder).genes == {"CD79A", "MS4A1", "CD3E"}
    vectors = sd.models.load(folder).embed(["<change> CD79A", "<IFNB1> CD79A"])
    assert np.abs(vectors[0] - vectors[1]).max() > 0


@pytest.mark.parametrize(
    ("genes", "options", "message"),
    [
        ([], {}, "genes is empty"),
        (["CD 79A"], {}, "cannot be the token of a gene"),
        (["<cell>"], {}, "cannot be the token of a gene"),
        (GENES, {"width": 100}, "width=100 must be a multiple of 64"),
        (GENES, {"cells": [["LYZ"]]}, "no cell of cells has any of the genes"),
        (GENES, {"layers": 0}, "layers must be a positive integer"),
        (GENES, {"n_genes": 50, "context_length": 64}, "n_genes=50 does not fit into .*=64, .* of at least 65"),
    ],
)
def test_bad_input(tmp_path, genes, options, message):
    with pytest.raises(ValueError, match=message):
        sd.models.new_gene_model(tmp_path / "new", genes, **options)
    assert not (tmp_path / "new").exists()


def test_a_folder_with_files_is_kept(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is not empty"):
        sd.models.new_gene_model(tmp_path, GENES)
