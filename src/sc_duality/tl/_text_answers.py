"""Answers that a model generated as text: what it wrote, how it was read, and a table of both."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import pandas as pd

from ..cells import adata_keys
from ..models import LanguageModel, Sampling, SamplingParams, engine_info
from ..tasks import Answer, Question, Reason
from ._reasoning_table import Reasoned, Shown, reasoning_of, reasoning_table
from ._storable_texts import storable_texts

logger = logging.getLogger(__name__)

#: Share of unreadable answers from which a warning says so, and characters of the example in it.
_MAX_UNREADABLE, _SHOWN = 0.1, 300
#: Characters of a text that is more than an answer in its tags, and repeated samples from which a warning says so.
_MORE_THAN_ANSWER, _MIN_REPEATS = 40, 8
#: What to do where most unreadable answers have this reason.
_REMEDIES = {
    Reason.NO_TAG: "the text was cut or has no <answer>: raise max_tokens, or pass method='choose' or another model",
    Reason.UNFINISHED: "the reasoning has no end: raise max_tokens",
    Reason.EMPTY: "the answer is empty: raise max_tokens, or pass method='choose' or another model",
    Reason.UNKNOWN_LABEL: "the model writes other labels: pass these as labels=, or method='choose'",
    Reason.TOO_LONG: "the model writes more than the prompt requests: pass a larger n_words=, or another model",
    Reason.GENE_LIST: "the model writes gene symbols only: pass a model that was trained on English",
}


class TextAnswer(NamedTuple):
    """One completion and how it was read."""

    #: The answer; ``None`` where there is none.
    value: Any
    #: ``"ok"``, or why there is none.
    status: str
    text: str
    reasoning: str
    prompt_hash: str


def generate_answers(
    model: LanguageModel,
    questions: Sequence[Question],
    method: str,
    sampling: Sampling,
    seed: int,
    none_of_these: str = "",
) -> list[list[TextAnswer]]:
    """``n_samples`` answers to each question, which must be of one kind.

    All samples are requested in one call, in which a repeated prompt is sampled anew.
    """
    params = completion_params(model, questions[0], method, sampling, seed)
    texts = model.generate([question.prompt for question in questions] * sampling.n_samples, params)
    none_text = questions[0].template.write(none_of_these) if none_of_these else None
    return [
        [_read(question, text, none_text) for text in texts[i :: len(questions)]]
        for i, question in enumerate(questions)
    ]


def completion_params(
    model: LanguageModel, question: Question, method: str, sampling: Sampling, seed: int
) -> SamplingParams:
    """How to sample a completion, with tokens to reason."""
    choices = tuple(question.completions()) if method == "choose" else ()
    max_tokens = model.spec.max_new_tokens(question.answer_type.n_tokens, engine_info(model).reasoning_tokens)
    return sampling.params(temperature=0.0, max_tokens=max_tokens, seed=seed, choices=choices)


def _read(question: Question, text: str | None, none_text: str | None) -> TextAnswer:
    """Read one completion."""
    prompt_hash = blake2b(question.prompt.encode("utf-8", "replace"), digest_size=8).hexdigest()
    if text is None:
        return TextAnswer(None, adata_keys.NOT_ANSWERED, "", "", prompt_hash)
    found = question.parse_tolerantly(text)
    if isinstance(found, Answer):
        return TextAnswer(found.value, adata_keys.OK, text, found.reasoning, prompt_hash)
    status = adata_keys.UNKNOWN if text.strip() == none_text else str(found.reason)
    split = question.template.read(text)
    return TextAnswer(None, status, text, split.reasoning if isinstance(split, Answer) else "", prompt_hash)


def samples_status(samples: Sequence[TextAnswer]) -> str:
    """``"not answered"`` if an answer is missing, ``"ok"`` if one can be read, else why the first cannot."""
    if any(one.status == adata_keys.NOT_ANSWERED for one in samples):
        return adata_keys.NOT_ANSWERED
    return adata_keys.OK if any(one.value is not None for one in samples) else samples[0].status


class AnswerTable:
    """Collects answers for ``uns[key]["answers"]``."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, int, str, TextAnswer]] = []
        self._reasoned: list[Reasoned] = []

    def add(
        self,
        units: Iterable[Any],
        answers: Sequence[Sequence[TextAnswer]],
        name: Callable[[Any], str] = str,
        shown: Sequence[Shown] = (),
        first_sample: int = 0,
    ) -> None:
        """Add the answers about each unit.

        Parameters
        ----------
        units
            Names of the cells, groups or batches that the prompts are about.
        answers
            The samples of each.
        name
            How an answer is written into ``obs``.
        shown
            What each prompt showed, for the check of the reasoning; none where no text is reasoned.
        first_sample
            Number of the first sample.
        """
        for i, (unit, samples) in enumerate(zip(units, answers, strict=True)):
            for sample, one in enumerate(samples, first_sample):
                answer = "" if one.value is None else name(one.value)
                self._rows.append((str(unit), sample, answer, one))
                if shown:
                    reasoning = reasoning_of(one.text, is_read=one.value is not None)
                    self._reasoned.append(Reasoned(str(unit), sample, answer, one.text, reasoning, shown[i]))

    def frame(self) -> pd.DataFrame:
        """One row an answer, in columns that files can hold."""
        return pd.DataFrame(
            {
                "unit": storable_texts(unit for unit, *_ in self._rows),
                "sample": [sample for _, sample, *_ in self._rows],
                "answer": storable_texts(label for _, _, label, _ in self._rows),
                "status": storable_texts(one.status for *_, one in self._rows),
                "text": storable_texts(one.text for *_, one in self._rows),
                "reasoning": storable_texts(one.reasoning for *_, one in self._rows),
                "prompt_hash": storable_texts(one.prompt_hash for *_, one in self._rows),
            },
            index=[str(i) for i in range(len(self._rows))],
        ).astype({"sample": "int64"})

    def in_uns(self) -> dict[str, pd.DataFrame]:
        """The entry of ``uns[key]``; none if the model generated no text."""
        return {adata_keys.ANSWERS: self.frame()} if self._rows else {}

    def reasoning(self, genes: Iterable[str], model: LanguageModel) -> dict[str, pd.DataFrame]:
        """The entry of ``uns[key]`` with the checked reasoning; none if the model wrote answers only.

        ``genes`` are those of the data, in the spelling of the cell sentences.
        """
        if not any(one.reasoning for one in self._reasoned):
            return {}
        return {adata_keys.REASONING: reasoning_table(self._reasoned, genes, engine_info(model).n_tokens)}

    def warn_equal_samples(self) -> None:
        """Warn where all samples of each unit are the same text: a server may ignore the temperature."""
        texts: dict[str, list[str]] = {}
        for unit, *_, one in self._rows:
            texts.setdefault(unit, []).append(one.text)
        n_repeats = len(self._rows) - len(texts)
        is_same = all(len(set(samples)) == 1 for samples in texts.values())
        if n_repeats < _MIN_REPEATS or not is_same or all(len(one.text) <= _MORE_THAN_ANSWER for *_, one in self._rows):
            return
        logger.warning(
            "all samples of each of %d clusters are the same text, so their agreement tells nothing: the server seems "
            "to ignore the temperature. 'transformers serve' does, unless requests say do_sample, see "
            "sd.models.EndpointModel(extra=)",
            len(texts),
        )

    def warn_unreadable(self, key: str) -> None:
        """Warn where many answers cannot be read: why, one of them, and what to do."""
        answered = [one for *_, one in self._rows if one.status != adata_keys.NOT_ANSWERED]
        unread = [one for one in answered if one.value is None and one.status != adata_keys.UNKNOWN]
        if not unread or len(unread) <= _MAX_UNREADABLE * len(answered):
            return
        reasons = pd.Series([one.status for one in unread]).value_counts()
        reason = str(reasons.index[0])
        example = next(one.text for one in unread if one.status == reason)
        shown = example if len(example) <= _SHOWN else f"{example[: _SHOWN // 2]} … {example[-_SHOWN // 2 :]}"
        logger.warning(
            "%d of %d answers cannot be read, %d of them for %r: %s. One of them is %r; "
            "sd.get.answers(adata, %r) has all",
            *(len(unread), len(answered), reasons.iloc[0], reason),
            *(_REMEDIES.get(Reason(reason), "pass method='choose' or another model"), shown, key),
        )
