"""Facts about cells that a prompt states, such as the tissue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .._validation import is_missing
from ..cells import check_columns, check_name

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

#: ``obs`` columns with facts about each cell, or facts about all cells by name.
Context = Sequence[str] | Mapping[str, str]


def check_context(data: AnnData | MuData, context: Context, mod: str = "rna") -> None:
    """Refuse ``context`` unless it is a list of columns of ``obs``, or facts as texts by name.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.examples import check_context
    >>> check_context(sd.datasets.pbmc3k(), {"tissue": ""})
    Traceback (most recent call last):
    ValueError: context={'tissue': ''} must hold a text for each name: leave out what is not known
    """
    if not isinstance(context, Mapping):
        check_columns(data, context, "context", mod)
        return
    for name, fact in context.items():
        check_name("a name in context", name)
        if not isinstance(fact, str) or is_missing(fact):
            raise ValueError(
                f"context={{{name!r}: {fact!r}}} must hold a text for each name: leave out what is not known"
            )
