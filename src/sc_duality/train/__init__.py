"""What trains a model: lessons, the reward by duality, and the trainers of TRL around them.

Nothing here is imported before it is used: TRL and torch take seconds.
"""

from __future__ import annotations

from ._run import Trained

__all__ = ["Trained"]
