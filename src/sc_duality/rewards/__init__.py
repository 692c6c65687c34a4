"""Numbers from answers: pure functions."""

from ._jaccard import rank_weighted_jaccard

__all__ = ["rank_weighted_jaccard"]
