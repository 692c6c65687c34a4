"""Give all cells of a fine cluster the label of most of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._validation import choice
from ..cells import (
    Fields,
    adata_keys,
    check_column,
    check_new_fields,
    check_not_corrected,
    column,
    drop_written,
    in_memory,
    modality,
    new_fields,
    seed,
    text_column,
    writable,
)
from ..examples import result_params
from ..models import ModelSpec
from ._label_columns import write_cell_types, write_labels
from ._label_predictions import LabelPredictions
from ._over_cluster import check_clustering, default_resolution, over_cluster

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def majority_vote(
    adata: AnnData | MuData,
    key: str = adata_keys.ANNOTATION,
    groupby: str | None = None,
    *,
    resolution: float | None = None,
    min_share: float = 0.0,
    weights: Literal["votes", "probability"] = "votes",
    key_added: str | None = None,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Give all cells of a fine cluster the label of most of them, as CellTypist's majority voting does.

    Parameters
    ----------
    adata
        Cells with labels of :func:`annotate` or :func:`predict`.
    key
        The labels.
    groupby
        ``obs`` column of fine clusters, each of one type. By default cells are over-clustered by Leiden (needs
        ``igraph``) on ``obsp["connectivities"]``, or, if that is missing, on a graph of nearest cells from the
        log-normalised matrix.
    resolution
        Resolution of Leiden; by default 5 for fewer than 5,000 cells, 10 for fewer than 20,000, and up to 30.
    min_share
        A cluster in which the label has a smaller share of the votes is ``"unknown"``.
    weights
        ``"votes"``: every cell counts 1 for its label. ``"probability"``: every cell counts its probability for each
        label.
    key_added
        Name of the result; ``key + "_majority"`` by default. A result with labels set by hand (:func:`set_label`) is
        not overwritten.
    mod
        Modality of a MuData.
    rng
        Seed of the clustering.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obs[key_added]``
        Label of the cluster (categorical); missing where no cell of the cluster has a vote.
    ``obs[key_added + "_status"]``
        ``"ok"``, ``"unknown"``, ``"no group"`` (``groupby`` is missing), or why the cells of the cluster have no label.
    ``obs[key_added + "_confidence"]``
        Share of the votes for the label in the cluster.
    ``obs[key_added + "_nearest"]``
        The label with the most votes, also where it is ``"unknown"``.
    ``obsm[key_added + "_probabilities"]``
        DataFrame (n_obs, n_labels): share of the votes for each label.
    ``obs[key_added + "_cluster"]``
        The clusters (categorical), unless ``groupby`` names them.
    ``obs[key_added + "_ontology_term_id"]``, ``obs[key_added + "_coarse"]``, ...
        Ontology terms and coarse types, if ``key`` has them. The coarse type has the most votes of its types.
    ``uns[key_added]``
        ``params``: those of ``key``, and the settings of the vote.

    Raises
    ------
    KeyError, ValueError
        There are no such labels or clusters, or no cell has a label.
    ImportError
        igraph is not installed, and there is no ``groupby``.

    Notes
    -----
    "unknown" is a vote like any other: a cluster becomes unknown where more cells are unknown than have any one label,
    and an unknown cell gets the label of its cluster elsewhere. A label set by hand (:func:`set_label`) counts 1 with
    either ``weights``, and is its own coarse type if no other cell tells that. Cells without a label for another reason
    do not vote.

    Source of the procedure and of the resolutions: Domínguez Conde et al., Science 2022 (CellTypist).

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:60].copy()
    >>> sd.tl.annotate(adata, labels="blood")
    >>> sd.tl.majority_vote(adata, groupby="cell_type")
    >>> adata.obs.groupby("cell_type", observed=True)["annotation_majority"].nunique().tolist()
    [1, 1, 1, 1, 1, 1, 1]
    """
    key_added = f"{key}_majority" if key_added is None else key_added
    _check(key, key_added, resolution, min_share, weights)
    number = seed(rng)
    fields = Fields(
        obs=(
            *adata_keys.label_columns(key_added)[:4],
            *adata_keys.cell_type_columns(key_added),
            adata_keys.cluster(key_added),
        ),
        obsm=(adata_keys.probabilities(key_added),),
    )
    if groupby is None:
        check_clustering()
    else:
        check_column(adata, groupby, "groupby", mod)
    check_new_fields(modality(adata, mod), key_added, fields)
    check_not_corrected(modality(adata, mod), key_added)
    if groupby in fields.obs:
        raise ValueError(f"groupby={groupby!r} is a column of the result {key_added!r}: pass another key_added=")
    result, data = writable(adata, mod, copy=copy)
    params = result_params(data, key)
    votes = _votes(data, key, weights)
    chosen = default_resolution(data.n_obs) if resolution is None else resolution
    clusters = None
    if groupby is None:
        clusters = over_cluster(data, chosen, str(params.get("sentence_key", adata_keys.SENTENCE)), number)
    groups = text_column(data, groupby) if groupby is not None else clusters
    predictions, unknown_share = count_votes(votes, column(data, adata_keys.status(key)), groups)

    threshold = np.maximum(unknown_share, min_share)
    labels = list(votes.columns[:-1])
    drop_written(data, key_added)
    write_labels(data, key_added, predictions, labels, threshold)
    write_cell_types(data, key_added, predictions, labels, _types_of(data, key), threshold)
    if clusters is not None:
        data.obs[adata_keys.cluster(key_added)] = pd.Categorical(clusters)
    own = {"votes_of": key, "weights": weights, "min_share": min_share}
    own |= {"resolution": chosen, "rng": number} if groupby is None else {"groupby": groupby}
    kept = {name: value for name, value in params.items() if name != "groupby"}
    data.uns[key_added] = {adata_keys.PARAMS: {**kept, **own, **new_fields(data, fields)}}
    logger.info("wrote obs[%r]: %s", key_added, column(data, key_added).value_counts().to_dict())
    return result if copy else None


def _check(key: str, key_added: str, resolution: float | None, min_share: float, weights: str) -> None:
    choice("weights", weights, ("votes", "probability"))
    if not 0 <= min_share <= 1:
        raise ValueError(f"min_share={min_share} must be a share between 0 and 1")
    if resolution is not None and not resolution > 0:
        raise ValueError(f"resolution={resolution} must be positive")
    if key_added == key:
        raise ValueError(f"key_added={key!r} would overwrite the labels that vote: pass another key_added=")


def _votes(adata: AnnData, key: str, weights: str) -> pd.DataFrame:
    """Vote of each cell for each label that a cell has, and for "unknown" last; zeros for a cell without a vote."""
    status = column(adata, adata_keys.status(key)).astype(str).to_numpy()
    values = text_column(adata, key).to_numpy()
    is_ok, by_hand = status == adata_keys.OK, status == adata_keys.BY_HAND
    labels = sorted({str(label) for label in values[is_ok | by_hand]})
    if not labels:
        raise ValueError(f"no cell has a label in obs[{key!r}]: nothing can be voted for")
    one_hot = {label: (values == label) & (is_ok | by_hand) for label in labels}
    votes = pd.DataFrame(one_hot, index=adata.obs_names, dtype=float)
    if weights == "probability" and is_ok.any():
        name, column_of = adata_keys.probabilities(key), adata_keys.probability_column
        table = in_memory(adata.obsm[name]) if name in adata.obsm else pd.DataFrame()
        if not {column_of(label) for label in values[is_ok]} <= set(table):
            raise KeyError(f"obsm has no {name!r} with a column for each label: pass weights='votes'")
        votes[is_ok] = table.reindex(columns=list(map(column_of, labels)), fill_value=0.0).to_numpy(float)[is_ok]
    return votes.assign(**{adata_keys.UNKNOWN: (status == adata_keys.UNKNOWN).astype(float)})


def count_votes(
    votes: pd.DataFrame, status: pd.Series, groups: pd.Series
) -> tuple[LabelPredictions, NDArray[np.float64]]:
    """The label with the most votes in each group, and the share of the votes for "unknown".

    Parameters
    ----------
    votes
        Vote of each cell for each label, and for "unknown" in the last column.
    status
        Status of each cell, for groups without a vote.
    groups
        Group of each cell, ``None`` where it has none.
    """
    table, n_labels = votes.to_numpy(), votes.shape[1] - 1
    found = LabelPredictions.empty(len(votes), n_labels, adata_keys.NO_GROUP, scored=True, in_distribution=False)
    assert found.probability is not None
    unknown_share = np.zeros(len(votes))
    for members in groups.groupby(groups.to_numpy(), observed=True).indices.values():
        sums = table[members].sum(0)
        if sums.sum() == 0:
            found.status[members] = status.iloc[members].astype(str)
            continue
        share = sums / sums.sum()
        best = int(share[:-1].argmax())
        found.best[members], found.confidence[members], found.status[members] = best, share[best], adata_keys.OK
        found.probability[members] = share[:-1]
        unknown_share[members] = share[-1]
    return found, unknown_share


def _types_of(adata: AnnData, key: str) -> ModelSpec:
    """What the result tells of its labels: ontology terms, and the coarse type of most cells of a label."""
    labels = text_column(adata, key).to_numpy()
    status = column(adata, adata_keys.status(key)).astype(str).to_numpy()
    knows: dict[str, Any] = {"ontology": {}}
    pairs = [(key, adata_keys.ontology_term(key))]
    if adata_keys.coarse(key) in adata.obs:
        coarse = text_column(adata, adata_keys.coarse(key)).to_numpy()
        kept = (status == adata_keys.OK) & (coarse != adata_keys.UNKNOWN)
        of_label = pd.Series(coarse[kept]).groupby(labels[kept]).agg(lambda types: types.mode()[0]).to_dict()
        by_hand = labels[status == adata_keys.BY_HAND]
        knows["coarse"] = dict(zip(by_hand, by_hand, strict=True)) | of_label
        pairs.append((adata_keys.coarse(key), adata_keys.coarse_ontology_term(key)))
    for name, terms in pairs:
        if terms in adata.obs:
            known = pd.DataFrame({"label": text_column(adata, name), "term": text_column(adata, terms)}).dropna()
            knows["ontology"] |= dict(known.drop_duplicates("label").to_numpy().tolist())
    return ModelSpec(name=key, source="", knows={"annotation": knows})
