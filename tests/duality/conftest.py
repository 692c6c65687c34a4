"""A model whose numbers are known in advance."""

import numpy as np
import pytest

from sc_duality.models import ModelSpec


class ScriptedModel:
    """A model in the plain prompt format that prefers ``right`` by a factor of three where a prompt has ``sign``."""

    def __init__(self, sign, right, **spec):
        self.spec = ModelSpec(name="scripted", source="scripted", **spec)
        self.sign, self.right = sign, right
        self.generated, self.params = [], None

    def _factor(self, matches):
        return 0.0 if matches else -np.log(3)

    def generate(self, prompts, sampling):
        self.generated, self.params = list(prompts), sampling
        return [self.right if self.sign in prompt else "?" for prompt in prompts]

    def score(self, prompts, choices):
        has_sign = [self.sign in prompt for prompt in prompts]
        return np.array([[self._factor(sign == (text == self.right)) for text in choices] for sign in has_sign])

    def likelihood(self, prompts, answers):
        return np.array([self._factor(self.sign in prompt) for prompt in prompts])

    def embed(self, prompts):
        return np.ones((len(prompts), 2), np.float32)


@pytest.fixture
def scripted_model():
    return ScriptedModel
