"""Tools: read an AnnData, query a model, write predictions into the AnnData."""

from ._add_reference_cells import add_reference_cells
from ._annotate import annotate
from ._ask import ask
from ._calibrate import calibrate
from ._describe import describe
from ._distill import distill
from ._duality import duality
from ._embed import embed
from ._evaluate import evaluate
from ._explain import explain
from ._gene_set_tools import generate_gene_sets, name_gene_sets
from ._generate import generate
from ._generate_samples import generate_samples
from ._interpret import interpret
from ._majority_vote import majority_vote
from ._perturb import perturb
from ._predict import predict
from ._screen import screen
from ._sensitivity import sensitivity
from ._set_label import set_label
from ._train_grpo_duality import train_grpo_duality
from ._train_sft import train_sft

__all__ = [
    "add_reference_cells",
    "annotate",
    "ask",
    "calibrate",
    "describe",
    "distill",
    "duality",
    "embed",
    "evaluate",
    "explain",
    "generate",
    "generate_gene_sets",
    "generate_samples",
    "interpret",
    "majority_vote",
    "name_gene_sets",
    "perturb",
    "predict",
    "screen",
    "sensitivity",
    "set_label",
    "train_grpo_duality",
    "train_sft",
]
