"""How good answers are: populations of cells, gene lists and labels. Pure functions of arrays and lists."""

from ._changes import pearson
from ._frechet import frechet
from ._gene_overlap import gene_overlap
from ._gromov_wasserstein import gromov_wasserstein
from ._kendall import kendall
from ._knn import knn_accuracy
from ._labels import accuracy, macro_f1
from ._mmd import mmd
from ._puzzles import puzzle_scores
from ._wasserstein import wasserstein

__all__ = [
    "accuracy",
    "frechet",
    "gene_overlap",
    "gromov_wasserstein",
    "kendall",
    "knn_accuracy",
    "macro_f1",
    "mmd",
    "pearson",
    "puzzle_scores",
    "wasserstein",
]
