"""Tools: read an AnnData, query a model, write predictions into the AnnData."""

from ._annotate import annotate
from ._distill import distill
from ._duality import duality
from ._embed import embed
from ._evaluate import evaluate
from ._explain import explain
from ._generate import generate
from ._perturb import perturb
from ._predict import predict
from ._sensitivity import sensitivity
from ._train_grpo_duality import train_grpo_duality
from ._train_sft import train_sft

__all__ = [
    "annotate",
    "distill",
    "duality",
    "embed",
    "evaluate",
    "explain",
    "generate",
    "perturb",
    "predict",
    "sensitivity",
    "train_grpo_duality",
    "train_sft",
]
