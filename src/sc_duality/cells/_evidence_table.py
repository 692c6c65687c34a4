"""The tables of genes that decided predicted labels, as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from . import adata_keys
from ._adata import in_memory

if TYPE_CHECKING:
    from anndata import AnnData


def evidence_table(adata: AnnData, key: str, name: str) -> pd.DataFrame:
    """One of the tables that :func:`sc_duality.tl.explain` wrote, or an error if it did not run."""
    found = stored_evidence(adata, key)
    if found is None or name not in found:
        raise KeyError(f"uns[{key!r}] has no evidence: run sd.tl.explain(adata, {key!r}) first")
    return in_memory(found[name])


def stored_evidence(adata: AnnData, key: str) -> Mapping[str, Any] | None:
    """What :func:`sc_duality.tl.explain` wrote, or ``None`` if it did not run."""
    result: Any = adata.uns.get(key)
    found = result.get(adata_keys.EVIDENCE) if isinstance(result, Mapping) else None
    return found if isinstance(found, Mapping) else None
