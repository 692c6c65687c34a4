"""Figures of the results of the tools, drawn with matplotlib. Every function returns the axes."""

from __future__ import annotations

from ._annotate import annotate
from ._confidence import confidence
from ._duality import duality
from ._evidence import evidence
from ._gene_changes import gene_changes
from ._generate import generate
from ._niche import niche
from ._perturb import perturb
from ._perturbed_genes import perturbed_genes
from ._puzzles import puzzles
from ._rank_expression import rank_expression
from ._reasoning import reasoning
from ._screen import screen
from ._training import training

__all__ = [
    "annotate",
    "confidence",
    "duality",
    "evidence",
    "gene_changes",
    "generate",
    "niche",
    "perturb",
    "perturbed_genes",
    "puzzles",
    "rank_expression",
    "reasoning",
    "screen",
    "training",
]
