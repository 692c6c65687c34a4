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

#: Default ``obs`` keys of what was asked for or done, in cells that a model wrote, and of drug sensitivity.
GENERATION = "cell_type"
RESPONSE = "perturbation"
SENSITIVITY = "sensitivity"

#: The answer for a cell whose best label is too uncertain to be given.
UNKNOWN = "unknown"


def vocabulary(key: str) -> str:
    """``obsm`` key of the fingerprint of the vocabulary that each cell's sentence in ``obsm[key]`` is written in."""
    return f"{key}_vocabulary"


def confidence(key: str) -> str:
    """``obs`` column with the probability of the answer in ``obs[key]``."""
    return f"{key}_confidence"


def in_distribution(key: str) -> str:
    """``obs`` column with the probability that the cell is like those that the model learned its labels from."""
    return f"{key}_in_distribution"


def ontology_term(key: str) -> str:
    """``obs`` column with the Cell Ontology term of the answer in ``obs[key]``."""
    return f"{key}_ontology_term_id"


def coarse(key: str) -> str:
    """``obs`` column with the coarse type of the cell, beside the label in ``obs[key]``."""
    return f"{key}_coarse"


def coarse_confidence(key: str) -> str:
    """``obs`` column with the probability of the coarse type."""
    return confidence(coarse(key))


def coarse_ontology_term(key: str) -> str:
    """``obs`` column with the Cell Ontology term of the coarse type."""
    return ontology_term(coarse(key))


def status(key: str) -> str:
    """``obs`` column that says how the answer in ``obs[key]`` came about."""
    return f"{key}_status"


def probabilities(key: str) -> str:
    """``obsm`` key of the label probabilities behind ``obs[key]``."""
    return f"{key}_probabilities"


def duality(key: str) -> str:
    """``obs`` column that says how far the answer in ``obs[key]`` explains the cell."""
    return f"{key}_duality"


def n_unknown_genes(key: str) -> str:
    """``obs`` column with the number of names, in the cell that was written for ``obs[key]``, that are no gene."""
    return f"{key}_n_unknown_genes"


def n_duplicate_genes(key: str) -> str:
    """``obs`` column with the number of genes that were named again in that cell."""
    return f"{key}_n_duplicate_genes"


def control(key: str) -> str:
    """``obsm`` key of the sentences of the control cells, beside the predicted ones in ``obsm[key]``."""
    return f"{key}_control"


def change(key: str) -> str:
    """``var`` column with the mean change of each gene that was predicted for ``obs[key]``."""
    return f"{key}_change"


#: What may lie in ``obs`` beside an answer and its status.
COMPANIONS = (confidence, in_distribution, ontology_term, coarse, coarse_confidence, coarse_ontology_term, duality)
