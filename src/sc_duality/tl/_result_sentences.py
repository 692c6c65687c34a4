"""The cell sentences that an earlier result was predicted from."""

from __future__ import annotations

from anndata import AnnData

from ..examples import result_params


def result_sentences(adata: AnnData, key: str, sentence_key: str | None) -> str:
    """The ``obsm`` key of the sentences of the predictions ``key``: ``sentence_key``, or else what ``uns`` names."""
    found = sentence_key or str(result_params(adata, key)["sentence_key"])
    if found not in adata.obsm:
        raise KeyError(
            f"obsm has no {found!r}, the cell sentences that obs[{key!r}] was predicted from: keep them, or pass "
            "sentence_key="
        )
    return found
