"""Predict drug sensitivity of every cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..cells import adata_keys
from ..examples import Context
from ..models import LanguageModel, Sampling
from ..tasks import Sensitivity
from ._label_arguments import Method
from ._predict import predict

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def sensitivity(
    adata: AnnData | MuData,
    drug: str,
    model: str | Path | LanguageModel | None = None,
    *,
    labels: Sequence[str] | str | None = None,
    groupby: str | None = None,
    method: Method = "score",
    unknown: float | None = None,
    context: Context = (),
    layer: str | None = None,
    use_raw: bool | None = None,
    sampling: Sampling | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.SENSITIVITY,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Predict whether every cell is sensitive or resistant to a drug.

    A prediction is worth what the model knows of that drug. The embedded model knows one drug and two labels, which
    tell treated from untreated cells: a stand-in for sensitivity, as its card says. A general model answers for any
    drug.

    Parameters
    ----------
    adata
        Cells. Cell sentences are computed if there are none, as in :func:`annotate`.
    drug
        Name of the drug. A model that was trained on some drugs refuses others.
    model
        See :func:`annotate`.
    labels
        Labels to choose from: a list, or an ``obs`` column whose values are taken. By default those that the model
        knows for the drug, or ``"sensitive"`` and ``"resistant"`` for a general model.
    groupby, method, unknown, context, layer, use_raw, sampling, sentence_key
        See :func:`annotate`. Without ``unknown``, every cell gets a label.
    key_added
        Name of the result.
    mod
        Modality of a MuData.
    rng
        Seed of sampling.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obs[key_added]``, ``obs[key_added + "_status"]``, ``obs[key_added + "_confidence"]``,
    ``obs[key_added + "_nearest"]``
        Label, status, confidence and most probable label, as :func:`annotate`.
    ``obsm[key_added + "_probabilities"]``
        With ``"score"``: DataFrame (n_obs, n_labels).
    ``obsm[sentence_key]``, ``obsm[sentence_key + "_vocabulary"]``, ``uns[sentence_key]``
        Cell sentences, if there were none.
    ``uns[key_added]``
        ``params``: model, fingerprint, versions and all settings, with the drug; ``answers``: the texts that the model
        generated, see :func:`sc_duality.get.answers`.

    Raises
    ------
    ValueError, KeyError, TypeError
        The input cannot be used; raised before the model is loaded.

    Notes
    -----
    The primal task of CellDuality's sensitivity (§3.1, table 1).

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.sensitivity(adata, "panobinostat")
    >>> adata.obsm["sensitivity_probabilities"].shape
    (20, 2)
    """
    return predict(
        adata,
        Sensitivity(drug=drug, labels=labels),
        model,
        groupby=groupby,
        method=method,
        unknown=unknown,
        context=context,
        layer=layer,
        use_raw=use_raw,
        sampling=sampling,
        sentence_key=sentence_key,
        key_added=key_added,
        mod=mod,
        rng=rng,
        copy=copy,
    )
