"""Several answers of a teacher to each question: which of them are right, and which of those are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from ..models import LanguageModel, SamplingParams, engine_info
from ..rewards import ground_truth
from ..tasks import Failure, PromptFormat
from ..train._distil import ACCEPTED, BELOW, NOT_ANSWERED, WRONG, Counts, Trace, TraceFile
from ..train._lesson import Lesson

#: What engines behind a server count.
_COUNTED = ("requests", "prompt_tokens", "completion_tokens", "cost")


class Filter(NamedTuple):
    """How many candidates a prompt gets, from which similarity on they are accepted, and how many are kept."""

    n_candidates: int
    threshold: float
    keep: int


class Verdict(NamedTuple):
    """What became of a candidate."""

    outcome: str
    score: float = 0.0
    reasons: bool = False


class Question(NamedTuple):
    """One side of a lesson."""

    lesson: Lesson
    side: str
    prompt: str

    def judge(self, text: str | None, threshold: float) -> Verdict:
        """Whether this answers the question, by the truth."""
        if text is None:
            return Verdict(NOT_ANSWERED)
        task, example = self.lesson.task, self.lesson.example
        primal = self.side == "primal"
        truth = example.truth if primal else example.unknown
        found = task.parse(text, example) if primal else task.parse_dual(text, example)
        if isinstance(found, Failure):
            return Verdict(str(found.reason))
        score = ground_truth([found.value], [truth])[0] or 0.0
        genes = isinstance(truth, tuple)
        if score < (threshold if genes else 1.0):
            return Verdict(BELOW if genes else WRONG, score)
        return Verdict(ACCEPTED, score, bool(found.reasoning))


def questions_of(lessons: Sequence[Lesson]) -> list[Question]:
    """What each lesson asks, and the dual of it from the true answer, where there is one."""
    sides = ("primal", "dual")
    return [
        Question(lesson, side, row.prompt)
        for lesson in lessons
        for side, row in zip(sides, lesson.rows(), strict=False)
    ]


def ask(
    teacher: LanguageModel,
    blocks: Mapping[int, Sequence[Question]],
    file: TraceFile,
    how: Filter,
    sampling: SamplingParams,
    *,
    progress: bool,
) -> None:
    """Let the teacher answer, block by block, and keep what is right of each as soon as it is there."""
    prompt_format = PromptFormat(teacher.spec.prompt_format)
    meter, done = _Meter(teacher), 0
    accepted = asked = 0
    bar = tqdm(blocks.items(), "distilling", unit="block", disable=not progress or len(blocks) == 1)
    try:
        for number, block in bar:
            # The same prompt may be in several blocks, and its candidates are to differ.
            own = replace(sampling, seed=int(np.random.default_rng([sampling.seed, number]).integers(2**31)))
            prompts = [question.prompt for question in block]
            texts = teacher.generate(prompts * how.n_candidates, own)
            counts, traces = Counts(), []
            for i, question in enumerate(block):
                found = [(text, question.judge(text, how.threshold)) for text in texts[i :: len(block)]]
                counts.update((question.lesson.task.name, question.side, verdict.outcome) for _, verdict in found)
                traces += _kept(question, prompt_format, found, how.keep)
            file.add(number, traces, counts, meter.read())
            done += 1
            accepted += sum(n for (_, _, outcome), n in counts.items() if outcome == ACCEPTED)
            asked += counts.total()
            bar.set_postfix_str(f"{accepted:,} of {asked:,} accepted, {engine_info(teacher).usage or ''}".rstrip(", "))
    except BaseException as error:
        with suppress(OSError):
            file.spend(meter.read())
        error.add_note(f"{done} of {len(blocks)} blocks were added to {file.path}: call again to go on from there")
        raise


def _kept(
    question: Question, prompt_format: PromptFormat, found: Sequence[tuple[str | None, Verdict]], keep: int
) -> list[Trace]:
    """The best of the accepted candidates, each text once."""
    accepted = {text: verdict for text, verdict in found if text is not None and verdict.outcome == ACCEPTED}
    best = sorted(accepted.items(), key=lambda one: (-one[1].score, not one[1].reasons))[:keep]
    return [
        Trace(
            question.lesson.task.name,
            question.side,
            prompt_format.name,
            prompt_format.version,
            question.prompt,
            text,
            verdict.score,
        )
        for text, verdict in best
    ]


class _Meter:
    """What a teacher cost since it was read last, as far as it says."""

    def __init__(self, teacher: LanguageModel) -> None:
        self._teacher = teacher
        self._before = self._total()

    def read(self) -> dict[str, float]:
        """By name."""
        before, self._before = self._before, self._total()
        return {name: value - before.get(name, 0) for name, value in self._before.items()}

    def _total(self) -> dict[str, float]:
        usage = engine_info(self._teacher).usage
        found = {name: getattr(usage, name, None) for name in _COUNTED}
        return {name: value for name, value in found.items() if value is not None}
