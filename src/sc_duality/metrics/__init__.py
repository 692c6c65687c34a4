"""Scores of generated cells, gene lists and labels: pure functions of arrays and lists, without AnnData."""

from ._bert_score import BertScores, bert_score, bert_score_baseline
from ._classification import accuracy, macro_f1
from ._exact_match import exact_match, normal_form
from ._foscttm import Foscttm, foscttm
from ._frechet import frechet
from ._gene_overlap import gene_overlap
from ._gromov_wasserstein import gromov_wasserstein
from ._kendall_tau import kendall, kendall_tau
from ._keyword_recall import keyword_recall
from ._knn_accuracy import knn_accuracy
from ._label_relations import LabelScores, label_relations, scores_by_label
from ._linear_probe import LinearProbe, linear_probe
from ._mcnemar import McNemar, mcnemar
from ._mmd import mmd
from ._pearson import pearson
from ._puzzle_scores import puzzle_scores, scores_by_puzzle
from ._rank_weighted_jaccard import rank_weighted_jaccard, rank_weighted_jaccard_batch
from ._semantic_similarity import semantic_similarity
from ._ssgsea import ssgsea
from ._token_f1 import token_f1
from ._wasserstein import wasserstein

__all__ = [
    "BertScores",
    "Foscttm",
    "LabelScores",
    "LinearProbe",
    "McNemar",
    "accuracy",
    "bert_score",
    "bert_score_baseline",
    "exact_match",
    "foscttm",
    "frechet",
    "gene_overlap",
    "gromov_wasserstein",
    "kendall",
    "kendall_tau",
    "keyword_recall",
    "knn_accuracy",
    "label_relations",
    "linear_probe",
    "macro_f1",
    "mcnemar",
    "mmd",
    "normal_form",
    "pearson",
    "puzzle_scores",
    "rank_weighted_jaccard",
    "rank_weighted_jaccard_batch",
    "scores_by_label",
    "scores_by_puzzle",
    "semantic_similarity",
    "ssgsea",
    "token_f1",
    "wasserstein",
]
