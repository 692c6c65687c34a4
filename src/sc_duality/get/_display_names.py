"""Short names of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..cells import adata_keys, check_column, column, modality, text_column
from ..cells import display_names as short_names

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def display_names(adata: AnnData | MuData, key: str = adata_keys.ANNOTATION, *, mod: str = "rna") -> pd.Series:
    """Short names of the labels of each cell, for figures: ``"CD4 T cell"``, ``"NK cell"``, ``"AT2 cell"``.

    Labels in ``obs`` are names of the Cell Ontology, which may be long. Names without a clearly shorter one stay.

    Parameters
    ----------
    adata
        Annotated cells.
    key
        Column of ``obs`` with labels.
    mod
        Modality of a MuData.

    Returns
    -------
    Categorical series of n_obs names, indexed by ``obs_names``, missing where the label is. Its categories are in the
    order of those of ``obs[key]``, so that the colours in ``uns[key + "_colors"]`` fit it.

    Raises
    ------
    KeyError
        ``obs`` has no such column.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.annotate(adata, labels=["CD4-positive, alpha-beta T cell", "monocyte"], unknown=0)
    >>> adata.obs["short"] = sd.get.display_names(adata)
    >>> adata.uns["short_colors"] = adata.uns["annotation_colors"]
    >>> adata.obs["short"].cat.categories.tolist()
    ['CD4 T cell', 'monocyte']
    """
    check_column(adata, key, "key", mod)
    data = modality(adata, mod)
    values = text_column(data, key)
    own = column(data, key)
    categories = own.cat.categories if isinstance(own.dtype, pd.CategoricalDtype) else []
    names = [str(name) for name in categories] or sorted(set(values.dropna()))
    found = pd.Categorical(values, categories=names).rename_categories(short_names(names))
    return pd.Series(found, index=data.obs_names, name=key)
