"""AnnData to cell sentences and back, without a model: keys, access, gene names, ranking, storage, expression.

Other subpackages use what is exported here.
"""

from __future__ import annotations

from . import adata_keys
from ._adata import (
    cell_names,
    check_column,
    check_columns,
    column,
    in_memory,
    is_labelled,
    matrix,
    modality,
    seed,
    text_column,
    writable,
)
from ._cell_ontology import (
    ontology_ancestors,
    ontology_definition,
    ontology_name,
    ontology_short_name,
    ontology_term,
)
from ._cell_type_names import cell_type_key
from ._evidence_table import evidence_table, stored_evidence
from ._expression_at_rank import (
    UNITS,
    expression_at_rank,
    expression_model,
    expression_source,
    fit_rank_expression,
    rebuild_expression,
)
from ._expression_matrix import matrix_name
from ._expression_unit import UnitName
from ._gene_filter import gene_columns, gene_names, preview, select_genes
from ._gene_symbols import approved_symbols, genes_by_written_name, to_known_names
from ._group_expression import GroupExpression, group_expression, ranked_matrix
from ._label_colors import UNKNOWN_COLOR, display_names, label_colors, write_colors
from ._label_groups import LabelGroup, label_groups, label_options, mode, optional_column
from ._marker_genes import holds_counts, marker_genes
from ._outdated_sentences import current_sentences
from ._pseudobulk import pseudobulk
from ._rank_kernel import rank_rows
from ._ranked_expression import data_expression, ranked_expression
from ._ranking import default_sentences, plan_ranking
from ._row_blocks import row_blocks, row_bounds
from ._shared_expression import project_expression, to_shared_expression
from ._shared_genes import project_cells, sample_cells, to_shared_genes
from ._spatial_coordinates import spatial_coordinates, spatial_samples
from ._spatial_graph import SpatialGraph, spatial_graph
from ._storage import (
    Sentences,
    gene_lists,
    read_sentences,
    sentence_fields,
    store_sentences,
)
from ._unexpressed_genes import expressed_genes
from ._written_names import (
    Fields,
    check_name,
    check_new_fields,
    check_new_sentences,
    check_not_corrected,
    drop_written,
    is_result,
    new_fields,
    written_fields,
)

__all__ = [
    "UNITS",
    "UNKNOWN_COLOR",
    "Fields",
    "GroupExpression",
    "LabelGroup",
    "Sentences",
    "SpatialGraph",
    "UnitName",
    "adata_keys",
    "approved_symbols",
    "cell_names",
    "cell_type_key",
    "check_column",
    "check_columns",
    "check_name",
    "check_new_fields",
    "check_new_sentences",
    "check_not_corrected",
    "column",
    "current_sentences",
    "data_expression",
    "default_sentences",
    "display_names",
    "drop_written",
    "evidence_table",
    "expressed_genes",
    "expression_at_rank",
    "expression_model",
    "expression_source",
    "fit_rank_expression",
    "gene_columns",
    "gene_lists",
    "gene_names",
    "genes_by_written_name",
    "group_expression",
    "holds_counts",
    "in_memory",
    "is_labelled",
    "is_result",
    "label_colors",
    "label_groups",
    "label_options",
    "marker_genes",
    "matrix",
    "matrix_name",
    "modality",
    "mode",
    "new_fields",
    "ontology_ancestors",
    "ontology_definition",
    "ontology_name",
    "ontology_short_name",
    "ontology_term",
    "optional_column",
    "plan_ranking",
    "preview",
    "project_cells",
    "project_expression",
    "pseudobulk",
    "rank_rows",
    "ranked_expression",
    "ranked_matrix",
    "read_sentences",
    "rebuild_expression",
    "row_blocks",
    "row_bounds",
    "sample_cells",
    "seed",
    "select_genes",
    "sentence_fields",
    "spatial_coordinates",
    "spatial_graph",
    "spatial_samples",
    "store_sentences",
    "stored_evidence",
    "text_column",
    "to_known_names",
    "to_shared_expression",
    "to_shared_genes",
    "writable",
    "write_colors",
    "written_fields",
]
