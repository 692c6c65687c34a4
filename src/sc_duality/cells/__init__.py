"""AnnData to cell sentences and back, without a model: keys, access, gene names, ranking, storage, expression.

Everything that other subpackages use of it is exported here.
"""

from __future__ import annotations

from . import adata_keys
from ._adata import cell_names, column, drop_columns, in_memory, layer_names, matrix, modality, seed
from ._gene_filter import HOUSEKEEPING, gene_columns, gene_names, preview, select_genes
from ._gene_symbols import approved_symbols, to_known_names
from ._rank_expression import UNITS, ExpressionSource, expression_at_rank, expression_model, expression_source
from ._rank_kernel import rank_rows
from ._ranking import N_GENES, Ranking, plan_ranking
from ._row_blocks import map_rows, row_blocks, row_bounds
from ._shared_genes import Projected, SharedGenes, project, sample_cells, to_shared_genes
from ._storage import (
    Sentences,
    gene_lists,
    read_sentences,
    sentence_fields,
    store_sentences,
    vocabulary_fingerprint,
)

__all__ = [
    "HOUSEKEEPING",
    "N_GENES",
    "UNITS",
    "ExpressionSource",
    "Projected",
    "Ranking",
    "Sentences",
    "SharedGenes",
    "adata_keys",
    "approved_symbols",
    "cell_names",
    "column",
    "drop_columns",
    "expression_at_rank",
    "expression_model",
    "expression_source",
    "gene_columns",
    "gene_lists",
    "gene_names",
    "in_memory",
    "layer_names",
    "map_rows",
    "matrix",
    "modality",
    "plan_ranking",
    "preview",
    "project",
    "rank_rows",
    "read_sentences",
    "row_blocks",
    "row_bounds",
    "sample_cells",
    "seed",
    "select_genes",
    "sentence_fields",
    "store_sentences",
    "to_known_names",
    "to_shared_genes",
    "vocabulary_fingerprint",
]
