"""The comparison of two runs of a notebook sees what differs, and forgives what processors may change."""

from __future__ import annotations

import base64
import io
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sc_duality as sd
from tests.notebook_outputs import differences


def shown(value: Any) -> list[dict[str, Any]]:
    """The output of a cell that ends with this value."""
    data = {"text/plain": repr(value)}
    if isinstance(value, pd.DataFrame):
        data["text/html"] = value.to_html()
    return [{"output_type": "execute_result", "data": data}]


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def drawn(*bars: float, width: float = 4.0) -> list[dict[str, Any]]:
    """A cell that draws bars."""
    figure, ax = plt.subplots(figsize=(width, 3))
    ax.bar(range(len(bars)), bars)
    ax.set_ylim(0, 1)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    plt.close(figure)
    return [{"output_type": "display_data", "data": {"image/png": base64.b64encode(file.getvalue()).decode()}}]


@pytest.fixture
def counts() -> pd.DataFrame:
    """Cells and mean counts of every type of real cells."""
    adata = sd.datasets.pbmc3k()
    depth = pd.Series(np.asarray(adata.X.sum(1)).ravel(), index=adata.obs["cell_type"].astype(str))
    return depth.groupby(level=0).agg(["size", "mean"])


@pytest.mark.parametrize("sampled", [False, True])
def test_the_same_agrees(counts: pd.DataFrame, sampled: bool) -> None:
    for outputs in (shown(counts), shown(counts.to_dict()), drawn(0.2, 0.9), [printed("3 cells\n")], []):
        assert not differences(outputs, outputs, sampled=sampled)


def test_a_number_has_a_tolerance(counts: pd.DataFrame) -> None:
    assert not differences(shown(counts), shown(counts.assign(mean=counts["mean"] * 1.02)), sampled=False)
    assert differences(shown(counts), shown(counts.assign(mean=counts["mean"] * 1.2)), sampled=False)
    assert not differences(shown(counts), shown(counts.assign(mean=counts["mean"] * 1.2)), sampled=True)
    assert differences(shown(counts), shown(counts.assign(mean=counts["mean"] * 10)), sampled=True)


def test_one_wrong_number_of_a_table_is_found(counts: pd.DataFrame) -> None:
    wrong = counts.copy()
    wrong.iloc[3, 0] += 20
    assert len(differences(shown(counts), shown(wrong), sampled=False)) == 1


@pytest.mark.parametrize("sampled", [False, True])
def test_a_table_keeps_its_shape(counts: pd.DataFrame, sampled: bool) -> None:
    assert differences(shown(counts), shown(counts.iloc[:-1]), sampled=sampled)
    assert differences(shown(counts), shown(counts[["mean"]]), sampled=sampled)


def test_names_may_differ_in_sampled_cells_only(counts: pd.DataFrame) -> None:
    renamed = counts.rename(index={"B cells": "NK cells"})
    assert differences(shown(counts), shown(renamed), sampled=False) == ["text 'B' is now 'NK'"]
    assert not differences(shown(counts), shown(renamed), sampled=True)


@pytest.mark.parametrize("sampled", [False, True])
def test_pictures(sampled: bool) -> None:
    stored = drawn(0.2, 0.9, 0.5)
    assert not differences(stored, drawn(0.21, 0.88, 0.5), sampled=sampled)
    assert differences(stored, drawn(), sampled=sampled)
    assert differences(stored, drawn(0.2, 0.9, 0.5, width=6.0), sampled=sampled)
    assert differences(stored, shown(3), sampled=sampled)


def test_another_picture_is_found() -> None:
    assert differences(drawn(0.1, 0.1, 0.9), drawn(0.9, 0.9, 0.1), sampled=False)


def test_stderr_and_addresses_do_not_count() -> None:
    stored = [*shown(1), printed("progress", "stderr")]
    assert not differences(stored, shown(1), sampled=False)
    plain = [{"output_type": "execute_result", "data": {"text/plain": f"<Figure at 0x7f{i}a>"}} for i in range(2)]
    assert not differences(plain[:1], plain[1:], sampled=False)


def test_printed_parts_are_one_text() -> None:
    assert not differences([printed("a b"), printed(" c")], [printed("a b c")], sampled=False)
    assert differences([printed("a b c")], [], sampled=False)


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=8), st.integers(0, 7))
def test_any_number_that_doubles_is_found(values: list[float], i: int) -> None:
    changed = list(values)
    changed[i % len(values)] *= 2
    assert not differences(shown(values), shown(values), sampled=False)
    assert differences(shown(values), shown(changed), sampled=False)
