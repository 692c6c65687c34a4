"""The duality reward: no label is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..models import LanguageModel, live, skip_generate
from ..rewards import read_answers
from ..tasks import Question, Task
from ._duality_settings import Duality
from ._score import duality_score, scorable


class DualityReward:
    """Duality score of each completion (CellDuality §3.4.1, equations 2 and 3), in TRL's signature.

    Parameters
    ----------
    duality
        Form of the score.
    verifier
        Returns the model that scores; the policy exists only once the trainer does.
    seed
        Seed of sampled reconstructions.
    """

    def __init__(self, duality: Duality, verifier: Callable[[], LanguageModel], seed: int = 0) -> None:
        self.__name__ = "duality"
        self._duality, self._verifier, self._seed = duality, verifier, seed

    def __call__(
        self,
        completions: Sequence[Any],
        question: Sequence[Question],
        example: Sequence[Any],
        task: Task,
        *,
        trainer_state: Any = None,
        **_columns: Any,
    ) -> list[float | None]:
        """One reward a completion; where the answer cannot be read or scored 0, or the lowest of likelihoods."""
        answers = [answer and answer.value for answer in read_answers(completions, question)]
        step = 0 if trainer_state is None else int(trainer_state.global_step)
        model = self._verifier()
        with live(model):
            if not scorable(example, answers):
                skip_generate(model)
                return [0.0] * len(answers)
            scores = duality_score(model, task, example, answers, self._duality, hash((self._seed, step)) % 2**31)
        # Likelihoods of poor answers are negative, and an empty answer must not be worth more.
        lowest = float(np.nanmin(scores, initial=0.0)) if self._duality.form == "likelihood" else 0.0
        return np.nan_to_num(scores, nan=lowest).tolist()
