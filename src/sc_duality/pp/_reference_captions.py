"""Reference captions of groups of cells, from the Cell Ontology and from the cells."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pandas as pd

from .._validation import positive_integer
from ..cells import (
    adata_keys,
    check_column,
    is_labelled,
    marker_genes,
    modality,
    mode,
    ontology_definition,
    ontology_name,
    ontology_term,
    ranked_matrix,
    text_column,
)

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def reference_captions(
    adata: AnnData | MuData,
    groupby: str,
    cell_type: str,
    *,
    tissue: str | None = None,
    n_markers: int = 5,
    mod: str = "rna",
) -> pd.DataFrame:
    """Captions of groups of known cell types, to train and to evaluate captions on.

    A caption names the cell type and the tissue, quotes the definition of the cell type in the Cell Ontology (CC BY
    4.0), and lists the differentially expressed genes of the group.

    Parameters
    ----------
    adata
        Cells.
    groupby
        ``obs`` column of the groups. Groups by cluster and donor give several captions of a type.
    cell_type
        ``obs`` column of the cell types: names, synonyms or ids of the Cell Ontology. The most frequent type of a group
        counts, without cells of the type ``unknown``; other names are used without a definition.
    tissue
        ``obs`` column of the tissues, the most frequent of a group; or the tissue of all cells.
    n_markers
        Differentially expressed genes of a group, as :func:`sc_duality.tl.describe` takes them.
    mod
        Modality of a MuData.

    Returns
    -------
    DataFrame with the groups as its index and the columns ``text``, ``cell_type``, ``ontology_term_id`` (empty if the
    name is not one of the ontology) and ``markers`` (separated by spaces). Groups without a cell type are left out.
    ``truth=`` of the task ``"caption"`` takes it.

    Raises
    ------
    KeyError, ValueError
        A column is missing, or no group has a cell type.

    Examples
    --------
    >>> import sc_duality as sd
    >>> captions = sd.pp.reference_captions(sd.datasets.pbmc3k(), "cell_type", "cell_type", tissue="blood", n_markers=2)
    >>> captions.loc["B cells", "text"]
    'B cell of the blood. A lymphocyte of B lineage that is capable of B cell mediated immunity. ...'
    >>> tasks = {"caption": {"groupby": "cell_type", "cell_type": "cell_type", "truth": captions}}
    """
    n_markers, data = positive_integer("n_markers", n_markers), modality(adata, mod)
    for argument, name in {"groupby": groupby, "cell_type": cell_type}.items():
        check_column(adata, name, argument, mod)
    group = text_column(data, groupby)
    types = text_column(data, cell_type)
    types = types.where(is_labelled(types)).groupby(group, observed=True).agg(mode).dropna()
    if types.empty:
        raise ValueError(f"no group of groupby={groupby!r} has a cell type in obs[{cell_type!r}]")
    tissues = pd.Series(tissue, index=types.index)
    if tissue in data.obs:
        tissues = text_column(data, str(tissue)).groupby(group, observed=True).agg(mode)
    markers = marker_genes(data, groupby, n_genes=n_markers, **ranked_matrix(data, adata_keys.SENTENCE))
    rows = []
    for name, value in types.items():
        term = ontology_term(str(value))
        called = str(value) if term is None else ontology_name(term)
        genes = markers.get(str(name), ())
        rows.append((_caption(called, term, tissues[name], genes), called, term or "", " ".join(genes)))
    unnamed = sorted({called for _, called, term, _ in rows if not term})
    if unnamed:
        logger.warning("the Cell Ontology has no term for %s: their captions have no definition", ", ".join(unnamed))
    index = pd.Index(types.index.astype(object), name="group")
    return pd.DataFrame(rows, index=index, columns=["text", "cell_type", "ontology_term_id", "markers"])


def _caption(cell_type: str, term: str | None, tissue: str | None, markers: tuple[str, ...]) -> str:
    origin = f" of the {tissue}" if tissue is not None and not pd.isna(tissue) else ""
    sentences = [f"{cell_type[:1].upper()}{cell_type[1:]}{origin}.", ontology_definition(term) if term else ""]
    if markers:
        *first, last = markers
        genes = f"{', '.join(first)} and {last}" if first else last
        sentences.append(f"These cells express {genes}.")
    return " ".join(filter(None, sentences))
