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
        """One reward a completion; where the answer cannot be read or scored 0, or the lowest of log-probabilities."""
        answers = [answer and answer.value for answer in read_answers(completions, question)]
        step = 0 if trainer_state is None else int(trainer_state.global_step)
        model = self._verifier()
        with live(model):
            if not scorable(example, answers):
                skip_generate(model)
                return [0.0] * len(answers)
            scores = duality_score(model, task, example, answers, self._duality, hash((self._seed, step)) % 2**31)
        # Of log-probabilities 0 is the highest, and an empty answer must not be worth more than a poor one.
        are_logs = self._duality.form == "likelihood" and task.dual_answer_type(example[0]).options is not None
        return np.nan_to_num(scores, nan=float(np.nanmin(scores, initial=0.0)) if are_logs else 0.0).tolist()
