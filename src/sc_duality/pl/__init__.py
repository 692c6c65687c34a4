"""Figures of what the tools wrote, drawn with matplotlib. Every function returns the axes."""

from __future__ import annotations

from ._annotation import annotation
from ._confidence import confidence
from ._rank_expression import rank_expression

__all__ = ["annotation", "confidence", "rank_expression"]
