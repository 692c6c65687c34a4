"""The score that every caller shares: how far an answer gives back what its question did not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from ..models import LanguageModel, SamplingParams
from ..rewards import lift, posterior
from ..tasks import Example, Failure, Task

Form = Literal["posterior", "likelihood", "sample"]
Given = Literal["label", "observed"]

#: Settings that are used where none are named.
FORM: Form = "posterior"
GIVEN: Given = "label"
HIDDEN_FRACTION = 1.0
DRAWS = 4


@dataclass(frozen=True)
class Dual:
    """How the dual is asked: see :func:`sc_duality.tl.duality`."""

    form: Form = FORM
    given: Given = GIVEN
    hidden_fraction: float = HIDDEN_FRACTION
    draws: int = DRAWS
    seed: int = 0
    #: Genes of a cell that count at most, where that is known.
    n_genes: int | None = None

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise ValueError(f"form must be one of {', '.join(get_args(Form))}, not {self.form!r}")
        if self.given not in get_args(Given):
            raise ValueError(f"given must be 'label' or 'observed', not {self.given!r}")
        if not 0 < self.hidden_fraction <= 1:
            raise ValueError(f"hidden_fraction must be above 0 and at most 1, not {self.hidden_fraction}")
        if isinstance(self.draws, bool) or not isinstance(self.draws, int | np.integer) or self.draws < 1:
            raise ValueError(f"draws must be a positive integer, not {self.draws!r}")


def cell_rng(seed: int, what: str, name: str) -> np.random.Generator:
    """Random numbers of one cell, whatever other cells there are and wherever it stands among them."""
    return np.random.default_rng([seed, *blake2b(f"{what}\n{name}".encode(), digest_size=16).digest()])


def explain(
    engine: LanguageModel, task: Task, examples: Sequence[Example], answers: Sequence[Any], how: Dual
) -> NDArray[np.float64]:
    """How well each answer gives back the unknown of its example, by the judgement of ``engine``.

    Parameters
    ----------
    engine
        Who judges.
    task
        What was asked; what its dual is shown besides the answer is the task's own ``given``.
    examples
        The questions, with what the dual has to give back as ``unknown``.
    answers
        One answer each in the engine's words; ``None`` or nothing where there is none.
    how
        Form, draws and seed.

    Returns
    -------
    float64 (n,), NaN where there is no answer or nothing to give back, and where the engine did not judge.
    """
    asked = judgeable(examples, answers)
    scores = np.full(len(examples), np.nan)
    if asked:
        kept = [examples[i] for i in asked], [answers[i] for i in asked]
        if how.form == "sample":
            scores[asked] = _sampled(engine, task, *kept, how)
        elif task.gives_back == "candidate":
            scores[asked] = _among_candidates(engine, task, *kept, how)
        elif how.form == "likelihood":
            scores[asked] = _gain(engine, task, *kept)
        else:
            scores[asked] = _among_labels(engine, task, *kept)
    return scores


def judgeable(examples: Sequence[Example], answers: Sequence[Any]) -> list[int]:
    """Places of the answers that there is something to judge by."""
    return [i for i, (one, answer) in enumerate(zip(examples, answers, strict=True)) if answer and one.unknown]


def _sampled(
    engine: LanguageModel, task: Task, examples: list[Example], answers: list[Any], how: Dual
) -> NDArray[np.float64]:
    """Mean score of what the dual writes, over several draws; what cannot be read scores 0.

    All draws are asked for in one call, in which a prompt that comes again is drawn anew.
    """
    prompts = [task.dual_prompt(answer, example) for answer, example in zip(answers, examples, strict=True)]
    room = engine.spec.max_new_tokens(words_back(task, examples, how))
    sampling = SamplingParams(max_tokens=room, temperature=1.0, seed=how.seed)
    texts = engine.generate(prompts * how.draws, sampling)
    scores = [_read(task, text, example) for text, example in zip(texts, examples * how.draws, strict=True)]
    return np.reshape(scores, (how.draws, len(examples))).mean(axis=0)


def words_back(task: Task, examples: Sequence[Example], how: Dual) -> int:
    """Words that the dual may need for what it gives back."""
    right = {one for example in examples for one in example.known.get("candidates", [example.unknown])}
    if task.gives_back == "genes" and how.n_genes:  # the same room whatever other cells are asked about
        right = {("gene",) * round(how.hidden_fraction * how.n_genes)}
    return max(len(task.dual_answer(one).split()) for one in right)


def _read(task: Task, text: str | None, example: Example) -> float:
    if text is None:
        return np.nan
    found = task.parse_dual(text, example)
    return 0.0 if isinstance(found, Failure) else task.score(example.unknown, found.value)


def _gain(engine: LanguageModel, task: Task, examples: list[Example], answers: list[Any]) -> NDArray[np.float64]:
    """How much likelier the hidden genes are with the answer than without, a gene."""
    given = [*answers, *[None] * len(answers)]
    told, untold = _likelihood(engine, task, list(zip(given, examples * 2, strict=True))).reshape(2, -1)
    return lift(told, untold, [len(example.unknown) for example in examples])


def _among_labels(
    engine: LanguageModel, task: Task, examples: list[Example], answers: list[Any]
) -> NDArray[np.float64]:
    """Probability of the answer among all labels, from how likely each makes the hidden genes."""
    chosen = [example.known["labels"].index(answer) for example, answer in zip(examples, answers, strict=True)]
    return posterior(by_label(engine, task, examples), chosen, temperature=engine.spec.dual_temperature)


def by_label(engine: LanguageModel, task: Task, examples: Sequence[Example]) -> NDArray[np.float64]:
    """Log-likelihood of each example's hidden genes after each of its labels; −inf beyond its last label."""
    labels = [example.known["labels"] for example in examples]
    asked = [(label, example) for choice, example in zip(labels, examples, strict=True) for label in choice]
    counts = np.array([len(choice) for choice in labels])
    table = np.full((len(examples), counts.max()), -np.inf)
    table[np.arange(counts.max()) < counts[:, None]] = _likelihood(engine, task, asked)
    return table


def _among_candidates(
    engine: LanguageModel, task: Task, examples: list[Example], answers: list[Any], how: Dual
) -> NDArray[np.float64]:
    """Probability of the unknown among the candidates, or its logarithm, from the scores of all."""
    temperature = engine.spec.temperature if how.form == "posterior" else 1.0
    table = by_candidate(engine, task, examples, answers) / temperature
    chosen = [example.known["candidates"].index(example.unknown) for example in examples]
    scores = log_softmax(table, axis=1)[np.arange(len(examples)), chosen]
    return np.exp(scores) if how.form == "posterior" else scores


def by_candidate(
    engine: LanguageModel, task: Task, examples: Sequence[Example], answers: Sequence[Any]
) -> NDArray[np.float64]:
    """Log-likelihood of each example's candidates after its answer; −inf beyond its last candidate."""
    sets = [example.known["candidates"] for example in examples]
    table = np.full((len(examples), max(map(len, sets))), -np.inf)
    for candidates in dict.fromkeys(sets):
        same = [i for i, one in enumerate(sets) if one == candidates]
        prompts = [task.dual_prompt(answers[i], examples[i]) for i in same]
        table[same, : len(candidates)] = engine.score(prompts, [task.dual_answer(one) for one in candidates])
    return table


def _likelihood(engine: LanguageModel, task: Task, asked: Sequence[tuple[Any, Example]]) -> NDArray[np.float64]:
    """Log-likelihood of each example's unknown given each answer; the same question is put only once."""
    pairs = [(task.dual_prompt(answer, example), task.dual_answer(example.unknown)) for answer, example in asked]
    unique = list(dict.fromkeys(pairs))
    found = engine.likelihood([prompt for prompt, _ in unique], [answer for _, answer in unique])
    place = {pair: i for i, pair in enumerate(unique)}
    return np.asarray(found)[[place[pair] for pair in pairs]]
