"""Completions through every parser, and what must hold for any of them."""

from __future__ import annotations

import math
import random
import time
from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks._reliability_questions import Parser, answers, parsers
from benchmarks._reliability_texts import GENES, LONG, completions
from sc_duality.rewards import (
    RewardFunction,
    format_reward,
    gene_program_reward,
    ground_truth_reward,
    joint_annotation_reward,
)
from sc_duality.tasks import Answer, Failure, GeneList, GeneLists, Question, Reason

#: Processor seconds for a completion of ``LONG`` characters; a parser that reads it once needs a hundredth of this.
MOST_SECONDS = 1.0
#: Longest piece of text in a failure.
SHOWN = 80
#: Valid answers to each question.
N_VALID = 100
#: One completion in so many is read twice, rewarded, and compared with the target.
EVERY = 50


def fuzz(n: int, seed: int, folder: Path) -> dict[str, Any]:
    """Read ``n`` completions by every parser.

    Each completion is read once by every parser: by one question of each group of questions that read alike, in turns.

    Returns
    -------
    ``fuzzed``: completions; ``parsers``, ``questions``, ``answers``: their numbers, and of answers that were read;
    ``crashes``: exceptions; ``wrong``: violations; ``slowest_s``: longest time of a long completion by one parser.
    """
    rng = random.Random(seed)
    every = parsers(folder)
    groups: dict[Any, list[Parser]] = defaultdict(list)
    for parser in every:
        groups[parser.kind].append(parser)
    wrong: Counter[str] = Counter()
    crashes: Counter[str] = Counter()
    real, slowest, n_answers = [], 0.0, 0
    for parser in every:
        for answer in islice(answers(parser.question, rng), N_VALID):
            text = parser.question.completion(answer)
            real.append(text)
            if parser.question.parse(text) != Answer(answer):
                wrong[f"{parser.name}: {text!r} is not read as it was written"] += 1
    for i, text in enumerate(completions(real, n, seed)):
        for members in groups.values():
            parser = members[i % len(members)]
            start = time.process_time() if len(text) >= LONG // 2 else None
            try:
                found = parser.question.parse(text)
                n_answers += isinstance(found, Answer)
                fault = violation(parser.question, text, found)
                if i % EVERY == 0:
                    fault = fault or costly_violation(parser.question, text, found)
            except Exception as error:  # noqa: BLE001  (the campaign counts them)
                crashes[f"{parser.name}: {type(error).__name__}: {error} on {text[:SHOWN]!r}"] += 1
                continue
            if start is not None:
                seconds = time.process_time() - start
                slowest = max(slowest, seconds)
                fault = fault or ("slow" if seconds > MOST_SECONDS else None)
            if fault:
                wrong[f"{parser.name}: {fault} on {text[:SHOWN]!r}"] += 1
    for line, count in [*crashes.most_common(5), *wrong.most_common(5)]:
        print(f"{count} × {line}")
    return {
        "fuzzed": n,
        "parsers": len(groups),
        "questions": len(every),
        "answers": n_answers,
        "crashes": crashes.total(),
        "wrong": wrong.total(),
        "slowest_s": round(slowest, 3),
    }


def violation(question: Question, text: str, found: Answer | Failure) -> str | None:
    """What is wrong with what was read."""
    if isinstance(found, Failure):
        return None if isinstance(found.reason, Reason) and len(found.detail) <= SHOWN else f"unnamed failure {found}"
    if type(found) is not Answer or found.n_unknown < 0 or found.n_duplicates < 0:
        return f"no answer: {found}"
    kind, value = question.answer_type, found.value
    if isinstance(kind, GeneList | GeneLists):
        lists = value if isinstance(kind, GeneLists) else (value,)
        if isinstance(kind, GeneLists) and len(lists) != len(kind.n_genes):
            return "wrong number of lists"
        for genes in lists:
            if not all(gene in text for gene in genes) or len(set(genes)) < len(genes):
                return f"genes {genes} that the text does not name"
            if kind.vocabulary is not None and not set(genes) <= set(kind.vocabulary):
                return f"genes {genes} out of the vocabulary"
        return None
    if kind.options is None:
        return None if sorted(value) == sorted(question.target) else f"{value!r} is not an order of the labels"
    if value not in kind.options:
        return f"{value!r} is not an option"
    names = value if isinstance(value, tuple) else (str(value), kind.write(value))
    spelled = [_letters(name) in _letters(text) for name in names]
    return None if (all if isinstance(value, tuple) else any)(spelled) else f"{value!r}, which the text does not name"


def _letters(text: str) -> str:
    return "".join(text.replace("_", " ").split()).casefold()


def costly_violation(question: Question, text: str, found: Answer | Failure) -> str | None:
    """What is wrong when it is read again, rewarded, or compared with the target."""
    if question.parse(text) != found:
        return "read differently again"
    for name, (reward, low, high) in REWARDS.items():
        gene_answer = isinstance(question.answer_type, GeneList)
        if name == "gene_program" and not gene_answer:
            continue
        (value,) = reward(completions=[text], question=[question])
        if value is None or not math.isfinite(value) or not low <= value <= high + 1e-9:
            return f"{name} reward {value}"
    if isinstance(found, Failure):
        return None
    similarity = question.similarity(found.value)
    if not 0 <= similarity <= 1 + 1e-9:
        return f"similarity {similarity}"
    empty = isinstance(question.answer_type, GeneLists) and not all(found.value)
    again = question.parse(question.completion(found.value))
    if not empty and (isinstance(again, Failure) or again.value != found.value):
        return "written and read as another answer"
    return None


#: Rewards, each with its range.
REWARDS: dict[str, tuple[RewardFunction, float, float]] = {
    "format": (format_reward, -1, 0),
    "ground_truth": (ground_truth_reward, 0, 1),
    "joint_annotation": (joint_annotation_reward, -1, 1),
    "gene_program": (gene_program_reward(GENES[:4]), -1, 1),
}
