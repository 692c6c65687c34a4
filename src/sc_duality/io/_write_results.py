"""What this package added to an object, written into the store that the object came from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from ..cells import adata_keys, cell_names, column, modality, preview
from ._store import forget, names, opened, remember

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Names of what may lie in ``obs`` and in ``obsm`` beside the result of that key.
_COLUMNS = (adata_keys.status, *adata_keys.COMPANIONS, adata_keys.n_unknown_genes, adata_keys.n_duplicate_genes)
_ARRAYS = (adata_keys.vocabulary, adata_keys.probabilities)


class _Result(NamedTuple):
    """Names of all that belongs to one key."""

    key: str
    columns: list[str]
    arrays: list[str]


def write_results(
    adata: AnnData | MuData, path: str | Path, keys: Sequence[str] | None = None, *, mod: str = "rna"
) -> None:
    """Write what this package added to an object into an h5ad or zarr store of the same cells.

    Neither is expression read nor is anything of the store rewritten that is not named below. So results of a
    backed or lazy AnnData get to disk, where :meth:`anndata.AnnData.write_h5ad` would write everything anew, or
    cannot write it.

    Parameters
    ----------
    adata
        Cells with results of ``sc_duality.pp`` or ``sc_duality.tl``.
    path
        An h5ad, h5mu or zarr store. An h5ad may be open in ``adata`` itself, backed, and nowhere else.
    keys
        Which results, by the ``key_added`` that they were written with. By default all; sentences and embeddings that
        ``adata`` has never loaded stay as they are in a store that has them.
    mod
        Modality of a MuData.

    Returns
    -------
    None. For each key, the store gets ``obs[key]`` and ``obsm[key]`` as far as there are such, what this package
    writes beside them (such as ``obs[key + "_confidence"]``), and ``uns[key]``, in place of what lay there. ``uns`` is
    written last: if the work is killed before, no tool takes the rest for whole. That holds for zarr; HDF5 promises
    nothing about a file whose writer was killed.

    Raises
    ------
    FileNotFoundError, OSError
        There is no such store, or it is open elsewhere.
    KeyError
        There is no such result.
    ValueError
        The store holds other cells.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import anndata as ad
    >>> import sc_duality as sd
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "cells.h5ad"
    ...     sd.datasets.pbmc3k()[:20].write_h5ad(path)
    ...     adata = ad.read_h5ad(path, backed="r")
    ...     sd.tl.annotate(adata, labels="blood")
    ...     sd.io.write_results(adata, path)
    ...     adata.file.close()
    ...     list(ad.read_h5ad(path).obs)[:4]
    ['cell_type', 'annotation', 'annotation_status', 'annotation_confidence']
    """
    data = modality(adata, mod)
    results = [_result(data, key) for key in (_all_keys(data) if keys is None else keys)]
    with _closed(data, path), opened(path, mod) as group:
        _check_names(cell_names(data), names(group)[:], path)
        for key, columns, arrays in results:
            stay = [name for name in arrays if keys is None and _stays(data, group, name)]
            found = {name: _values(column(data, name)) for name in columns}
            loaded = {name: _in_memory(data.obsm[name]) for name in arrays if name not in stay}
            told = _in_memory(data.uns[key])
            forget(group, key, _named(key, _COLUMNS), [name for name in _named(key, _ARRAYS) if name not in stay])
            remember(group, key, told, found, loaded)
            logger.info("wrote %r into %s: obs %s, obsm %s", key, path, columns, list(loaded))


@contextmanager
def _closed(data: AnnData, path: str | Path) -> Iterator[None]:
    """Close the file of a backed object while it is written to."""
    mine = data.file.filename is not None and Path(path).exists() and Path(data.file.filename).samefile(path)
    if not mine:
        yield
        return
    if not isinstance(data.obs, pd.DataFrame):
        raise ValueError(
            f"{str(path)!r} is open in adata, which reads it lazily, and HDF5 does not write to a file that is read: "
            "read it with anndata.read_h5ad(path, backed='r'), or keep the data in a zarr store"
        )
    data.file.close()
    try:
        yield
    finally:
        data.file.open()


def _all_keys(data: AnnData) -> list[str]:
    keys = [key for key in data.uns if _ours(data.uns[key])]
    if not keys:
        raise KeyError("there are no results of this package in uns: run a tool of sd.pp or sd.tl first")
    return keys


def _ours(told: Any) -> bool:
    """Whether this is how our tools describe what they wrote."""
    params = told.get(adata_keys.PARAMS) if isinstance(told, Mapping) else None
    return isinstance(params, Mapping) and (adata_keys.GENES in told or {"prompt_format", "fingerprint"} <= set(params))


def _result(data: AnnData, key: str) -> _Result:
    if key not in data.uns or not _ours(data.uns[key]):
        raise KeyError(f"uns[{key!r}] is no result of this package; these are {preview(_all_keys(data))}")
    columns = [name for name in _named(key, _COLUMNS) if name in data.obs]
    arrays = [name for name in _named(key, _ARRAYS) if name in data.obsm]
    return _Result(key, columns, arrays)


def _named(key: str, beside: Sequence[Callable[[str], str]]) -> list[str]:
    return [key, *(name(key) for name in beside)]


def _check_names(here: pd.Index, there: np.ndarray, path: str | Path) -> None:
    if len(here) != len(there):
        raise ValueError(f"{str(path)!r} holds {len(there)} cells and adata {len(here)}: name the store that has these")
    differ = np.flatnonzero(np.asarray(here, dtype=object) != np.asarray(there, dtype=object))
    if len(differ):
        first = differ[0]
        raise ValueError(
            f"{str(path)!r} holds other cells, or in another order: {len(differ)} names differ, the first is "
            f"{there[first]!r} there and {here[first]!r} in adata"
        )


def _stays(data: AnnData, group: Any, name: str) -> bool:
    """Whether this array was never loaded, and lies in the store."""
    return hasattr(data.obsm[name], "chunks") and "obsm" in group and name in group["obsm"]


def _values(values: pd.Series) -> Any:
    return values.array if pd.api.types.is_extension_array_dtype(values.dtype) else values.to_numpy()


def _in_memory(element: Any) -> Any:
    """What was not loaded yet, loaded."""
    if isinstance(element, Mapping) and not hasattr(element, "to_memory"):
        return {name: _in_memory(value) for name, value in element.items()}
    if hasattr(element, "to_memory"):
        return element.to_memory()
    return np.asarray(element) if hasattr(element, "chunks") else element
