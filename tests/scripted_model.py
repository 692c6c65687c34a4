"""A language model that gives the answers of a test."""

import numpy as np

from sc_duality.models import ModelSpec


class ScriptedModel:
    """A language model that returns given texts, scores and vectors in turn, and records its prompts.

    ``likelihood`` is a function of a prompt and an answer.
    """

    def __init__(self, texts=None, scores=None, likelihood=None, vectors=None, **spec):
        self.spec = ModelSpec(name="scripted", source="scripted", **spec)
        self.texts, self.scores, self.log_likelihood, self.vectors = texts, scores, likelihood, vectors
        #: Prompts of the last call, pairs of the last call of ``likelihood``, and the number of prompts of each call.
        self.prompts, self.scored_pairs, self.n_prompts = [], [], []

    def generate(self, prompts, sampling):
        self.prompts, self.sampling = list(prompts), sampling
        self.n_prompts.append(len(prompts))
        return [self.texts[i % len(self.texts)] for i in range(len(prompts))]

    def score(self, prompts, choices):
        self.prompts, self.choices = list(prompts), list(choices)
        self.n_prompts.append(len(prompts))
        return np.array([self.scores[i % len(self.scores)] for i in range(len(prompts))], dtype=float)

    def likelihood(self, prompts, answers):
        self.scored_pairs = list(zip(prompts, answers, strict=True))
        self.n_prompts.append(len(prompts))
        return np.array([self.log_likelihood(*pair) for pair in self.scored_pairs], dtype=float)

    def embed(self, prompts):
        self.prompts = list(prompts)
        self.n_prompts.append(len(prompts))
        if self.vectors is not None:
            return np.array([self.vectors[i % len(self.vectors)] for i in range(len(prompts))], dtype=np.float32)
        return np.array([[len(prompt), 1.0] for prompt in prompts], dtype=np.float32)
