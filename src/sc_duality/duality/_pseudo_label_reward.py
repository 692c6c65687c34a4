"""The control of every comparison: self-training on the model's own answers, without a dual task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..models import LanguageModel, SamplingParams
from ..rewards import read_answers
from ..tasks import Failure, Question
from ._score import score_options


class PseudoLabelReward:
    """Similarity of each completion to the best answer of the model before training, in TRL's signature.

    The best answer is the likeliest option, or greedy text where the answers are too many to list; of gene changes by a
    model with one token a gene, both lists with each gene once, as :func:`sc_duality.tl.perturb` samples them.

    Parameters
    ----------
    reference
        Returns the model before training.
    """

    def __init__(self, reference: Callable[[], LanguageModel]) -> None:
        self.__name__ = "pseudo_label"
        self._reference = reference
        self._answers: dict[str, Any] = {}

    def __call__(self, completions: Sequence[Any], question: Sequence[Question], **_columns: Any) -> list[float | None]:
        """One reward a completion: 0 where it cannot be read, ``None`` without an answer of the reference."""
        new = {one.prompt: one for one in question if one.prompt not in self._answers}
        if new:
            self._answers |= dict(zip(new, self._best(list(new.values())), strict=True))
        rewards: list[float | None] = []
        for one, answer in zip(question, read_answers(completions, question), strict=True):
            pseudo = self._answers[one.prompt]
            matched = 0.0 if pseudo is None or answer is None else one.answer_type.similarity(pseudo, answer.value)
            rewards.append(None if pseudo is None else matched)
        return rewards

    def _best(self, questions: list[Question]) -> list[Any]:
        model = self._reference()
        options = [one.answer_type.options for one in questions]
        if all(one is not None for one in options):
            best = score_options(model, questions).argmax(1)
            return [one[i] for one, i in zip(options, best, strict=True)]  # type: ignore[index]
        n_tokens = max(one.answer_type.n_tokens for one in questions)
        sign = getattr(questions[0].answer_type, "contains", None) if model.spec.genes is not None else None
        tokens = model.spec.max_new_tokens(n_tokens)
        params = SamplingParams(max_tokens=tokens, unique=sign is not None, contains=sign)
        texts = model.generate([one.prompt for one in questions], params)
        found = [None if text is None else one.parse(text) for one, text in zip(questions, texts, strict=True)]
        return [None if answer is None or isinstance(answer, Failure) else answer.value for answer in found]
