"""BERTScore: similarity of texts by the vectors of their tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._validation import positive_integer
from ._checks import lists_of_names

#: Function of n texts that returns for each the vectors of its tokens, (n_tokens, width), and which of them count.
TokenScorer = Callable[[list[str]], Sequence[tuple[ArrayLike, ArrayLike]]]


class BertScores(NamedTuple):
    """BERTScore of each pair of texts, float64 (n,)."""

    #: Mean over the tokens of the candidate of the similarity to the nearest token of the reference.
    precision: NDArray[np.float64]
    #: Mean over the tokens of the reference of the similarity to the nearest token of the candidate.
    recall: NDArray[np.float64]
    #: Their harmonic mean, the value that is usually reported.
    f1: NDArray[np.float64]


def bert_score(
    candidates: Sequence[str | None], references: Sequence[str], scorer: TokenScorer, *, baseline: float = 0.0
) -> BertScores:
    """BERTScore of generated texts and their references.

    Parameters
    ----------
    candidates
        Generated texts; None where there is none.
    references
        The reference of each candidate.
    scorer
        Function of a list of n texts that returns a pair for each: vectors of its tokens, (n_tokens, width), and bool
        (n_tokens,), False for tokens such as ``[CLS]``, which may be matched but do not count in a mean. Such a
        function is loaded by :func:`sc_duality.models.token_encoder`. Each text is encoded once.
    baseline
        F1 of unrelated texts, such as that of :func:`bert_score_baseline`, from 0 to less than 1: each score s becomes
        (s − baseline) / (1 − baseline), so that an unrelated text gets 0.

    Returns
    -------
    A named triple ``precision``, ``recall``, ``f1``, each float64 (n,). A pair with an empty text has 0 before it is
    rescaled.

    Raises
    ------
    TypeError
        ``scorer`` is not a function, or ``candidates`` or ``references`` is one text.
    ValueError
        There are no texts, their numbers differ, ``baseline`` is out of range, or the scorer does not return finite
        vectors other than 0 for each text.

    Notes
    -----
    Zhang et al. 2020: cosine similarity of contextual token vectors, greedy matching, no weights by frequency. It
    agrees with the package ``bert-score``. C2S-Scale reports F1 by BioBERT. Scores by different encoders cannot be
    compared, and a wrong or negated text of the same words scores high: report the score next to
    :func:`bert_score_baseline` and :func:`keyword_recall`.

    Examples
    --------
    >>> import numpy as np
    >>> from sc_duality.metrics import bert_score
    >>> def scorer(texts):
    ...     return [(np.eye(26)[[ord(letter) - ord("a") for letter in text]], [True] * len(text)) for text in texts]
    >>> scores = bert_score(["ab", "ab", ""], ["abcd", "ab", "a"], scorer)
    >>> scores.precision, scores.recall, scores.f1.round(2)
    (array([1., 1., 0.]), array([0.5, 1. , 0. ]), array([0.67, 1.  , 0.  ]))
    """
    if not callable(scorer):
        raise TypeError(f"scorer={scorer!r} must be a function of texts: pass sd.models.token_encoder() or another one")
    lists_of_names([candidates, references])
    if len(candidates) != len(references) or not len(references):
        raise ValueError(
            f"{len(candidates)} candidates and {len(references)} references: pass one for each, at least 1"
        )
    if not 0 <= baseline < 1:
        raise ValueError(f"baseline={baseline!r} must be at least 0 and less than 1, the F1 of unrelated texts")
    pairs = [((candidate or "").strip(), one.strip()) for candidate, one in zip(candidates, references, strict=True)]
    tokens = _encoded(sorted({text for pair in pairs for text in pair if text}), scorer)
    scores = np.array([_score(tokens.get(candidate), tokens.get(one)) for candidate, one in pairs])
    precision, recall = scores.T
    sums = precision + recall
    harmonic = 2 * precision * recall / np.where(sums > 0, sums, 1)
    f1 = np.where((precision > 0) & (recall > 0), harmonic, 0)
    return BertScores(*((score - baseline) / (1 - baseline) for score in (precision, recall, f1)))


def bert_score_baseline(
    candidates: Sequence[str | None],
    references: Sequence[str],
    scorer: TokenScorer,
    *,
    max_pairs: int = 1000,
    rng: int | np.random.Generator | None = 0,
) -> float:
    """Mean BERTScore F1 of texts with the references of other texts: the floor of a table of BERTScores.

    Parameters
    ----------
    candidates, references, scorer
        As in :func:`bert_score`. With the references as candidates too, it is the floor before there are any answers.
    max_pairs
        Pairs with different references that are sampled if there are more.
    rng
        Seed of the sample.

    Returns
    -------
    The mean over the pairs.

    Raises
    ------
    ValueError
        All references are the same; see also :func:`bert_score`.

    Examples
    --------
    >>> import numpy as np
    >>> from sc_duality.metrics import bert_score_baseline
    >>> def scorer(texts):
    ...     return [(np.eye(26)[[ord(letter) - ord("a") for letter in text]], [True] * len(text)) for text in texts]
    >>> bert_score_baseline(["ab", "bc", "de"], ["ab", "bc", "de"], scorer).__round__(3)
    0.167
    """
    lists_of_names([candidates, references])
    if len(candidates) != len(references):
        raise ValueError(f"{len(candidates)} candidates and {len(references)} references: pass one for each")
    max_pairs = positive_integer("max_pairs", max_pairs)
    texts = np.asarray([one.strip() for one in references], dtype=object)
    first, second = np.nonzero(texts[:, None] != texts[None])
    if not len(first):
        raise ValueError(f"{len(texts)} references, all the same: a baseline needs two different ones")
    if len(first) > max_pairs:
        chosen = np.sort(np.random.default_rng(rng).choice(len(first), max_pairs, replace=False))
        first, second = first[chosen], second[chosen]
    pairs = [candidates[i] for i in first], [references[i] for i in second]
    return float(bert_score(*pairs, scorer).f1.mean())


class _Tokens(NamedTuple):
    """Vectors of length 1 of the tokens of a text, and which of them count."""

    vectors: NDArray[np.float64]
    counted: NDArray[np.bool_]


def _encoded(texts: list[str], scorer: TokenScorer) -> dict[str, _Tokens]:
    """The tokens of each text that has one that counts."""
    found = list(scorer(texts)) if texts else []
    if len(found) != len(texts):
        raise ValueError(f"the scorer returned {len(found)} results for {len(texts)} texts: one for each is needed")
    tokens = {text: _checked(text, *one) for text, one in zip(texts, found, strict=True)}
    return {text: one for text, one in tokens.items() if one.counted.any()}


def _checked(text: str, vectors: Any, counted: Any) -> _Tokens:
    vectors, counted = np.asarray(vectors, dtype=float), np.asarray(counted, dtype=bool)
    if vectors.ndim != 2 or counted.shape != vectors.shape[:1]:
        raise ValueError(
            f"the scorer returned the shapes {vectors.shape} and {counted.shape} for {text[:40]!r}: vectors "
            "(n_tokens, width) and bool (n_tokens,) are needed"
        )
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(norms) & (norms > 0)).all():
        raise ValueError(f"the scorer returned a vector of zeros, NaN or infinite values for {text[:40]!r}")
    return _Tokens(vectors / norms, counted)


def _score(candidate: _Tokens | None, reference: _Tokens | None) -> tuple[float, float]:
    """Precision and recall of one pair, 0 where a text is empty."""
    if candidate is None or reference is None:
        return 0.0, 0.0
    similarity = candidate.vectors @ reference.vectors.T
    precision = similarity.max(axis=1)[candidate.counted].mean()
    recall = similarity.max(axis=0)[reference.counted].mean()
    return float(precision), float(recall)
