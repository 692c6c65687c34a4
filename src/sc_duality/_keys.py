"""Names of everything that this package writes into AnnData, in one place."""

from __future__ import annotations

#: Default ``obsm`` and ``uns`` key of cell sentences.
SENTENCE = "cell_sentence"
#: Entries of ``uns[SENTENCE]``.
GENES = "genes"
PARAMS = "params"
EXPRESSION_MODEL = "expression_model"
#: Padding of a sentence that is shorter than the matrix is wide.
PADDING = -1

#: Default ``layers`` key of expression rebuilt from sentences.
RECONSTRUCTED = "reconstructed"
#: Default ``obs`` key of labels and ``obsm`` key of embeddings.
ANNOTATION = "annotation"
EMBEDDING = "X_cell_sentence"

#: The answer for a cell whose best label is too uncertain to be given.
UNKNOWN = "unknown"


def vocabulary(key: str) -> str:
    """``obsm`` key of the fingerprint of the vocabulary that each cell's sentence in ``obsm[key]`` is written in."""
    return f"{key}_vocabulary"


def confidence(key: str) -> str:
    """``obs`` column with the probability of the answer in ``obs[key]``."""
    return f"{key}_confidence"


def status(key: str) -> str:
    """``obs`` column that says how the answer in ``obs[key]`` came about."""
    return f"{key}_status"


def probabilities(key: str) -> str:
    """``obsm`` key of the label probabilities behind ``obs[key]``."""
    return f"{key}_probabilities"
