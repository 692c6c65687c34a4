"""Names of everything that this package writes into AnnData."""

from __future__ import annotations

#: Default ``obsm`` and ``uns`` key of cell sentences.
SENTENCE = "cell_sentence"
#: Entries of ``uns[SENTENCE]``.
GENES = "genes"
PARAMS = "params"
EXPRESSION_MODEL = "expression_model"
#: Layers that were reconstructed from the sentences.
LAYERS = "layers"
#: Entries of ``uns[key]["params"]`` of a result: the ``obs`` columns and ``obsm`` arrays that it was written into.
COLUMNS = "columns"
ARRAYS = "arrays"
#: Entry of ``uns[key]`` with the settings of the duality score.
DUALITY = "duality"
#: Entry of ``uns[key]`` with the genes that decided, and its tables.
EVIDENCE = "evidence"
EVIDENCE_GENES, EVIDENCE_GROUPS, EVIDENCE_EXPRESSION = "genes", "groups", "expression"
#: Entries of ``uns[key]``: the texts that a model generated, its checked reasoning, and the labels of groups of cells.
ANSWERS = "answers"
REASONING = "reasoning"
GROUPS = "groups"
#: Entry of ``uns[key]`` with the vectors of groups of cells.
VECTORS = "vectors"
#: Entries of ``uns[SENTENCE]["params"]``: whether a tool wrote the sentences, and whether their genes were chosen.
AUTOMATIC = "automatic"
CHOSEN_GENES = "chosen_genes"
#: Fills the row of a sentence after its last gene.
PADDING = -1

#: Default ``layers`` key of expression reconstructed from sentences.
RECONSTRUCTED = "reconstructed"
#: Default ``obs`` key of predicted labels, and ``obsm`` key of embeddings.
ANNOTATION = "annotation"
EMBEDDING = "X_cell_sentence"

#: Default ``obsm`` key of the coordinates of cells, and ``obs`` key of their predicted niches.
SPATIAL = "spatial"
NICHE = "niche"

#: Default ``obs`` keys of the cell type of generated cells, of the perturbation of predicted cells, and of drug
#: sensitivity.
GENERATION = "cell_type"
RESPONSE = "perturbation"
SENSITIVITY = "sensitivity"

#: ``uns`` key of the settings of cell puzzles, and their ``obs`` columns: the puzzle, the candidate label at this
#: position of the puzzle, the name that the cell had before, and the set that the puzzle belongs to.
CELL_PUZZLES = "cell_puzzles"
PUZZLE, CANDIDATE, CELL, SPLIT = "puzzle", "candidate", "cell", "split"

#: Layers of predicted cells: the control cells, and the predicted change.
CONTROL_LAYER, CHANGE_LAYER = "control", "change"

#: Label of a cell whose most likely label has too low a confidence.
UNKNOWN = "unknown"

#: Values of ``obs[status(key)]``: the prediction is valid, the model knows no gene of the sentence or too few, the cell
#: belongs to no group, the model returned no completion, a person set the label.
OK = "ok"
NO_GENES = "no genes"
FEW_GENES = "few known genes"
NO_GROUP = "no group"
NOT_ANSWERED = "not answered"
BY_HAND = "set by hand"
#: Entry of ``uns[key]`` with the corrections by hand.
CORRECTIONS = "corrections"


def vocabulary(sentence_key: str) -> str:
    """``obsm`` key of the vocabulary fingerprint of each cell's sentence in ``obsm[sentence_key]``."""
    return f"{sentence_key}_vocabulary"


def confidence(key: str) -> str:
    """``obs`` column with the probability of the prediction in ``obs[key]``."""
    return f"{key}_confidence"


def nearest(key: str) -> str:
    """``obs`` column of the most probable label, also of unknown cells."""
    return f"{key}_nearest"


def in_distribution(key: str) -> str:
    """``obs`` column with the probability that the cell is in the distribution of the training cells."""
    return f"{key}_in_distribution"


def ontology_term(key: str) -> str:
    """``obs`` column with the Cell Ontology term of the prediction in ``obs[key]``."""
    return f"{key}_ontology_term_id"


def colors(column: str) -> str:
    """``uns`` key of the colours of the labels in ``obs[column]``, in the order of its categories, as scanpy has it."""
    return f"{column}_colors"


def coarse(key: str) -> str:
    """``obs`` column with the coarse cell type, next to the fine one in ``obs[key]``."""
    return f"{key}_coarse"


def coarse_confidence(key: str) -> str:
    """``obs`` column with the probability of the coarse cell type."""
    return confidence(coarse(key))


def coarse_ontology_term(key: str) -> str:
    """``obs`` column with the Cell Ontology term of the coarse cell type."""
    return ontology_term(coarse(key))


def status(key: str) -> str:
    """``obs`` column with ``"ok"`` or the reason why ``obs[key]`` has no prediction."""
    return f"{key}_status"


def cluster(key: str) -> str:
    """``obs`` column with the fine clusters that voted for the labels in ``obs[key]``."""
    return f"{key}_cluster"


def independent(key: str) -> str:
    """``obs`` column with the label that a cell would have if labels were not unique."""
    return f"{key}_independent"


def independent_columns(key: str) -> tuple[str, ...]:
    """The ``obs`` columns with the labels that are not unique, and their confidence."""
    return independent(key), confidence(independent(key))


def probabilities(key: str) -> str:
    """``obsm`` key of the label probabilities, cells × labels, of the prediction in ``obs[key]``."""
    return f"{key}_probabilities"


def probability_column(label: str) -> str:
    """Column of a label in the table of probabilities: "|" for "/", which files cannot hold in a name."""
    return label.replace("/", "|")


def duality(key: str) -> str:
    """``obs`` column with the duality score of the prediction in ``obs[key]``."""
    return f"{key}_duality"


def n_unknown_genes(key: str) -> str:
    """``obs`` column with the number of out-of-vocabulary gene names in the generated cell."""
    return f"{key}_n_unknown_genes"


def n_duplicate_genes(key: str) -> str:
    """``obs`` column with the number of duplicate genes in the generated cell."""
    return f"{key}_n_duplicate_genes"


def control(sentence_key: str) -> str:
    """``obsm`` key of the control cells' sentences, next to the predicted ones in ``obsm[sentence_key]``."""
    return f"{sentence_key}_control"


def change(key: str) -> str:
    """``var`` column with the predicted mean change of each gene, for the perturbation in ``obs[key]``."""
    return f"{key}_change"


def change_columns(key: str) -> tuple[str, ...]:
    """``var`` columns of predicted changes: mean, spread, and the shares of predictions with the gene up or down."""
    return change(key), f"{change(key)}_sd", f"{key}_up", f"{key}_down"


def label_columns(key: str) -> tuple[str, ...]:
    """All ``obs`` columns that predicted labels may have."""
    return key, status(key), confidence(key), nearest(key), in_distribution(key)


def cell_type_columns(key: str) -> tuple[str, ...]:
    """All ``obs`` columns that predicted cell types may have in addition to those of other labels."""
    coarse_columns = coarse(key), coarse_confidence(key), coarse_ontology_term(key)
    return ontology_term(key), *coarse_columns


def annotation_columns(key: str) -> tuple[str, ...]:
    """All ``obs`` columns that predicted cell types may have."""
    return *label_columns(key), *cell_type_columns(key), *independent_columns(key)


def generated_columns(key: str) -> tuple[str, ...]:
    """All ``obs`` columns that generated cells have."""
    return key, status(key), n_unknown_genes(key), n_duplicate_genes(key)


def columns(key: str) -> tuple[str, ...]:
    """All ``obs`` columns that a result may have."""
    return *annotation_columns(key), *generated_columns(key)[2:], duality(key)
