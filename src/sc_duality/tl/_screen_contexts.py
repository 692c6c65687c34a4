"""The contexts of a screen: their cells, their samples, and the score of the gene set in their predicted cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse

from ..cells import adata_keys, approved_symbols, check_column, gene_columns, modality, preview, text_column
from ..examples import ModelCells, model_names
from ..metrics import ssgsea
from ._response_query import PredictedCells, ResponseQuery

#: Name of the context where there is only one.
ONE_CONTEXT = "all"


@dataclass(frozen=True)
class ScreenContext:
    """Cells in one context, and how their predictions are requested and scored."""

    name: str
    query: ResponseQuery
    #: Number of the sample of each cell, from 0.
    samples: NDArray[np.int64]
    #: Genes of the cell sentences and their columns in the data.
    genes: NDArray[np.object_]
    columns: NDArray[np.int64]

    @property
    def cells(self) -> ModelCells:
        """The cells as the model reads them."""
        return self.query.cells

    def changes(self, predicted: Sequence[Sequence[PredictedCells]], gene_set: Sequence[str]) -> list[NDArray[Any]]:
        """Score of the predicted minus that of the control cell, for each perturbation (cells × replicates).

        NaN where there is no prediction.
        """
        flat = list(chain.from_iterable(predicted))
        ok = [np.asarray(one.status == adata_keys.OK) for one in flat]
        found = np.full((len(flat), len(self.cells)), np.nan)
        after, before = (
            ssgsea(
                sparse.vstack([X[rows] for X, rows in zip(side, ok, strict=True)], "csr")[:, self.columns],
                list(self.genes),
                gene_set,
            )
            for side in ([one.X for one in flat], [one.control for one in flat])
        )
        found[np.array(ok)] = after - before
        ends = np.cumsum([len(replicates) for replicates in predicted])[:-1]
        return [part.T for part in np.split(found, ends)]


def named_contexts(adatas: Any, mod: str) -> dict[str, AnnData]:
    """The cells of each context by its name."""
    if not isinstance(adatas, Mapping) or hasattr(adatas, "obs"):
        return {ONE_CONTEXT: modality(adatas, mod)}
    if not adatas:
        raise ValueError("adatas is empty: pass an AnnData, or several by context")
    for name in adatas:
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"adatas has the context {name!r}: name each context by a text")
    found = {}
    for name, data in adatas.items():
        try:
            found[name] = modality(data, mod)
        except (TypeError, ValueError, KeyError) as error:
            raise type(error)(f"adatas[{name!r}]: {error.args[0]}") from None
    return found


def sample_numbers(name: str, adata: AnnData, sample: str | None) -> NDArray[np.int64]:
    """Number of the sample of each cell; each cell is a sample without a column."""
    if sample is None:
        return np.arange(adata.n_obs)
    try:
        check_column(adata, sample, "sample")
    except KeyError as error:
        raise KeyError(f"adatas[{name!r}]: {error.args[0]}") from None
    values = text_column(adata, sample)
    if values.isna().any():
        raise ValueError(
            f"adatas[{name!r}]: {int(values.isna().sum())} of {adata.n_obs} cells have no value in obs[{sample!r}]: "
            "fill it, or leave these cells out"
        )
    return np.asarray(pd.factorize(values)[0], dtype=np.int64)


def screen_context(name: str, query: ResponseQuery, samples: NDArray[np.int64]) -> ScreenContext:
    """A context, with the genes that can be in a sentence of its cells."""
    sentences, adata = query.cells.sentences, query.cells.adata
    columns = gene_columns(sentences.genes, adata, sentences.params.get("gene_symbols"))
    return ScreenContext(name, query, samples, np.asarray(sentences.genes)[columns >= 0], columns[columns >= 0])


def check_same_genes(contexts: Sequence[ScreenContext]) -> None:
    """Refuse contexts whose scores would be ranks among different genes."""
    first = set(contexts[0].genes)
    for other in contexts[1:]:
        parts = [
            f"{len(only)} only in {name!r} ({preview(sorted(only))})"
            for name, only in ((contexts[0].name, first - set(other.genes)), (other.name, set(other.genes) - first))
            if only
        ]
        if parts:
            raise ValueError(
                f"the contexts have different genes, {' and '.join(parts)}: keep the shared genes of all, such as "
                "adata[:, shared], and compute their cell sentences again"
            )


def genes_on_panel(genes: Sequence[str], name: str, context: ScreenContext) -> list[str]:
    """The genes of a set among those of the cells, as these spell them; refused if the model cannot predict them."""
    panel = context.genes.tolist()
    own = dict(zip(panel, model_names(context.genes, context.cells.spec), strict=True))
    meant = {*genes, *approved_symbols(np.array(genes, dtype=object)).tolist()} if genes else set()
    found = [gene for gene in panel if gene in meant or own[gene] in meant]
    if len(found) < 2:
        raise ValueError(
            f"{name!r} has {len(found)} of the {len(panel)} genes of the cells, and at least 2 are needed: are its "
            f"{len(genes)} names gene symbols of the same organism?"
        )
    if len(found) == len(panel):
        raise ValueError(f"{name!r} has all {len(panel)} genes of the cells: it has no others to be compared with")
    n_known = sum(own[gene] is not None for gene in found)
    if n_known < 2:
        raise ValueError(
            f"{name!r}: the model {context.cells.spec.name!r} knows {n_known or 'none'} of its genes "
            f"({preview(found)}), and at least 2 are needed: it cannot predict a change of this set"
        )
    return found
