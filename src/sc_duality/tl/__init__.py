"""Tools: read an AnnData, ask a model, write the answers into the AnnData."""

from ._annotate import annotate
from ._duality import duality
from ._embed import embed
from ._evaluate import evaluate
from ._generate import generate
from ._perturb import perturb
from ._sensitivity import sensitivity

__all__ = ["annotate", "duality", "embed", "evaluate", "generate", "perturb", "sensitivity"]
