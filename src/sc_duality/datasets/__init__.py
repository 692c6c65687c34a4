"""Small real data sets that need no network."""

from __future__ import annotations

from ._pbmc import pbmc3k, pbmc68k_reduced

__all__ = ["pbmc3k", "pbmc68k_reduced"]
