"""What the recipe uses of sc_duality beyond its documented API, imported in one place."""

from __future__ import annotations

from sc_duality.models._reference_classifier import REFERENCE_FILE
from sc_duality.models._reference_projection import rank_weights

__all__ = ["REFERENCE_FILE", "rank_weights"]
