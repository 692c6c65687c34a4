"""Colours and short names of labels in figures, with the tables in ``cell_ontology``."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import pandas as pd
from anndata import AnnData

from . import adata_keys
from ._adata import column as obs_column
from ._cell_ontology import ontology_ancestors, ontology_short_name, ontology_term
from ._cell_type_names import cell_type_key

#: Colour of cells without a known label.
UNKNOWN_COLOR = "#bdbdbd"
#: A short name is shorter by this many letters.
_MIN_SAVED = 3


def label_colors(labels: Iterable[str]) -> list[str]:
    """A colour for each label, as ``#rrggbb``: the same for a cell type everywhere, under any of its names.

    Common cell types have colours of their own, related ones near in hue; any other term has a shade of the colour of
    its nearest ancestor, and any other label one by its name. ``unknown`` is grey.

    Parameters
    ----------
    labels
        Labels, each once.

    Returns
    -------
    One colour a label, all different.

    Examples
    --------
    >>> from sc_duality.cells import label_colors
    >>> label_colors(["NK cell", "unknown"]) == label_colors(["natural killer cell", "unknown"])
    True
    """
    found: list[str] = []
    for label in labels:
        color = UNKNOWN_COLOR if label == adata_keys.UNKNOWN else _color(label)
        shift = 1
        while color in found:
            color, shift = _shade(color, str(shift)), shift + 1
        found.append(color)
    return found


def display_names(labels: Iterable[str]) -> list[str]:
    """Short names of labels for figures: ``CD4 T cell`` for ``CD4-positive, alpha-beta T cell``.

    A label without a term of the Cell Ontology, or without a name that is clearly shorter, is not changed, and so are
    two labels that would have the same short name.

    Parameters
    ----------
    labels
        Labels, each once.

    Examples
    --------
    >>> from sc_duality.cells import display_names
    >>> display_names(["natural killer cell", "CD14+ Monocytes"])
    ['NK cell', 'CD14+ Monocytes']
    """
    names = list(labels)
    short = pd.Series([_display_name(name) for name in names], dtype=object)
    return short.where(~short.duplicated(keep=False), pd.Series(names, dtype=object)).tolist()


def write_colors(adata: AnnData, column: str) -> None:
    """Write ``uns[column + "_colors"]``, where scanpy looks for them, in the order of the categories."""
    adata.uns[adata_keys.colors(column)] = label_colors(map(str, obs_column(adata, column).cat.categories))


def drop_colors(adata: AnnData, columns: Sequence[str]) -> None:
    """Delete the colours of ``obs`` columns."""
    for column in columns:
        adata.uns.pop(adata_keys.colors(column), None)


def _display_name(name: str) -> str:
    term = ontology_term(name)
    short = name if term is None else ontology_short_name(term)
    return short if len(short) <= len(name) - _MIN_SAVED else name


def _color(label: str) -> str:
    term = ontology_term(label)
    if term is None:
        return _shade("#8a8f5c", cell_type_key(label), hues=1.0)
    near = [one for one in ontology_ancestors(term) if one in _colors()]
    if not near:
        return _shade("#7d8597", term, hues=0.5)
    nearest = max(near, key=lambda one: (len(ontology_ancestors(one)), one))
    return _colors()[nearest] if nearest == term else _shade(_colors()[nearest], term)


def _shade(color: str, name: str, hues: float = 0.06) -> str:
    """Another lightness, and a hue at most half of ``hues`` away, by the name."""
    number = zlib.crc32(name.encode())
    hue, lightness, saturation = colorsys.rgb_to_hls(*(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)))
    hue = (hue + hues * (number % 97 / 96 - 0.5)) % 1
    lightness = 0.35 + 0.4 * (number // 97 % 89 / 88)
    return "#" + "".join(f"{round(255 * value):02x}" for value in colorsys.hls_to_rgb(hue, lightness, saturation))


@cache
def _colors() -> Mapping[str, str]:
    """The colour of each common cell type, by its Cell Ontology id."""
    table = (files(__package__) / "cell_ontology" / "colors.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines()[1:])
    return {term: color for term, _, color in rows}
