"""Names of what is written into AnnData: those that files can hold, and those that an earlier result has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import adata_keys
from ._adata import cell_names, column, drop_columns
from ._label_colors import drop_colors

if TYPE_CHECKING:
    from anndata import AnnData

#: Names that anndata or zarr use themselves.
_RESERVED = {"", ".", "..", "_index", "zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"}
#: "/" separates the parts of a path in HDF5 and zarr; zarr reads "\" as "/".
_SEPARATORS = {"/": "'/'", "\\": "'\\'", "\0": "a null character"}
#: zarr stores a name as the name of a folder.
_MAX_BYTES = 255


class Fields(NamedTuple):
    """Names of what a result is written into, by slot of the AnnData."""

    obs: tuple[str, ...] = ()
    obsm: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    var: tuple[str, ...] = ()


def check_name(argument: str, name: Any) -> None:
    """Refuse a key or column name that h5ad, h5mu or zarr cannot hold."""
    if not isinstance(name, str):
        raise TypeError(f"{argument} must be a string, got {name!r}")
    separator = next((text for sign, text in _SEPARATORS.items() if sign in name), None)
    if separator is not None:
        raise ValueError(f"{argument}={name!r} contains {separator}, which h5ad and zarr cannot hold: rename it")
    if name in _RESERVED:
        raise ValueError(f"{argument}={name!r} is not a name that h5ad and zarr can hold: rename it")
    try:
        n_bytes = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{argument}={name!r} is not valid Unicode text: rename it") from None
    if n_bytes > _MAX_BYTES:
        raise ValueError(f"{argument}={name[:40]!r}… has {n_bytes} bytes, more than {_MAX_BYTES}: use a shorter name")


def is_result(uns: Any) -> bool:
    """Whether this entry of ``uns`` was written by this package."""
    params = uns.get(adata_keys.PARAMS) if isinstance(uns, Mapping) else None
    return isinstance(params, Mapping) and (adata_keys.GENES in uns or {"prompt_format", "fingerprint"} <= set(params))


def is_sentences(uns: Any) -> bool:
    """Whether this entry of ``uns`` is that of cell sentences."""
    return is_result(uns) and adata_keys.GENES in uns


def written_fields(adata: AnnData, key: str) -> Fields:
    """What the result under ``key`` was written into, as ``uns[key]`` tells; nothing if it is not a result.

    Results of version 0.11.0 and earlier do not tell: they have any of the names that a result can have.
    ``anndata.concat`` may drop ``uns``; sentences without it are known by the fingerprints next to them.
    """
    sentences = (key, adata_keys.vocabulary(key))
    entry = adata.uns.get(key)
    if entry is None and sentences[1] in adata.obsm:
        return Fields(obsm=sentences)
    if not is_result(entry):
        return Fields()
    if is_sentences(entry):
        return Fields(obsm=sentences, layers=_texts(entry.get(adata_keys.LAYERS, ())))
    params = entry[adata_keys.PARAMS]
    if adata_keys.COLUMNS not in params:
        arrays = key, adata_keys.probabilities(key)
        return Fields(adata_keys.columns(key), arrays, var=adata_keys.change_columns(key))
    scored = (adata_keys.duality(key),) if adata_keys.DUALITY in entry else ()
    columns = _texts(params[adata_keys.COLUMNS]) + scored
    return Fields(columns, _texts(params[adata_keys.ARRAYS]), var=adata_keys.change_columns(key))


def check_new_fields(
    adata: AnnData, key: str, wanted: Fields, *, argument: str = "key_added", sentences: bool = False
) -> None:
    """Refuse names that files cannot hold, and names of what this package did not write under ``key``.

    Parameters
    ----------
    adata
        Where the result will be written: an AnnData, or anything with its slots and ``uns``.
    key
        Name of the result.
    wanted
        All names that the result may have.
    argument
        The argument that names the result.
    sentences
        Whether the result is cell sentences.
    """
    check_name(argument, key)
    way_out = f"pass another {argument}="
    if key in adata.uns and not is_result(adata.uns[key]):
        raise ValueError(f"{argument}={key!r} would overwrite uns[{key!r}], which sc_duality did not write: {way_out}")
    if key in adata.uns and is_sentences(adata.uns[key]) != sentences:
        kind = "another result" if sentences else "cell sentences"
        raise ValueError(f"{argument}={key!r} would overwrite the {kind} of that name: {way_out}")
    own = written_fields(adata, key)
    for slot, names in wanted._asdict().items():
        for name in names:
            check_name(argument, name)
            if name in getattr(adata, slot) and name not in getattr(own, slot):
                raise ValueError(
                    f"{argument}={key!r} would overwrite {slot}[{name!r}], which sc_duality did not write under this "
                    f"key: {way_out}, or rename {slot}[{name!r}]"
                )
    index_name = cell_names(adata).name
    if index_name in wanted.obs:
        raise ValueError(f"{argument}={key!r} would write obs[{index_name!r}], the name of the index of obs: {way_out}")


def check_not_corrected(adata: AnnData, key: str) -> None:
    """Refuse to overwrite labels that were set by hand."""
    status = adata_keys.status(key)
    if key not in adata.obs or status not in adata.obs or not is_result(adata.uns.get(key)):
        return
    n_cells = int((column(adata, status) == adata_keys.BY_HAND).sum())
    if n_cells:
        raise ValueError(
            f"key_added={key!r} would overwrite {n_cells} labels that were set by hand: pass another key_added=, or "
            f"give them up with del adata.obs[{key!r}]"
        )


def check_new_sentences(adata: AnnData, key: str, argument: str = "key_added") -> None:
    """Refuse to write sentences over what this package did not write."""
    fields = Fields(obsm=(key, adata_keys.vocabulary(str(key))))
    check_new_fields(adata, key, fields, argument=argument, sentences=True)


def drop_written(adata: AnnData, key: str) -> None:
    """Delete what an earlier result wrote under ``key``, with the colours of its columns."""
    fields = written_fields(adata, key)
    drop_columns(adata, fields.obs)
    drop_colors(adata, fields.obs)
    for name in fields.obsm:
        if name in adata.obsm:
            del adata.obsm[name]


def new_fields(adata: AnnData, wanted: Fields) -> dict[str, list[str]]:
    """Those of the names that were written, as ``uns`` keeps them."""
    return {
        adata_keys.COLUMNS: [name for name in wanted.obs if name in adata.obs],
        adata_keys.ARRAYS: [name for name in wanted.obsm if name in adata.obsm],
    }


def _texts(names: Any) -> tuple[str, ...]:
    """Names as text; files hold them as an array."""
    return tuple(str(name) for name in np.asarray(names, dtype=object))
