"""Rejection sampling: candidates of a teacher, which are accepted if they match the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from ..models import LanguageModel, SamplingParams, engine_info
from ..tasks import Failure, PromptFormat, Question, TrainingExample
from ..train import ACCEPTED, BELOW, NOT_ANSWERED, WRONG, Counts, Trace, TraceFile
from ._usage_meter import UsageMeter


class Filter(NamedTuple):
    """Candidates of a prompt, the similarity from which they are accepted, and how many are kept."""

    n_candidates: int
    threshold: float
    keep: int


class Verdict(NamedTuple):
    """Outcome of a candidate."""

    outcome: str
    score: float = 0.0
    has_reasoning: bool = False


class SidedQuestion(NamedTuple):
    """The primal or the dual question of a training example."""

    task: str
    side: str
    question: Question


def questions_of(examples: Sequence[TrainingExample]) -> list[SidedQuestion]:
    """The primal question of each example and the dual of its true answer."""
    return [
        SidedQuestion(example.task.name, side, question)
        for example in examples
        for side, question in zip(("primal", "dual"), example.questions(), strict=False)
    ]


def verdict(question: Question, text: str | None, threshold: float) -> Verdict:
    """Whether a completion matches the target: a listed option exactly, other answers from ``threshold`` on."""
    if text is None:
        return Verdict(NOT_ANSWERED)
    answer = question.parse(text)
    if isinstance(answer, Failure):
        return Verdict(str(answer.reason))
    score = question.similarity(answer.value)
    exact = question.answer_type.longest is not None
    if score < (1.0 if exact else threshold):
        return Verdict(WRONG if exact else BELOW, score)
    return Verdict(ACCEPTED, score, bool(answer.reasoning))


def sample_traces(
    teacher: LanguageModel,
    blocks: Mapping[int, Sequence[SidedQuestion]],
    file: TraceFile,
    rule: Filter,
    params: SamplingParams,
    *,
    progress: bool,
) -> None:
    """Sample candidates block by block, and write the accepted ones of each block at once."""
    prompt_format = PromptFormat(teacher.spec.prompt_format)
    meter, n_blocks = UsageMeter(teacher), 0
    n_accepted = n_candidates = 0
    bar = tqdm(blocks.items(), "distilling", unit="block", disable=not progress or len(blocks) == 1)
    try:
        for number, block in bar:
            # A prompt may be in several blocks, and its candidates are to differ.
            block_seed = int(np.random.default_rng([params.seed, number]).integers(2**31))
            prompts = [one.question.prompt for one in block] * rule.n_candidates
            texts = teacher.generate(prompts, replace(params, seed=block_seed))
            counts, traces = Counts(), []
            for i, one in enumerate(block):
                found = [(text, verdict(one.question, text, rule.threshold)) for text in texts[i :: len(block)]]
                counts.update((one.task, one.side, outcome.outcome) for _, outcome in found)
                traces += _kept(one, prompt_format, found, rule.keep)
            file.add(number, traces, counts, meter.read())
            n_blocks += 1
            n_accepted += sum(n for (_, _, outcome), n in counts.items() if outcome == ACCEPTED)
            n_candidates += counts.total()
            usage = engine_info(teacher).usage
            note = f"{n_accepted:,} of {n_candidates:,} accepted"
            bar.set_postfix_str(note if usage is None else f"{note}, {usage}")
    except BaseException as error:
        with suppress(OSError):
            file.spend(meter.read())
        error.add_note(f"{n_blocks} of {len(blocks)} blocks were written to {file.path}: call again to resume")
        raise


def _kept(
    one: SidedQuestion, prompt_format: PromptFormat, found: Sequence[tuple[str | None, Verdict]], keep: int
) -> list[Trace]:
    """The best accepted candidates, each text once."""
    accepted = {text: outcome for text, outcome in found if text is not None and outcome.outcome == ACCEPTED}
    best = sorted(accepted.items(), key=lambda pair: (-pair[1].score, not pair[1].has_reasoning))[:keep]
    return [
        Trace(
            one.task,
            one.side,
            prompt_format.name,
            prompt_format.version,
            one.question.prompt,
            text,
            outcome.score,
        )
        for text, outcome in best
    ]
