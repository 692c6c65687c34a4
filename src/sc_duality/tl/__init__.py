"""Tools: read an AnnData, ask a model, write the answers into the AnnData."""

from ._annotate import annotate
from ._embed import embed

__all__ = ["annotate", "embed"]
