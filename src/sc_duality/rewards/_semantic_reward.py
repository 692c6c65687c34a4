"""C2S-Scale's reward for answers in words: how close in meaning an answer is to the true one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..metrics import bert_score, keyword_recall
from ..tasks import Question
from ._completions import RewardFunction, read_answers
from ._text_guards import guard

#: References whose token vectors are kept.
_KEPT = 1000
#: See :func:`sc_duality.metrics.bert_score`.
Scorer = Callable[[list[str]], Sequence[tuple[ArrayLike, ArrayLike]]]


def semantic_reward(
    scorer: Scorer, *, baseline: float = 0.0, keyword_weight: float = 0.5, guards: bool = True
) -> RewardFunction:
    """Make a reward for answers in words, such as captions: BERTScore to the true answer, with guards and keywords.

    Parameters
    ----------
    scorer
        Encoder of the tokens of texts, such as :func:`sc_duality.models.token_encoder` loads.
    baseline
        F1 of unrelated texts, which becomes 0, such as :func:`sc_duality.metrics.bert_score_baseline` of true answers.
    keyword_weight
        Weight of the keyword recall, from 0 to 1; that of BERTScore is 1 minus it. It counts for examples with
        ``keywords``, a field or a column of the data.
    guards
        Whether both are multiplied by factors from 0 to 1 that fall for negated sentences, words of the true answer in
        another order, lists of keywords, repetition, and texts of less than half or more than one and a half times the
        words of the true answer.

    Returns
    -------
    A reward function with values from 0 to 1: 0 where no answer can be read, ``None`` without a true answer and for
    tasks whose answers are not texts. It reads the truth (``needs_truth``).

    Raises
    ------
    TypeError
        ``scorer`` is not a function.
    ValueError
        ``baseline`` or ``keyword_weight`` is out of range.

    Notes
    -----
    C2S-Scale, section 4.7.8, uses BioBERTScore alone. That is high for the negation of an answer, for its words in
    another order, and for its keywords alone. The vectors of true answers are kept; each completion is encoded once.

    Examples
    --------
    >>> import numpy as np
    >>> from sc_duality.rewards import semantic_reward
    >>> from sc_duality.tasks import Annotation, LabelExample
    >>> example = LabelExample(genes=("CD79A",), options=("B cell", "T cell"), truth="B cell")
    >>> question = Annotation().question(example)
    >>> def scorer(texts):
    ...     return [(np.eye(128)[[ord(letter) for letter in text]], [True] * len(text)) for text in texts]
    >>> reward = semantic_reward(scorer)
    >>> reward(["<answer>B cell</answer>", "B cell"], [question] * 2)
    [1.0, 0.0]
    """
    if not callable(scorer):
        raise TypeError(f"scorer={scorer!r} must be a function of texts: pass sd.models.token_encoder() or another one")
    for name, value, highest in (("baseline", baseline, 0.99), ("keyword_weight", keyword_weight, 1)):
        if isinstance(value, bool) or not 0 <= value <= highest:
            raise ValueError(f"{name}={value!r} must be from 0 to {highest}")
    encoder = _KeptReferences(scorer)

    def semantic_reward(
        completions: Sequence[Any],
        question: Sequence[Question],
        keywords: Sequence[Sequence[str] | None] | None = None,
        **_columns: Any,
    ) -> list[float | None]:
        answers = read_answers(completions, question)
        rewards: list[float | None] = [None if _truth(one) is None else 0.0 for one in question]
        rows = [i for i, answer in enumerate(answers) if answer is not None and rewards[i] is not None]
        if not rows:
            return rewards
        texts, truths = [str(answers[i].value) for i in rows], [str(question[i].target) for i in rows]  # type: ignore[union-attr]
        encoder.references |= {one.strip() for one in truths}
        named = [(keywords[i] if keywords is not None else None) or () for i in rows]
        score = np.clip(bert_score(texts, truths, encoder, baseline=baseline).f1, 0, 1)
        recall = keyword_recall(texts, named)
        score = np.where(np.isnan(recall), score, (1 - keyword_weight) * score + keyword_weight * np.nan_to_num(recall))
        for i, value, text, truth in zip(rows, score.tolist(), texts, truths, strict=True):
            rewards[i] = value * (guard(text, truth) if guards else 1.0)
        return rewards

    semantic_reward.needs_truth = True  # type: ignore[attr-defined]
    semantic_reward.settings = {  # type: ignore[attr-defined]
        "baseline": baseline, "keyword_weight": keyword_weight, "guards": guards
    }  # fmt: skip
    return semantic_reward


def _truth(question: Question) -> str | None:
    """The true answer, if it is a text."""
    return question.target if isinstance(question.target, str) else None


class _KeptReferences:
    """A scorer that keeps what it found for references."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.references: set[str] = set()
        self._kept: dict[str, tuple[ArrayLike, ArrayLike]] = {}

    def __call__(self, texts: list[str]) -> list[tuple[ArrayLike, ArrayLike]]:
        new = [text for text in texts if text not in self._kept]
        found = {**self._kept, **dict(zip(new, self._scorer(new) if new else (), strict=True))}
        self._kept = dict([(text, found[text]) for text in found if text in self.references][-_KEPT:])
        return [found[text] for text in texts]
