"""Real cells, and a model that answers what a test wants."""

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.models import ModelSpec, TransformersModel


@pytest.fixture(autouse=True, scope="package")
def quiet():
    sd.settings.progress = False


@pytest.fixture(autouse=True, scope="package")
def small_batches():
    """A call with few questions fills a batch up, and then costs as much as many: less is filled up here."""
    model = sd.models.load("embedded")
    if not isinstance(model, TransformersModel):
        yield
        return
    usual, model.batch_tokens = model.batch_tokens, 512
    yield
    model.batch_tokens = usual


@pytest.fixture
def cells():
    """Some thirty real cells of PBMC3k with sentences."""
    adata = sd.datasets.pbmc3k()[::10].copy()
    sd.pp.cell_sentences(adata)
    return adata


class Parrot:
    """A language model that says what it is told to, and remembers what it was asked."""

    def __init__(self, texts=None, scores=None, judge=None, vectors=None, **spec):
        self.spec = ModelSpec(name="parrot", source="parrot", **spec)
        self.texts, self.scores, self.judge, self.vectors, self.prompts = texts, scores, judge, vectors, []
        self.asked = []

    def generate(self, prompts, sampling):
        self.prompts, self.sampling = list(prompts), sampling
        self.asked.append(len(prompts))
        return [self.texts[i % len(self.texts)] for i in range(len(prompts))]

    def score(self, prompts, choices):
        self.prompts, self.choices = list(prompts), list(choices)
        self.asked.append(len(prompts))
        return np.array([self.scores[i % len(self.scores)] for i in range(len(prompts))], dtype=float)

    def likelihood(self, prompts, answers):
        self.judged = list(zip(prompts, answers, strict=True))
        self.asked.append(len(prompts))
        return np.array([self.judge(*pair) for pair in self.judged], dtype=float)

    def embed(self, prompts):
        self.prompts = list(prompts)
        self.asked.append(len(prompts))
        if self.vectors is not None:
            return np.array([self.vectors[i % len(self.vectors)] for i in range(len(prompts))], dtype=np.float32)
        return np.array([[len(prompt), 1.0] for prompt in prompts], dtype=np.float32)


@pytest.fixture
def parrot():
    return Parrot
