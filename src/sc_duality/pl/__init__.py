"""Figures of what the tools wrote, drawn with matplotlib. Every function returns the axes."""

from __future__ import annotations

from ._annotation import annotation
from ._confidence import confidence
from ._duality import duality
from ._generation import generation
from ._rank_expression import rank_expression
from ._response import perturbed_genes, response
from ._training import training

__all__ = [
    "annotation",
    "confidence",
    "duality",
    "generation",
    "perturbed_genes",
    "rank_expression",
    "response",
    "training",
]
