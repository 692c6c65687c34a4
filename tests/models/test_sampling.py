"""Sampling settings: defaults of a tool, and invalid values."""

import numpy as np
import pytest

from sc_duality.models import Sampling, SamplingParams

INVALID = [
    ({"max_tokens": 0}, "max_tokens must be at least 1 and an integer, got 0"),
    ({"max_tokens": 2.5}, "max_tokens must be .*, got 2.5"),
    ({"temperature": -1.0}, "temperature must not be negative or infinite, got -1.0"),
    ({"temperature": float("nan")}, "temperature must not be .*, got nan"),
    ({"temperature": "hot"}, "temperature must not be .*, got 'hot'"),
    ({"top_p": 0.0}, r"top_p must lie in \(0, 1\], got 0.0"),
    ({"top_p": 1.5}, r"top_p must lie in .*, got 1.5"),
]


@pytest.mark.parametrize(("options", "message"), INVALID)
@pytest.mark.parametrize("settings", [Sampling, SamplingParams])
def test_invalid_value_is_refused(settings, options, message):
    with pytest.raises(ValueError, match=message):
        settings(**options)


@pytest.mark.parametrize("n_samples", [0, -1, 1.0, True, "2", None])
def test_n_samples_must_be_a_positive_integer(n_samples):
    with pytest.raises(ValueError, match="n_samples must be at least 1 and an integer"):
        Sampling(n_samples=n_samples)
    assert Sampling(n_samples=np.int64(3)).n_samples == 3


def test_defaults_of_the_tool_fill_what_the_user_left_out():
    tool = {"temperature": 0.7, "max_tokens": 9, "seed": 4}
    assert Sampling().params(**tool) == SamplingParams(9, 0.7, 1.0, 4)
    sampling = Sampling(temperature=0, max_tokens=3, top_p=0.9)
    assert sampling.params(**tool, choices=("a",)) == SamplingParams(3, 0, 0.9, 4, ("a",))
