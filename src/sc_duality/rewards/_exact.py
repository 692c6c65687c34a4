"""When two labels are the same."""

from __future__ import annotations

import re

# All but the signs for ohm, kelvin and ångström, which would turn into letters.
_CASED = re.compile("[^\u2126\u212a\u212b]+")


def normal_form(label: str) -> str:
    """``label`` as it is compared: case and white space (or ``_``) do not matter.

    Examples
    --------
    >>> from sc_duality.rewards import normal_form
    >>> normal_form(" B_Cell")
    'b cell'
    """
    words = " ".join(label.replace("_", " ").split())
    return words.lower() if words.isascii() else _CASED.sub(lambda part: part[0].lower(), words)


def exact_match(truth: object, answer: object) -> float:
    """1 where ``answer`` is ``truth``, else 0 (CellDuality, equation 2).

    Labels are compared by their :func:`normal_form`, anything else as it is.

    Examples
    --------
    >>> from sc_duality.rewards import exact_match
    >>> exact_match("B cell", "b_cell"), exact_match("T cell", "CD4 T cell")
    (1.0, 0.0)
    """
    if isinstance(truth, str) and isinstance(answer, str):
        return float(normal_form(truth) == normal_form(answer))
    return float(truth == answer)
