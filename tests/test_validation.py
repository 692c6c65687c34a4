from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sc_duality._validation import choice, fraction, is_missing, positive_integer


def test_positive_integers_become_int() -> None:
    for value in (3, np.int64(3), np.uint8(3)):
        assert positive_integer("n_genes", value) == 3
        assert type(positive_integer("n_genes", value)) is int


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.25)])
def test_fractions_become_float(value: Any) -> None:
    assert fraction("share", value) == value
    assert type(fraction("share", value)) is float


@pytest.mark.parametrize("value", [1, -0.1, True, "0.1", None, float("nan")])
def test_other_values_are_no_fractions(value: Any) -> None:
    with pytest.raises(ValueError, match="^share must be a number from 0 to below 1, got "):
        fraction("share", value)


@pytest.mark.parametrize("value", [0, -1, 2.0, "2", True, np.True_, None])
def test_other_values_are_errors(value: Any) -> None:
    with pytest.raises(ValueError, match="^n_genes must be a positive integer, got "):
        positive_integer("n_genes", value)


def test_choice() -> None:
    choice("form", "sample", ["posterior", "sample"])
    with pytest.raises(ValueError, match="^form='samples' is not an option: choose from 'posterior', 'sample'$"):
        choice("form", "samples", ("posterior", "sample"))


@pytest.mark.parametrize(
    "value", [None, np.nan, pd.NA, pd.NaT, np.float32("nan"), "", " ", "nan", "NaN", "NA", "<NA>", "None"]
)
def test_missing_values_and_their_text(value: Any) -> None:
    assert is_missing(value)


@pytest.mark.parametrize("value", ["B cell", "NK", "nan cells", "unknown", 0, 0.0, False, np.int8(1)])
def test_values_that_are_there(value: Any) -> None:
    assert not is_missing(value)
