"""Numbers from answers: pure kernels, and on top of them reward functions in TRL's signature.

A reward function takes ``completions`` and the columns of a data set, one value each a completion, and returns one
number each. A completion is an answer that has been read: a label, genes, labels; ``None`` where nothing could be
read, which gets ``invalid_reward``. :func:`from_text` makes of it a function of what a model wrote. Where the column
to compare with is ``None``, so is the reward: TRL leaves it out.
"""

from ._batch import batch
from ._duality import categorical, inpainting
from ._embedding import negative_mse
from ._exact import exact_match, normal_form
from ._from_text import from_text
from ._ground_truth import ground_truth
from ._jaccard import rank_weighted_jaccard, rank_weighted_jaccard_batch
from ._kendall import gene_program, kendall_tau
from ._likelihood import lift, posterior

__all__ = [
    "batch",
    "categorical",
    "exact_match",
    "from_text",
    "gene_program",
    "ground_truth",
    "inpainting",
    "kendall_tau",
    "lift",
    "negative_mse",
    "normal_form",
    "posterior",
    "rank_weighted_jaccard",
    "rank_weighted_jaccard_batch",
]
