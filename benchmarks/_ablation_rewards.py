"""Rewards beside the package's own that the ablation compares with: controls, and what was tried on top of duality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

import sc_duality as sd
from sc_duality.models import LanguageModel, SamplingParams
from sc_duality.rewards import rank_weighted_jaccard
from sc_duality.tasks import Annotation, annotation_example

ANNOTATION, FROM_LABEL = Annotation("compact"), Annotation("compact", given="label")


def shown(prompt: str) -> tuple[str, ...]:
    """The genes that a question about a type shows."""
    return tuple(prompt.split("<cell> ")[1].split(" <type>")[0].split())


def label_scores(engine: LanguageModel, prompts: Sequence[str], labels: Sequence[str]) -> NDArray[np.float64]:
    """Log-probability of each label after each question."""
    return log_softmax(engine.score(list(prompts), [ANNOTATION.answer(label) for label in labels]), axis=1)


def dual_scores(engine: LanguageModel, prompts: Sequence[str], labels: Sequence[str]) -> NDArray[np.float64]:
    """Log-probability of each label by the dual alone, from all genes that the question shows."""
    rows = []
    for prompt in prompts:
        example = annotation_example(shown(prompt), labels, hidden_fraction=1.0)
        asked = [FROM_LABEL.dual_prompt(label, example) for label in labels]
        rows.append(engine.likelihood(asked, [FROM_LABEL.dual_answer(example.unknown)] * len(labels)))
    return log_softmax(np.array(rows) / engine.spec.dual_temperature, axis=1)


class PseudoLabel:
    """1 for the answer that the model would have given anyhow, before alignment: self-training without any dual."""

    __name__ = "pseudo_label"

    def __init__(self, engine: LanguageModel, labels: Sequence[str]) -> None:
        self.engine, self.labels = engine, list(labels)

    def scores(self, prompts: Sequence[str]) -> NDArray[np.float64]:
        return label_scores(self.engine, prompts, self.labels)

    def rewards(self, scores: NDArray[np.float64], chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        return (scores.argmax(1) == chosen).astype(float)

    def __call__(self, prompts: Sequence[str], completions: Sequence[str], **_: Any) -> list[float]:
        unique = list(dict.fromkeys(prompts))
        scores = dict(zip(unique, self.scores(unique), strict=True))
        words = {ANNOTATION.answer(label): i for i, label in enumerate(self.labels)}
        chosen = np.array([words.get(text.strip(), -1) for text in completions])
        found = self.rewards(np.array([scores[prompt] for prompt in prompts]), chosen)
        return np.where(chosen < 0, 0.0, found).tolist()


class PriorKept(PseudoLabel):
    """The posterior of both sides: what the model thought of a label before, times what the dual thinks of it."""

    __name__ = "prior_kept"

    def scores(self, prompts: Sequence[str]) -> NDArray[np.float64]:
        both = label_scores(self.engine, prompts, self.labels) / self.engine.spec.temperature
        return log_softmax(both + dual_scores(self.engine, prompts, self.labels), axis=1)

    def rewards(self, scores: NDArray[np.float64], chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.exp(scores[np.arange(len(chosen)), chosen])


class OwnCell:
    """Likeness of a written cell to the one that the model, at its surest, would have written before alignment."""

    __name__ = "own_cell"

    def __init__(self, engine: LanguageModel) -> None:
        self.engine = engine
        self.known: dict[str, tuple[str, ...]] = {}

    def __call__(self, prompts: Sequence[str], completions: Sequence[str], **_: Any) -> list[float]:
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self.known]
        if new:
            texts = self.engine.generate(new, SamplingParams(max_tokens=self.engine.spec.n_genes))
            self.known |= {prompt: once(text or "") for prompt, text in zip(new, texts, strict=True)}
        return [
            rank_weighted_jaccard(self.known[prompt], once(text))
            for prompt, text in zip(prompts, completions, strict=True)
        ]


class Realism:
    """Likeness of a written cell to the most similar of some real cells that the model itself takes for that type.

    No label is read: the real cells are unlabelled, and what type they are is the model's own opinion before alignment.
    """

    __name__ = "realism"

    def __init__(
        self, engine: LanguageModel, cells: Sequence[Sequence[str]], labels: Sequence[str], seed: int, among: int = 16
    ) -> None:
        prompts = [ANNOTATION.prompt(annotation_example(genes, labels)) for genes in cells]
        opinion = label_scores(engine, prompts, labels).argmax(1)
        self.pools = {
            ANNOTATION.answer(label): [tuple(cells[i]) for i in np.flatnonzero(opinion == place)]
            for place, label in enumerate(labels)
        }
        self.rng, self.among = np.random.default_rng(seed), among

    def __call__(self, prompts: Sequence[str], completions: Sequence[str], **_: Any) -> list[float]:
        rewards = []
        for prompt, text in zip(prompts, completions, strict=True):
            pool = self.pools[prompt.split("<type> ")[1].split()[0]]
            some = self.rng.choice(len(pool), min(self.among, len(pool)), replace=False) if pool else ()
            rewards.append(max((rank_weighted_jaccard(pool[i], once(text)) for i in some), default=0.0))
        return rewards


def once(text: str) -> tuple[str, ...]:
    """The genes of a text, each at its first place."""
    return tuple(dict.fromkeys(text.split()))


class Distinct:
    """Share of the genes of a written cell that are named once: a real cell names none twice."""

    __name__ = "distinct"

    def __call__(self, completions: Sequence[str], **_: Any) -> list[float]:
        return [len(once(text)) / max(1, len(text.split())) for text in completions]


def frozen(model: Any) -> LanguageModel:
    """The model before alignment, for rewards that need it."""
    return sd.models.TransformersModel(sd.models.resolve(model))
