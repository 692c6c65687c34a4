"""Exact match of two labels."""

from __future__ import annotations

import re

# All but the signs for ohm, kelvin and ångström, which lower() would turn into letters.
_CASED = re.compile("[^\u2126\u212a\u212b]+")


def normal_form(label: str) -> str:
    """Return ``label`` in lower case, with single spaces in place of white space and underscores.

    Examples
    --------
    >>> from sc_duality.metrics import normal_form
    >>> normal_form(" B_Cell")
    'b cell'
    """
    text = " ".join(label.replace("_", " ").split())
    return text.lower() if text.isascii() else _CASED.sub(lambda part: part[0].lower(), text)


def exact_match(truth: object, predicted: object) -> float:
    """1 if ``predicted`` equals ``truth``, else 0 (CellDuality, equation 2).

    Strings are compared by their :func:`normal_form`, other objects with ``==``.

    Examples
    --------
    >>> from sc_duality.metrics import exact_match
    >>> exact_match("B cell", "b_cell"), exact_match("T cell", "CD4 T cell")
    (1.0, 0.0)
    """
    if isinstance(truth, str) and isinstance(predicted, str):
        return float(normal_form(truth) == normal_form(predicted))
    return float(truth == predicted)
