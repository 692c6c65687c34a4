"""Spellings of the names of cell types."""

from __future__ import annotations

import re
import unicodedata

_ID = re.compile(r"^\s*CL[:_](\d{7})\s*$", re.IGNORECASE)
_GREEK = {"α": " alpha ", "β": " beta ", "γ": " gamma ", "δ": " delta ", "ε": " epsilon "}
#: A hyphen at the end of a word is a minus sign: "CD8- T cell". So is the sign itself, anywhere.
_MINUS = re.compile(r"(?<=\w)-(?=[\s,;/)]|$)|\N{MINUS SIGN}")
#: A full stop between two words, as R writes it for a space, or at the end.
_DOT = re.compile(r"(?<=\w)\.(?=\w|\s*$)")
_PLURAL = re.compile(r"(?<=\w)(?<![sui])s$")


def ontology_id(text: str) -> str | None:
    """The Cell Ontology id that the text is, in its usual spelling; ``None`` for any other text."""
    match = _ID.match(text)
    return f"CL:{match[1]}" if match else None


def cell_type_key(name: str) -> str:
    """The words of a name in lower case and singular, without hyphens: equal for two spellings of a cell type.

    Examples
    --------
    >>> from sc_duality.cells import cell_type_key
    >>> cell_type_key("CD4-positive, alpha-beta T-cells."), cell_type_key("CD8- γδ_T cell")
    ('cd4 positive alpha beta t cell', 'cd8 negative gamma delta t cell')
    """
    text = unicodedata.normalize("NFKC", name).lower()
    for letter, spelled in _GREEK.items():
        text = text.replace(letter, spelled)
    text = _MINUS.sub(" negative ", text).replace("+", " positive ")
    parts = re.split(r"[\s_,;()\N{HYPHEN}-]+", _DOT.sub(" ", text))
    return " ".join(_PLURAL.sub("", part) for part in parts if part)
