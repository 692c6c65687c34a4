"""Compare cells of several objects by their expression, in one unit and over the genes that all of them have."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from . import adata_keys
from ._adata import matrix
from ._expression_at_rank import ExpressionSource, expression_source
from ._expression_matrix import matrix_name
from ._expression_unit import UnknownUnitError
from ._gene_filter import preview, select_genes
from ._ranked_expression import normalised
from ._row_blocks import row_blocks
from ._shared_genes import principal_components
from ._storage import Sentences, read_sentences

logger = logging.getLogger(__name__)


class SharedExpression(NamedTuple):
    """Expression of the cells of several objects over their shared genes."""

    #: For each object, CSR (n_obs, genes): log(1 + counts per 10,000) of all genes of the object.
    values: dict[str, sparse.csr_matrix]
    genes: np.ndarray

    def __str__(self) -> str:
        return f"log1p expression of {len(self.genes):,} shared genes"


def to_shared_expression(
    objects: Mapping[str, AnnData], sentence_key: str, layers: Mapping[str, tuple[str, str]] | None = None
) -> SharedExpression:
    """log(1 + counts per 10,000) of the cells of all objects over their shared genes.

    Parameters
    ----------
    objects
        The cells by a name for errors, such as ``{"real": …}``. Their matrix is the one that their sentences were
        ranked from, or ``X`` where there are none. Counts are normalised, and logarithms of another base converted.
    sentence_key
        Where the sentences lie.
    layers
        More matrices by name, each as the name of its object and a layer in the unit of that object.

    Raises
    ------
    ValueError
        The objects share no gene, or a matrix has negative or infinite values or a unit that cannot be told.
    """
    sources = {name: _source(adata, name, sentence_key) for name, adata in objects.items()}
    indices = [pd.Index(genes) for _, genes in sources.values()]
    genes = reduce(lambda shared, other: shared[shared.isin(other)], indices).to_numpy()
    if not len(genes):
        raise ValueError(
            f"the cells share no gene: {' against '.join(preview(each.to_numpy(), 3) for each in indices)}"
        )
    values = {name: _values(source, own, genes) for name, (source, own) in sources.items()}
    for name, (of, layer) in (layers or {}).items():
        source, own = sources[of]
        _check(objects[of].layers[layer], f"layer {layer!r} of the {of} cells")
        values[name] = _values(source._replace(X=objects[of].layers[layer]), own, genes)
    return SharedExpression(values, genes)


class ExpressionProjection(NamedTuple):
    """Principal components of real and generated cells, both cells × components."""

    real: np.ndarray
    generated: np.ndarray
    shared: SharedExpression


def project_expression(
    real: AnnData,
    generated: AnnData,
    fit: AnnData | None,
    compared: np.ndarray,
    *,
    sentence_key: str,
    n_components: int,
    seed: int,
) -> ExpressionProjection:
    """Project the expression of real and generated cells onto principal components of the cells of ``fit``.

    As :func:`project_cells` does for sentences: without ``fit``, the components are those of the real cells whose rows
    are not in ``compared``.
    """
    objects = {"real": real, "generated": generated} | ({} if fit is None else {"fit": fit})
    shared = to_shared_expression(objects, sentence_key)
    values = shared.values
    n_empty = int((values["generated"].getnnz(axis=1) == 0).sum())
    if n_empty:
        logger.warning("%d of %d generated cells have no expression of a shared gene", n_empty, generated.n_obs)
    fitted = values["real"][np.setdiff1d(np.arange(real.n_obs), compared)] if fit is None else values["fit"]
    points = principal_components([values["real"], values["generated"]], fitted, n_components, seed)
    return ExpressionProjection(points[0], points[1], shared)


def _source(adata: AnnData, name: str, sentence_key: str) -> tuple[ExpressionSource, np.ndarray]:
    """The matrix of these cells with its unit, and the names of its genes."""
    if sentence_key in adata.obsm:
        sentences = read_sentences(adata, sentence_key)
    else:
        names, selected = select_genes(adata, genes=None, exclude=None, gene_symbols=None)
        empty = np.empty((adata.n_obs, 0), np.int32)
        sentences = Sentences(empty, names[selected].astype(object), {adata_keys.PARAMS: {}})
    params = sentences.params
    where = f"{matrix_name(params.get('layer'), bool(params.get('use_raw', False)))} of the {name} cells"
    _check(matrix(adata, layer=params.get("layer"), use_raw=bool(params.get("use_raw", False)))[0], where)
    try:
        return expression_source(adata, sentences), sentences.genes
    except UnknownUnitError as error:
        raise ValueError(
            f"the unit of {where} is unknown: if it holds logarithms of counts per 10,000, write "
            "adata.uns['log1p'] = {'base': None, 'target_sum': 1e4} (None is e)"
        ) from error


def _check(X: Any, where: str) -> None:
    if any(not np.isfinite(rows.data).all() or bool((rows.data < 0).any()) for _, rows in row_blocks(X)):
        raise ValueError(
            f"{where} has negative, infinite or missing values (it looks scaled): pass cells with counts or logarithms"
        )


def _values(source: ExpressionSource, own: np.ndarray, genes: np.ndarray) -> sparse.csr_matrix:
    """log(1 + counts per 10,000) of these genes; ``own`` are all genes of the source."""
    columns = source.columns[pd.Index(own).get_indexer(genes)]
    return np.log(10) * normalised(source)[:, columns]
