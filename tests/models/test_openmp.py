"""No nested OpenMP regions while a model computes."""

from __future__ import annotations

import pytest

import sc_duality as sd
from sc_duality.models.engines import one_level
from tests.openmp import active_levels, nested_regions


def test_nested_regions_are_restored_afterwards() -> None:
    with nested_regions():
        with one_level():
            assert active_levels() == {1}
        assert active_levels() == {4}
        with pytest.raises(RuntimeError), one_level():
            raise RuntimeError
        assert active_levels() == {4}


def test_a_model_computes_without_nested_regions() -> None:
    model = sd.models.load("embedded", device="cpu")
    found: list[set[int]] = []
    assert isinstance(model, sd.models.TransformersModel)
    hook = model.model.base_model.register_forward_pre_hook(lambda *_: found.append(active_levels()))
    with nested_regions():
        model.embed(["<annotate> <cell> CD79A MS4A1 CD37 <type>"])
        assert active_levels() == {4}
    hook.remove()
    assert found == [{1}]
