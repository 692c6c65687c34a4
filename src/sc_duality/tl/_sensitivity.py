"""Say how every cell takes a drug."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .._settings import settings
from ..cells import adata_keys, modality
from ..models import LanguageModel, resolve
from ..tasks import Sensitivity
from ._ask import check_task
from ._labelling import How, Method, label_cells
from ._labels import drug_choices
from ._questions import sensitivity_question

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def sensitivity(
    adata: AnnData | MuData,
    drug: str,
    model: str | Path | LanguageModel | None = None,
    *,
    labels: Sequence[str] | str | None = None,
    method: Method = "score",
    groupby: str | None = None,
    unknown: float | None = None,
    n_genes: int | None = None,
    temperature: float = 0.0,
    max_tokens: int | None = None,
    duality: bool = False,
    best_of: int = 1,
    context: Sequence[str] = (),
    key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.SENSITIVITY,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Say how every cell takes a drug, with a language model that reads its cell sentence.

    A model's answer is worth what the model has learned about that drug. The embedded model knows one drug and two
    labels, which tell cells that were treated with it from cells that were not: a stand-in for sensitivity, as its
    card says. A general model answers for any drug, from what it has read.

    Parameters
    ----------
    adata
        Cells. Sentences are written first if there are none, as in :func:`annotate`.
    drug
        Name of the drug. A model that was made for some drugs refuses others.
    model
        Who answers: see :func:`sc_duality.models.load`. The model inside this package by default.
    labels
        Words to choose from: a list, or an ``obs`` column whose values are taken. By default those that the model
        knows for the drug, or ``"sensitive"`` and ``"resistant"`` for a general model.
    method, groupby, unknown, n_genes, temperature, max_tokens, duality, best_of, context, key
        As for :func:`annotate`; without ``unknown``, every cell with genes gets a label.
    key_added
        Name of what is written.
    mod
        Modality, if ``adata`` is a MuData.
    rng
        Seed for drawing text and labels.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes the same as :func:`annotate`, under ``key_added``; ``uns[key_added]["params"]`` has
    the drug too.

    Raises
    ------
    ValueError, KeyError, TypeError
        If something in the input cannot be used, before the model is loaded; says what and how to mend it.

    Notes
    -----
    This is the primal side of CellDuality's sensitivity task (§3.1, table 1).

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.sensitivity(adata, "panobinostat")
    >>> adata.obsm["sensitivity_probabilities"].shape
    (20, 2)
    """
    result = adata.copy() if copy else adata
    data = modality(result, mod)
    asked = settings.model if model is None else model
    spec = resolve(asked)
    check_task(spec, Sensitivity.name)
    own, names = drug_choices(data, spec, drug, labels)
    how = How(
        method=method,
        groupby=groupby,
        unknown=unknown,
        n_genes=n_genes,
        temperature=temperature,
        max_tokens=max_tokens,
        duality=duality,
        best_of=best_of,
        context=context,
        key=key,
        key_added=key_added,
        rng=rng,
    )
    label_cells(data, asked, spec, sensitivity_question(spec, own, names), how, drug=drug)
    return result if copy else None
